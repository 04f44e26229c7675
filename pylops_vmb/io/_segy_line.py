"""The line of a 2-D survey: along x, or the straight line that its positions lie on."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_layout import Doubt, Layout
from pylops_vmb.io._segy_scan import PIECE, Scan, Span, placed, positions
from pylops_vmb.io._segy_traces import Floats, headers

STRAIGHT = 0.01
"""Positions may lie this far from the line, as a part of its length."""


@dataclass(frozen=True)
class Line:
    """A straight line in the map: ``origin`` is its zero, ``along`` its direction."""

    origin: tuple[float, float] = (0.0, 0.0)
    along: tuple[float, float] = (1.0, 0.0)

    def project(self, x: Floats, y: Floats) -> Floats:
        """Return the distance along the line, m."""
        if self.along == (1.0, 0.0):
            return x - self.origin[0]
        return (x - self.origin[0]) * self.along[0] + (y - self.origin[1]) * self.along[1]

    def beside(self, x: Floats, y: Floats) -> Floats:
        """Return the distance from the line, m, positive to its left."""
        return (y - self.origin[1]) * self.along[0] - (x - self.origin[0]) * self.along[1]


def find_line(layout: Layout, scan: Scan, crooked: float | None) -> tuple[Line, list[Doubt]]:
    """Find the line of a survey.

    Parameters
    ----------
    layout : `Layout`
        The file.
    scan : `Scan`
        What its headers say.
    crooked : :obj:`float` or None
        How far positions may lie from the line, m; by default 1 % of its length.

    Returns
    -------
    line : `Line`
        The x axis as it is, if all y agree to within `crooked`; else the principal axis
        of all positions, with its zero at the first of them.
    doubts : :obj:`list`
        What was done, unless all y are equal.

    Raises
    ------
    VMBFileError
        If positions lie further from the line.
    """
    (x0, x1), (y0, y1) = (_together(*spans) for spans in ((scan.xs, scan.xr), (scan.ys, scan.yr)))
    if y1 == y0:
        return Line(), []
    limit = STRAIGHT * float(np.hypot(x1 - x0, y1 - y0)) if crooked is None else crooked
    if y1 - y0 <= limit:
        beside = Doubt(
            "is not quite along x; y is left out", f"y from {y0:.10g} to {y1:.10g} m", _NOTHING
        )
        return Line(), [beside]
    axis = _principal_axis(layout, ((x0 + x1) / 2, (y0 + y1) / 2))
    along, beside_span = _spans(layout, axis)
    far = beside_span.reach
    if far > limit:
        refuse(
            layout.name,
            f"is a crooked line or covers an area: the limit is {limit:.3g} m",
            got=f"positions up to {far:.4g} m from the best straight line of {along.width:.5g} m",
            do="Pass crooked= in m if they may be projected on it, or choose traces of one line",
            error=VMBFileError,
        )
    x, y = (axis.origin[i] + along.least * axis.along[i] for i in (0, 1))
    azimuth = float(np.degrees(np.arctan2(axis.along[0], axis.along[1])))
    doubt = Doubt(
        "is not along x; positions are projected on the best straight line",
        f"a line of {along.width:.5g} m from x = {x:.10g}, y = {y:.10g} m at an azimuth of "
        f"{azimuth:.4g} degrees, positions up to {far:.3g} m beside it",
        _NOTHING,
    )
    return Line((x, y), axis.along), [doubt]


_NOTHING = "Nothing needs to be done if that is the line"


def _together(*spans: Span) -> tuple[float, float]:
    both = Span()
    for span in spans:
        both.add(np.array([span.pair]))
    return both.pair


def _positions(layout: Layout, first: int) -> tuple[Floats, Floats]:
    head = placed(headers(layout, first, min(first + PIECE, layout.ntraces)))
    xs, ys, xr, yr = positions(layout, head)
    return np.concatenate([xs, xr]), np.concatenate([ys, yr])


def _principal_axis(layout: Layout, centre: tuple[float, float]) -> Line:
    """Fit sources and receivers of all traces, in a pass of its own."""
    count, mean, products = 0, np.zeros(2), np.zeros((2, 2))
    for first in range(0, layout.ntraces, PIECE):
        x, y = _positions(layout, first)
        points = np.stack([x - centre[0], y - centre[1]])
        count += points.shape[1]
        mean += points.sum(axis=1)
        products += points @ points.T
    mean /= count
    along = np.linalg.eigh(products / count - np.outer(mean, mean))[1][:, 1]
    if along[0] < -1e-9 or (abs(along[0]) <= 1e-9 and along[1] < 0.0):
        along = -along
    origin = np.array(centre) + mean
    return Line((float(origin[0]), float(origin[1])), (float(along[0]), float(along[1])))


def _spans(layout: Layout, line: Line) -> tuple[Span, Span]:
    along, beside = Span(), Span()
    for first in range(0, layout.ntraces, PIECE):
        x, y = _positions(layout, first)
        along.add(line.project(x, y))
        beside.add(line.beside(x, y))
    return along, beside
