"""One product or gradient in a process of its own: ours, or the propagator's with its defaults.

``python -m tests.benchmarks.contender NAME PROBLEM.npz GRADIENT.npy [SHOTS]`` prints one line of
JSON; SHOTS are what the first call takes, the one that warms up.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import deepwave
import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb._timing import run_and_measure
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from tests.benchmarks.peers import first_shots

Problem = Mapping[str, Any]
Gradient = Callable[[], torch.Tensor]


def main(name: str, problem: str, gradient: str, shots: str | None = None) -> None:
    """Measure one contender and write its gradient."""
    with np.load(problem) as arrays:
        given = dict(arrays)
    call, stored = CONTENDERS[name](given)
    warm_up = CONTENDERS[name](first_shots(given, int(shots)))[0] if shots else None
    result, figures = run_and_measure(call, warm_up=warm_up, at_least=0.5)
    np.save(gradient, result.numpy().astype(np.float64))
    print(json.dumps(figures | {"stored": stored}))


def by_fwi(
    problem: Problem, *, corner: float = np.inf, batch: int | None = None
) -> tuple[Gradient, str]:
    """As `vmb.fwi` computes it, except for the factor of the relative misfit."""
    F, start, dobs = _ours(problem)
    lowpass, step = LowPass(corner, F.acq.nt, F.acq.dt), batch or F.acq.ns
    parts = []
    for first in range(0, F.acq.ns, step):
        which = slice(first, min(first + step, F.acq.ns))
        objective = Objective(F.shots(which), dobs[which], misfit="l2", lowpass=lowpass)
        parts.append((0.5 * float(lowpass(dobs[which]).square().sum()), objective))
    interval = F.for_band(min(lowpass.fmax, F.acq.fmax)).memory.interval
    stored = f"every {interval}th step, {step} shots at a time"
    return lambda: _sum(scale * objective(start).gradient for scale, objective in parts), stored


def by_every_step(problem: Problem) -> tuple[Gradient, str]:
    """Ours with the field of every step stored: the exact gradient."""
    F, start, dobs = _ours(problem)
    return lambda: _backward(F, start, dobs), "every step, 5 shots at a time"


def in_budget(problem: Problem, *, memory: str, by: str) -> tuple[Gradient, str]:
    """Ours within a stated budget: as `vmb.fwi` computes it, or as ``J.H @ residual``."""
    F, start, data = _ours(problem, "dobs" if by == "fwi" else "residual", memory=memory)
    if by == "jacobian":
        return lambda: F.jacobian(start).H @ data, str(F.memory)
    lowpass = LowPass(np.inf, F.acq.nt, F.acq.dt)
    objective = Objective(F, data, misfit="l2", lowpass=lowpass)
    scale = 0.5 * float(data.square().sum())
    return lambda: scale * objective(start).gradient, str(F.for_band(F.acq.fmax).memory)


def by_jacobian(problem: Problem, *, product: str) -> tuple[Gradient, str]:
    """Ours as a PyLops user calls it; the adjoint with its forward pass, and ``again`` without."""
    F, start, residual = _ours(problem, "residual")
    change = torch.from_numpy(problem["change"])
    if product == "forward":
        return lambda: F(start), ""
    if product == "adjoint":
        return lambda: F.jacobian(start).H @ residual, ""
    if product == "born-once":
        return lambda: F.jacobian(start) @ change, ""
    J = F.jacobian(start)
    return (lambda: J @ change) if product == "born" else (lambda: J.H @ residual), ""


class Raw:
    """The propagator called directly, everything prepared beforehand; its defaults, or others."""

    def __init__(self, problem: Problem, **keywords: float) -> None:
        acq = survey(problem)
        self.ns, self.dt = acq.ns, acq.dt
        self._spacing = float(problem["spacing"][0])
        self._sources = torch.from_numpy(
            (acq.srcs.T[:, None] / self._spacing).round().astype(np.int64)
        )
        self._receivers = torch.from_numpy(
            (acq.receivers.transpose(1, 2, 0) / self._spacing).round().astype(np.int64)
        )
        self._wavelet = torch.zeros(acq.ns, 1, acq.nt)
        self._wavelet[:, 0, : acq.wav.size] = torch.from_numpy(-acq.wav)  # it records -u
        self._keywords = {"accuracy": 4, "pml_freq": acq.f0} | keywords

    def __call__(self, vp: torch.Tensor, which: slice = slice(None)) -> torch.Tensor:
        """Return the data ``(ns, nr, nt)`` of some shots."""
        out = deepwave.scalar(
            vp,
            self._spacing,
            self.dt,
            source_amplitudes=self._wavelet[which],
            source_locations=self._sources[which],
            receiver_locations=self._receivers[which],
            **self._keywords,
        )
        traces: torch.Tensor = out[-1]
        return traces

    def born(self, vp: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """Return the change of the data."""
        out = deepwave.scalar_born(
            vp,
            self._spacing,
            self.dt,
            dv=change,
            source_amplitudes=self._wavelet,
            source_locations=self._sources,
            sc_receiver_locations=self._receivers,
            **self._keywords,
        )
        return out.sc_receiver_amplitudes

    def parts(self, step: int) -> list[slice]:
        """Return the shots in batches."""
        return [slice(first, first + step) for first in range(0, self.ns, step)]


def by_deepwave(problem: Problem, *, batch: int | None = None) -> tuple[Gradient, str]:
    """Use the propagator with its defaults, as in its documentation, on data of its own."""
    model, start = Raw(problem), torch.from_numpy(problem["start"])
    dobs = model(torch.from_numpy(problem["true"]))
    parts = model.parts(batch or model.ns)

    def gradient() -> torch.Tensor:
        return _sum(_backward(partial(model, which=part), start, dobs[part]) for part in parts)

    return gradient, f"every step, {batch or model.ns} shots at a time"


def product_by_deepwave(problem: Problem, *, product: str) -> tuple[Gradient, str]:
    """Use the propagator with its defaults for a product: data, Born modelling, its adjoint."""
    model = Raw(problem)
    start, change, residual = (
        torch.from_numpy(problem[key]) for key in ("start", "change", "residual")
    )

    def adjoint() -> torch.Tensor:
        vp = start.clone().requires_grad_()
        return torch.autograd.grad(model(vp), vp, residual)[0]

    calls = {"forward": lambda: model(start), "born": lambda: model.born(start, change)}
    return calls.get(product, adjoint), ""


CONTENDERS: dict[str, Callable[[Problem], tuple[Gradient, str]]] = {
    "ours": by_fwi,
    "ours-batched": lambda problem: by_fwi(problem, batch=2),
    "ours-low-band": lambda problem: by_fwi(problem, corner=6.0 / 1e3**0.125),
    "ours-every-step": by_every_step,
    "ours-by-shot": lambda problem: by_fwi(problem, batch=1),
    "deepwave-defaults": by_deepwave,
    "deepwave-forward": lambda problem: product_by_deepwave(problem, product="forward"),
    "deepwave-born": lambda problem: product_by_deepwave(problem, product="born"),
    "deepwave-adjoint": lambda problem: product_by_deepwave(problem, product="adjoint"),
    "deepwave-by-shot": lambda problem: by_deepwave(problem, batch=1),
    "ours-forward": lambda problem: by_jacobian(problem, product="forward"),
    "ours-born": lambda problem: by_jacobian(problem, product="born"),
    "ours-born-once": lambda problem: by_jacobian(problem, product="born-once"),
    "ours-adjoint": lambda problem: by_jacobian(problem, product="adjoint"),
    "ours-again": lambda problem: by_jacobian(problem, product="again"),
    "fwi-4GiB": lambda problem: in_budget(problem, memory="4GiB", by="fwi"),
    "jacobian-4GiB": lambda problem: in_budget(problem, memory="4GiB", by="jacobian"),
    "jacobian-512MiB": lambda problem: in_budget(problem, memory="512MiB", by="jacobian"),
    "jacobian-22GiB": lambda problem: in_budget(problem, memory="22GiB", by="jacobian"),
}


def survey(problem: Problem) -> vmb.Acquisition:
    """Return the survey of a problem."""
    numbers = {"nt": problem["dobs"].shape[-1], "wavc": int(problem["wavc"])}
    numbers |= {key: float(problem[key]) for key in ("dt", "f0")}
    return vmb.Acquisition(problem["srcs"], problem["recs"], wav=problem["wav"], **numbers)


def _ours(
    problem: Problem, data: str = "dobs", *, memory: str | None = None
) -> tuple[vmb.AcousticModelling2D, torch.Tensor, torch.Tensor]:
    start, dobs = torch.from_numpy(problem["start"]), torch.from_numpy(problem[data])
    grid = vmb.Grid(tuple(start.shape), tuple(problem["spacing"]))
    return vmb.AcousticModelling2D(grid, survey(problem), memory=memory), start, dobs


def _sum(gradients: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(gradients)).sum(0)


def _backward(
    model: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, dobs: torch.Tensor
) -> torch.Tensor:
    vp = start.clone().requires_grad_()
    loss = 0.5 * (model(vp) - dobs).square().sum()
    loss.backward()
    assert vp.grad is not None
    return vp.grad


if __name__ == "__main__":
    main(*sys.argv[1:])
