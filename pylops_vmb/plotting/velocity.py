"""Velocity models: one, and several side by side on one colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.plotting._axes import KM_S, new_axis, row_of, velocities
from pylops_vmb.survey import Grid


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
    values = velocities(vp, grid)
    ax = new_axis() if ax is None else ax
    (x0, x1, z0, z1), (dx, dz) = grid.extent, grid.spacing
    image = ax.imshow(
        KM_S * values.T,
        extent=(x0 - dx / 2, x1 + dx / 2, z1 + dz / 2, z0 - dz / 2),
        vmin=None if vmin is None else KM_S * vmin,
        vmax=None if vmax is None else KM_S * vmax,
        cmap=cmap,
        interpolation="nearest",
    )
    ax.set(xlabel="x (m)", ylabel="z (m)", title=title)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="velocity (km/s)")
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
    row = row_of(axes, len(models), each="model")
    first = velocities(next(iter(models.values())), grid)
    vmin = float(first.min()) if vmin is None else vmin
    vmax = float(first.max()) if vmax is None else vmax
    for ax, (title, vp) in zip(row, models.items(), strict=True):
        plot_velocity(vp, grid, ax=ax, vmin=vmin, vmax=vmax, title=title, colorbar=False, cmap=cmap)
        if ax is not row[0]:
            ax.set_ylabel("")
    row[0].figure.colorbar(row[0].images[0], ax=list(row), label="velocity (km/s)", shrink=0.8)
    return row
