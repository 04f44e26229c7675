"""Where a survey was shot: a map, the spread of every shot, and the fold."""

from importlib import import_module
from typing import Any

import numpy as np

from pylops_vmb._checks import check_number
from pylops_vmb.plotting._axes import Floats, new_axis
from pylops_vmb.survey import Acquisition, Grid

_SOURCE = {"color": "tab:red", "marker": "*", "linestyle": "none"}
_RECEIVER = {"color": "tab:blue", "marker": "v", "linestyle": "none"}


def plot_geometry(
    acq: Acquisition, *, grid: Grid | None = None, ax: Any = None, title: str = ""
) -> Any:
    """Draw sources and receivers in x and z, depth downwards, and the grid around them.

    Parameters
    ----------
    acq : `Acquisition`
        The survey.
    grid : `Grid`, optional
        Cells, drawn as their outline.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.lines`` are receivers and sources, each place once.  It is not to
        scale.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    """
    ax = new_axis() if ax is None else ax
    recs = np.unique(acq.receivers.reshape(2, -1), axis=1)
    srcs = np.unique(acq.srcs, axis=1)
    ax.plot(*recs, **_RECEIVER, markersize=5, label=_count(recs, "receiver"))
    ax.plot(*srcs, **_SOURCE, markersize=11, label=_count(srcs, "source"))
    if grid is not None:
        _outline(ax, grid)
    ax.margins(0.05, 0.1)
    ax.set(xlabel="x (m)", ylabel="z (m)", title=title)
    top, bottom = sorted(ax.get_ylim())
    flat = np.ptp([*recs[1], *srcs[1]]) == 0.0 and grid is None
    ax.set_ylim((bottom + 10.0, top - 10.0) if flat else (bottom, top))
    _legend(ax)
    return ax


def plot_spread(acq: Acquisition, *, ax: Any = None, title: str = "") -> Any:
    """Draw source, receivers and midpoints of every shot, one line of the picture a shot.

    Parameters
    ----------
    acq : `Acquisition`
        The survey.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.lines`` are receivers, midpoints and sources.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    """
    ax = new_axis() if ax is None else ax
    xs, xr = acq.srcs[0][:, None], acq.receivers[0]
    shot = np.broadcast_to(np.arange(acq.ns)[:, None], xr.shape)
    ax.plot(xr.ravel(), shot.ravel(), **_RECEIVER | {"marker": "|"}, label="receivers")
    middle = {"color": "0.55", "marker": ".", "markersize": 4, "linestyle": "none"}
    ax.plot((0.5 * (xs + xr)).ravel(), shot.ravel() + 0.25, **middle, label="midpoints")
    ax.plot(xs.ravel(), shot[:, 0], **_SOURCE, markersize=9, label="source")
    ax.set(xlabel="x (m)", ylabel="shot (number)", title=title, ylim=(acq.ns - 0.4, -0.6))
    ax.yaxis.get_major_locator().set_params(integer=True)
    _legend(ax)
    return ax


def plot_fold(
    acq: Acquisition, *, width: float | None = None, ax: Any = None, title: str = ""
) -> Any:
    """Draw how many traces have their midpoint in each bin along x.

    Parameters
    ----------
    acq : `Acquisition`
        The survey.
    width : :obj:`float`, optional
        Of a bin in m; by default half of the usual distance between receivers.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.patches`` are the bins that hold traces.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the width is not positive.
    """
    ax = new_axis() if ax is None else ax
    width = _bin(acq) if width is None else check_number("width", width, above=0.0, unit="m")
    middle = 0.5 * (acq.srcs[0][:, None] + acq.receivers[0])
    first = float(middle.min())
    number, fold = np.unique(np.floor((middle - first) / width + 0.5 + 1e-9), return_counts=True)
    ax.bar(first + width * number, fold, width=width, color="tab:blue")
    ax.set(xlabel="midpoint x (m)", ylabel=f"fold (traces in {width:.4g} m)", title=title)
    ax.yaxis.get_major_locator().set_params(integer=True)
    return ax


def _legend(ax: Any) -> None:
    """Draw the legend to the right of the axis: receivers and grids leave no room in it."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _count(points: Floats, what: str) -> str:
    number = points.shape[1]
    return f"{number} {what}{'s' * (number != 1)}"


def _bin(acq: Acquisition) -> float:
    apart = np.abs(np.diff(np.sort(acq.receivers[0], axis=1), axis=1))
    apart = apart[apart > 0.0]
    return 0.5 * float(np.median(apart)) if apart.size else 1.0


def _outline(ax: Any, grid: Grid) -> None:
    (x0, x1, z0, z1), (dx, dz) = grid.extent, grid.spacing
    rectangle = import_module("matplotlib.patches").Rectangle(
        (x0 - dx / 2, z0 - dz / 2),
        x1 - x0 + dx,
        z1 - z0 + dz,
        fill=False,
        edgecolor="0.4",
        linestyle="--",
        label="grid",
    )
    ax.add_patch(rectangle)
