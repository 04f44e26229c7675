"""One shot gather: as an image, and as wiggles."""

from typing import Any

import numpy as np

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.plotting._axes import Floats, gathers, new_axis
from pylops_vmb.survey import Acquisition

_MOST_WIGGLES = 60
"""More of them in one picture are a black surface."""


def plot_gather(
    d: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    ax: Any = None,
    clip: float = 98.0,
    vmax: float | None = None,
    title: str = "",
    colorbar: bool = False,
    cmap: str = "gray",
) -> Any:
    """Draw one shot gather as an image, time downwards.

    Parameters
    ----------
    d : array_like
        Data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        The survey.
    shot : :obj:`int`, optional
        Which shot, counted from 0.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the absolute amplitudes that gets the strongest colour, up to 100.
    vmax : :obj:`float`, optional
        Amplitude that gets the strongest colour, in the place of `clip`.
    title : :obj:`str`, optional
        Title.
    colorbar : :obj:`bool`, optional
        Draw a colour bar, in the unit of the data.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; its picture is ``ax.images[0]``.  The receivers are drawn along x if they
        stand at regular distances, and by their number otherwise.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the survey, or there is no such shot.
    """
    gather = gather_of(d, acq, shot=shot)
    strongest = strength(gather, clip=clip, vmax=vmax)
    ax = new_axis() if ax is None else ax
    (left, right), label = receiver_axis(acq.receivers[0, shot])
    image = ax.imshow(
        gather.T,
        extent=(left, right, acq.t[-1] + acq.dt / 2, -acq.dt / 2),
        aspect="auto",
        vmin=-strongest,
        vmax=strongest,
        cmap=cmap,
    )
    ax.set(xlabel=label, ylabel="time (s)", title=title)
    if colorbar:
        amplitude_bar(image, ax)
    return ax


def plot_wiggle(
    d: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    ax: Any = None,
    clip: float = 99.5,
    vmax: float | None = None,
    every: int | None = None,
    scale: float = 1.0,
    fill: bool = True,
    color: str = "black",
    label: str | None = None,
    title: str = "",
) -> Any:
    """Draw one shot gather as wiggles, positive amplitudes filled, time downwards.

    Parameters
    ----------
    d : array_like
        Data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        The survey.
    shot : :obj:`int`, optional
        Which shot, counted from 0.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the absolute amplitudes that swings one distance between traces, up to
        100; stronger ones are cut there.
    vmax : :obj:`float`, optional
        Amplitude that swings so far, in the place of `clip`.
    every : :obj:`int`, optional
        Draw one trace out of so many; by default as few as make 60 traces or less.  The
        label of the axis says it.
    scale : :obj:`float`, optional
        Swing, in distances between the traces that are drawn.
    fill : :obj:`bool`, optional
        Fill positive amplitudes.
    color : :obj:`str`, optional
        Of lines and filling.
    label : :obj:`str`, optional
        Name of the data in a legend.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.lines`` are the traces, at the receivers' x, or at their number
        where two stand at one place.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the survey, there is no such shot, or a number is not
        positive.
    """
    gather = gather_of(d, acq, shot=shot)
    strongest = strength(gather, clip=clip, vmax=vmax)
    every = -(-acq.nr // _MOST_WIGGLES) if every is None else every
    every = check_integer("every", every, at_least=1)
    x, step, name = _places(acq.receivers[0, shot], every)
    swing = check_number("scale", scale, above=0.0) * step * np.clip(gather / strongest, -1.0, 1.0)
    ax = new_axis() if ax is None else ax
    for place, trace in zip(x, swing[::every], strict=True):
        ax.plot(place + trace, acq.t, color=color, linewidth=0.8, label=label)
        label = None  # one entry of the legend is enough
        if fill:
            ax.fill_betweenx(
                acq.t, place, place + trace, where=trace > 0.0, color=color, linewidth=0
            )
    ax.set(xlabel=name, ylabel="time (s)", title=title, ylim=(acq.t[-1], 0.0))
    ax.set_xlim(x.min() - 1.2 * scale * step, x.max() + 1.2 * scale * step)
    return ax


def gather_of(d: Any, acq: Acquisition, *, shot: int, name: str = "d") -> Floats:
    """Return one gather ``(nr, nt)``, or refuse a shot that is not there."""
    shot = check_integer("shot", shot)
    if shot >= acq.ns:
        refuse("shot", f"must be below {acq.ns}", got=shot, do="Shots are counted from 0")
    return np.asarray(gathers(d, acq, name=name)[shot])


def strength(gather: Floats, *, clip: float, vmax: float | None = None) -> float:
    """Return the amplitude of the strongest colour, never zero."""
    check_number("clip", clip, above=0.0, at_most=100.0, unit="percent")
    if vmax is not None:
        return check_number("vmax", vmax, above=0.0)
    size = np.abs(gather)
    return float(np.percentile(size, clip)) or float(size.max()) or 1.0


def receiver_axis(x: Floats) -> tuple[tuple[float, float], str]:
    """Return the ends of an image of traces, and what its axis is called."""
    steps = np.diff(x)
    if steps.size and steps[0] != 0.0 and np.allclose(steps, steps[0]):
        half = steps[0] / 2
        return (float(x[0] - half), float(x[-1] + half)), "receiver x (m)"
    return (-0.5, x.size - 0.5), "receiver (number)"


def amplitude_bar(image: Any, axes: Any, **more: Any) -> None:
    """Draw the colour bar of a gather; `more` goes to matplotlib."""
    figure = image.axes.figure
    figure.colorbar(image, ax=axes, label="amplitude (unit of the data)", **more)


def _places(x: Floats, every: int) -> tuple[Floats, float, str]:
    """Return where the traces stand, the usual distance between them, and the axis' name."""
    told = f", one in {every}" if every > 1 else ""
    apart = np.abs(np.diff(np.sort(x)))
    if x.size < 2 or not apart.min() > 0.0:
        return (
            np.arange(x.size, dtype=np.float64)[::every],
            float(every),
            f"receiver (number{told})",
        )
    return x[::every], every * float(np.median(apart)), f"receiver x (m{told})"
