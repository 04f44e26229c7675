"""A benchmark's result: a table for people, plain numbers for JSON, and where it was measured."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("pylops-vmb", "pylops", "torch", "deepwave", "numpy", "scipy")


class NotMeasuredError(Exception):
    """A benchmark cannot run here; the message says what it needs."""


@dataclass(frozen=True)
class Report:
    """One table.

    Parameters
    ----------
    name, title : :obj:`str`
        Of the benchmark.
    rows : sequence of :obj:`dict`
        Values by column; a column that a row lacks stays empty.
    notes : sequence of :obj:`str`, optional
        Sentences below the table: how it was measured, targets and whether they are met.
    settings : :obj:`dict`, optional
        What reproduces it, seeds included.
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, numbers and strings."""
        return {
            "title": self.title,
            "settings": dict(self.settings),
            "rows": [dict(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        lines = [columns, *([_cell(row.get(key)) for key in columns] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [_line(line, widths) for line in lines]
        table.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([f"{self.name}: {self.title}", *table, *(f"* {n}" for n in self.notes)])


def verdict(what: str, value: float, *, at_most: float | None = None, at_least: float = 0.0) -> str:
    """Word a figure beside its target.

    Examples
    --------
    >>> verdict("overhead in %", 1.23, at_most=3.0)
    'overhead in %: 1.23, target at most 3: met'
    """
    met = value <= at_most if at_most is not None else value >= at_least
    target = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    return f"{what}: {value:.3g}, target {target}: {'met' if met else 'MISSED'}"


def machine() -> dict[str, Any]:
    """Return what timings depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cores_usable": _usable(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "unset"),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
    }


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that take part; None where one is missing."""
    return {name: _version(name) for name in PACKAGES}


def threads() -> str:
    """Word how many cores and threads a benchmark ran on."""
    asked = os.environ.get("OMP_NUM_THREADS", "unset")
    return f"{_usable()} of {os.cpu_count()} cores, OMP_NUM_THREADS {asked}"


def data_folder() -> Path:
    """Return the folder of outside data.

    Raises
    ------
    NotMeasuredError
        If the environment variable ``VMB_DATA`` does not name one.
    """
    folder = os.environ.get("VMB_DATA")
    if not folder or not Path(folder).is_dir():
        raise NotMeasuredError("needs outside data: set VMB_DATA to its folder")
    return Path(folder)


def _usable() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(w) if i == 0 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()
