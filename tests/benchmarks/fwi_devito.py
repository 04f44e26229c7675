"""Inversion to a fixed misfit by PyLops' propagator and scipy's L-BFGS-B.

``python -m tests.benchmarks.fwi_devito NAME PROBLEM.npz VP.npy SETTINGS`` prints one line of JSON.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tests.benchmarks.contender_devito import one_shot_solver, operator
from tests.benchmarks.watch import EnoughError, Watch, lowpass, relative

UNIT = 1e3  # m/s: scipy sees km/s
BOUNDS = (1.5, 4.5)


def main(_: str, problem: str, model: str, settings: str) -> None:
    """Run the inversion, write its model and print its figures."""
    with np.load(problem) as arrays:
        given = dict(arrays)
    options = json.loads(settings)
    shots = Shots(given)
    dobs = shots.data(given["true"])
    far = relative(dobs, given["dobs"])
    shots.gradient(given["start"], dobs, None)  # compiles
    watch = Watch(last=options["last"], most=options["most"])
    with suppress(EnoughError):
        invert(shots, given["start"], dobs, watch, options)
    np.save(model, watch.vp)
    print(json.dumps(watch.figures() | {"distance of its data": far}))


def invert(
    shots: "Shots",
    start: NDArray[Any],
    dobs: NDArray[Any],
    watch: Watch,
    options: Mapping[str, Any],
) -> None:
    """Minimise from low to high corners; each model that is tried is judged by its own data."""
    x, calls = start.ravel().astype(np.float64) / UNIT, 0
    for corner in options["corners"]:
        norm = float(np.square(lowpass(dobs, corner, shots.dt)).sum())

        def objective(
            x: NDArray[Any], corner: float | None = corner, norm: float = norm
        ) -> tuple[float, NDArray[Any]]:
            nonlocal calls
            vp = UNIT * x.reshape(start.shape)
            value, slope, d = shots.gradient(vp, dobs, corner)
            calls += 1
            watch(vp, lambda: relative(d, dobs), calls=calls)
            factor = options["scale"] / norm
            return factor * value, factor * UNIT * slope.ravel()

        result = minimize(
            objective,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=[BOUNDS] * x.size,
            options={"maxiter": options["niter"]},
        )
        x = result.x


class Shots:
    """PyLops' operator with one solver for all products, which it would build anew in each."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self._op = operator(problem, own_step=False)
        self.dt = float(problem["dt"])
        times = 1e-3 * self._op.geometry.time_axis.time_values
        wav = problem["wav"]
        self._op.updatesrc(np.interp(times, self.dt * np.arange(wav.size), wav, right=0.0))
        self._solver = one_shot_solver(self._op)

    def data(self, vp: NDArray[Any]) -> NDArray[Any]:
        """Return the data ``(ns, nr, nt)`` at a velocity in m/s."""
        self._update(vp)
        return np.stack([self._forward(place, save=False)[0] for place in self._places])

    def gradient(
        self, vp: NDArray[Any], dobs: NDArray[Any], corner: float | None
    ) -> tuple[float, NDArray[Any], NDArray[Any]]:
        """Return half the squared filtered residual, its gradient by velocity, and the data."""
        self._update(vp)
        value, slope, traces = 0.0, np.zeros(vp.shape), []
        for place, observed in zip(self._places, dobs, strict=True):
            d, field = self._forward(place, save=True)
            residual = lowpass(d - observed, corner, self.dt)
            value += 0.5 * float(np.square(residual).sum())
            recs = self._op.geometry.rec.copy()
            recs.data[:] = lowpass(residual, corner, self.dt).T
            image = self._solver.jacobian_adjoint(rec=recs, u=field)[0]
            slope += self._op._crop_model(np.array(image.data), self._op.model.nbl)
            traces.append(d)
        return value, -2e6 / vp.astype(np.float64) ** 3 * slope, np.stack(traces)

    @property
    def _places(self) -> Any:
        return self._op.geometry.src_positions

    def _update(self, vp: NDArray[Any]) -> None:
        self._op.model.update("vp", np.asarray(1e-3 * vp, np.float32))

    def _forward(self, place: Any, *, save: bool) -> tuple[NDArray[Any], Any]:
        self._op.wav.coordinates.data[0, :] = place
        self._solver.geometry.src_positions = place
        rec, field = self._solver.forward(src=self._op.wav, save=save)[:2]
        return np.array(rec.data).T, field


if __name__ == "__main__":
    main(*sys.argv[1:])
