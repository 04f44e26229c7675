"""The page on compatibility says what pyproject.toml accepts and constraints.txt pins."""

import re
import tomllib
from pathlib import Path

import pytest

from pylops_vmb import __version__

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "compatibility.rst").read_text(encoding="utf-8")
ROW = re.compile(r"^   \* - ([\w-]+)\n     - (>=\S+)\n     - (\S+)\n", re.MULTILINE)
SHOWN = {name: (accepted, tested) for name, accepted, tested in ROW.findall(PAGE)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("plot", "prox", "mpi", "mat73", "yaml")


def accepted() -> dict[str, str]:
    """Return the ranges of what users install, by name."""
    lines = list(PROJECT["dependencies"])
    lines += [line for extra in EXTRAS for line in PROJECT["optional-dependencies"][extra]]
    return {re.split(r"[<>=]", line)[0]: line[len(re.split(r"[<>=]", line)[0]) :] for line in lines}


def pinned() -> dict[str, str]:
    """Return the versions of the constraints, by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_page_lists_what_users_install() -> None:
    assert set(SHOWN) == {"Python", *accepted()}


@pytest.mark.parametrize("name", accepted())
def test_versions_are_those_of_the_files(name: str) -> None:
    assert SHOWN[name] == (accepted()[name], pinned()[name])


def test_python_is_the_one_required() -> None:
    assert SHOWN["Python"][0] == PROJECT["requires-python"]


def test_page_on_citing_names_this_version() -> None:
    text = (ROOT / "docs" / "citing.rst").read_text(encoding="utf-8")
    assert f"version = {{{__version__}}}" in text
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
