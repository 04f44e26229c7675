"""The page on extending: its code runs, and the files, lists and tests that it names are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pylops_vmb as vmb
from pylops_vmb.networks import registry
from pylops_vmb.velocity import VelocityGenerator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.rst"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^\.\. code-block:: python\n((?:\n| {3}.*\n)+)", re.MULTILINE)


@pytest.fixture
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the network and the generator of the page after the test."""
    monkeypatch.setattr(registry, "_NETWORKS", dict(registry._NETWORKS))
    monkeypatch.setattr(VelocityGenerator, "_families", dict(VelocityGenerator._families))


def blocks() -> Iterator[tuple[int, str]]:
    """Yield the line before each block, and its code."""
    for match in BLOCK.finditer(TEXT):
        code = "\n".join(line[3:] for line in match.group(1).splitlines())
        yield TEXT.count("\n", 0, match.start(1)), code


@pytest.mark.usefixtures("nothing_stays")
def test_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "extending"}
    for before, code in blocks():
        exec(compile("\n" * before + code, str(PAGE), "exec"), names)
    assert {"result", "mixture", "same", "Slowness"} <= set(names)
    assert "pooled" in vmb.networks.available()
    assert not list(tmp_path.iterdir())


def test_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"``((?:pylops_vmb|tests|docs)/[\w/.]+|velocity/\w+\.py|[A-Z]+\.md)``", TEXT)
    assert len(named) > 10
    homes = (ROOT, ROOT / "pylops_vmb")
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []
    families = (ROOT / "tests/velocity/test_generators.py").read_text(encoding="utf-8")
    misfits = (ROOT / "pylops_vmb/inversion/misfits.py").read_text(encoding="utf-8")
    assert "\nFAMILIES = [" in families
    assert "\nMISFITS = {" in misfits
