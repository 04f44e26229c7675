"""Pictures of the field data: survey, spectra, gathers before and after, wavelet, velocity."""

from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb.plotting import plot_geometry, plot_misfit_by_offset, plot_spectra
from tests.benchmarks import field

DPI = 80
_SHOTS = (1, field.HELD_SHOT)


def draw(
    folder: Path,
    here: field.Found,
    problem: field.Problem,
    begin: field.Start,
    vp: Any,
    models: dict[str, Any],
    predicted: dict[str, Any],
) -> None:
    """Draw all pictures into a folder."""
    import matplotlib.pyplot as plt  # noqa: PLC0415  only where there is something to draw

    folder.mkdir(parents=True, exist_ok=True)
    first, last = predicted["start, its own wavelet"], predicted["result, its own wavelet"]
    figure, axes = plt.subplots(1, 3, figsize=(14.0, 4.0), layout="constrained")
    plot_geometry(here.acq, ax=axes[0], title="survey")
    plot_spectra(here.data, here.acq, db=True, ax=axes[1], title="spectra")
    axes[1].set(xlim=(0.0, 80.0))
    for label, F in (("start", models["start, its own wavelet"][0]),
                     ("result", models["result, its own wavelet"][0])):  # fmt: skip
        wav = F.acq.wav
        axes[2].plot(F.acq.dt * np.arange(len(wav)), wav, label=label)
    axes[2].set(xlabel="time (s)", title="estimated wavelet")
    axes[2].legend()
    figure.savefig(folder / "viking_survey.png", dpi=DPI)
    for shot in _SHOTS:
        _gathers(folder / f"viking_shot{shot}.png", problem, (first, last), shot)
    _result(folder / "viking_result.png", problem, begin, vp, (first, last))
    plt.close("all")


def _gathers(path: Path, problem: field.Problem, predicted: Any, shot: int) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    acq, dobs = problem.F.acq, problem.dobs[shot]
    level = np.sqrt((dobs**2).mean(-1, keepdims=True))
    panels = {
        "observed": dobs,
        "predicted by the start": predicted[0][shot],
        "predicted by the result": predicted[1][shot],
        "observed minus result": dobs - predicted[1][shot],
    }
    figure, axes = plt.subplots(1, 4, figsize=(15.0, 5.0), sharey=True, layout="constrained")
    offsets = np.abs(acq.offsets[shot])
    for ax, (title, gather) in zip(axes, panels.items(), strict=True):
        ax.imshow(
            (np.asarray(gather) / level).T,
            extent=(offsets[0], offsets[-1], acq.t[-1], 0.0),
            aspect="auto", vmin=-2.5, vmax=2.5, cmap="gray",
        )  # fmt: skip
        ax.set(xlabel="offset (m)", title=title)
        for at in field.HELD_OFFSETS:
            ax.axvline(at, color="tab:red", linewidth=0.8, linestyle="--")
    axes[0].set(ylabel="time (s)")
    figure.savefig(path, dpi=DPI)


def _result(
    path: Path, problem: field.Problem, begin: field.Start, vp: Any, predicted: Any
) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(10.0, 4.6), layout="constrained")
    z = problem.F.grid.z
    middle = len(vp) // 2
    axes[0].plot(1e-3 * begin.vp[middle], z, color="0.6", label="start")
    axes[0].plot(1e-3 * np.asarray(vp)[middle], z, label="result")
    axes[0].set(xlabel="velocity (km/s)", ylabel="z (m)", ylim=(z[-1], 0.0))
    axes[0].legend()
    for label, d in zip(("start", "result"), predicted, strict=True):
        plot_misfit_by_offset(d, problem.dobs, problem.F.acq, ax=axes[1], label=label)
    figure.savefig(path, dpi=DPI)
