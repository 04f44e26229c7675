"""Share of this machine's measured limits that modelling, its gradient and the networks reach.

Limits, measured in turn with the work: a copy in main memory and one of the size of a shot's
fields, which stays in the processor's caches; matrix products and a convolution in float32 and
bfloat16; where there is a C compiler, an ideal stencil.  Work: 201 x 301 cells, 5 shots, 2000
steps; FCNVMB at full width and the embedded network.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import pylops_vmb as vmb
from pylops_vmb._timing import Sample, alternate, median
from pylops_vmb.networks import prepared
from tests.benchmarks import prediction
from tests.benchmarks.contender import by_fwi
from tests.benchmarks.gradient import five_shots, make_problem
from tests.benchmarks.report import Report, threads
from tests.benchmarks.stencil import Stencil, compiler

UPDATE = 17
"""Operations of a cell and step: 13 of the Laplacian, 4 of the step in time."""
FIELDS = 4
"""Fields that a step reads (now, before, velocity) or writes (next)."""
IMAGE = 3
"""Operations of a stored cell: product of the two fields, its factor, the sum."""
SIZES = (1024, 2048, 3072)
MEMORY, CACHE = "limit: copy in memory, 512 MiB", "limit: copy in cache, 1.3 MiB"
STENCIL = "limit: an ideal stencil"
_PADDED = (241, 341)
_CHANNELS = 512
_LONGEST, _FITS = 512 * 2**20, 32 * 2**20
"""Bytes that a copy reads and writes; bytes of a network's layers that are taken to stay cached."""


@dataclass(frozen=True)
class Work:
    """A call, the operations it must do and the bytes it must move.

    Parameters
    ----------
    call : callable
        What is timed.
    flops : float
        Of one call, counted and not measured.
    cached, streamed : float
        Bytes of what fits into the processor's caches and of what goes to main memory.
    peak : str
        Precision of the arithmetic limit that it is held against.
    updates : float
        Cells times steps times shots.
    """

    call: Callable[[], Any]
    flops: float = 0.0
    cached: float = 0.0
    streamed: float = 0.0
    peak: str = "float32"
    updates: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=5)


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    limits, work = _limits(), _modelling() | _networks()
    with torch.no_grad():
        calls = {name: each.call for name, each in (limits | work).items()}
        samples = alternate(calls, rounds=options.rounds)
    return Report(
        "roofline",
        f"share of what this machine can do, {threads()}",
        table(limits, work, samples),
        notes=_remarks(options),
        settings={"rounds": options.rounds, "seconds": samples},
    )


def table(
    limits: dict[str, Work], work: dict[str, Work], samples: dict[str, list[Sample]]
) -> list[dict[str, Any]]:
    """Return limits (the best of all rounds) and work (medians) with the shares it reaches."""
    best = {name: min(sample.wall for sample in samples[name]) for name in limits}
    peaks = {
        peak: max(each.flops / best[n] for n, each in limits.items() if each.peak == peak)
        for peak in {each.peak for each in limits.values() if each.flops}
    }
    rows = []
    for name, each in (limits | work).items():
        seconds = best.get(name) or median(samples[name])
        rates = {
            "GFLOP/s": (each.flops / seconds, peaks[each.peak]),
            "GB/s in cache": (each.cached / seconds, limits[CACHE].cached / best[CACHE]),
            "GB/s in memory": (each.streamed / seconds, limits[MEMORY].streamed / best[MEMORY]),
        }
        if STENCIL in limits:
            ideal = limits[STENCIL].updates / best[STENCIL]
            rates = {"Gupdates/s": (each.updates / seconds, ideal), **rates}
        row: dict[str, Any] = {"what": name, "ms": 1e3 * seconds}
        for unit, (rate, limit) in rates.items():
            row |= {unit: 1e-9 * rate or None, f"{unit}, share %": 100 * rate / limit or None}
        rows.append(row)
    return rows


