"""One pass over the trace headers of a SEG-Y file: what they say, and which traces belong together.

Memory is that of one piece and of the runs: traces that stand together and share shot,
source and life.  A file that is sorted by shots has a run a shot; one that is sorted
otherwise up to one a trace.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pylops_vmb.io._segy_layout import Layout
from pylops_vmb.io._segy_traces import Floats, Headers, delays, depths, headers, lengths

PIECE = 4096
DEAD = (2, 3)
"""Trace identification codes of traces without data: dead and dummy."""
AUXILIARY = (*range(4, 11), *range(18, 23))
"""Codes of what is no recording of a receiver: timing, sweeps, source signatures, vibrators."""
RUN = np.dtype(
    [
        ("start", "i8"),
        ("stop", "i8"),
        ("dead", "?"),
        ("fldr", "i8"),
        ("ep", "i8"),
        ("x", "f8"),
        ("y", "f8"),
        ("z", "f8"),
    ]
)
_SAME = [name for name in RUN.names or () if name not in ("start", "stop")]

Runs = NDArray[np.void]


@dataclass
class Span:
    """Least and largest value that was seen."""

    least: float = np.inf
    largest: float = -np.inf

    def add(self, values: Floats) -> None:
        """See some more."""
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.largest = max(self.largest, float(values.max()))

    @property
    def width(self) -> float:
        """Distance of the two, 0 if nothing was seen."""
        return max(self.largest - self.least, 0.0)

    @property
    def reach(self) -> float:
        """Largest absolute value, 0 if nothing was seen."""
        return max(self.largest, -self.least, 0.0)

    @property
    def pair(self) -> tuple[float, float]:
        """Both, 0 if nothing was seen."""
        return (self.least, self.largest) if self.least <= self.largest else (0.0, 0.0)


@dataclass
class Scan:
    """What the trace headers say; positions in m, of the traces that have any."""

    runs: Runs = field(default_factory=lambda: np.empty(0, RUN))
    counts: set[int] = field(default_factory=set)
    intervals: set[int] = field(default_factory=set)
    kinds: Counter[int] = field(default_factory=Counter)
    units: int = 0
    delay: Span = field(default_factory=Span)
    xs: Span = field(default_factory=Span)
    ys: Span = field(default_factory=Span)
    xr: Span = field(default_factory=Span)
    yr: Span = field(default_factory=Span)

    @property
    def reach(self) -> float:
        """Largest absolute coordinate."""
        return max(self.xs.reach, self.ys.reach, self.xr.reach, self.yr.reach)

    def count(self, kinds: tuple[int, ...]) -> int:
        """Return the number of traces with one of these identification codes."""
        return sum(self.kinds[kind] for kind in kinds)


def scan(layout: Layout) -> Scan:
    """Go through all trace headers once."""
    found, runs = Scan(), []
    for first in range(0, layout.ntraces, PIECE):
        head = headers(layout, first, min(first + PIECE, layout.ntraces))
        found.kinds.update(head["trid"].tolist())
        found.counts.update(np.unique(head["ns"]).tolist())
        found.intervals.update(np.unique(head["dt"]).tolist())
        found.units = max(found.units, int(head["counit"].max()))
        runs.append(_runs(layout, head, first))
        _see(found, layout, head)
    found.runs = _merged(np.concatenate(runs))
    return found


def positions(layout: Layout, head: Headers) -> tuple[Floats, Floats, Floats, Floats]:
    """Return source x and y and receiver x and y, m."""
    xs, ys, xr, yr = lengths(head, "sx", "sy", "gx", "gy", scalar="scalco", metre=layout.metre)
    return xs, ys, xr, yr


def placed(head: Headers) -> Headers:
    """Leave out auxiliary traces, and dead ones that were given no position."""
    nowhere = np.logical_and.reduce([head[name] == 0 for name in ("sx", "sy", "gx", "gy")])
    dead = np.isin(head["trid"], DEAD)
    chosen: Headers = head[~(np.isin(head["trid"], AUXILIARY) | (dead & nowhere))]
    return chosen


def _see(found: Scan, layout: Layout, head: Headers) -> None:
    head = placed(head)
    found.delay.add(delays(head))
    spans = (found.xs, found.ys, found.xr, found.yr)
    for span, values in zip(spans, positions(layout, head), strict=True):
        span.add(values)


def _runs(layout: Layout, head: Headers, first: int) -> Runs:
    rows = np.empty(len(head), RUN)
    rows["start"] = first + np.arange(len(head))
    rows["stop"] = rows["start"] + 1
    rows["dead"] = np.isin(head["trid"], DEAD)
    rows["fldr"], rows["ep"] = head["fldr"], head["ep"]
    rows["x"], rows["y"] = positions(layout, head)[:2]
    rows["z"] = depths(head, layout.metre)[0]
    return _merged(rows[~np.isin(head["trid"], AUXILIARY)])


def _merged(rows: Runs) -> Runs:
    """Join neighbours that are alike in all but their place."""
    if not len(rows):
        return rows
    apart = rows["start"][1:] != rows["stop"][:-1]
    for name in _SAME:
        apart |= rows[name][1:] != rows[name][:-1]
    first = np.concatenate([[0], np.flatnonzero(apart) + 1])
    runs: Runs = rows[first]
    runs["stop"] = rows["stop"][np.concatenate([first[1:] - 1, [len(rows) - 1]])]
    return runs
