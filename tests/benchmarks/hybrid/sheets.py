"""Rows of a benchmark as CSV and as an RST table, and the options and files that all have."""

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from tests.benchmarks.hybrid.jobs import Row, read_rows, run_jobs
from tests.benchmarks.hybrid.rows import Run
from tests.benchmarks.report import NotMeasuredError, Report


def add_common(parser: argparse.ArgumentParser, name: str, *, niter: int) -> None:
    """Declare the options that all of these benchmarks have."""
    parser.add_argument("--out", type=Path, default=Path("runs") / name, metavar="DIR")
    parser.add_argument("--report", action="store_true", help="no runs, only what is there")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write an RST fragment here")
    parser.add_argument("--processes", type=int, default=1, help="workers of one thread each")
    text = f"iterations a band (default {niter})"
    parser.add_argument("--niter", type=int, default=niter, help=text)


def measured(options: argparse.Namespace, runs: Iterable[Run]) -> dict[str, Row]:
    """Do what is missing, and return the rows of these runs by key.

    Raises
    ------
    NotMeasuredError
        If there is none.
    """
    jobs = {run.key: run for run in runs}
    if not options.report:
        run_jobs(options.out, jobs, processes=options.processes)
    found = {key: row for key, row in read_rows(options.out).items() if key in jobs}
    if not found:
        raise NotMeasuredError(f"needs runs in {options.out}: leave --report out")
    return found


def publish(options: argparse.Namespace, report: Report, runs: Mapping[str, Row]) -> Report:
    """Write the table and the runs behind it as CSV, and the RST fragment if it is asked for."""
    options.out.mkdir(parents=True, exist_ok=True)
    write_csv(options.out / f"{report.name}.csv", report.rows)
    write_csv(options.out / f"{report.name}-runs.csv", list(runs.values()))
    if options.docs:
        options.docs.write_text(fragment(report), encoding="utf-8")
    return report


def save(figure: Any, path: Path) -> None:
    """Write a figure and forget it."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where there is something to draw

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows; a column that a row lacks stays empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def fragment(report: Report) -> str:
    """Return a report as RST: a table with its title, and the notes as a list."""
    names = columns(report.rows)
    lines = [names, *([_cell(row.get(name)) for name in names] for row in report.rows)]
    table = [f".. list-table:: {report.title}", "   :header-rows: 1", ""]
    for line in lines:
        first, *rest = (cell.replace("*", r"\*") for cell in line)
        table += [f"   * - {first}".rstrip(), *(f"     - {cell}".rstrip() for cell in rest)]
    return "\n".join([*table, "", *(f"* {note}" for note in report.notes), ""])


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all columns, in the order in which they appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def average(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """Return the mean of a column."""
    return mean(row[key] for row in rows)


def spread(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Return the standard deviation of a column over models; None of fewer than two."""
    return stdev(row[key] for row in rows) if len(rows) > 1 else None


def costs(rows: Sequence[Mapping[str, Any]]) -> Row:
    """Return what a run cost, in the mean."""
    return {key: average(rows, key) for key in ("iterations", "gradients", "seconds")}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
