"""Gathers against gathers: before and after, predicted and observed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import check_integer
from pylops_vmb.plotting._axes import Floats, energies, new_axis, relative, row_of
from pylops_vmb.plotting.gathers import (
    amplitude_bar,
    gather_of,
    plot_gather,
    plot_wiggle,
    receiver_axis,
    strength,
)
from pylops_vmb.survey import Acquisition

_HEIGHT = 4.6


def plot_before_after(
    before: tuple[Any, Acquisition],
    after: tuple[Any, Acquisition],
    *,
    shot: int | tuple[int, int] = 0,
    axes: Any = None,
    titles: tuple[str, str] = ("before", "after"),
    clip: float = 98.0,
    same_scale: bool = False,
) -> NDArray[Any]:
    """Draw one shot before and after some processing, on one time axis.

    Parameters
    ----------
    before, after : :obj:`tuple`
        Data ``(ns, nr, nt)`` and their `Acquisition`, which may differ.
    shot : :obj:`int` or :obj:`tuple`, optional
        Which shot, counted from 0; two numbers where it has another one afterwards.
    axes : sequence of :obj:`matplotlib.axes.Axes`, optional
        Two axes; by default a new figure.
    titles : :obj:`tuple`, optional
        Titles.
    clip : :obj:`float`, optional
        Percentile of the absolute amplitudes that gets the strongest colour, up to 100.
    same_scale : :obj:`bool`, optional
        Draw both with the colours of the first.  By default each has its own, because
        processing may change the unit, and each has its colour bar to say so.

    Returns
    -------
    axes : :obj:`numpy.ndarray`
        The two axes.  The time axis is that of the longer record.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with its survey, or there is no such shot.
    """
    shots = shot if isinstance(shot, tuple) else (shot, shot)
    row = row_of(axes, 2, each="gather", height=_HEIGHT)
    vmax = None
    for ax, (d, acq), number, title in zip(row, (before, after), shots, titles, strict=True):
        plot_gather(d, acq, shot=number, ax=ax, clip=clip, vmax=vmax, title=title, colorbar=True)
        vmax = ax.images[0].get_clim()[1] if same_scale else None
    last = max(acq.t[-1] + acq.dt / 2 for _, acq in (before, after))
    for ax in row:
        ax.set_ylim(last, 0.0)
    row[1].set_ylabel("")
    return row


def plot_fit(
    d: Any,
    dobs: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    axes: Any = None,
    clip: float = 98.0,
    cmap: str = "gray",
) -> NDArray[Any]:
    r"""Draw one shot as observed, as predicted, and the difference, on one colour scale.

    Parameters
    ----------
    d, dobs : array_like
        Predicted and observed data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        Their survey.
    shot : :obj:`int`, optional
        Which shot, counted from 0.
    axes : sequence of :obj:`matplotlib.axes.Axes`, optional
        Three axes; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the observed absolute amplitudes that gets the strongest colour.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.

    Returns
    -------
    axes : :obj:`numpy.ndarray`
        The three axes.  The title of the last one is the misfit of this shot.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the survey, or there is no such shot.

    Notes
    -----
    The misfit is :math:`\|d - d_\mathrm{obs}\|_2 / \|d_\mathrm{obs}\|_2` of the shot, without
    dead observed traces.
    """
    observed = gather_of(dobs, acq, shot=shot, name="dobs")
    predicted = gather_of(d, acq, shot=shot)
    misfit = _misfit(predicted, observed)
    row = row_of(axes, 3, each="panel", height=_HEIGHT)
    panels = {
        "observed": observed,
        "predicted": predicted,
        f"predicted - observed ({misfit})": predicted - observed,
    }
    strongest = strength(observed, clip=clip)
    for ax, (title, gather) in zip(row, panels.items(), strict=True):
        plot_gather(gather[None], acq.select([shot]), ax=ax, vmax=strongest, title=title, cmap=cmap)
        if ax is not row[0]:
            ax.set_ylabel("")
    amplitude_bar(row[0].images[0], list(row), shrink=0.8)
    return row


def plot_interleaved(
    d: Any,
    dobs: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    block: int = 5,
    ax: Any = None,
    clip: float = 98.0,
    cmap: str = "gray",
    title: str = "",
) -> Any:
    """Draw blocks of observed and of predicted traces in turn: events that fit go through.

    Parameters
    ----------
    d, dobs : array_like
        Predicted and observed data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        Their survey.
    shot : :obj:`int`, optional
        Which shot, counted from 0.
    block : :obj:`int`, optional
        Traces in a block; the first block is observed.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the observed absolute amplitudes that gets the strongest colour.
    cmap : :obj:`str`, optional
        Colour map of matplotlib.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis.  A bar over each observed block is black, over each predicted one red.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the survey, there is no such shot, or a block holds none.
    """
    block = check_integer("block", block, at_least=1)
    observed = gather_of(dobs, acq, shot=shot, name="dobs")
    predicted = gather_of(d, acq, shot=shot)
    theirs = (np.arange(acq.nr) // block) % 2 == 1
    mixed = np.where(theirs[:, None], predicted, observed)
    vmax = strength(observed, clip=clip)
    ax = plot_gather(mixed[None], acq.select([shot]), ax=ax, vmax=vmax, cmap=cmap, title=title)
    _mark_blocks(ax, receiver_axis(acq.receivers[0, shot])[0], theirs)
    return ax


def plot_overlay(
    d: Any,
    dobs: Any,
    acq: Acquisition,
    *,
    shot: int = 0,
    every: int | None = None,
    ax: Any = None,
    clip: float = 99.5,
    scale: float = 1.0,
    title: str = "",
) -> Any:
    """Draw predicted wiggles over observed ones, with one scale.

    Parameters
    ----------
    d, dobs : array_like
        Predicted and observed data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        Their survey.
    shot : :obj:`int`, optional
        Which shot, counted from 0.
    every : :obj:`int`, optional
        Draw one trace out of so many; by default as few as make 15 traces or less.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.
    clip : :obj:`float`, optional
        Percentile of the observed absolute amplitudes that swings one distance between
        traces; stronger ones are cut there.
    scale : :obj:`float`, optional
        Swing, in distances between the traces that are drawn.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; observed traces are black, predicted ones red.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the survey, or there is no such shot.
    """
    vmax = strength(gather_of(dobs, acq, shot=shot, name="dobs"), clip=clip)
    every = -(-acq.nr // 15) if every is None else every
    ax = new_axis() if ax is None else ax
    for data, name, color in ((dobs, "observed", "black"), (d, "predicted", "tab:red")):
        plot_wiggle(
            data,
            acq,
            shot=shot,
            ax=ax,
            vmax=vmax,
            every=every,
            scale=scale,
            fill=False,
            color=color,
            label=name,
            title=title,
        )
    ax.legend(loc="lower right")
    return ax


def _misfit(predicted: Floats, observed: Floats) -> str:
    error, size = energies(predicted, observed)
    return f"L2 {float(relative(error.sum(), size.sum())):.3f}" if size.any() else "none observed"


def _mark_blocks(ax: Any, ends: tuple[float, float], theirs: NDArray[np.bool_]) -> None:
    """Draw a bar over the blocks of an image, and name the two colours."""
    edges = np.linspace(*ends, theirs.size + 1)
    starts = np.flatnonzero(np.diff(theirs, prepend=~theirs[0]))
    stops = np.append(starts[1:], theirs.size)
    named: set[str] = set()
    for start, stop in zip(starts, stops, strict=True):
        color, name = ("tab:red", "predicted") if theirs[start] else ("black", "observed")
        ax.plot(
            edges[[start, stop]],
            (1.015, 1.015),
            transform=ax.get_xaxis_transform(),
            color=color,
            linewidth=4.0,
            solid_capstyle="butt",
            clip_on=False,
            label=None if name in named else name,
        )
        named.add(name)
    ax.set_xlim(*ends)
    ax.legend(loc="lower right")
