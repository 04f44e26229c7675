"""Pictures of velocity models, gathers and histories: every function takes and returns an axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_integer, check_number, check_shape, refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.survey import Acquisition, Grid

_NO_LOSSES = ("epoch", "mae", "rmse", "ssim", "lr", "seconds")
"""Columns of a training's history that are not losses."""
_KM_S = 1e-3


def plot_velocity(
    vp: Any,
    grid: Grid,
    *,
    ax: Any = None,
    vmin: float | None = None,
    vmax: float | None = None,
    title: str = "",
    colorbar: bool = True,
    cmap: str = "viridis",
) -> Any:
    """Draw a velocity model, depth downwards and to scale.

    Parameters
    ----------
    vp : array_like
        Velocities, ``(nx, nz)`` or flat, m/s.
    grid : `Grid`
        The cells.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    vmin, vmax : :obj:`float`, optional
        Velocities at the ends of the colour scale, m/s.
    title : :obj:`str`, optional
        Title.
    colorbar : :obj:`bool`, optional
        Draw a colour bar, in km/s.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; its picture is ``ax.images[0]``.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the grid.
    """
    values = _velocities(vp, grid)
    ax = _new_axis() if ax is None else ax
    (x0, x1, z0, z1), (dx, dz) = grid.extent, grid.spacing
    image = ax.imshow(
        _KM_S * values.T,
        extent=(x0 - dx / 2, x1 + dx / 2, z1 + dz / 2, z0 - dz / 2),
        vmin=None if vmin is None else _KM_S * vmin,
        vmax=None if vmax is None else _KM_S * vmax,
        cmap=cmap,
        interpolation="nearest",
    )
    ax.set(xlabel="x (m)", ylabel="z (m)", title=title)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="velocity (km/s)")
    return ax


def plot_gather(
    d: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    ax: Any = None,
    clip: float = 98.0,
    title: str = "",
    cmap: str = "gray",
) -> Any:
    """Draw one shot gather, time downwards.

    Parameters
    ----------
    d : array_like
        Data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        The survey.
    shot : :obj:`int`, optional
        Which shot.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the absolute amplitudes that gets the strongest colour, up to 100.
    title : :obj:`str`, optional
        Title.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis.  The receivers are drawn along x if they stand at regular distances,
        and by their number otherwise.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the survey, or there is no such shot.
    """
    shot = check_integer("shot", shot)
    if shot >= acq.ns:
        refuse("shot", f"must be below {acq.ns}", got=shot, do="Shots are counted from 0")
    check_number("clip", clip, above=0.0, at_most=100.0, unit="percent")
    values = _values(d, "d")
    check_shape("d", values.shape, acq.dimsd, axes="(ns, nr, nt)")
    gather = values.reshape(acq.dimsd)[shot]
    size = np.abs(gather)
    strongest = float(np.percentile(size, clip)) or float(size.max()) or 1.0
    ax = _new_axis() if ax is None else ax
    (left, right), label = _receiver_axis(acq.receivers[0, shot])
    ax.imshow(
        gather.T,
        extent=(left, right, acq.t[-1] + acq.dt / 2, -acq.dt / 2),
        aspect="auto",
        vmin=-strongest,
        vmax=strongest,
        cmap=cmap,
    )
    ax.set(xlabel=label, ylabel="time (s)", title=title)
    return ax


