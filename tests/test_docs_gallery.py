"""The scripts of the gallery: what runs when, and the form that every page keeps."""

import ast
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pylops_vmb as vmb
from tests.scripts import load

DOCS = Path(__file__).parents[1] / "docs"
SCRIPTS = sorted([*DOCS.glob("examples/*.py"), *DOCS.glob("tutorials/*.py")])
USERS_HAVE = {"pylops_vmb", "numpy", "scipy", "pylops", "pyproximal", "matplotlib", "torch"}
LONGEST = 250  # lines
every_page = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    """Return the settings of the gallery."""
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    return load(DOCS / "_gallery.py")


def imported(tree: ast.Module) -> set[str]:
    """Return the modules that a script imports, wherever it does."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    ("choice", "example", "tutorial"),
    [("all", True, True), ("fast", True, False), ("none", False, False)],
)
def test_what_runs(gallery: ModuleType, choice: str, example: bool, tutorial: bool) -> None:
    pattern = gallery.pattern(choice)
    assert bool(re.search(pattern, "/x/docs/examples/plot_a.py")) is example
    assert bool(re.search(pattern, "/x/docs/tutorials/plot_a.py")) is tutorial


def test_unknown_choice_is_refused(gallery: ModuleType) -> None:
    with pytest.raises(ValueError, match="must be one of all, fast, none, got 'some'"):
        gallery.pattern("some")


def test_pages_stand_in_reading_order(gallery: ModuleType) -> None:
    names = {script.stem.removeprefix("plot_") for script in SCRIPTS}
    assert set(gallery.READING_ORDER) <= names
    ordered = (*gallery.READING_ORDER, "another", "unknown")
    keys = [gallery.reading_order(f"/x/plot_{name}.py") for name in ordered]
    assert keys == sorted(keys)


@every_page
def test_page_has_a_title_blocks_and_ends_in_an_assertion(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, line = (ast.get_docstring(tree) or "").split("\n")[:2]
    assert title
    assert line == "=" * len(title)
    assert "\n# %%\n" in text
    last = [node for statement in tree.body[-3:] for node in ast.walk(statement)]
    assert any(isinstance(node, ast.Assert) for node in last)
    assert text.count("\n") <= LONGEST


@every_page
def test_page_uses_public_names_and_what_users_have(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    names = imported(tree)
    roots = {name.partition(".")[0] for name in names}
    assert roots - USERS_HAVE <= sys.stdlib_module_names
    assert not [name for name in names if name.startswith("pylops_vmb") and "._" in name]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "vmb"
    }
    assert used <= set(vmb.__all__)
