"""The history of a training: one row an epoch, as a table, in a file, and its best epoch."""

import csv
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.io._atomic import atomic_path

Row = dict[str, Any]
_FORMATS = {"epoch": "d", "lr": ".2e", "seconds": ".1f", "mae": ".1f", "rmse": ".1f"}
_RISING = ("ssim",)
"""Columns in which more is better."""


class History(list[Row]):
    """One dictionary an epoch; a list, so that it can be stored and indexed as one.

    The columns are ``epoch`` (from 1), ``loss`` (mean over the samples of the epoch) and other
    losses of the method, ``mae`` and ``rmse`` in m/s and ``ssim`` of the averaged network on
    the validation set, ``lr`` and ``seconds``.

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 0.5, "mae": 301.25}])
    >>> history.append({"epoch": 2, "loss": 0.25, "mae": 154.0})
    >>> history.best("mae")
    1
    >>> print(history)
    epoch    loss    mae
        1  0.5000  301.2
        2  0.2500  154.0
    """

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of their first row."""
        return list(dict.fromkeys(name for row in self for name in row))

    def table(self) -> str:
        """Return the rows as text, right-aligned under their names."""
        names = self.columns
        cells = [names, *([_text(name, row.get(name)) for name in names] for row in self)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in cells
        )

    __str__ = table

    def best(self, column: str) -> int | None:
        """Return the place of the best row by a column, the first among equals; None if empty.

        The smallest value is the best, the largest for ``ssim``.

        Raises
        ------
        VMBValueError
            If there is no such column.
        """
        if not self:
            return None
        if column not in self.columns:
            refuse("monitor", "is no column of the history", got=column, do=_one_of(self.columns))
        sign = -1.0 if column in _RISING else 1.0
        values = [sign * float(row.get(column, sign * math.inf)) for row in self]
        return values.index(min(values))

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows as comma-separated values, whole or not at all.

        Raises
        ------
        VMBFileError
            If the folder is missing.
        """
        with atomic_path(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self)


def _text(name: str, value: Any) -> str:
    return "" if value is None else format(value, _FORMATS.get(name, ".4f"))


def _one_of(names: list[str]) -> str:
    return f"Use one of {', '.join(map(repr, names))}"


def added(sums: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return sums over parts as sums over all, name by name."""
    total: dict[str, float] = {}
    for part in sums:
        for name, value in part.items():
            total[name] = total.get(name, 0.0) + value
    return total


def means(sums: Mapping[str, float], count: float) -> dict[str, float]:
    """Return sums over samples as means."""
    return {name: value / count for name, value in sums.items()}
