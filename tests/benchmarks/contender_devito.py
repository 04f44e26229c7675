"""PyLops' gradient in an environment that has Devito and none of this project's dependencies.

``python -m tests.benchmarks.contender_devito PROBLEM.npz GRADIENT.npy`` prints one line of JSON.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from pylops.waveeqprocessing import AcousticWave2D

from tests.benchmarks.measure import run_and_measure


def main(problem: str, gradient: str) -> None:
    """Measure ``Op.H @ residual`` and write it as a derivative by velocity."""
    with np.load(problem) as arrays:
        Op, residual, start = operator(arrays), arrays["residual"], arrays["start"]
    if residual.shape != tuple(Op.dimsd):
        sys.exit(f"PyLops chose another time axis: {Op.dimsd} instead of {residual.shape}")
    by_slowness: list[Any] = []

    def call() -> None:
        by_slowness[:] = [Op.H @ residual]

    figures = run_and_measure(call)
    np.save(gradient, -2.0 * by_slowness[0] / start.astype(np.float64) ** 3)
    print(json.dumps(figures | {"stored": "all, 1 shot at a time"}))


def operator(problem: Mapping[str, Any]) -> Any:
    """Return the operator of the common survey, with the common wavelet."""
    start, nt, dt = problem["start"], problem["dobs"].shape[-1], float(problem["dt"])
    Op = AcousticWave2D(
        start.shape,
        (0.0, 0.0),
        tuple(problem["spacing"]),
        start,
        *problem["srcs"],
        *problem["recs"],
        0.0,
        1e3 * dt * (nt - 1),
        "Ricker",
        space_order=4,
        nbl=20,
        f0=float(problem["f0"]),
    )
    Op.updatesrc(problem["wav"])
    return Op


if __name__ == "__main__":
    main(*sys.argv[1:])
