"""Time and memory of one FWI gradient: ours, the propagator's defaults, and PyLops' own.

301 x 201 cells of 10 m (x, z), 5 shots, 301 receivers, 2000 steps of 1 ms, 15 Hz, least
squares.  The contenders take turns, each in a fresh process, so that its peak memory is
its own.  PyLops' AcousticWave2D needs Devito, which wants an environment of its own:

    make .venv-devito/.installed
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import pylops_vmb as vmb
from pylops_vmb.velocity import openfwi_like
from tests.benchmarks.peers import (
    NO_DEVITO,
    ROOT,
    add_devito,
    devito_python,
    survey_entries,
)
from tests.benchmarks.report import Report, threads, verdict

SEED = 3
OURS, BATCHED, LOW, EXACT = "ours", "ours-batched", "ours-low-band", "ours-every-step"
RAW, PYLOPS, OWN_STEP = "deepwave-defaults", "pylops", "pylops-own-step"
LABELS = {
    OURS: "ours, as fwi in the full band",
    BATCHED: "ours, the same two shots at a time",
    LOW: "ours, as fwi in a band up to 6 Hz",
    RAW: "deepwave's defaults, loss.backward()",
    PYLOPS: "PyLops AcousticWave2D.H @ residual",
    OWN_STEP: "the same at the time step of its choice",
    EXACT: "ours, every step stored",
}
CALLS = (
    "Seconds are those of the second call in a process, or the median of those that fit into half "
    "a second; the first one compiles and fills caches.  "
    "Added memory is the peak resident size (VmHWM) above the resident size after imports and "
    "set-up; both calls count."
)
Results = dict[str, list[dict[str, Any]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=5, help="processes each (default 5)")
    add_devito(parser)


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    contenders = _contenders(devito_python(options.devito_python))
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        np.savez(problem, **make_problem(vmb.Grid.fcnvmb(), five_shots()))
        results: Results = {name: [] for name in contenders}
        for number in range(options.rounds):
            for name, command in contenders.items():
                if number == 0 or name != EXACT:
                    results[name].append(run_alone(command, problem, Path(folder) / f"{name}.npy"))
        gradients = {name: np.load(Path(folder) / f"{name}.npy") for name in contenders}
    return Report(
        "gradient",
        "one FWI gradient, 301 x 201 cells, 5 shots, 2000 steps",
        [_row(name, results, gradients) for name in LABELS],
        notes=[*_verdicts(results, gradients), *_remarks(options)],
        settings={"seed": SEED, "rounds": options.rounds, "results": results},
    )


def five_shots() -> vmb.Acquisition:
    """Return the survey of this benchmark."""
    return vmb.Acquisition.fixed_spread(
        np.linspace(100.0, 2900.0, 5),
        10.0 * np.arange(301),
        nt=2000,
        dt=1e-3,
        f0=15.0,
        zs=30.0,
        zr=10.0,
    )


def make_problem(grid: vmb.Grid, acq: vmb.Acquisition) -> dict[str, Any]:
    """Return a true model, its data, a smooth start, the residual there, and the survey."""
    true = np.clip(openfwi_like(grid.dims, seed=SEED)[0], 1500.0, 4200.0)  # 1 ms is stable for all
    start = gaussian_filter(true, 12.0)
    F = vmb.AcousticModelling2D(grid, acq)
    dobs = F(true)
    return {
        "true": true,
        "start": start,
        "dobs": dobs,
        "residual": F(start) - dobs,
        "change": np.pad((true - start)[1:-1, 1:-1], 1),  # PyLops leaves the absorbing zone alone
        **survey_entries(grid, acq),
    }


def _contenders(devito: Path | None) -> dict[str, list[str]]:
    module = [sys.executable, "-m", "tests.benchmarks.contender"]
    found = {name: [*module, name] for name in (OURS, BATCHED, LOW, RAW, EXACT)}
    if devito is not None:
        peer = [str(devito), "-m", "tests.benchmarks.contender_devito"]
        found |= {name: [*peer, name] for name in (PYLOPS, OWN_STEP)}
    return found


def run_alone(
    command: list[str],
    problem: Path,
    gradient: Path,
    *,
    threads: int | None = None,
    warm_up: Sequence[str] = (),
) -> dict[str, Any]:
    """Run a contender in a process of its own and return its figures."""
    asked = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [*command, str(problem), str(gradient), *warm_up],
        cwd=ROOT,
        env=os.environ | {"DEVITO_LANGUAGE": "openmp", "DEVITO_LOGGING": "ERROR"} | asked,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _row(name: str, results: Results, gradients: dict[str, NDArray[Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"gradient": LABELS[name]}
    if name not in results:
        return row | {"stored": "absent"}
    row |= {
        "wall s": median_of(results[name], "wall"),
        "processor s": median_of(results[name], "cpu"),
        "added MiB": added(results[name]),
        "peak MiB": median_of(results[name], "peak"),
        "first call s": median_of(results[name], "first"),
        "stored": results[name][0]["stored"],
    }
    if name == LOW:
        return row
    exact = gradients[EXACT]
    scale = (gradients[name] * exact).sum() / (exact * exact).sum()
    cosine = (gradients[name] * exact).sum() / np.linalg.norm(exact)
    return row | {
        "difference": float(
            np.linalg.norm(gradients[name] / scale - exact) / np.linalg.norm(exact)
        ),
        "cosine": float(cosine / np.linalg.norm(gradients[name])),
    }


def _verdicts(results: Results, gradients: dict[str, NDArray[Any]]) -> list[str]:
    ours, exact = gradients[OURS], gradients[EXACT]
    error = float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))
    notes = [verdict("relative difference of ours from the exact gradient", error, at_most=1e-4)]
    for name in (RAW, PYLOPS):
        if name not in results:
            notes.append(NO_DEVITO)
            continue
        for clock in ("wall", "cpu"):
            faster = statistics.median(
                theirs[clock] / mine[clock]
                for theirs, mine in zip(results[name], results[OURS], strict=True)
            )
            notes.append(verdict(f"times faster than {name} ({clock})", faster, at_least=2.0))
        for mine in (OURS, BATCHED):
            share = added(results[mine]) / added(results[name])
            notes.append(verdict(f"memory of {mine} over {name}", share, at_most=1 / 3))
    return notes


def _remarks(options: argparse.Namespace) -> list[str]:
    return [
        f"Medians of {options.rounds} fresh processes each, in turn; {threads()}.",
        CALLS,
        "Ours and deepwave model the data and compare them; PyLops is handed the residual.  Its "
        "time step is set to that of the others; left alone it takes the longest stable one.",
        "Difference and cosine are against the gradient with every step stored, of the same "
        "residual, after the best factor; absorbing layers differ, and PyLops' damping most.",
    ]


def median_of(figures: list[dict[str, Any]], key: str) -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(entry[key] for entry in figures)


def added(figures: list[dict[str, Any]]) -> float:
    """Return the median of the memory that the calls added, MiB."""
    return statistics.median(entry["peak"] - entry["baseline"] for entry in figures)