def plot_comparison(
    models: Mapping[str, Any],
    grid: Grid,
    *,
    axes: Sequence[Any] | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str = "viridis",
) -> NDArray[Any]:
    """Draw velocity models side by side with one colour scale.

    Parameters
    ----------
    models : :obj:`dict`
        Velocities ``(nx, nz)`` in m/s by title, from left to right.
    grid : `Grid`
        The cells.
    axes : sequence of :obj:`matplotlib.axes.Axes`, optional
        One axis a model; by default a new figure with one row.
    vmin, vmax : :obj:`float`, optional
        Velocities at the ends of the colour scale, m/s; by default those of the first
        model, which is the true one by custom.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.

    Returns
    -------
    axes : :obj:`numpy.ndarray`
        The axes, one a model; the figure is ``axes[0].figure``.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If there are no models, a shape disagrees with the grid, or there are too few axes.
    """
    if not models:
        refuse("models", "must hold at least one model", got="none", do="Pass {title: vp}")
    row = _new_row(len(models)) if axes is None else np.asarray(axes, dtype=object)
    if row.shape != (len(models),):
        refuse("axes", "must be one a model", got=row.shape, do=f"Pass {len(models)} axes")
    first = _velocities(next(iter(models.values())), grid)
    vmin = float(first.min()) if vmin is None else vmin
    vmax = float(first.max()) if vmax is None else vmax
    for ax, (title, vp) in zip(row, models.items(), strict=True):
        plot_velocity(vp, grid, ax=ax, vmin=vmin, vmax=vmax, title=title, colorbar=False, cmap=cmap)
        if ax is not row[0]:
            ax.set_ylabel("")
    row[0].figure.colorbar(row[0].images[0], ax=list(row), label="velocity (km/s)", shrink=0.8)
    return row


def plot_uncertainty(
    std: Any, grid: Grid, *, ax: Any = None, vmax: float | None = None, title: str = ""
) -> Any:
    """Draw the standard deviation of a velocity model, in m/s.

    Parameters
    ----------
    std : array_like
        Standard deviations, ``(nx, nz)`` or flat, m/s.
    grid : `Grid`
        The cells.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    vmax : :obj:`float`, optional
        Upper end of the colour scale, m/s; the lower one is 0.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; its picture is ``ax.images[0]``.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the grid.
    """
    ax = plot_velocity(std, grid, ax=ax, title=title, colorbar=False, cmap="magma")
    (image,) = ax.images
    image.set_data(_velocities(std, grid).T)
    image.set_clim(0.0, float(image.get_array().max()) if vmax is None else vmax)
    ax.figure.colorbar(image, ax=ax, label="standard deviation (m/s)")
    return ax


def plot_profile(
    vp: Any,
    std: Any,
    grid: Grid,
    *,
    x: float,
    true: Any = None,
    ax: Any = None,
    width: float = 2.0,
    title: str = "",
) -> Any:
    """Draw velocity against depth under one point, with the interval around it.

    Parameters
    ----------
    vp, std : array_like
        Velocities and their standard deviations, ``(nx, nz)`` or flat, m/s.
    grid : `Grid`
        The cells.
    x : :obj:`float`
        Where, in m; the nearest column is drawn.
    true : array_like, optional
        True velocities, drawn dashed.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    width : :obj:`float`, optional
        Half of the interval, in standard deviations.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis, depth downwards.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the grid, or `x` lies outside it.
    """
    x0, x1, _, _ = grid.extent
    x = check_number("x", x, at_least=x0, at_most=x1, unit="m")
    column = round((x - x0) / grid.spacing[0])
    centre, half = _KM_S * _velocities(vp, grid)[column], _KM_S * _velocities(std, grid)[column]
    half = check_number("width", width, above=0.0) * half
    ax = _new_axis() if ax is None else ax
    label = f"± {width:g} standard deviations"
    ax.fill_betweenx(grid.z, centre - half, centre + half, alpha=0.3, linewidth=0, label=label)
    ax.plot(centre, grid.z, label="estimate")
    if true is not None:
        truth = _KM_S * _velocities(true, grid)[column]
        ax.plot(truth, grid.z, color="black", linestyle="--", label="true")
    ax.set(xlabel="velocity (km/s)", ylabel="z (m)", title=title, ylim=(grid.z[-1], grid.z[0]))
    ax.legend()
    return ax


