"""What AcousticModelling2D costs over calling the propagator directly, with the same settings.

OpenFWI size: 70 x 70 cells, 5 shots, 1000 steps.  Both sides give the same numbers to
the bit, which is checked first.
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import deepwave
import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb._timing import Sample, alternate, median, ratio
from pylops_vmb.modelling import storage_interval
from pylops_vmb.velocity import openfwi_like
from tests.benchmarks.report import Report, threads, verdict

SEED = 0
Pair = tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=41, help="calls each (default 41)")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    rows, notes, samples = [], [], {}
    for name, (ours, direct) in pairs().items():
        _check_equal(name, ours(), direct())
        samples[name] = alternate({"ours": ours, "direct": direct}, rounds=options.rounds)
        row = _row(name, samples[name])
        rows.append(row)
        notes.append(verdict(f"{name}, overhead in %", row["overhead %"], at_most=3.0))
    how = (
        f"Medians of {options.rounds} calls in turn, overhead within a round; {threads()}.  Its "
        "error is the distance of the quartiles over the root of the number of rounds."
    )
    return Report(
        "overhead",
        "AcousticModelling2D over deepwave.scalar, OpenFWI size, 5 shots",
        rows,
        notes=[*notes, how],
        settings={"seed": SEED, "rounds": options.rounds, "samples": samples},
    )


def pairs() -> dict[str, Pair]:
    """Return, by name, our call and the direct one."""
    grid, acq = vmb.Grid.openfwi(), vmb.Acquisition.openfwi()
    F = vmb.AcousticModelling2D(grid, acq)
    values = openfwi_like(grid.dims, seed=SEED)[1]
    vp, fmax = torch.from_numpy(values), acq.fmax
    every_step, sparse = Direct(F, 1), Direct(F, storage_interval(fmax, fmax, acq.dt))
    banded = F.for_band(fmax)
    return {
        "forward, NumPy in and out": (
            lambda: torch.from_numpy(F(values)),
            lambda: every_step.forward(vp),
        ),
        "gradient, every step stored": (
            lambda: gradient(F, vp),
            lambda: gradient(every_step, vp),
        ),
        f"gradient for the band, every {sparse.interval}th step": (
            lambda: gradient(banded, vp),
            lambda: gradient(sparse, vp),
        ),
    }


class Direct:
    """The propagator as one would call it by hand, everything prepared beforehand."""

    def __init__(self, F: vmb.AcousticModelling2D, interval: int) -> None:
        acq, grid, self.interval = F.acq, F.grid, interval
        wav = np.broadcast_to(-acq.wav, (acq.ns, 1, acq.wav.size)).astype(np.float32)
        self._keywords: dict[str, Any] = {
            "grid_spacing": grid.spacing,
            "dt": acq.dt,
            "source_amplitudes": torch.from_numpy(wav),
            "source_locations": _cells(grid, acq.srcs[:, :, None]),
            "receiver_locations": _cells(grid, acq.receivers),
            "accuracy": 4,
            "pml_width": 20,
            "pml_freq": acq.f0,
            "max_vel": 5500.0,
            "courant_number": 0.8,
            "nt": -(-acq.nt // interval) * interval,
            "model_gradient_sampling_interval": interval,
        }
        self._nt = acq.nt

    def __call__(self, vp: torch.Tensor) -> torch.Tensor:
        traces: torch.Tensor = deepwave.scalar(vp, **self._keywords).receiver_amplitudes
        return traces[..., : self._nt]

    @torch.no_grad()
    def forward(self, vp: torch.Tensor) -> torch.Tensor:
        """Return the data without a graph."""
        return self(vp)


def gradient(F: Callable[[torch.Tensor], torch.Tensor], vp: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the sum of squares of the data."""
    x = vp.clone().requires_grad_()
    F(x).square().sum().backward()
    assert x.grad is not None
    return x.grad


def _cells(grid: vmb.Grid, coords: Any) -> torch.Tensor:
    return torch.from_numpy(grid.cells(coords).round().astype(np.int64).transpose(1, 2, 0).copy())


def _check_equal(name: str, ours: torch.Tensor, direct: torch.Tensor) -> None:
    if not torch.equal(ours, direct):
        worst = float((ours - direct).abs().max() / direct.abs().max())
        raise AssertionError(f"{name}: the two sides differ by {worst:.1e}, so do their settings")


def _row(name: str, samples: dict[str, list[Sample]]) -> dict[str, Any]:
    ours, direct = samples["ours"], samples["direct"]
    shares = [a.wall / b.wall for a, b in zip(ours, direct, strict=True)]
    low, _, high = statistics.quantiles(shares, n=4)
    return {
        "call": name,
        "ours ms": 1e3 * median(ours),
        "direct ms": 1e3 * median(direct),
        "overhead %": 100.0 * (ratio(ours, direct) - 1.0),
        "its error": 100.0 * (high - low) / len(shares) ** 0.5,
        "overhead % (processor time)": 100.0 * (ratio(ours, direct, clock="cpu") - 1.0),
    }
