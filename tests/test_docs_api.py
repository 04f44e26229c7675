"""The reference lists the public names, and the pictures of its groups belong to them."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import pylops_vmb as vmb

PAGE = (Path(__file__).parents[1] / "docs" / "api.rst").read_text(encoding="utf-8")
LISTED = set(re.findall(r"^   ([A-Za-z]\w*(?:\.\w+)*)$", PAGE, re.MULTILINE))
SHOWN = re.findall(r"^\.\. minigallery:: (.+)$", PAGE, re.MULTILINE)
MODULES = {"io", "metrics", "plotting", "testing", "errors"}  # have a page that lists their names


ROOMS = ("survey", "operators", "modelling", "learned", "inversion", "hybrid", "networks")
ROOMS += ("velocity", "training", "training.augmentation", "learned.adaptation")


def resolve(name: str) -> object:
    """Return the object of a dotted name; a function on the front may hide a folder's name."""
    home, _, last = name.rpartition(".")
    return getattr(import_module(home), last)


def test_front_is_listed() -> None:
    rooms = {"inversion", "modelling", "operators", "survey"}  # their names are listed one by one
    assert set(vmb.__all__) - LISTED == {"__version__"} | rooms


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_listed(room: str) -> None:
    """Each name under its room or on the front; constants are named in the text."""
    listed = {name.rpartition(".")[2] for name in LISTED}
    missing = set(import_module(f"pylops_vmb.{room}").__all__) - listed
    assert [name for name in sorted(missing) if f"``{room}.{name}``" not in PAGE] == []


@pytest.mark.parametrize("name", sorted(LISTED))
def test_listed_name_is_there(name: str) -> None:
    parts = f"pylops_vmb.{name}"
    try:
        assert resolve(parts) is not None
    except AttributeError:
        assert import_module(parts) is not None


@pytest.mark.parametrize("name", sorted({name for line in SHOWN for name in line.split()}))
def test_group_shows_what_uses_a_listed_name(name: str) -> None:
    short = name.removeprefix("pylops_vmb.")
    assert short in LISTED or short.split(".")[0] in MODULES
