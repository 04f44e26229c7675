"""Sphinx settings."""

import os
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

os.environ.setdefault("TQDM_DISABLE", "1")  # before tqdm is imported: no bars on the pages

import _gallery

from pylops_vmb import __version__

project = "pylops_vmb"
author = "The pylops_vmb developers"
copyright = "The pylops_vmb developers"
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "_short_names",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "tables", "examples", "tutorials"]
default_role = "py:obj"

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"pylops_vmb {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {"show_toc_level": 2, "header_links_before_dropdown": 6}
html_sidebars = {"index": []}

# A site that cannot be reached costs its links, not the build: an empty inventory stands in.
offline = Path(__file__).parent / "_build" / "offline.inv"
offline.parent.mkdir(exist_ok=True)
header = (
    b"# Sphinx inventory version 2\n# Project: offline\n# Version: 0\n# compressed using zlib.\n"
)
offline.write_bytes(header + zlib.compress(b""))

sites = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "torch": "https://docs.pytorch.org/docs/stable/",
    "pylops": "https://pylops.readthedocs.io/en/stable/",
    "pyproximal": "https://pyproximal.readthedocs.io/en/stable/",
}
intersphinx_mapping = {name: (url, (None, str(offline))) for name, url in sites.items()}
intersphinx_timeout = 5

sphinx_gallery_conf = {
    "examples_dirs": ["examples", "tutorials"],
    "gallery_dirs": ["gallery/examples", "gallery/tutorials"],
    "filename_pattern": _gallery.pattern(os.environ.get("VMB_GALLERY", "all")),
    "within_subsection_order": "_gallery.reading_order",
    "minigallery_sort_order": "_gallery.reading_order",
    "abort_on_example_error": True,
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("pylops_vmb",),
    "image_srcset": ["2x"],
    "ignore_repr_types": r"matplotlib|numpy\.ndarray",
    "reset_modules": ("matplotlib", "_gallery.reset_pictures"),
    "remove_config_comments": True,
    "show_signature": False,
    "thumbnail_size": (400, 280),
    "write_computation_times": False,
}
