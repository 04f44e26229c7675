"""Flat layers with a one-dimensional prior: how close to the truth, in m/s.

OpenFWI's FlatVel-A maps, noise-free, in float64: one profile of depth that prefers few layers
(`fit_profile` with ``refine`` and ``blocky``), from the network's model and the first shot alone;
beside it one profile without that preference, and FWI of all cells, both from a linear start and
of all shots.  The target is 1 m/s; the best public figure is below 0.1.  A second call with the
same ``--out`` does what is missing; ``--report`` only reads.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from pylops.optimization.callback import Callbacks

from pylops_vmb.inversion import InversionResult, fit_profile, linear_start
from tests.benchmarks.hybrid import conditions, methods
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.models import Velocity, read_models
from tests.benchmarks.hybrid.rows import Run, read_run
from tests.benchmarks.hybrid.sheets import add_common, average, measured, publish, save
from tests.benchmarks.openfwi_maps import UNIT
from tests.benchmarks.report import Report, verdict

LAYERS, PROFILE, CELLS = "layers", "profile", "linear"
TITLES = {
    LAYERS: "few layers, from the network",
    PROFILE: "one profile v(z), linear start",
    CELLS: "all cells (FWI), linear start",
}
JUMP = 5.0
"""Differences of neighbouring depths in m/s far below it count as none."""
TARGET, PUBLIC = 1.0, 0.1
"""MAE in m/s."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    add_common(parser, "flat", niter=20)
    parser.add_argument("--count", type=int, default=5, help="maps (default 5)")
    text = "Gauss-Newton steps with the whole Hessian at the end (default 14)"
    parser.add_argument("--refine", type=int, default=14, help=text)
    parser.add_argument("--weights", default="fcnvmb-mini-full", help="network, a file or a name")


def run(options: argparse.Namespace) -> Report:
    """Measure what is missing, and report all of it."""
    runs = measured(options, planned(options))
    rows = table(list(runs.values()))
    draw(options, list(runs.values()))
    found = [row["MAE m/s"] for row in rows if row["map"] == "mean"]
    report = Report(
        "flat",
        f"FlatVel-A with a one-dimensional prior, {options.niter} iterations a band, and "
        f"{options.refine} steps with the whole Hessian for few layers",
        rows,
        notes=[
            *(verdict("MAE of few layers in m/s", mae, at_most=TARGET) for mae in found[:1]),
            "Few layers are found with the first of five shots: of flat layers all tell the same.",
            f"The best public figure is below {PUBLIC:g} m/s.",
            "Data and inversion share the modelling: what is left is the inversion's.",
        ],
    )
    return publish(options, report, runs)


def planned(options: argparse.Namespace) -> list[Run]:
    """Return the runs that the options ask for, both methods of a map after each other."""
    labels: dict[str, Any] = {"niter": options.niter}
    more = labels | {"refine": options.refine, "network": methods.identity(options.weights)}
    fit = partial(layers, refine=options.refine, weights=options.weights, **labels)
    known: dict[str, tuple[methods.Method, dict[str, Any]]] = {
        LAYERS: (fit, more),
        PROFILE: (partial(profile, **labels), labels),
        CELLS: (partial(methods.linear, **labels), labels),
    }
    return [
        Run(
            model,
            "exact",
            name,
            observe=exact,
            invert=invert,
            folder=options.out,
            labels=marks,
        )
        for model in read_models(["flatvel"], options.count)
        for name, (invert, marks) in known.items()
    ]


def exact(true: Velocity) -> Problem:
    """Shoot OpenFWI's survey in float64, whose last digits tell thin layers apart."""
    F, wide = conditions.full(true).F, true.astype(np.float64)
    return Problem(F, F(wide), wide)


