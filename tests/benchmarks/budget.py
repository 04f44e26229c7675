"""One gradient within a stated memory: 301 x 201 cells, 29 shots, 2000 steps.

The forward field of all shots takes 18 GiB if every step is stored.  Each row runs in a fresh
process, which is told a budget and reports its plan and its peak.  ``--raw`` adds the row
that stores everything; it needs a machine with 24 GiB free.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylops_vmb as vmb
from tests.benchmarks.gradient import make_problem, run_alone
from tests.benchmarks.report import Report, threads, verdict

ROWS = {
    "fwi-4GiB": ("gradient, as fwi in the full band", 4.0),
    "jacobian-4GiB": ("J.H @ residual, any residual", 4.0),
    "jacobian-512MiB": ("J.H @ residual, any residual", 0.5),
}
RAW = {"jacobian-22GiB": ("J.H @ residual, every step of all shots", 22.0)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--shots", type=int, default=29, help="for a trial (default 29)")
    parser.add_argument("--raw", action="store_true", help="add the row that stores everything")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    names = ROWS | (RAW if options.raw else {})
    acq = vmb.Acquisition.fcnvmb().select(slice(options.shots))
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        np.savez(problem, **make_problem(vmb.Grid.fcnvmb(), acq))
        figures, gradients = {}, {}
        for name in names:
            command = [sys.executable, "-m", "tests.benchmarks.contender", name]
            file = Path(folder) / f"{name}.npy"
            figures[name] = run_alone(command, problem, file)
            gradients[name] = np.load(file)
    exact = gradients[[*names][-1]]
    rows = [_row(*names[name], figures[name], gradients[name], exact) for name in names]
    return Report(
        "budget",
        f"one gradient within a budget, 301 x 201 cells, {options.shots} shots, 2000 steps",
        rows,
        notes=[
            *(_verdict(row) for row in rows[: len(ROWS)]),
            f"Second of two calls in a fresh process; {threads()}.  Added memory is the peak above "
            "what the process held after set-up (libraries, data, operator); both calls count.",
            f"Difference is relative to the last row, which is {names[[*names][-1]][0]}.",
            *(f"{name}: {figures[name]['stored']}" for name in names),
        ],
        settings={"figures": figures},
    )


def _row(
    label: str,
    budget: float,
    figures: dict[str, Any],
    gradient: NDArray[Any],
    exact: NDArray[Any],
) -> dict[str, Any]:
    return {
        "what": label,
        "budget GiB": budget,
        "wall s": figures["wall"],
        "processor s": figures["cpu"],
        "added GiB": (figures["peak"] - figures["baseline"]) / 2**10,
        "peak GiB": figures["peak"] / 2**10,
        "difference": float(np.linalg.norm(gradient - exact) / np.linalg.norm(exact)),
    }


def _verdict(row: dict[str, Any]) -> str:
    label = f"{row['what']}, in {row['budget GiB']:g} GiB"
    return "; ".join(
        [
            verdict(f"{label}: added GiB", row["added GiB"], at_most=row["budget GiB"]),
            verdict("difference", row["difference"], at_most=1e-4),
        ]
    )
