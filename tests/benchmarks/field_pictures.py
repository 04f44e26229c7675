"""Pictures of the field data: survey, spectra, gathers before and after, wavelet, velocity."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pylops_vmb.plotting import (
    plot_geometry,
    plot_misfit_by_offset,
    plot_misfit_by_shot,
    plot_spectra,
)
from tests.benchmarks import field

DPI = 80
_PAGE_DPI = 72
"""Keeps the picture of the page below 300 kB."""
_SHOTS = (1, field.HELD_SHOT)
_COLOURS = {"start": "0.55", "result": "tab:blue"}


class Outcome(NamedTuple):
    """What there is to draw: a start and a result, each with modelling and predicted data."""

    here: field.Found
    problem: field.Problem
    velocities: dict[str, Any]
    modellings: dict[str, Any]
    predicted: dict[str, Any]


def draw(folder: Path, outcome: Outcome) -> None:
    """Draw all pictures into a folder: the survey, two shots, and the page's own."""
    import matplotlib.pyplot as plt  # noqa: PLC0415  only where there is something to draw

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 3, figsize=(14.0, 4.0), layout="constrained")
    plot_geometry(outcome.here.acq, ax=axes[0], title="survey")
    plot_spectra(outcome.here.data, outcome.here.acq, db=True, ax=axes[1], title="spectra")
    axes[1].set(xlim=(0.0, 80.0))
    _misfit_by_shot(axes[2], outcome)
    figure.savefig(folder / "viking_survey.png", dpi=DPI)
    for shot in _SHOTS:
        figure, axes = plt.subplots(1, 4, figsize=(15.0, 5.0), sharey=True, layout="constrained")
        _gathers(axes, outcome, shot)
        figure.savefig(folder / f"viking_shot{shot}.png", dpi=DPI)
    page(folder / "viking.png", outcome)
    plt.close("all")


def page(path: Path, outcome: Outcome) -> None:
    """Draw the held-out shot above, and profile, misfit and wavelet below."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure = plt.figure(figsize=(12.0, 8.0), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.15, 1.0))
    _gathers(above.subplots(1, 4, sharey=True), outcome, field.HELD_SHOT)
    profile, misfit, wavelet = below.subplots(1, 3)
    _profile(profile, outcome)
    for label, d in outcome.predicted.items():
        plot_misfit_by_offset(
            d, outcome.problem.dobs, outcome.problem.F.acq, ax=misfit, label=label
        )
    for label, F in outcome.modellings.items():
        wav = F.acq.wav / np.abs(F.acq.wav).max()
        wavelet.plot(F.acq.dt * np.arange(len(wav)), wav, color=_COLOURS[label], label=label)
    wavelet.set(xlabel="time (s)", title="estimated wavelet")
    wavelet.legend()
    figure.savefig(path, dpi=_PAGE_DPI)
    plt.close(figure)


def _gathers(axes: Any, outcome: Outcome, shot: int) -> None:
    acq, dobs = outcome.problem.F.acq, outcome.problem.dobs[shot]
    level = np.sqrt((dobs**2).mean(-1, keepdims=True))
    level = np.maximum(level, 1e-3 * level.max())
    alive = dobs.any(-1)[:, None]
    start, result = (np.asarray(outcome.predicted[label][shot]) for label in ("start", "result"))
    panels = {
        f"observed, shot {shot + 1}": dobs,
        "predicted by the start": start,
        "predicted by the result": result,
        "observed minus result": (dobs - result) * alive,
    }
    offsets = np.abs(acq.offsets[shot])
    for ax, (title, gather) in zip(axes, panels.items(), strict=True):
        ax.imshow(
            (gather * alive / level).T,
            extent=(offsets[0], offsets[-1], acq.t[-1], 0.0),
            aspect="auto",
            vmin=-2.5,
            vmax=2.5,
            cmap="gray",
        )
        ax.set(xlabel="offset (m)")
        ax.set_title(title, fontsize=10)
        for at in field.HELD_OFFSETS:
            ax.axvline(at, color="tab:red", linewidth=0.8, linestyle="--")
    axes[0].set(ylabel="time (s)")


def _profile(ax: Any, outcome: Outcome) -> None:
    z = outcome.problem.F.grid.z
    for label, vp in outcome.velocities.items():
        column = 1e-3 * np.asarray(vp)[len(vp) // 2]
        ax.plot(column, z, color=_COLOURS[label], label=label)
    ax.set(xlabel="velocity (km/s)", ylabel="z (m)", ylim=(z[-1], 0.0))
    ax.legend()


def _misfit_by_shot(ax: Any, outcome: Outcome) -> None:
    for label, d in outcome.predicted.items():
        plot_misfit_by_shot(d, outcome.problem.dobs, outcome.problem.F.acq, ax=ax, label=label)