def layers(
    problem: Problem, callbacks: Sequence[Any], *, niter: int, refine: int, weights: str
) -> InversionResult:
    """Fit a profile of few layers to the first shot, from the network's model of all shots."""
    x0 = methods.prediction(problem, weights=weights)
    F, dobs = problem.F.shots(slice(0, 1)), problem.dobs[:1]
    words = methods.shared(problem, {"niter": niter, "refine": refine, "blocky": JUMP})
    return fit_profile(F, dobs, x0, callbacks=_watches(callbacks, problem), **words)


def profile(problem: Problem, callbacks: Sequence[Any], *, niter: int) -> InversionResult:
    """Fit one profile of depth, from a velocity that grows linearly with it."""
    words = methods.shared(problem, {"niter": niter}) | {"x0": linear_start(problem.F.grid)}
    return fit_profile(problem.F, problem.dobs, callbacks=_watches(callbacks, problem), **words)


def _watches(callbacks: Sequence[Any], problem: Problem) -> list[Any]:
    return [Spread(callback, problem.F.dims) for callback in callbacks]


class Spread(Callbacks):  # type: ignore[misc]
    """Shows the profiles ``(1, nz)`` of an inversion to a callback as velocities ``(nx, nz)``.

    Parameters
    ----------
    callback : :obj:`pylops.optimization.callback.Callbacks`
        Who looks on.
    dims : :obj:`tuple`
        Cells ``(nx, nz)``.
    """

    def __init__(self, callback: Any, dims: tuple[int, ...]) -> None:
        super().__init__()
        self._callback, self._dims = callback, dims

    def on_setup_begin(self, solver: Any, x0: Any) -> None:
        """Pass on."""
        self._callback.on_setup_begin(solver, x0)

    def on_run_begin(self, solver: Any, x: Any) -> None:
        """Pass on."""
        self._callback.on_run_begin(solver, self._spread(x))

    def on_step_end(self, solver: Any, x: Any) -> None:
        """Pass on."""
        self._callback.on_step_end(solver, self._spread(x))

    def on_run_end(self, solver: Any, x: Any) -> None:
        """Pass on."""
        self._callback.on_run_end(solver, self._spread(x))

    def _spread(self, x: torch.Tensor) -> torch.Tensor:
        return x.expand(*self._dims).contiguous()


def table(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each map and method, and one for the mean of each method."""
    found: list[Row] = []
    for method, title in TITLES.items():
        these = [row for row in rows if row["method"] == method]
        if these:
            columns = ("mae", "rmse", "misfit", "iterations", "gradients", "seconds")
            mean = {"model": "mean"} | {key: average(these, key) for key in columns}
            found += [_row(title, row) for row in (*these, mean)]
    return found


def _row(title: str, row: Row) -> Row:
    return {
        "unknowns": title,
        "map": row["model"],
        "MAE m/s": UNIT * row["mae"],
        "RMSE m/s": UNIT * row["rmse"],
        "data misfit": row["misfit"],
    } | {key: row[key] for key in ("iterations", "gradients", "seconds")}


def draw(options: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Draw the profiles in the middle of each map over the true ones."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where there is something to draw

    models = list(dict.fromkeys(row["model"] for row in rows))
    size = (2.6 * len(models), 3.6)
    figure, axes = plt.subplots(1, len(models), figsize=size, layout="constrained", squeeze=False)
    for ax, model in zip(axes[0], models, strict=True):
        for row in (row for row in rows if row["model"] == model):
            kept = read_run(options.out, row["key"])
            middle, depth = len(kept["true"]) // 2, range(kept["true"].shape[1])
            ax.plot(kept["vp"][middle], depth, label=TITLES[row["method"]])
            if row["method"] == LAYERS:
                ax.set_title(f"{model}: {UNIT * row['mae']:.2g} m/s")
        ax.plot(kept["true"][middle], depth, color="k", linestyle=":", label="true")
        ax.invert_yaxis()
        ax.set_xlabel("velocity (m/s)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    axes[0, 0].set_ylabel("cell")
    save(figure, options.out / "flat.png")
