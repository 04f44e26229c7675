"""``pylops-vmb bench``: what modelling, a gradient and a prediction cost on this machine."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from pylops_vmb._checks import check_integer
from pylops_vmb._timing import Sample, alternate, median
from pylops_vmb.cli._files import load_network
from pylops_vmb.cli._gathers import PRESETS
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import add_device, add_preset, add_weights
from pylops_vmb.cli._report import Outcome, table, versions
from pylops_vmb.cli._solving import check_device
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks import has_bfloat16, prepared

_SEED = 0


class Call(NamedTuple):
    """One thing that is measured, and how many cells or surveys a call works off."""

    name: str
    run: Callable[[], Any]
    million_cells: float | None = None
    surveys: int | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_preset(
        parser,
        "what is modelled: openfwi (70 x 70 cells, 5 shots, 1000 steps), which it is if nothing is "
        "given, or fcnvmb (301 x 201 cells, 29 shots, 2000 steps), which takes minutes",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="timed calls of each (default: %(default)s)"
    )
    add_weights(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Measure."""
    check_integer("--rounds", args.rounds, at_least=1)
    check_device(args.device)
    device = torch.device(args.device)
    preset, rows = args.preset or "openfwi", []
    for part in (_physics(preset, device), _network(args.weights, device)):
        calls = {call.name: call for call in part}
        say(f"measuring {', '.join(calls)}")
        waiting = {name: partial(_finished, call.run, device) for name, call in calls.items()}
        samples = alternate(waiting, rounds=args.rounds)
        rows += [_row(call, samples[name]) for name, call in calls.items()]
    about = {"preset": preset, "seed": _SEED, "device": str(device), "rounds": args.rounds}
    return Outcome({"settings": about, "versions": versions(), "figures": rows}, table(rows))


def _physics(name: str, device: torch.device) -> Iterator[Call]:
    """Yield the products of modelling."""
    preset = PRESETS[name]
    grid, acq = preset.grid(), preset.acq()
    F = AcousticModelling2D(grid, acq)
    vp = torch.from_numpy(preset.velocity(grid.dims, seed=_SEED)[0]).to(device)
    million = grid.dims[0] * grid.dims[1] * acq.nt * acq.ns / 1e6
    d, J = F.linearize(vp)
    misfit = Objective(F, d + d.roll(1, -1), misfit="l2", lowpass=LowPass(np.inf, acq.nt, acq.dt))
    yield Call("forward", lambda: F(vp), million)
    yield Call("Born", lambda: J @ vp, million)
    yield Call("adjoint, the forward pass kept", lambda: J.H @ d, million)
    yield Call("gradient, as fwi", lambda: misfit(vp).gradient, million)


def _network(weights: str, device: torch.device) -> Iterator[Call]:
    """Yield predictions: the network as it is, folded, and in bfloat16 where the device has it."""
    G = load_network(weights, str(device))
    rng = np.random.default_rng(_SEED)
    d = torch.from_numpy(rng.standard_normal((10, *G.dims)).astype(np.float32)).to(device)
    net = G.net.to(device)
    fast = {"": prepared(net)}
    if has_bfloat16(device):
        fast[", bfloat16"] = prepared(net, precision="bfloat16")
    for count in (1, 10):
        inputs = G.inputs(d[:count])
        label = f"prediction from {count} survey{'s' * (count > 1)}"
        yield Call(f"{label}, network as it is", partial(_predict, net, inputs), surveys=count)
        for precision, ready in fast.items():
            run = partial(_predict, ready, inputs)
            yield Call(f"{label}{precision}", run, surveys=count)
    yield Call("the same, preprocessing included", lambda: G.predict(d), surveys=10)


@torch.no_grad()
def _predict(net: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    vp: torch.Tensor = net(inputs)
    return vp


def _finished(run: Callable[[], Any], device: torch.device) -> None:
    """Call, and wait for the device."""
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _row(call: Call, samples: list[Sample]) -> dict[str, Any]:
    seconds = median(samples)
    return {
        "call": call.name,
        "ms": 1e3 * seconds,
        "slowest_ms": 1e3 * max(sample.wall for sample in samples),
        "million_updates_s": call.million_cells and call.million_cells / seconds,
        "surveys_s": call.surveys and call.surveys / seconds,
    }
