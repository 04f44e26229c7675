"""How an inversion or a training went."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pylops_vmb._checks import refuse
from pylops_vmb.plotting._axes import new_axis, values_of

_NO_LOSSES = ("epoch", "mae", "rmse", "ssim", "lr", "seconds")
"""Columns of a training's history that are not losses."""


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
    values = values_of(cost, "cost").ravel()
    ax = new_axis() if ax is None else ax
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
    ax = new_axis() if ax is None else ax
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
