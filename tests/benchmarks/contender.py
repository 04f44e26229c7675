"""One product or gradient in a process of its own: ours, or the propagator's with its defaults.

``python -m tests.benchmarks.contender NAME PROBLEM.npz GRADIENT.npy`` prints one line of JSON.
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

Problem = Mapping[str, Any]
Gradient = Callable[[], torch.Tensor]


def main(name: str, problem: str, gradient: str) -> None:
    """Measure one contender and write its gradient."""
    with np.load(problem) as arrays:
        call, stored = CONTENDERS[name](dict(arrays))
    result, figures = run_and_measure(call)
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
    J = F.jacobian(start)
    return (lambda: J @ change) if product == "born" else (lambda: J.H @ residual), ""


def by_deepwave(problem: Problem, *, batch: int | None = None) -> tuple[Gradient, str]:
    """Use the propagator with its defaults, as in its documentation."""
    acq, start = _survey(problem), torch.from_numpy(problem["start"])
    dobs = torch.from_numpy(-problem["dobs"])
    spacing = float(problem["spacing"][0])
    sources = torch.from_numpy((acq.srcs.T[:, None] / spacing).round().astype(np.int64))
    receivers = torch.from_numpy((acq.receivers.transpose(1, 2, 0) / spacing).astype(np.int64))
    wavelet = torch.zeros(acq.ns, 1, acq.nt)
    wavelet[:, 0, : acq.wav.size] = torch.from_numpy(acq.wav)
    step = batch or acq.ns

    def model(which: slice, vp: torch.Tensor) -> torch.Tensor:
        out = deepwave.scalar(
            vp,
            spacing,
            acq.dt,
            source_amplitudes=wavelet[which],
            source_locations=sources[which],
            receiver_locations=receivers[which],
            accuracy=4,
            pml_freq=acq.f0,
        )
        traces: torch.Tensor = out[-1]
        return traces

    def gradient() -> torch.Tensor:
        parts = [slice(i, i + step) for i in range(0, acq.ns, step)]
        return _sum(_backward(partial(model, part), start, dobs[part]) for part in parts)

    return gradient, f"every step, {step} shots at a time"


CONTENDERS: dict[str, Callable[[Problem], tuple[Gradient, str]]] = {
    "ours": by_fwi,
    "ours-batched": lambda problem: by_fwi(problem, batch=2),
    "ours-low-band": lambda problem: by_fwi(problem, corner=6.0 / 1e3**0.125),
    "ours-every-step": by_every_step,
    "ours-by-shot": lambda problem: by_fwi(problem, batch=1),
    "deepwave-defaults": by_deepwave,
    "deepwave-by-shot": lambda problem: by_deepwave(problem, batch=1),
    "ours-forward": lambda problem: by_jacobian(problem, product="forward"),
    "ours-born": lambda problem: by_jacobian(problem, product="born"),
    "ours-adjoint": lambda problem: by_jacobian(problem, product="adjoint"),
    "ours-again": lambda problem: by_jacobian(problem, product="again"),
    "fwi-4GiB": lambda problem: in_budget(problem, memory="4GiB", by="fwi"),
    "jacobian-4GiB": lambda problem: in_budget(problem, memory="4GiB", by="jacobian"),
    "jacobian-512MiB": lambda problem: in_budget(problem, memory="512MiB", by="jacobian"),
    "jacobian-22GiB": lambda problem: in_budget(problem, memory="22GiB", by="jacobian"),
}


def _survey(problem: Problem) -> vmb.Acquisition:
    numbers = {"nt": problem["dobs"].shape[-1], "wavc": int(problem["wavc"])}
    numbers |= {key: float(problem[key]) for key in ("dt", "f0")}
    return vmb.Acquisition(problem["srcs"], problem["recs"], wav=problem["wav"], **numbers)


def _ours(
    problem: Problem, data: str = "dobs", *, memory: str | None = None
) -> tuple[vmb.AcousticModelling2D, torch.Tensor, torch.Tensor]:
    start, dobs = torch.from_numpy(problem["start"]), torch.from_numpy(problem[data])
    grid = vmb.Grid(tuple(start.shape), tuple(problem["spacing"]))
    return vmb.AcousticModelling2D(grid, _survey(problem), memory=memory), start, dobs


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
