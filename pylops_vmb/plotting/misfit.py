"""Where predicted data fail to fit: by shot, and by offset."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import check_number
from pylops_vmb.plotting._axes import energies, gathers, new_axis, relative
from pylops_vmb.survey import Acquisition

_BINS = 15


def plot_misfit_by_shot(
    d: Any, dobs: Any, acq: Acquisition, *, ax: Any = None, label: str = "", title: str = ""
) -> Any:
    r"""Draw the relative misfit of each shot, and of all.

    Parameters
    ----------
    d, dobs : array_like
        Predicted and observed data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        Their survey.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw, over what is there: several models may share an axis.
    label : :obj:`str`, optional
        Name of the predicted data in the legend.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; a shot in which nothing was observed has a cross in the place of a value.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the survey.

    Notes
    -----
    :math:`\|d_s - d_{\mathrm{obs},s}\|_2 / \|d_{\mathrm{obs},s}\|_2` of the shots :math:`s`;
    1 is what no prediction at all would have.  Dead observed traces do not count.
    """
    errors, sizes = energies(gathers(d, acq), gathers(dobs, acq, name="dobs"))
    values = relative(errors.sum(axis=1), sizes.sum(axis=1))
    overall = float(relative(errors.sum(), sizes.sum()))
    ax = new_axis() if ax is None else ax
    number = np.arange(acq.ns)
    (line,) = ax.plot(number, values, marker="o", label=_name(label, "each shot"))
    told = f"all shots: {overall:.3g}"
    ax.axhline(overall, color=line.get_color(), linestyle="--", label=_name(label, told))
    silent = np.isnan(values)
    if silent.any():
        _cross(ax, number[silent])
    _finish(ax, "shot (number)", title)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def plot_misfit_by_offset(
    d: Any,
    dobs: Any,
    acq: Acquisition,
    *,
    width: float | None = None,
    ax: Any = None,
    label: str = "",
    title: str = "",
) -> Any:
    r"""Draw the relative misfit of the traces of similar offset.

    Parameters
    ----------
    d, dobs : array_like
        Predicted and observed data, ``(ns, nr, nt)`` or flat.
    acq : `Acquisition`
        Their survey.
    width : :obj:`float`, optional
        Of a bin in m; by default a fifteenth of the range.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw, over what is there: several models may share an axis.
    label : :obj:`str`, optional
        Name of the predicted data in the legend.
    title : :obj:`str`, optional
        Title.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; a value stands in the middle of its bin, and none where nothing was
        observed.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBValueError
        If a shape disagrees with the survey, or the width is not positive.

    Notes
    -----
    In a bin :math:`b` of offsets without their sign,
    :math:`(\sum_b \|d_r - d_{\mathrm{obs},r}\|^2 / \sum_b \|d_{\mathrm{obs},r}\|^2)^{1/2}`
    over its traces :math:`r`, without dead observed ones.
    """
    errors, sizes = energies(gathers(d, acq), gathers(dobs, acq, name="dobs"))
    offset = np.abs(acq.offsets)
    first, span = float(offset.min()), float(np.ptp(offset))
    width = (span / _BINS or 1.0) if width is None else width
    width = check_number("width", width, above=0.0, unit="m")
    last = max(int(np.ceil(span / width - 1e-9)) - 1, 0)
    which = np.minimum(((offset - first) / width + 1e-9).astype(int), last).ravel()
    error, size = (np.bincount(which, part.ravel(), last + 1) for part in (errors, sizes))
    values = relative(error, size)
    ax = new_axis() if ax is None else ax
    middle = first + width * (np.arange(last + 1) + 0.5)
    ax.plot(middle, values, marker="o", label=label or None)
    _finish(ax, f"offset without sign (m, bins of {width:.4g} m)", title)
    return ax


def _cross(ax: Any, numbers: NDArray[np.int64]) -> None:
    """Mark shots without a value, with one entry in the legend."""
    name = "nothing observed"
    told = name in ax.get_legend_handles_labels()[1]
    ax.plot(numbers, 0.0 * numbers, "x", color="black", label=None if told else name)


def _name(label: str, what: str) -> str:
    return f"{label}, {what}" if label else what


def _finish(ax: Any, xlabel: str, title: str) -> None:
    """Set labels, and limits from 0 over all that was drawn."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in ax.lines])
    top = 1.1 * float(drawn[~np.isnan(drawn)].max(initial=0.0)) or 1.0
    ax.set(xlabel=xlabel, ylabel="misfit (relative L2)", title=title, ylim=(-0.02 * top, top))
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
