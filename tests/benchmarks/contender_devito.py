"""PyLops' propagator in an environment that has Devito and none of this project's dependencies.

``python -m tests.benchmarks.contender_devito NAME PROBLEM.npz GRADIENT.npy [SHOTS]`` prints a line
of JSON; SHOTS are what the first call takes, the one that warms up.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from examples.seismic import AcquisitionGeometry
from examples.seismic.acoustic import AcousticWaveSolver
from numpy.typing import NDArray
from pylops.waveeqprocessing import AcousticWave2D

from pylops_vmb._timing import run_and_measure
from tests.benchmarks.peers import first_shots


def main(name: str, problem: str, gradient: str, shots: str | None = None) -> None:
    """Measure one product and write it; models are velocities, as ours are."""
    with np.load(problem) as arrays:
        given = dict(arrays)
    call, stored = product(name, given)
    warm_up = product(name, first_shots(given, int(shots)))[0] if shots else None
    result, figures = run_and_measure(call, warm_up=warm_up, at_least=0.5)
    np.save(gradient, result)
    print(json.dumps(figures | {"stored": stored}))


def product(name: str, given: Mapping[str, Any]) -> tuple[Callable[[], NDArray[Any]], str]:
    """Return what computes one product, and how the field is stored."""
    Op = operator(given, own_step=name == "pylops-own-step")
    times = given["dt"] * np.arange(given["residual"].shape[-1])
    own_times = 1e-3 * Op.geometry.time_axis.time_values
    Op.updatesrc(np.interp(own_times, times[: given["wav"].size], given["wav"], right=0.0))
    residual = resample(given["residual"], times, own_times)
    slope = -2e6 / given["start"].astype(np.float64) ** 3  # of squared slowness (km/s)^-2 by m/s
    calls: dict[str, Callable[[], NDArray[Any]]] = {
        "pylops-forward": lambda: forward(Op),
        "pylops-born": lambda: Op @ (slope * given["change"]),
    }
    stored = f"every step of {Op.geometry.dt:.3g} ms, 1 shot at a time"
    return calls.get(name, lambda: slope * (Op.H @ residual)), stored


def operator(problem: Mapping[str, Any], *, own_step: bool) -> AcousticWave2D:
    """Return the operator of the common survey, at its own or at the common time step."""
    start, dt = problem["start"], 1e3 * float(problem["dt"])
    kind = AcousticWave2D if own_step else CommonStep
    return kind(
        start.shape,
        (0.0, 0.0),
        tuple(problem["spacing"]),
        start,
        *problem["srcs"],
        *problem["recs"],
        0.0,
        dt * (problem["residual"].shape[-1] - 1),
        "Ricker",
        space_order=4,
        nbl=20,
        f0=float(problem["f0"]),
    )


class CommonStep(AcousticWave2D):
    """PyLops' operator with steps of 1 ms, where it would derive its own from the velocity."""

    def _create_model(self, *args: Any) -> None:
        super()._create_model(*args)
        self.model._dt = 1.0


def one_shot_solver(Op: AcousticWave2D) -> AcousticWaveSolver:
    """Return what models one shot over the velocity of an operator."""
    geometry = Op.geometry
    one = AcquisitionGeometry(
        Op.model,
        geometry.rec_positions,
        geometry.src_positions[0],
        geometry.t0,
        geometry.tn,
        f0=geometry.f0,
        src_type=geometry.src_type,
    )
    return AcousticWaveSolver(Op.model, one, space_order=Op.space_order)


def forward(Op: AcousticWave2D) -> NDArray[Any]:
    """Return the data ``(ns, nr, nt)``, for which the operator has no method."""
    solver, traces = one_shot_solver(Op), []
    for position in Op.geometry.src_positions:
        Op.wav.coordinates.data[0, :] = position
        traces.append(np.array(solver.forward(src=Op.wav)[0].data).T)
    return np.stack(traces)


def resample(traces: NDArray[Any], times: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Interpolate traces ``(ns, nr, nt)`` linearly to other times."""
    if len(times) == len(others):
        return traces
    return np.apply_along_axis(lambda trace: np.interp(others, times, trace), -1, traces)


if __name__ == "__main__":
    main(*sys.argv[1:])
