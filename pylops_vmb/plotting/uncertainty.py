"""How sure a velocity model is: maps, profiles, and coverage."""

from collections.abc import Sequence
from typing import Any

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.plotting._axes import KM_S, new_axis, values_of, velocities
from pylops_vmb.plotting.velocity import plot_velocity
from pylops_vmb.survey import Grid


def plot_uncertainty(
    std: Any,
    grid: Grid,
    *,
    ax: Any = None,
    vmax: float | None = None,
    title: str = "",
    label: str = "standard deviation (m/s)",
) -> Any:
    """Draw the standard deviation of a velocity model, in m/s, or its error in the same way.

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
    label : :obj:`str`, optional
        Of the colour bar, such as ``"absolute error (m/s)"``.

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
    image.set_data(velocities(std, grid).T)
    image.set_clim(0.0, float(image.get_array().max()) if vmax is None else vmax)
    ax.figure.colorbar(image, ax=ax, label=label)
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
    centre, half = KM_S * velocities(vp, grid)[column], KM_S * velocities(std, grid)[column]
    half = check_number("width", width, above=0.0) * half
    ax = new_axis() if ax is None else ax
    label = f"± {width:g} standard deviations"
    ax.fill_betweenx(grid.z, centre - half, centre + half, alpha=0.3, linewidth=0, label=label)
    ax.plot(centre, grid.z, label="estimate")
    if true is not None:
        truth = KM_S * velocities(true, grid)[column]
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
    ax = new_axis() if ax is None else ax
    ax.plot((0.0, 1.0), (0.0, 1.0), color="0.6", linestyle="--", zorder=1)
    ax.plot(values_of(levels, "levels"), values_of(covered, "covered"), marker=".", label=label)
    ax.set(xlabel="probability of the interval", ylabel="share of cells in it", aspect="equal")
    if label is not None:
        ax.legend()
    return ax
