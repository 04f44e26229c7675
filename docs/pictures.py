"""Draw the committed pictures by running the pages that make them, in an empty folder.

``python docs/pictures.py`` draws those of the page on quality control and the front page's;
``python docs/pictures.py hybrid`` the latter alone.
"""

import contextlib
import re
import runpy
import shlex
import sys
import tempfile
from pathlib import Path

import matplotlib
from PIL import Image

from pylops_vmb.cli import main

DOCS = Path(__file__).parent
PAGE = DOCS / "quality_control.rst"
BLOCK = re.compile(r"^\.\. code-block:: (console|python)\n((?:\n| {3}.*\n)+)", re.MULTILINE)
WIDTH, COLOURS = 900, 64


def steps(page: Path) -> list[tuple[str, str]]:
    """Return the commands and the Python of a page, in order."""
    found = []
    for kind, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        lines = [line[3:] for line in body.splitlines()]
        if kind == "python":
            found.append((kind, "\n".join(lines)))
        else:
            found += [(kind, line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    return found


def run(step: tuple[str, str], names: dict[str, object]) -> None:
    """Run one step; Python shares its names."""
    kind, text = step
    if kind == "python":
        exec(text, names)
        return
    program, *argv = shlex.split(text)
    if program != "pylops-vmb" or main(argv) != 0:
        sys.exit(f"failed: {text}")


def shrink(picture: Path, target: Path, *, width: int = WIDTH, colours: int = COLOURS) -> None:
    """Write a picture with fewer pixels and colours."""
    image = Image.open(picture).convert("RGB")
    image.thumbnail((width, width), Image.Resampling.LANCZOS)
    image.quantize(colours, dither=Image.Dither.NONE).save(target, optimize=True)


def quality_control() -> None:
    """Draw the pictures of the page on quality control."""
    shared: dict[str, object] = {}
    for step in steps(PAGE):
        run(step, shared)
    for picture in sorted(Path().glob("qc_*.png")):
        shrink(picture, DOCS / "_static" / picture.name)


def hybrid() -> None:
    """Draw the picture of the front page, the last one of the tutorial."""
    fig = runpy.run_path(str(DOCS / "tutorials" / "plot_hybrid.py"))["fig"]
    fig.savefig("hybrid.png", dpi=160)
    shrink(Path("hybrid.png"), DOCS / "_static" / "hybrid.png", width=1400, colours=256)


if __name__ == "__main__":
    matplotlib.use("agg")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        if sys.argv[1:] != ["hybrid"]:
            quality_control()
        hybrid()
