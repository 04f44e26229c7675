"""Whether a survey lies on a grid, and a grid for it where it does not."""

import math

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.modelling import suggest_sampling
from pylops_vmb.survey import Acquisition, Grid

_EDGE = 5
"""Cells between the survey and the edges of the grid that is suggested."""


def check_reach(
    acq: Acquisition, grid: Grid, *, name: str, network: str | None, vmin: float = 1500.0
) -> None:
    """Refuse a survey that reaches beyond a grid, with the options of one that holds it.

    Parameters
    ----------
    acq : `Acquisition`
        The survey.
    grid : `Grid`
        The cells of the inversion.
    name : :obj:`str`
        Of the gathers.
    network : :obj:`str` or None
        The network whose grid it is.
    vmin : :obj:`float`, optional
        Lowest velocity in m/s, for the size of the cells.

    Raises
    ------
    VMBValueError
        If a source or receiver lies outside.
    """
    x0, x1, _, _ = grid.extent
    (low, high), _ = _span(acq)
    if x0 <= low and high <= x1:
        return
    of = f"the grid of {network}" if network else "the grid"
    here = "--method fwi " if network else ""
    adapt = ", or bring the gathers to the network by `pylops-vmb adapt`" if network else ""
    refuse(
        name,
        f"reaches beyond {of}, x {x0:g} to {x1:g} m",
        got=f"sources and receivers at x {low:g} to {high:g} m",
        do=f"Give its own grid, such as {here}{_words(grid_of(acq, vmin))}{adapt}",
    )


def grid_of(acq: Acquisition, vmin: float) -> Grid:
    """Return cells for FWI of a survey, half as deep as its longest offset.

    Their size is a whole part or multiple of the distance of receivers, and no larger than
    `suggest_sampling` says, so that receivers lie on cells.
    """
    (low, high), (top, _) = _span(acq)
    largest = suggest_sampling((vmin, vmin), acq.f0).spacing
    x = np.unique(acq.receivers[0])
    apart = float(np.median(np.diff(x))) if len(x) > 1 else largest
    h = apart / math.ceil(apart / largest) if apart > largest else apart * (largest // apart)
    first = low - _EDGE * h
    cells = (_points(acq) - [[first], [0.0]]) / h
    on_cells = np.allclose(cells, np.round(cells), atol=1e-6)
    z0 = 0.0 if on_cells and top >= 0.0 else h * (math.floor(top / h) - _EDGE)
    offset = float(np.abs(acq.receivers[0] - acq.srcs[0][:, None]).max())
    nx = math.ceil((high - first) / h) + _EDGE + 1
    nz = math.ceil((top + 0.5 * offset - z0) / h) + 1
    return Grid((nx, nz), (h, h), (first, z0))


def _points(acq: Acquisition) -> NDArray[np.float64]:
    return np.concatenate([acq.srcs, acq.receivers.reshape(2, -1)], axis=1)


def _span(acq: Acquisition) -> tuple[tuple[float, float], tuple[float, float]]:
    (x0, z0), (x1, z1) = (f(_points(acq), axis=1) for f in (np.min, np.max))
    return (float(x0), float(x1)), (float(z0), float(z1))


def _words(grid: Grid) -> str:
    (nx, nz), (dx, dz), (ox, oz) = grid.dims, grid.spacing, grid.origin
    return f"--dims {nx} {nz} --spacing {dx:g} {dz:g} --origin {ox:g} {oz:g}"
