"""Figures of benchmarks: kept beside one another, and shown on a page."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.kept import fill, keep, literal, section
from tests.benchmarks.report import Report

PAGE = "Title\n=====\n\n.. one: begin\n.. one: end\n\nText.\n\n.. two: begin\nold\n.. two: end\n"


def report(name: str, value: float = 1.75) -> Report:
    rows = [{"call": "forward", "ours ms": value}, {"call": "J.H @ r", "ours ms": None}]
    return Report(name, f"what {name} costs", rows, notes=["a * b, `x` and c_: met"])


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "figures.json"
    keep(path, report("one"))
    keep(path, report("two", 3.25))
    return path


def test_a_new_report_takes_the_place_of_the_old_one_and_of_no_other(figures: Path) -> None:
    keep(figures, report("one", 7.0))
    kept = json.loads(figures.read_text())
    assert [kept[name]["rows"][0]["ours ms"] for name in ("one", "two")] == [7.0, 3.25]
    assert kept["one"]["versions"]["torch"]
    assert kept["one"]["machine"]["cores_usable"]
    assert [path.name for path in figures.parent.iterdir()] == ["figures.json"]


def test_a_page_is_filled_between_its_marks_as_often_as_one_likes(
    figures: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.rst"
    page.write_text(PAGE)
    fill(page, figures)
    once = page.read_text()
    fill(page, figures)
    assert page.read_text() == once
    assert "old" not in once
    assert once.index("1.75") < once.index("Text.") < once.index("3.25")


def test_a_section_is_a_table_and_notes_without_markup(figures: Path) -> None:
    lines = section(json.loads(figures.read_text())["one"]).splitlines()
    assert lines[2:10] == [
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - call",
        "     - ours ms",
        "   * - forward",
        "     - 1.75",
        "   * - J.H @ r",
    ]
    assert r"* a \* b, \`x\` and c\_: met" in lines
    assert lines[-1].startswith("* Measured 20")


def test_what_is_literal() -> None:
    assert literal("a*b|c") == r"a\*b\|c"


def test_the_group_runs_its_members_and_keeps_each_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, path = tmp_path / "page.rst", tmp_path / "figures.json"
    page.write_text(PAGE.replace("one", benchmarks.PEERS[0]))
    ran = []

    def run(options: object) -> Report | None:
        name = options.name  # type: ignore[attr-defined]
        ran.append(name)
        if name == benchmarks.PEERS[-1]:
            raise KeyboardInterrupt
        return report(name)

    monkeypatch.setattr(benchmarks, "report_of", run)
    with pytest.raises(KeyboardInterrupt):
        benchmarks.main(["peers", "--json", str(path), "--page", str(page)])
    assert tuple(ran) == benchmarks.PEERS
    assert set(json.loads(path.read_text())) == set(benchmarks.PEERS[:-1])
    assert set(benchmarks.PEERS) <= set(benchmarks.NAMES)
