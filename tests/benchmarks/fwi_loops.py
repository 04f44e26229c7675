"""Inversions to a fixed misfit: ours, and the loops of the propagator's examples on raw tensors.

``python -m tests.benchmarks.fwi_loops NAME PROBLEM.npz VP.npy SETTINGS`` prints one line of JSON.

The loops follow the example *Full-Waveform Inversion* of the propagator's documentation
(``docs/example_fwi.py`` of github.com/ar4/deepwave).
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from pylops.optimization.callback import Callbacks
from scipy.optimize import minimize
from scipy.signal import butter, sosfreqz

import pylops_vmb as vmb
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from tests.benchmarks.contender import Problem, Raw, survey
from tests.benchmarks.watch import EnoughError, Watch, relative

BOUNDS = (1000.0, 5000.0)
Filter = Callable[[torch.Tensor], torch.Tensor]


def main(name: str, problem: str, model: str, settings: str) -> None:
    """Run one inversion, write its model and print its figures."""
    with np.load(problem) as arrays:
        given = dict(arrays)
    options = json.loads(settings)
    watch = Watch(last=options.pop("last"), most=options.pop("most"))
    with suppress(EnoughError):
        LOOPS[name](given, watch, options)
    np.save(model, watch.vp)
    print(json.dumps(watch.figures()))


def ours(problem: Problem, watch: Watch, options: Mapping[str, Any]) -> None:
    """Run `vmb.fwi` with its defaults; iterates are judged, by a simulation that does not count."""
    start, dobs = (problem[key] for key in ("start", "dobs"))
    grid = vmb.Grid(start.shape, tuple(problem["spacing"]))
    F = vmb.AcousticModelling2D(grid, survey(problem))
    vmb.fwi(F, dobs, x0=start, callbacks=[Judge(F, dobs, watch)], **options)


class Judge(Callbacks):  # type: ignore[misc]
    """Looks at every iterate."""

    def __init__(self, F: vmb.AcousticModelling2D, dobs: Any, watch: Watch) -> None:
        self._F, self._dobs, self._watch = F, dobs, watch

    def on_step_end(self, solver: Any, x: torch.Tensor) -> None:
        """Note the model, and how many gradients all bands took to it."""
        last = {entry.band: entry.evaluations for entry in solver.history}
        vp = x.numpy()
        self._watch(vp, lambda: relative(self._F(vp), self._dobs), calls=sum(last.values()))


def by_scipy(problem: Problem, watch: Watch, options: Mapping[str, Any]) -> None:
    """Run scipy's L-BFGS-B on our gradient, with everything else as beside PyLops' propagator."""
    start, dobs = (problem[key] for key in ("start", "dobs"))
    F = vmb.AcousticModelling2D(vmb.Grid(start.shape, tuple(problem["spacing"])), survey(problem))
    x, calls = start.ravel().astype(np.float64) / 1e3, 0
    for corner in options["corners"]:
        lowpass = LowPass(corner or np.inf, F.acq.nt, F.acq.dt)
        band = Objective(F, torch.from_numpy(dobs), misfit="l2", lowpass=lowpass)

        def objective(x: Any, band: Objective = band) -> tuple[float, Any]:
            nonlocal calls
            vp = (1e3 * x.reshape(start.shape)).astype(np.float32)
            value = band(torch.from_numpy(vp))
            calls += 1
            watch(vp, lambda: relative(F(vp), dobs), calls=calls)
            return value.misfit, 1e3 * value.gradient.double().numpy().ravel()

        bounds, most = [(1.5, 4.5)] * x.size, {"maxiter": options["niter"]}
        kind = "L-BFGS-B"
        x = minimize(objective, x, jac=True, method=kind, bounds=bounds, options=most).x


class Loop:
    """What both loops share: the raw propagator, its data, and a look at every model."""

    def __init__(self, problem: Problem, watch: Watch) -> None:
        self._watch, self.calls = watch, 0
        self.dobs = torch.from_numpy(problem["dobs"])
        self.start = torch.from_numpy(problem["start"])
        self._dt = float(problem["dt"])
        self._raw = Raw(problem, max_vel=5500.0, courant_number=0.8)

    def in_band(self, corner: float | None) -> tuple[Filter, torch.Tensor]:
        """Return the filter of a stage and the data behind it."""
        lowpass = butterworth(corner, self.dobs.shape[-1], self._dt)
        return lowpass, lowpass(self.dobs)

    def misfit(self, vp: torch.Tensor, observed: torch.Tensor, lowpass: Filter) -> torch.Tensor:
        """Return the mean square of the filtered residual, relative to that of the data."""
        d = self._raw(vp)
        self.calls += 1
        values, traces = vp.detach().numpy(), d.detach().numpy()
        self._watch(values, lambda: relative(traces, self.dobs.numpy()), calls=self.calls - 1)
        scale = float(observed.square().mean())
        return torch.nn.functional.mse_loss(lowpass(d), observed) / scale


def adam(problem: Problem, watch: Watch, options: Mapping[str, Any]) -> None:
    """Run the first loop with Adam for its SGD: the gradient clipped, velocities unbounded."""
    loop = Loop(problem, watch)
    vp = loop.start.clone().requires_grad_()
    for corner in options["corners"]:
        lowpass, observed = loop.in_band(corner)
        optimiser = torch.optim.Adam([vp], lr=options["lr"])
        for _ in range(options["steps"]):
            optimiser.zero_grad()
            loop.misfit(vp, observed, lowpass).backward()  # type: ignore[no-untyped-call]
            assert vp.grad is not None
            largest = float(torch.quantile(vp.grad.abs(), 0.98))
            torch.nn.utils.clip_grad_value_(vp, largest)
            optimiser.step()


def lbfgs(problem: Problem, watch: Watch, options: Mapping[str, Any]) -> None:
    """Run the second loop: bounded velocities, L-BFGS from low to high corners."""
    loop = Loop(problem, watch)
    low, high = BOUNDS
    start = loop.start
    unknown = torch.logit((start - low) / (high - low)).requires_grad_()
    for corner in options["corners"]:
        lowpass, observed = loop.in_band(corner)
        optimiser = torch.optim.LBFGS([unknown], line_search_fn="strong_wolfe")

        def closure(
            optimiser: torch.optim.Optimizer = optimiser,
            observed: torch.Tensor = observed,
            lowpass: Filter = lowpass,
        ) -> float:
            optimiser.zero_grad()
            vp = low + (high - low) * torch.sigmoid(unknown)
            loss = options["scale"] * loop.misfit(vp, observed, lowpass)
            loss.backward()  # type: ignore[no-untyped-call]
            return float(loss.detach())

        for _ in range(options["epochs"]):
            optimiser.step(closure)


def butterworth(corner: float | None, nt: int, dt: float) -> Filter:
    """Return the causal Butterworth low-pass of order 6, by its response on padded traces."""
    if corner is None:
        return lambda d: d
    freqs = np.fft.rfftfreq(2 * nt, dt)
    _, response = sosfreqz(butter(6, corner, fs=1.0 / dt, output="sos"), freqs, fs=1.0 / dt)
    factor = torch.from_numpy(response.astype(np.complex64))
    return lambda d: torch.fft.irfft(torch.fft.rfft(d, 2 * nt) * factor, 2 * nt)[..., :nt]


LOOPS: dict[str, Callable[[Problem, Watch, Mapping[str, Any]], None]] = {
    "ours": ours,
    "scipy": by_scipy,
    "adam": adam,
    "lbfgs": lbfgs,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
