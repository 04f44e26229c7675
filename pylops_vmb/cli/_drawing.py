"""The pictures of ``pylops-vmb plot``: each draws into a figure what one or two files hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from pylops_vmb import plotting
from pylops_vmb._checks import refuse
from pylops_vmb.cli._reading import Gathers, Velocity
from pylops_vmb.io import GatherFile

_MOST = 3
"""Shots that are drawn where none was asked for."""
_WIGGLES = 90
"""Wiggles that a picture of several shots has room for."""


@dataclass(frozen=True)
class Looks:
    """How a picture is to look.

    Parameters
    ----------
    shots : :obj:`tuple`
        Which shots, counted from 0; empty for a choice of ours.
    clip : :obj:`float`, optional
        Percentile of the strongest colour or swing.
    every, block : :obj:`int`, optional
        Traces from one wiggle to the next, and traces in a block.
    db : :obj:`bool`
        Decibels.
    vp_range : :obj:`tuple`
        Ends of the colour scale of velocities, m/s.
    """

    shots: tuple[int, ...] = ()
    clip: float | None = None
    every: int | None = None
    block: int | None = None
    db: bool = False
    vp_range: tuple[float | None, float | None] = (None, None)

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of some that were asked for, as keywords of a plot."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def shot(self) -> int:
        """The first shot that was asked for, or the first."""
        return self.shots[0] if self.shots else 0


class Kind(NamedTuple):
    """A kind of picture.

    Parameters
    ----------
    draw : callable
        Of a figure, what the files hold, and looks.
    size : :obj:`tuple`
        Width and height of the figure, inches.
    needs : :obj:`tuple`
        What the files must hold, see ``FORMS``.
    options : :obj:`tuple`
        Names of the options that matter.
    """

    draw: Callable[[Any, list[Any], Looks], None]
    size: tuple[float, float]
    needs: tuple[str, ...]
    options: tuple[str, ...] = ()


def new_figure(size: tuple[float, float]) -> Any:
    """Return a figure that needs no display, unlike those of pyplot."""
    return import_module("matplotlib.figure").Figure(figsize=size, layout="constrained")


def draw_gathers(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw some shots as images, with one colour scale."""
    _draw_shots(figure, files[0], looks, wiggle=False)


