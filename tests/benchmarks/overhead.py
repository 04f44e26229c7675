"""What our operators cost over calling the propagator directly, with the same settings.

OpenFWI size: 70 x 70 cells, 5 shots, 1000 steps.  Both sides give the same numbers, which is
checked first: data to the bit, gradients to the rounding of sums over shots, which ours takes
shot by shot, whatever the number of threads.
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from pylops.optimization.cls_basic import CGLS
from scipy.ndimage import gaussian_filter

import pylops_vmb as vmb
from pylops_vmb._timing import Sample, alternate, median, ratio
from pylops_vmb.modelling import storage_interval
from pylops_vmb.velocity import openfwi_like
from tests.benchmarks.direct import Direct, LeastSquares
from tests.benchmarks.report import Report, threads, verdict

SEED = 0
ROUNDING = 1e-4
"""Of single precision; the next best choice of an absorbing layer changes a gradient by 3e-3."""
CONVERSION = "NumPy in and out over torch in and out, both ours"
_REMARKS = (
    "All of them are single calls in this process, everything prepared beforehand on both sides: "
    "places and wavelets, for the products of J our Jacobian and the graph of the direct call.",
    "The iteration by hand is CGLS in torch, without damping: the same products, the same norms.  "
    "PyLops' solvers take NumPy arrays, so this row has the conversion in both products.",
)


class Pair(NamedTuple):
    """Our call and the direct one, and how far their results may be apart, relative."""

    ours: Callable[[], torch.Tensor]
    direct: Callable[[], torch.Tensor]
    within: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=41, help="calls each (default 41)")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    rows, notes, samples = [], [], {}
    for name, pair in pairs().items():
        check_equal(name, pair)
        calls = {"ours": pair.ours, "direct": pair.direct}
        samples[name] = alternate(calls, rounds=options.rounds)
        row = _row(name, samples[name])
        rows.append(row)
        notes.append(verdict(f"{name}, overhead in %", row["overhead %"], at_most=3.0))
    how = (
        f"Medians of {options.rounds} calls in turn, overhead within a round; {threads()}.  Its "
        "error is the distance of the quartiles over the root of the number of rounds."
    )
    return Report(
        "overhead",
        "operators over calls of the propagator, OpenFWI size, 5 shots",
        rows,
        notes=[*notes, how, *_REMARKS],
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
        "forward, NumPy in and out": Pair(
            lambda: torch.from_numpy(F(values)),
            lambda: every_step.forward(vp),
        ),
        "forward, torch in and out": Pair(lambda: F(vp), lambda: every_step.forward(vp)),
        "gradient, every step stored": Pair(
            lambda: gradient(F, vp),
            lambda: gradient(every_step, vp),
            within=ROUNDING,
        ),
        f"gradient for the band, every {sparse.interval}th step": Pair(
            lambda: gradient(banded, vp),
            lambda: gradient(sparse, vp),
            within=ROUNDING,
        ),
        **_linear(F, every_step, vp),
        CONVERSION: Pair(lambda: torch.from_numpy(F(values)), lambda: F(vp)),
    }


def _linear(F: vmb.AcousticModelling2D, direct: Direct, vp: torch.Tensor) -> dict[str, Pair]:
    """Return the products of the Jacobian at a smooth velocity, and a solver that uses them."""
    start = torch.from_numpy(gaussian_filter(vp.numpy(), 5.0))
    dvp, dd = inner(vp - start), F(vp) - F(start)
    J, (born, adjoint) = F.jacobian(start), direct.derivative(start)
    return {
        "J @ dvp, torch in and out": Pair(lambda: J @ dvp, lambda: born(dvp)),
        "J.H @ dd, torch in and out": Pair(lambda: J.H @ dd, lambda: adjoint(dd), within=ROUNDING),
        "an iteration of pylops' CGLS on J": Pair(
            Iterations(J, dd).step, LeastSquares(born, adjoint, dd).step, within=ROUNDING
        ),
    }


def inner(change: torch.Tensor) -> torch.Tensor:
    """Leave the cells along the edges unchanged: the propagator warns of a change there."""
    return torch.nn.functional.pad(change[1:-1, 1:-1], (1, 1, 1, 1))


class Iterations:
    """PyLops' solver, one iteration a call."""

    def __init__(self, J: vmb.Jacobian, dd: torch.Tensor) -> None:
        self._solver, self._dims = CGLS(J), J.dims
        self._x = self._solver.setup(dd.ravel().numpy())

    def step(self) -> torch.Tensor:
        """Run one iteration and return the model."""
        self._x = self._solver.step(self._x)
        return torch.from_numpy(self._x).reshape(self._dims)


def gradient(F: Callable[[torch.Tensor], torch.Tensor], vp: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the sum of squares of the data."""
    x = vp.clone().requires_grad_()
    F(x).square().sum().backward()
    assert x.grad is not None
    return x.grad


def check_equal(name: str, pair: Pair) -> None:
    """Call both sides and refuse results that differ.

    Raises
    ------
    AssertionError
        If they are further apart than the pair allows.
    """
    ours, direct = pair.ours(), pair.direct()
    worst = float((ours - direct).abs().max() / direct.abs().max())
    if not worst <= pair.within:
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
