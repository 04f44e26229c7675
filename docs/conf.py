"""Sphinx settings."""

import zlib
from pathlib import Path

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
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "tables"]
default_role = "py:obj"

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"pylops_vmb {release}"
html_show_sourcelink = False

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
