"""Multiscale FWI of a published model: survey, run, and what is left by band.

Shared by `marmousi` and `overthrust`.  The data are made by the same modelling that inverts
them, without noise; the start is the one that comes with the model, and the water above
it is held.
"""

import argparse
import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from tests.benchmarks.report import Report, threads

Model = NDArray[np.float32]


@dataclass(frozen=True)
class Problem:
    """A published model, its start, and how it is shot.

    Velocities ``(nx, nz)`` in m/s on square cells of `spacing` m, the top `water` rows of
    them water; time step in s, peak frequency and bands in Hz.
    """

    name: str
    true: Model
    start: Model
    spacing: float
    water: int
    start_is: str
    f0: float
    nt: int
    dt: float
    bands: tuple[float | None, ...]
    max_vel: float

    @property
    def grid(self) -> vmb.Grid:
        """The cells."""
        return vmb.Grid(self.true.shape, self.spacing)

    @property
    def rock(self) -> NDArray[np.bool_]:
        """Cells below the water, ``(nx, nz)``."""
        return np.broadcast_to(np.arange(self.true.shape[1]) >= self.water, self.true.shape)

    def survey(self, shots: int) -> vmb.Acquisition:
        """Return shots spread evenly one cell deep, and receivers in every column."""
        columns, depth = self.true.shape[0], self.spacing
        return vmb.Acquisition.fixed_spread(
            self.spacing * np.linspace(2, columns - 3, shots).round(),
            self.spacing * np.arange(columns),
            nt=self.nt,
            dt=self.dt,
            f0=self.f0,
            zs=depth,
            zr=depth,
        )


class ByBand(Callbacks):  # type: ignore[misc]
    """Keeps the last model and the history's last line of each band."""

    def __init__(self) -> None:
        self.models: dict[float, Model] = {}

    def on_step_end(self, solver: Any, x: Any) -> None:
        """Keep the model of this step."""
        self.models[solver.history[-1].band] = x.detach().cpu().numpy().copy()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of such a benchmark."""
    parser.add_argument("--shots", type=int, default=14, help="shots (default 14)")
    parser.add_argument("--niter", type=int, default=10, help="iterations a band (default 10)")
    parser.add_argument("--lower", type=float, metavar="HZ", help="put a lower band first")
    parser.add_argument("--mpi", action="store_true", help="share the shots over MPI ranks")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save model and pictures here")
    parser.add_argument("--against", type=Path, metavar="NPZ", help="compare with a saved model")


def run(problem: Problem, options: argparse.Namespace) -> Report:
    """Invert, and report what is left after each band."""
    comm = _world() if options.mpi else None
    bands = (*([options.lower] if options.lower else []), *problem.bands)
    F = vmb.AcousticModelling2D(
        problem.grid, problem.survey(options.shots), max_vel=problem.max_vel
    )
    dobs, kept = F(problem.true), ByBand()
    began = time.perf_counter()
    result = vmb.fwi(
        F,
        dobs,
        x0=problem.start,
        bands=bands,
        niter=options.niter,
        bounds=(1500.0, problem.max_vel),
        mask=problem.rock,
        callbacks=[kept],
        **({} if comm is None else {"comm": comm}),
    )
    seconds = time.perf_counter() - began
    rows = [_row(problem, F, dobs, problem.start, "start")]
    rows += [_band_row(problem, F, dobs, result, *entry) for entry in kept.models.items()]
    if options.out and (comm is None or comm.rank == 0):
        _save(options.out, problem, kept.models, result)
    return Report(
        problem.name,
        f"{problem.name}, {F.grid.dims[0]} x {F.grid.dims[1]} cells, {F.acq}, MAE and RMSE in m/s",
        rows,
        notes=[
            f"FWI took {seconds:.0f} s; {comm.size if comm else 1} processes; {threads()}.",
            f"{F.memory}",
            f"Start: {problem.start_is}.  Data: this package's own modelling, no noise; L-BFGS "
            "and the other defaults of fwi; the water is held.",
            "Misfit in the band: 1 is that of zero data; data misfit: relative L2, full band.",
            *_differences(options.against, result.vp),
        ],
        settings={"shots": options.shots, "niter": options.niter, "bands": bands},
    )


def _world() -> Any:
    from mpi4py import MPI  # noqa: PLC0415 - optional

    if MPI.COMM_WORLD.rank:
        sys.stdout = io.StringIO()  # one process reports
    return MPI.COMM_WORLD


def _band_row(
    problem: Problem,
    F: vmb.AcousticModelling2D,
    dobs: Model,
    result: Any,
    band: float,
    vp: Model,
) -> dict[str, Any]:
    entries = [entry for entry in result.history if entry.band == band]
    label = "full band" if np.isinf(band) else f"below {band:g} Hz"
    return _row(problem, F, dobs, vp, label) | {
        "iterations": len(entries),
        "gradients": entries[-1].evaluations,
        "misfit in the band, first": entries[0].misfit,
        "last": entries[-1].misfit,
        "s": entries[-1].seconds,
    }


def _row(
    problem: Problem, F: vmb.AcousticModelling2D, dobs: Model, vp: Model, label: str
) -> dict[str, Any]:
    error = (vp - problem.true)[problem.rock]
    vp_range = (float(problem.true.min()), float(problem.true.max()))
    return {
        "after": label,
        "MAE": float(np.abs(error).mean()),
        "RMSE": float(np.sqrt(np.square(error).mean())),
        "SSIM": vmb.metrics.ssim(vp, problem.true, vp_range=vp_range),
        "data misfit": vmb.metrics.relative_l2(F(vp), dobs),
    }


def _differences(path: Path | None, vp: Model) -> list[str]:
    if path is None:
        return []
    with np.load(path) as saved:
        other = saved["vp"]
    error = float(np.linalg.norm(vp - other) / np.linalg.norm(other))
    return [f"Relative difference from the saved model: {error:.3g}."]


def _save(folder: Path, problem: Problem, models: dict[float, Model], result: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{problem.name}.npz", vp=result.vp, cost=result.cost)
    first = min(models)
    shown = {
        "true": problem.true,
        "start": problem.start,
        f"below {first:g} Hz": models[first],
        "full band": result.vp,
    }
    axes = vmb.plotting.plot_comparison(shown, problem.grid)
    axes[0].figure.savefig(folder / f"{problem.name}.png", dpi=150, bbox_inches="tight")
