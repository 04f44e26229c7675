"""Amplitude spectra: of each shot, their mean, and the band that it holds."""

from importlib import import_module
from typing import Any

import numpy as np

from pylops_vmb._checks import check_number
from pylops_vmb.plotting._axes import Floats, gathers, new_axis
from pylops_vmb.survey import Acquisition
from pylops_vmb.survey.wavelets import band_of

_PAD = 4
"""As `pylops_vmb.survey.band`, whose numbers are drawn."""
_FLOOR = -60.0
"""Lower end of the axis in dB."""
_SHOWN = 1e-3
"""The axis ends where the mean spectrum falls below this part of its peak."""


def plot_spectra(
    d: Any,
    acq: Acquisition,
    *,
    db: bool = False,
    level: float = 0.1,
    shots: bool = True,
    ax: Any = None,
    label: str = "mean",
    title: str = "",
) -> Any:
    r"""Draw the amplitude spectrum of each shot and of all, with the band marked.

    Parameters
    ----------
    d : array_like
        Data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        The survey; of it only the time step matters.
    db : :obj:`bool`, optional
        Draw decibels, from -60.
    level : :obj:`float`, optional
        The band is where the mean spectrum exceeds this part of its peak; 0.1 is -20 dB.
    shots : :obj:`bool`, optional
        Draw a thin line for each shot.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw, over what is there: two data sets may share an axis.
    label : :obj:`str`, optional
        Name of the mean in the legend, which tells the band, too.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.lines[-1]`` is the mean.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If the shape disagrees with the survey, there is no signal, or the level does not
        lie between 0 and 1.

    Notes
    -----
    The spectrum of a shot is the mean of :math:`|D(f)|` over its receivers, with no taper;
    all are divided by the peak of the mean over the shots.
    """
    level = check_number("level", level, above=0.0, at_most=1.0)
    freqs, spectra = _spectra(gathers(d, acq), acq.dt)
    mean = spectra.mean(axis=0)
    low, _, high = band_of(mean, freqs, level=level)
    ax = new_axis() if ax is None else ax
    curves = [_drawn(curve / mean.max(), db=db) for curve in (*spectra, mean)]
    name = f"{label}, {low:.3g} to {high:.3g} Hz at {20.0 * np.log10(level):.3g} dB"
    (line,) = ax.plot(freqs, curves[-1], linewidth=1.8, label=name)
    color = line.get_color()
    if shots and acq.ns > 1:
        segments = [np.column_stack((freqs, curve)) for curve in curves[:-1]]
        ax.add_collection(_thin(segments, color))
    ax.axvspan(low, high, color=color, alpha=0.12, linewidth=0)
    _limit(ax, band_of(mean, freqs, level=_SHOWN)[2], np.max(curves), db=db, title=title)
    return ax


def _spectra(data: Floats, dt: float) -> tuple[Floats, Floats]:
    """Return frequencies in Hz and one spectrum a shot; one shot at a time is in memory."""
    length = _PAD * data.shape[-1]
    spectra = [np.abs(np.fft.rfft(gather, n=length)).mean(axis=0) for gather in data]
    return np.asarray(np.fft.rfftfreq(length, dt), np.float64), np.asarray(spectra, np.float64)


def _drawn(curve: Floats, *, db: bool) -> Floats:
    return 20.0 * np.log10(np.maximum(curve, 1e-12)) if db else curve


def _thin(segments: list[Floats], color: str) -> Any:
    collections = import_module("matplotlib.collections")
    return collections.LineCollection(segments, colors=color, linewidths=0.6, alpha=0.4)


def _limit(ax: Any, last: float, top: float, *, db: bool, title: str) -> None:
    """Set limits that hold what was drawn before, and labels."""
    others = ax.get_xlim()[1] if len(ax.lines) > 1 else 0.0
    unit = "dB, 0 is the peak of the mean" if db else "1 is the peak of the mean"
    ax.set(xlabel="frequency (Hz)", ylabel=f"amplitude ({unit})", title=title)
    ax.set_xlim(0.0, max(1.05 * last, others))
    highest = max(1.05 * top if not db else top + 3.0, ax.get_ylim()[1] if others else 0.0)
    ax.set_ylim(_FLOOR if db else 0.0, highest)
    ax.legend(loc="upper right")
