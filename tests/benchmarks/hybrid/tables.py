"""Rows of runs to tables of means and spreads: only models that every method has."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from tests.benchmarks.hybrid.jobs import Row

SCORES = {
    "MAE": "mae",
    "RMSE": "rmse",
    "SSIM": "ssim",
    "SSIM 7 x 7": "ssim_uniform",
    "misfit": "misfit",
}
"""Columns of a table and of the rows; each has its spread, ``MAE ±``, beside it."""
ALONE = "network alone, no FWI"


def paired(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of the models that all methods of their condition have, the last of each."""
    newest = {(row["condition"], row["model"], row["method"]): row for row in rows}
    methods: dict[str, set[str]] = defaultdict(set)
    done: dict[tuple[str, str], set[str]] = defaultdict(set)
    for condition, model, method in newest:
        methods[condition].add(method)
        done[condition, model].add(method)
    return [
        row
        for (condition, model, _), row in newest.items()
        if done[condition, model] == methods[condition]
    ]


def groups(rows: Iterable[Row], *keys: str) -> dict[tuple[str, ...], list[Row]]:
    """Return rows by the values of some of their columns, in the order of the first of each."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    return dict(found)


def in_order(rows: Iterable[Row], **orders: Sequence[str]) -> list[Row]:
    """Return rows sorted by columns, each in a given order of its values."""
    return sorted(rows, key=lambda row: [list(o).index(row[k]) for k, o in orders.items()])


def summary(rows: Sequence[Row]) -> Row:
    """Return means and spreads over the runs of one method."""
    table: Row = {"models": len(rows), "start MAE": mean(row["start_mae"] for row in rows)}
    table["start misfit"] = mean(row["start_misfit"] for row in rows)
    table |= scores(rows)
    table["iterations"] = mean(row["iterations"] for row in rows)
    table["gradients"] = mean(row["gradients"] for row in rows)
    table["CPU s"] = mean(row["cpu_seconds"] for row in rows)
    table["median s"] = median(row["seconds"] for row in rows)
    return table


def scores(rows: Sequence[Row], prefix: str = "") -> Row:
    """Return mean and spread (standard deviation over models) of every score."""
    table: Row = {}
    for title, name in SCORES.items():
        values = [row[prefix + name] for row in rows]
        table[title] = mean(values)
        table[f"{title} ±"] = stdev(values) if len(values) > 1 else None
    return table


def ratio(
    these: Sequence[Row], those: Sequence[Row], score: Callable[[Row], float] | str = "mae"
) -> float:
    """Return the ratio of the means of a score of two methods."""
    value = score if callable(score) else lambda row: float(row[score])
    return mean(map(value, these)) / mean(map(value, those))


def middle(values: Iterable[float]) -> float:
    """Return the median; infinite values are as good as any."""
    return float(median(sorted(values)))


def worse(these: Sequence[Row], those: Sequence[Row], *, by: float = 0.05) -> int:
    """Count the models on which a method's MAE exceeds another's by more than a fraction."""
    other = {row["model"]: row["mae"] for row in those}
    return sum(row["mae"] > (1.0 + by) * other[row["model"]] for row in these)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with all their columns; lists and dicts as words."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_plain(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return " ".join("full" if entry is None else f"{entry:.4g}" for entry in value)
    return value
