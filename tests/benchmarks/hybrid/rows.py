"""One run of one method on one model under one condition, as a row of plain numbers.

Beside the row, ``DIR/runs/KEY.npz`` keeps the models (``true``, ``start``, ``vp``, and the
network's ``prediction`` where there is one) and the curves: ``iteration``, ``gradients`` so far,
``misfit`` (relative, full band of the condition's data) and ``mae`` (m/s).
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pylops.optimization.callback import Callbacks

from pylops_vmb import metrics
from pylops_vmb.inversion import InversionResult, Iteration
from tests.benchmarks.hybrid.conditions import Condition, Problem
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.methods import Method
from tests.benchmarks.hybrid.models import Model, Velocity
from tests.benchmarks.openfwi_maps import UNIT

EVERY = 2
"""Iterations between two points of a curve."""


@dataclass(frozen=True)
class Run:
    """A job of `run_jobs`: call it.

    Parameters
    ----------
    model : `Model`
        What is looked for.
    condition, method : :obj:`str`
        Names.
    observe, invert
        What they do; picklable, such as functions and partials of them.
    folder : :obj:`pathlib.Path`
        Where models and curves are kept.
    labels : :obj:`dict`, optional
        What else tells this run from others: columns of the row, part of the key.
    predict : callable, optional
        What a network says before any inversion; scored beside the start and the result.
    """

    model: Model
    condition: str
    method: str
    observe: Condition
    invert: Method
    folder: Path
    labels: Mapping[str, Any] = field(default_factory=dict)
    predict: Callable[[Problem], Velocity] | None = None

    @property
    def key(self) -> str:
        """Name of the run, good as the name of a file."""
        parts = [self.condition, self.model.name, self.method, *map(str, self.labels.values())]
        return "-".join(parts)

    def __call__(self) -> Row:
        """Run, keep models and curves, and return the row."""
        problem = self.observe(self.model.vp)
        watch = Watch(problem)
        result = self.invert(problem, [watch])
        if result.status == "interrupted":
            raise InterruptedError(f"{self.key} was stopped before its end")
        models = {"start": watch.start, "vp": np.asarray(result.vp)}
        if self.predict is not None:
            models["prediction"] = self.predict(problem)
        self._keep({"true": problem.true} | models, watch.curves(result.history))
        return {
            "model": self.model.name,
            "family": self.model.family,
            "condition": self.condition,
            "method": self.method,
            **self.labels,
            "start": getattr(result, "start", self.method),
            "starts": getattr(result, "starts", {}),
            **{k: v for name, vp in models.items() for k, v in _scores(name, problem, vp).items()},
            "iterations": result.niter,
            **cost(result, watch),
            "status": result.status,
            "bands": [entry if np.isfinite(entry) else None for entry in _bands(result)],
        }

    def _keep(self, models: Mapping[str, Any], curves: Mapping[str, Any]) -> None:
        folder = self.folder / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{self.key}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(file, **models, **curves)
        part.replace(folder / f"{self.key}.npz")


class Watch(Callbacks):  # type: ignore[misc]
    """Follows an inversion in the full band; its own time is known, and no part of the cost.

    Attributes
    ----------
    start : :obj:`numpy.ndarray`
        Where the run began, ``(nx, nz)`` in m/s; of a start that won a race, after it.
    curve : :obj:`list`
        Iteration, relative data misfit, mean absolute error in m/s.
    setup, seconds, cpu : :obj:`float`
        Time in s before the first iteration (choosing a start) and of everything, and the time
        of the processor.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem
        self.start: Velocity = problem.true
        self.curve: list[tuple[int, float, float]] = []
        self.setup = self.seconds = self.cpu = 0.0

    def on_setup_begin(self, solver: Any, x0: Any) -> None:  # noqa: ARG002 - PyLops' names
        """Start the clocks."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def on_run_begin(self, solver: Any, x: Any) -> None:
        """Keep the start."""
        self._stop()
        self.setup, self.start = self.seconds, _plain(x)
        self._point(solver.iiter, x)

    def on_step_end(self, solver: Any, x: Any) -> None:
        """Take a point of the curve, every second time."""
        if solver.iiter % EVERY == 0:
            self._stop()
            self._point(solver.iiter, x)

    def on_run_end(self, solver: Any, x: Any) -> None:
        """Take the last point."""
        self._stop()
        if self.curve[-1][0] < solver.iiter:
            self._point(solver.iiter, x)

    def curves(self, history: Sequence[Iteration]) -> dict[str, NDArray[np.float64]]:
        """Return the columns of the curve by name, gradients after the history of the result.

        Those that chose a start are known with the first iteration, so the start has as many.
        """
        columns = np.array(self.curve, np.float64).T
        found = dict(zip(("iteration", "misfit", "mae"), columns, strict=True))
        counts = [gradients(history[: max(number, 1)]) for number, *_ in self.curve]
        return found | {"gradients": np.array(counts, np.float64)}

    def _stop(self) -> None:
        self.seconds += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu

    def _point(self, iteration: int, x: Any) -> None:
        vp, (F, dobs, true) = _plain(x), self._problem
        self.curve.append((iteration, metrics.relative_l2(F(vp), dobs), metrics.mae(vp, true)))
        self._wall, self._cpu = time.perf_counter(), time.process_time()


def cost(result: InversionResult, watch: Watch) -> Row:
    """Return what a run cost, the choice of a start included: its gradients are in the history."""
    return {
        "gradients": gradients(result.history),
        "simulations": len(getattr(result, "starts", {})),
        "start_seconds": watch.setup,
        "seconds": watch.seconds,
        "cpu_seconds": watch.cpu,
    }


def gradients(history: Sequence[Iteration]) -> int:
    """Return the gradients of all bands so far."""
    return sum({entry.band: entry.evaluations for entry in history}.values())


def read_run(folder: Path, key: str) -> dict[str, Any]:
    """Return the models and curves of a run."""
    with np.load(folder / "runs" / f"{key}.npz", allow_pickle=False) as file:
        return dict(file)


def _scores(name: str, problem: Problem, vp: Velocity) -> Row:
    """Return errors in units of 1500 m/s, SSIM in both conventions, and the data misfit."""
    found, prefix = metrics.scores(vp, problem.true), "" if name == "vp" else f"{name}_"
    return {
        f"{prefix}mae": found["mae"] / UNIT,
        f"{prefix}rmse": found["rmse"] / UNIT,
        f"{prefix}ssim": found["ssim"],
        f"{prefix}ssim_uniform": found["ssim_uniform"],
        f"{prefix}misfit": metrics.relative_l2(problem.F(vp), problem.dobs),
    }


def _bands(result: InversionResult) -> list[float]:
    return list(dict.fromkeys(entry.band for entry in result.history))


def _plain(x: Any) -> Velocity:
    """Return a copy of a model of any kind."""
    plain = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    return np.array(plain, np.float32)