def draw_wiggles(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw some shots as wiggles, with one scale."""
    _draw_shots(figure, files[0], looks, wiggle=True)


def draw_spectra(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw the spectra of one file, or of two on one axis."""
    ax = figure.subplots()
    for file in files:
        label = file.name if len(files) > 1 else "mean"
        plotting.plot_spectra(file.d, file.acq, ax=ax, db=looks.db, label=label)
    ax.set_title(" and ".join(file.name for file in files))


def draw_geometry(figure: Any, files: list[Any], looks: Looks) -> None:  # noqa: ARG001
    """Draw map, spread and fold; a velocity model adds its grid."""
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    gathers, grid = files[0], files[1].grid if len(files) > 1 else None
    plotting.plot_geometry(gathers.acq, grid=grid, ax=top, title=gathers.name)
    plotting.plot_spread(gathers.acq, ax=middle)
    plotting.plot_fold(gathers.acq, ax=bottom)
    for ax in (top, middle):
        ax.set_xlabel("")


def draw_velocity(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw one or two velocity models on one colour scale that spans them."""
    low, high = (float(f([f(file.vp) for file in files])) for f in (np.min, np.max))
    low, high = (given or found for given, found in zip(looks.vp_range, (low, high), strict=True))
    figure.set_size_inches(sum(map(_width, files)) + 1.6, figure.get_figheight())
    axes = figure.subplots(1, len(files), sharey=len(files) > 1, squeeze=False)[0]
    if len(files) == 1 or files[0].grid == files[1].grid:
        models = {file.name: file.vp for file in files}
        plotting.plot_comparison(models, files[0].grid, axes=axes, vmin=low, vmax=high)
        return
    for ax, file in zip(axes, files, strict=True):
        plotting.plot_velocity(
            file.vp, file.grid, ax=ax, vmin=low, vmax=high, title=file.name, colorbar=ax is axes[-1]
        )


def _width(file: Any) -> float:
    """Return the width in inches that leaves no blank beside a model."""
    x0, x1, z0, z1 = file.grid.extent
    return float(np.clip(2.8 * (x1 - x0) / max(z1 - z0, 1e-9), 2.2, 8.0))


def draw_fit(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw a shot as observed, as predicted, and the difference."""
    observed, predicted = files
    axes = figure.subplots(1, 3, sharey=True)
    given = looks.given("clip")
    plotting.plot_fit(predicted.d, observed.d, observed.acq, shot=looks.shot, axes=axes, **given)
    figure.suptitle(f"{_pair(files)}, shot {looks.shot}")


def draw_before_after(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw a shot before and after."""
    first, second = files
    shot = (looks.shots[0], looks.shots[-1]) if looks.shots else 0
    plotting.plot_before_after(
        (first.d, first.acq),
        (second.d, second.acq),
        shot=shot,
        axes=figure.subplots(1, 2, sharey=True),
        titles=(first.name, second.name),
        **looks.given("clip"),
    )


def draw_overlay(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw predicted wiggles over observed ones."""
    observed, predicted = files
    plotting.plot_overlay(
        predicted.d,
        observed.d,
        observed.acq,
        shot=looks.shot,
        ax=figure.subplots(),
        title=f"{_pair(files)}, shot {looks.shot}",
        **looks.given("clip", "every"),
    )


def draw_interleaved(figure: Any, files: list[Any], looks: Looks) -> None:
    """Draw blocks of observed and predicted traces in turn."""
    observed, predicted = files
    ax = figure.subplots()
    plotting.plot_interleaved(
        predicted.d,
        observed.d,
        observed.acq,
        shot=looks.shot,
        ax=ax,
        **looks.given("clip", "block"),
    )
    figure.suptitle(f"{_pair(files)}, shot {looks.shot}")


def draw_misfit(figure: Any, files: list[Any], looks: Looks) -> None:  # noqa: ARG001
    """Draw the misfit by shot and by offset."""
    observed, predicted = files
    left, right = figure.subplots(1, 2)
    data = (predicted.d, observed.d, observed.acq)
    plotting.plot_misfit_by_shot(*data, ax=left)
    plotting.plot_misfit_by_offset(*data, ax=right)
    figure.suptitle(_pair(files))


def draw_history(figure: Any, files: list[Any], looks: Looks) -> None:  # noqa: ARG001
    """Draw how an inversion or a training went, by its report."""
    history: Any = files[0]["history"]
    parts = history if isinstance(history, Mapping) else {"": history}
    parts = {name: rows for name, rows in parts.items() if rows}
    axes = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, (name, rows) in zip(axes, parts.items(), strict=True):
        if "epoch" in rows[0]:
            plotting.plot_training(rows, ax=ax)
        else:
            _draw_inversion(ax, rows)
        ax.set_title(name)


FORMS: dict[str, Any] = {"gathers": (Gathers, GatherFile), "velocity": Velocity, "report": dict}
KINDS = {
    "gathers": Kind(draw_gathers, (10.0, 4.6), ("gathers",), ("shots", "clip")),
    "wiggle": Kind(draw_wiggles, (10.0, 4.6), ("gathers",), ("shots", "clip", "every")),
    "spectra": Kind(draw_spectra, (7.0, 4.5), ("gathers", "gathers?"), ("db",)),
    "geometry": Kind(draw_geometry, (8.0, 8.0), ("gathers", "velocity?")),
    "velocity": Kind(draw_velocity, (7.6, 3.8), ("velocity", "velocity?"), ("vp_range",)),
    "compare": Kind(draw_fit, (10.6, 4.9), ("gathers", "same"), ("shots", "clip")),
    "before-after": Kind(draw_before_after, (9.0, 4.6), ("gathers", "gathers"), ("shots", "clip")),
    "overlay": Kind(draw_overlay, (8.0, 5.0), ("gathers", "same"), ("shots", "clip", "every")),
    "interleaved": Kind(
        draw_interleaved, (7.0, 5.0), ("gathers", "same"), ("shots", "clip", "block")
    ),
    "misfit": Kind(draw_misfit, (10.0, 4.2), ("gathers", "same")),
    "history": Kind(draw_history, (9.0, 4.2), ("report",)),
}
"""By name; a question mark is a file that may be left out, "same" has the survey of the first."""


def _draw_shots(figure: Any, file: Any, looks: Looks, *, wiggle: bool) -> None:
    """Draw shots side by side, the strongest amplitude of them all as the scale."""
    shots = looks.shots or _choice(len(file))
    for shot in shots:
        if not 0 <= shot < len(file):
            do = "Shots are counted from 0"
            refuse("--shot", f"must be below {len(file)}", got=shot, do=do)
    gathers = [file[shot] for shot in shots]
    size = np.concatenate([np.abs(d).ravel() for d, _ in gathers])
    vmax = float(np.percentile(size, looks.clip or (99.5 if wiggle else 98.0)))
    more: dict[str, Any] = {"vmax": vmax or float(size.max()) or None}
    draw: Any = plotting.plot_gather
    if wiggle:
        draw = plotting.plot_wiggle
        most = max(acq.nr for _, acq in gathers)
        every = -(-most * len(shots) // _WIGGLES) if len(shots) > 1 else None
        more["every"] = looks.every or every
    axes = figure.subplots(1, len(shots), sharey=True, squeeze=False)[0]
    for ax, shot, gather in zip(axes, shots, gathers, strict=True):
        draw(*gather, ax=ax, title=f"shot {shot}", **more)
        ax.locator_params(axis="x", nbins=5)
        if ax is not axes[0]:
            ax.set_ylabel("")
    if not wiggle:
        label = "amplitude (unit of the data)"
        figure.colorbar(axes[0].images[0], ax=list(axes), label=label, shrink=0.8)
    figure.suptitle(file.name)


def _choice(ns: int) -> tuple[int, ...]:
    """Return the first shot, the last, and one between."""
    return tuple(sorted({0, ns // 2, ns - 1}))[:_MOST]


def _pair(files: list[Any]) -> str:
    return f"{files[0].name} (observed), {files[1].name} (predicted)"


def _draw_inversion(ax: Any, rows: list[Mapping[str, Any]]) -> None:
    plotting.plot_history([row["misfit"] for row in rows], ax=ax)
    bands = [row["band_hz"] for row in rows]
    for number in range(1, len(rows)):
        if bands[number] != bands[number - 1]:
            ax.axvline(number - 0.5, color="0.7", linestyle=":")
    ax.set_ylabel("misfit in the band (1 is that of zero data)")
