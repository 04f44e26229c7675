"""Figures that are kept: one JSON file of many benchmarks, and the page that shows them."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.page import between, bullets, list_table
from tests.benchmarks.report import Report, machine, versions


def keep(path: Path, report: Report) -> None:
    """Write a report into a JSON file; those of other benchmarks stay."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    measured = {"day": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": versions()}
    kept[report.name] = report.to_dict() | measured
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def fill(page: Path, figures: Path) -> None:
    """Write the table of each kept benchmark between its two marks on a page.

    A page without marks for a benchmark is left without its table.
    """
    text = page.read_text(encoding="utf-8")
    for name, report in json.loads(figures.read_text(encoding="utf-8")).items():
        if f".. {name}: begin\n" in text:
            between(page, name, section(report))


def section(report: Mapping[str, Any]) -> str:
    """Return a report as RST: the table, its notes, and where it was measured."""
    where, version = report["machine"], report["versions"]
    packages = ", ".join(f"{name} {number}" for name, number in version.items() if number)
    measured = (
        f"Measured {report['day']} on {where['processor']}, {where['cores_usable']} cores, "
        f"OMP_NUM_THREADS {where['OMP_NUM_THREADS']}, Python {where['python']}; {packages}."
    )
    notes = [literal(note) for note in report["notes"]]
    return "\n".join(
        [
            f"*{report['title']}*\n",
            list_table(without_repeats(report["rows"])),
            bullets([*notes, measured]),
        ]
    )


def without_repeats(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows whose leading words are left out where the row above has the same.

    Examples
    --------
    >>> without_repeats([{"size": "s", "call": "f", "ms": 1}, {"size": "s", "call": "g", "ms": 1}])
    [{'size': 's', 'call': 'f', 'ms': 1}, {'size': '', 'call': 'g', 'ms': 1}]
    """
    shown, above = [], {}
    for row in rows:
        kept, same = dict(row), True
        for key, value in row.items():
            same = same and isinstance(value, str) and above.get(key) == value
            if same:
                kept[key] = ""
        shown.append(kept)
        above = dict(row)
    return shown


def literal(text: str) -> str:
    r"""Return a sentence in which nothing is markup.

    Examples
    --------
    >>> print(literal("a * b"))
    a \* b
    """
    return "".join(f"\\{char}" if char in "*`|_\\" else char for char in text)
