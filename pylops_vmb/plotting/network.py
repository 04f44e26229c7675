"""A network as a row of boxes, drawn from the module itself."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch

from pylops_vmb.plotting._axes import new_axis
from pylops_vmb.plotting._stages import Stage, network_stages

_COLOURS = {
    "input": "0.75",
    "convolution": "tab:blue",
    "pooling": "tab:red",
    "upsampling": "tab:green",
    "dense": "tab:purple",
    "concatenation": "tab:orange",
    "crop": "0.4",
    "other": "tab:brown",
}
_THIN, _GAP = 0.3, 0.55  # of a box of one channel, and between boxes, for a row of 100
_LINES = {"sum": "--", "concatenation": "-", "": ":"}


def plot_network(
    net: torch.nn.Module,
    in_shape: Sequence[int],
    *,
    ax: Any = None,
    title: str = "",
    legend: bool = True,
) -> Any:
    r"""Draw what flows through a network: one box a shape, from the module itself.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Any network of one input and one output; of a learned inversion, ``G.net``.
    in_shape : sequence of :obj:`int`
        Shape of one sample, such as ``(ns, nt, nr)``.
    ax : :obj:`matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure, 10 inches wide.
    title : :obj:`str`, optional
        Title.
    legend : :obj:`bool`, optional
        Say what the colours and lines are.

    Returns
    -------
    ax : :obj:`matplotlib.axes.Axes`
        The axis; ``ax.patches`` has one box a stage of
        `pylops_vmb.plotting.network_stages`, then one line a skip connection.

    Raises
    ------
    VMBImportError
        If matplotlib is not installed.
    VMBTypeError, VMBValueError
        As `pylops_vmb.plotting.network_stages`.

    Notes
    -----
    The height of a box grows with the square root of its rows, its width with that of its
    channels; below it stand channels and rows x columns.  An arc is a connection that skips
    boxes: added (dashed) or concatenated (solid).

    Examples
    --------
    >>> from pylops_vmb.networks import build
    >>> from pylops_vmb.plotting import plot_network
    >>> net = build("fcnvmb-repaired", in_channels=5, in_shape=(200, 70), out_shape=(70, 70))
    >>> ax = plot_network(net, (5, 200, 70), title="repaired FCNVMB")
    >>> len(ax.patches) > 20
    True
    """
    stages = network_stages(net, in_shape)
    if ax is None:
        ax = new_axis()
        ax.figure.set_size_inches(10.0, 3.2)
    lefts, widths, heights = _layout(stages)
    patches = import_module("matplotlib.patches")
    for stage, left, width, height in zip(stages, lefts, widths, heights, strict=True):
        ax.add_patch(
            patches.Rectangle(
                (left, -height / 2), width, height, color=_COLOURS[stage.kind], ec="white", lw=0.4
            )
        )
        ax.text(left + width / 2, -0.53, _label(stage), rotation=90, ha="center", va="top", size=7)
    middles = [left + width / 2 for left, width in zip(lefts, widths, strict=True)]
    for number, stage in enumerate(stages):
        for source in stage.sources:
            if source < number - 1:
                tops = (heights[source] / 2, heights[number] / 2)
                ends = ((middles[source], tops[0]), (middles[number], tops[1]))
                ax.add_patch(_arc(patches, ends, _LINES[stage.join]))
    _dress(ax, stages, right=lefts[-1] + widths[-1], title=title)
    if legend:
        _legend(ax, stages)
    return ax


def _layout(stages: Sequence[Stage]) -> tuple[list[float], list[float], list[float]]:
    """Return left edges, widths and heights; the row is 100 wide, the highest box 1 high."""
    room = 100.0 - (_GAP + _THIN) * len(stages)
    channels = [stage.shape[0] ** 0.5 for stage in stages]
    widths = [_THIN + max(room, 20.0) * c / sum(channels) for c in channels]
    rows = [(stage.shape[1] if len(stage.shape) > 1 else 1) ** 0.5 for stage in stages]
    heights = [r / max(rows) for r in rows]
    lefts = [_GAP * n + sum(widths[:n]) for n in range(len(stages))]
    return lefts, widths, heights


def _label(stage: Stage) -> str:
    """Return channels and size, such as ``64: 400 x 301``."""
    channels, *sizes = stage.shape
    return f"{channels}: {' x '.join(map(str, sizes))}" if sizes else f"{channels}"


def _arc(patches: Any, ends: tuple[tuple[float, float], tuple[float, float]], line: str) -> Any:
    """Return a bracket-like curve above the boxes, from one to a later one."""
    (x0, y0), (x1, y1) = ends
    top = 0.52 + 0.4 * (x1 - x0) / 100.0
    path_of = import_module("matplotlib.path").Path
    points = [(x0, y0), (x0, top), (x0, top), ((x0 + x1) / 2, top), (x1, top), (x1, top), (x1, y1)]
    codes = [path_of.MOVETO, *[path_of.CURVE4] * 6]
    return patches.PathPatch(path_of(points, codes), fill=False, ec="0.3", lw=1.0, ls=line)


def _dress(ax: Any, stages: Sequence[Stage], *, right: float, title: str) -> None:
    jumps = any(s < n - 1 for n, stage in enumerate(stages) for s in stage.sources)
    ax.set(xlim=(-0.5, right + 0.5), ylim=(-1.25, 0.95 if jumps else 0.55), title=title)
    ax.set_axis_off()


def _legend(ax: Any, stages: Sequence[Stage]) -> None:
    """Draw the legend below: the kinds and joins that there are."""
    patches = import_module("matplotlib.patches")
    line = import_module("matplotlib.lines").Line2D
    kinds = [kind for kind in _COLOURS if any(stage.kind == kind for stage in stages)]
    entries = [patches.Patch(color=_COLOURS[kind], label=kind) for kind in kinds]
    joins = [join for join in ("sum", "concatenation") if any(s.join == join for s in stages)]
    entries += [line([], [], color="0.3", ls=_LINES[join], label=f"skip, {join}") for join in joins]
    ax.legend(
        handles=entries,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=len(entries),
        frameon=False,
        fontsize=8,
    )
