"""The tables of the documentation on damaged data: one line a severity, the networks beside."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.hybrid.damage import KINDS
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.sheets import fragment
from tests.benchmarks.report import Report

NAMES = {"network": "full", "network-lowcut": "low-cut", "network-robust": "robust"}
"""What the networks are called, by method."""
LOW = KINDS["lowcut"]


def write_fragments(path: Path, report: Report) -> None:
    """Write the damage except low-cuts to a file, and the low-cuts to one beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    low = [row for row in report.rows if row["damage"] == LOW]
    other = [row for row in report.rows if row["damage"] != LOW]
    for rows, name in ((other, path.name), (low, f"{path.stem}_lowcut{path.suffix}")):
        sheet = replace(report, rows=beside(rows), notes=[])
        path.with_name(name).write_text(fragment(sheet), encoding="utf-8")


def beside(rows: Sequence[Row]) -> list[Row]:
    """Return one line for each severity, with what each network and other start has there."""
    lines: dict[tuple[str, str], Row] = {}
    for row in rows:
        what = {"damage": row["damage"], "severity": row["severity"]}
        line = lines.setdefault((row["damage"], row["severity"]), what)
        for title in ("linear", "oracle"):
            if row.get(title) is not None:
                line[f"{title if title == 'linear' else 'ORACLE'} + FWI"] = row[title]
        name = NAMES[row["network"]]
        line |= {name: row["before"], f"{name} + FWI": row["after"]}
        if row["recovered"] is not None:
            line[f"{name}: part recovered"] = f"{row['recovered']:.2f}"
    kinds = {what for what, _ in lines}
    if len(kinds) == 1:
        lines = {key: {k: v for k, v in row.items() if k != "damage"} for key, row in lines.items()}
    return list(lines.values())