def layer_bytes(net: nn.Module, inputs: Tensor, *, itemsize: int) -> float:
    """Return the bytes of all convolutions' inputs, weights and outputs, each moved once."""
    moved = []

    def count(layer: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> None:
        weights = sum(weight.numel() for weight in layer.parameters(recurse=False))
        moved.append(taken[0].numel() + weights + given.numel())

    hooks = [
        layer.register_forward_hook(count)
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.no_grad():
        net(inputs)
    for hook in hooks:
        hook.remove()
    return float(itemsize * sum(moved))


def flops_of(net: nn.Module, inputs: Tensor) -> float:
    """Return the operations of the convolutions, a product and a sum counted as two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(inputs)
    return float(counter.get_total_flops())


def _limits() -> dict[str, Work]:
    cells = _PADDED[0] * _PADDED[1]
    found = {
        MEMORY: Work(_copy(_LONGEST // 8, repeats=1), streamed=_LONGEST),
        CACHE: Work(_copy(cells * FIELDS // 2, repeats=2000), cached=2000.0 * 4 * FIELDS * cells),
    }
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        maps = torch.ones(1, _CHANNELS, 64, 64, dtype=dtype)
        maps = maps.contiguous(memory_format=torch.channels_last)
        layer = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, dtype=dtype)
        found[f"limit: convolution of {_CHANNELS} channels, {name}"] = Work(
            partial(layer.to(memory_format=torch.channels_last), maps),
            flops=2.0 * 9 * _CHANNELS**2 * 64**2,
            peak=name,
        )
        for size in SIZES:
            a, b, out = (torch.ones(size, size, dtype=dtype) for _ in range(3))
            found[f"limit: product of {size}, {name}"] = Work(
                partial(torch.mm, a, b, out=out), flops=2.0 * size**3, peak=name
            )
    if compiler():
        shots = max(2, torch.get_num_threads())
        ideal = Stencil(_PADDED, shots=shots, steps=1000, threads=torch.get_num_threads())
        found[STENCIL] = Work(ideal, updates=ideal.updates)
    return found


def _copy(numbers: int, *, repeats: int) -> Callable[[], Any]:
    source, target = torch.ones(numbers), torch.ones(numbers)

    def call() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return call


def _modelling() -> dict[str, Work]:
    grid, acq = vmb.Grid.fcnvmb(), five_shots()
    problem = make_problem(grid, acq)
    F = vmb.AcousticModelling2D(grid, acq)
    vp = torch.from_numpy(problem["start"])
    gradient, _ = by_fwi(problem)
    plan = F.for_band(F.acq.fmax).memory
    updates = cell_updates(F)
    stored = float(plan.all_shots)
    simulations = 3 if plan.segments > 1 else 2
    return {
        f"forward modelling, {acq.ns} shots": Work(
            lambda: F(vp), UPDATE * updates, 4 * FIELDS * updates, updates=updates
        ),
        f"gradient of FWI, {acq.ns} shots, field stored every {plan.interval} steps": Work(
            torch.enable_grad()(gradient),
            UPDATE * simulations * updates + IMAGE * stored / 4,
            4 * FIELDS * simulations * updates,
            2 * stored,
            updates=simulations * updates,
        ),
    }


def cell_updates(F: vmb.AcousticModelling2D) -> float:
    """Return shots times steps times cells of one simulation, the absorbing zone included."""
    cells = np.prod([side + 2 * F._scheme.nbl for side in F.dims])
    return float(F.acq.ns * F._scheme.steps * cells)


def _networks() -> dict[str, Work]:
    found = {}
    for case, batches in ((prediction.full(), (1,)), (prediction.embedded(), (1, 10))):
        for batch in batches:
            d = torch.randn(batch, *case.gathers)
            flops = flops_of(case.plain, d)
            for precision, itemsize in (("float32", 4), ("bfloat16", 2)):
                moved = layer_bytes(case.plain, d, itemsize=itemsize)
                fits = moved < _FITS
                found[f"{case.name}, batch {batch}, {precision}"] = Work(
                    partial(prepared(case.net, precision=precision), d),
                    flops,
                    cached=moved if fits else 0.0,
                    streamed=0.0 if fits else moved,
                    peak=precision,
                )
    return found


def _remarks(options: argparse.Namespace) -> Sequence[str]:
    return [
        f"{options.rounds} rounds in turn; of a limit the best, of work the median.  Operations "
        "and bytes are counted, not measured: what any program for this work has to do.",
        f"Modelling: {UPDATE} operations a cell and step (order 4 in space, 2 in time; what the "
        "absorbing zone needs besides is left out, its cells are counted), and "
        f"{FIELDS} numbers of 4 bytes: the field now and before and the velocity are read, the "
        "next field is written, neighbours cost nothing.  These 1.3 MiB of a shot stay cached.",
        "The limit of arithmetic is the best of the products and the convolution of a precision.  "
        "The ideal stencil has no absorbing layer, source or receiver, and one shot a thread.",
        "Gradient: forward and adjoint simulation; the stored field is written to memory and "
        f"read once, {IMAGE} operations a number.",
        "Networks: convolutions by torch's counter; bytes of their inputs, weights and outputs, "
        f"each moved once, in memory where they are more than {_FITS >> 20} MiB.  bfloat16 is "
        "held against limits in bfloat16.",
    ]