def plot_coverage(
    levels: Sequence[float], covered: Sequence[float], *, ax: Any = None, label: str | None = None
) -> Any:
    """Draw how often the truth lies in an interval against how often it should.

    Parameters
    ----------
    levels : sequence of :obj:`float`
        Probabilities of the intervals.
    covered : sequence of :obj:`float`
        Shares of the cells that lie in them.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    label : :obj:`str`, optional
        Name of the line in a legend.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; below the dashed diagonal deviations are too small.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If there are not as many shares as levels.
    """
    if len(levels) != len(covered):
        do = "Pass levels and covered of one Reliability"
        refuse("covered", f"must hold {len(levels)} shares", got=len(covered), do=do)
    ax = _new_axis() if ax is None else ax
    ax.plot((0.0, 1.0), (0.0, 1.0), color="0.6", linestyle="--", zorder=1)
    ax.plot(_values(levels, "levels"), _values(covered, "covered"), marker=".", label=label)
    ax.set(xlabel="probability of the interval", ylabel="share of cells in it", aspect="equal")
    if label is not None:
        ax.legend()
    return ax


def plot_history(cost: Sequence[float], *, ax: Any = None, label: str | None = None) -> Any:
    """Draw the cost of an inversion against its iterations.

    Parameters
    ----------
    cost : sequence of :obj:`float`
        Cost before the first iteration, and after each.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    label : :obj:`str`, optional
        Name of the line in a legend.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis, logarithmic where all costs are positive.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    """
    values = _values(cost, "cost").ravel()
    ax = _new_axis() if ax is None else ax
    ax.plot(np.arange(values.size), values, marker=".", label=label)
    if values.size and values.min() > 0.0:
        ax.set_yscale("log")
    ax.set(xlabel="iteration", ylabel="cost (unit of the misfit)")
    if label is not None:
        ax.legend()
    return ax


def plot_training(history: Sequence[Mapping[str, Any]], *, ax: Any = None) -> Any:
    """Draw the losses and the validation error of a training against its epochs.

    Parameters
    ----------
    history : sequence of mappings
        One row an epoch, as `pylops_vmb.training.History`: ``epoch``, ``loss`` and other losses
        of the method, ``mae`` in m/s.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw the losses; by default a new figure.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis of the losses, logarithmic where all are positive; the error is drawn on a
        second one to the right, the last of the figure.

    Raises
    ------
    VMBValueError
        If no epoch is done.
    VMBImportError
        If matplotlib is not installed.
    """
    if not history:
        refuse("history", "must hold an epoch", got="none", do="Train for one epoch first")
    ax = _new_axis() if ax is None else ax
    right, epochs = ax.twinx(), [row["epoch"] for row in history]
    losses = [name for name in history[0] if name not in _NO_LOSSES]
    for name in losses:
        ax.plot(epochs, [row[name] for row in history], marker=".", label=name)
    mae = [row["mae"] for row in history]
    right.plot(epochs, mae, color="black", linestyle="--", marker=".", label="validation MAE")
    if min(row[name] for row in history for name in losses) > 0.0:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel="training loss (unit of the loss)")
    right.set(ylabel="validation MAE (m/s)", ylim=(0.0, 1.05 * max(mae)))
    right.legend(handles=[*ax.lines, *right.lines])
    return ax


def _new_axis() -> Any:
    return optional_import("matplotlib.pyplot", "plotting").subplots(layout="constrained")[1]


def _new_row(number: int) -> NDArray[Any]:
    plt = optional_import("matplotlib.pyplot", "plotting")
    _, axes = plt.subplots(
        1,
        number,
        figsize=(3.2 * number + 1.0, 3.6),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    return np.asarray(axes[0])


def _values(array: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(to_tensor(array, name=name).detach().cpu().double().numpy())


def _velocities(vp: Any, grid: Grid) -> NDArray[np.float64]:
    values = _values(vp, "vp")
    check_shape("vp", values.shape, grid.dims, axes="(nx, nz)")
    return values.reshape(grid.dims)


def _receiver_axis(x: NDArray[np.float64]) -> tuple[tuple[float, float], str]:
    steps = np.diff(x)
    if steps.size and steps[0] != 0.0 and np.allclose(steps, steps[0]):
        half = steps[0] / 2
        return (float(x[0] - half), float(x[-1] + half)), "receiver x (m)"
    return (-0.5, x.size - 0.5), "receiver (number)"
