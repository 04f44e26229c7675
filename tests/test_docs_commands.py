"""The commands that the pages show: each parses, each runs, and the pictures are there."""

import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from pylops_vmb.cli._parsing import COMMANDS, parse
from tests.scripts import load

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.rst"))
CAPTIONED = re.compile(r"   :caption: (\S+)\n\n((?:\n| {3}.*\n)+)")


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    """Return the script that draws the pictures of the pages."""
    return load(DOCS / "pictures.py")


def commands(page: Path, pictures: ModuleType) -> list[list[str]]:
    """Return the command lines of a page, without the name of the program."""
    shown = [shlex.split(text) for kind, text in pictures.steps(page) if kind == "console"]
    return [words[1:] for words in shown if words[0] == "pylops-vmb"]


def write_captioned(page: Path, folder: Path) -> list[Path]:
    """Write the files that a page shows under their names."""
    files = []
    for name, body in CAPTIONED.findall(page.read_text(encoding="utf-8")):
        files.append(folder / name)
        files[-1].write_text("\n".join(line[3:] for line in body.splitlines()), encoding="utf-8")
    return files


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_the_pages_parse(
    page: Path, pictures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_captioned(page, tmp_path)
    for argv in commands(page, pictures):
        if not any(word.endswith(".report.json") for word in argv):  # there is none yet
            assert parse(argv).command == argv[0]


def test_page_on_the_command_line_shows_every_command(pictures: ModuleType) -> None:
    shown = {argv[0] for argv in commands(DOCS / "command_line.rst", pictures)}
    assert shown == set(COMMANDS)


def test_files_of_options_on_the_page_are_read(tmp_path: Path) -> None:
    (path,) = write_captioned(DOCS / "command_line.rst", tmp_path)
    assert tomllib.loads(path.read_text(encoding="utf-8"))["invert"]["bands"] == [8, "full"]
    args = parse(["invert", "--config", str(path)])
    assert (args.bands, args.out) == ((8.0, None), Path("fwi.npz"))


def test_yaml_of_the_page_is_read(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs PyYAML")
    text = (DOCS / "command_line.rst").read_text(encoding="utf-8")
    body = text.split(".. code-block:: yaml\n\n")[1].split("\n\n")[0]
    (tmp_path / "run.yaml").write_text("\n".join(line[3:] for line in body.splitlines()))
    args = parse(["invert", "--config", str(tmp_path / "run.yaml")])
    assert (args.method, args.dims) == ("fwi", [70, 70])


def test_pictures_are_there_and_small(pictures: ModuleType) -> None:
    text = pictures.PAGE.read_text(encoding="utf-8")
    drawn = set(re.findall(r"--out (qc_\w+\.png)", text))
    assert drawn == set(re.findall(r"_static/(qc_\w+\.png)", text))
    sizes = {path.name: path.stat().st_size for path in (DOCS / "_static").glob("qc_*.png")}
    assert set(sizes) == drawn
    assert sum(sizes.values()) < 600_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["command_line", "quality_control"])
def test_pages_run(
    name: str, pictures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = DOCS / f"{name}.rst"
    monkeypatch.chdir(tmp_path)
    write_captioned(page, tmp_path)
    names: dict[str, object] = {}
    for step in pictures.steps(page):
        pictures.run(step, names)
