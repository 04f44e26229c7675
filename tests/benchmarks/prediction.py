"""Time of a prediction: FCNVMB at full width and the embedded network, against plain torch.

Plain: the published network written anew (``plain_fcnvmb.py``) with our weights, and for the
embedded one its network as a user calls it: eager, float32, ``eval()``, no gradients.  Ours:
the copy that `pylops_vmb.networks.prepared` makes, in float32 and in bfloat16.  InversionNet,
the field's baseline, runs eagerly in float32 on gathers of its own size.  Weights of the full
network are random, those of the embedded one are trained: only it has an accuracy, that of
models of its generator with a seed of their own.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import pylops_vmb as vmb
from pylops_vmb._timing import Sample, alternate, median, ratio
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.networks import build, prepared
from pylops_vmb.velocity import openfwi_like
from tests.benchmarks.plain_fcnvmb import PlainFCNVMB
from tests.benchmarks.report import Report, threads, verdict

SEED = 4321
"""Of the held-out models; the embedded networks were trained on another one."""
PLAIN, PEER = "plain", "InversionNet"
PRECISIONS = ("float32", "bfloat16")
ALLOWED = {"float32": 1e-4, "bfloat16": 5e-2}
"""Largest relative L2 difference from the plain prediction that is timed at all."""
SIZES = ("full", "embedded")
FASTER, CHANGE = 1.5, 0.1

Net = Callable[[Tensor], Tensor]
Samples = dict[str, list[Sample]]
Errors = dict[str, Tensor]
"""Mean absolute error of each held-out model, by arm."""


@dataclass(frozen=True)
class Case:
    """A network, how it is called plainly, and its peer; with their gathers."""

    name: str
    net: nn.Module
    plain: nn.Module
    gathers: tuple[int, int, int]
    peer: nn.Module
    peer_gathers: tuple[int, int, int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--size", choices=(*SIZES, "both"), default="both")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=int, default=200, help="held-out ones (default 200)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile ours as well")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    rows, notes, raw = [], [], {}
    with torch.no_grad():
        for size in SIZES if options.size == "both" else (options.size,):
            case = full() if size == "full" else embedded()
            nets = _nets(case, options)
            found = _errors(nets, options) if size == "embedded" else {}
            for batch in options.batch:
                samples, differences = _measure(case, nets, batch, options)
                raw[f"{size}, batch {batch}"] = samples
                label = {"network": case.name, "batch": batch}
                rows += table(label, samples, differences=differences, found=found)
                notes += verdicts(f"{size}, batch {batch}", samples, found)
    return Report(
        "prediction",
        f"network alone, {options.device}, {threads()}",
        rows,
        notes=notes + _remarks(options),
        settings={"seed": SEED, "rounds": options.rounds, "seconds": raw},
    )


def full() -> Case:
    """Return the published network at its published size, with random weights."""
    gathers, size = (29, 400, 301), (201, 301)
    torch.manual_seed(0)
    net = settled(build("fcnvmb", in_channels=29, n_classes=1, out_shape=size))
    plain = PlainFCNVMB(29, size).eval()
    plain.load_state_dict(net.state_dict())
    peer = build("inversionnet", in_channels=29, in_shape=gathers[1:], out_shape=size).eval()
    return Case("FCNVMB, 29 x 400 x 301", net, plain, gathers, peer, gathers)


def embedded() -> Case:
    """Return the network that ships with the package, and InversionNet at OpenFWI's size."""
    G = vmb.LearnedInversion.from_pretrained()
    torch.manual_seed(0)
    peer = build("inversionnet", in_channels=5, in_shape=(1000, 70), out_shape=(70, 70)).eval()
    return Case(f"{G.name}, 5 x 200 x 70", G.net, G.net.eval(), (5, 200, 70), peer, (5, 1000, 70))


def settled(net: nn.Module) -> nn.Module:
    """Return a network whose batch norm has seen noise, so that its maps have a usual size."""
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean of all passes
    with torch.no_grad():
        for _ in range(5):
            net.train()(torch.randn(2, 29, 80, 64), (40, 40))
    return net.eval()


def held_out(
    G: vmb.LearnedInversion, count: int, *, workers: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return inputs ``(n, ns, nt, nr)`` and true velocities ``(n, 1, nz, nx)`` in m/s."""
    F = vmb.AcousticModelling2D(G.grid, G.acq)
    models = openfwi_like(G.grid.dims, seed=SEED)

    def sample(index: int) -> tuple[Tensor, Tensor]:
        vp = torch.from_numpy(models.sample(index))
        with torch.no_grad():
            return G.inputs(F(vp)), vp.T[None]

    pairs = side_by_side(sample, range(count), workers=workers or os.cpu_count() or 1)
    inputs, truths = zip(*pairs, strict=True)
    return torch.stack(inputs), torch.stack(truths)


def errors(net: Net, inputs: Tensor, truths: Tensor, *, batch: int = 10) -> Tensor:
    """Return the mean absolute error of each model, m/s."""
    parts = zip(inputs.split(batch), truths.split(batch), strict=True)
    return torch.cat([(net(d) - vp).double().abs().flatten(1).mean(1) for d, vp in parts])


def table(
    label: dict[str, Any],
    samples: Samples,
    *,
    differences: dict[str, float],
    found: Errors,
) -> list[dict[str, Any]]:
    """Return a row an arm."""
    rows = []
    for arm, times in samples.items():
        other = arm != PLAIN
        row = label | {
            "arm": arm,
            "ms": 1e3 * median(times),
            "times faster": ratio(samples[PLAIN], times) if other else None,
            "difference %": 100 * differences[arm] if arm in differences else None,
        }
        if arm in found:
            moved, deviation = change(found, arm) if other else (None, None)
            row |= {"MAE m/s": float(found[arm].mean()), "change of MAE %": moved, "± %": deviation}
        rows.append(row)
    return rows


def verdicts(label: str, samples: Samples, found: Errors) -> list[str]:
    """Judge bfloat16, the precision that the target is meant for."""
    arm = ours("bfloat16")
    faster = ratio(samples[PLAIN], samples[arm])
    notes = [verdict(f"{label}: times faster than plain, bfloat16", faster, at_least=FASTER)]
    if found:
        moved = abs(change(found, arm)[0])
        notes.append(verdict(f"{label}: change of MAE in %, bfloat16", moved, at_most=CHANGE))
    return notes


def change(found: Errors, arm: str) -> tuple[float, float]:
    """Return by how much the error of an arm is above the plain one's, %, and its standard error.

    The latter is that of the mean over the models: another few hundred would give another change.
    """
    plain = float(found[PLAIN].mean())
    more = 100 * (found[arm] - found[PLAIN]) / plain
    return float(more.mean()), float(more.std() / len(more) ** 0.5)


def ours(precision: str) -> str:
    """Name an arm of ours."""
    return f"ours, {precision}"


def _nets(case: Case, options: argparse.Namespace) -> dict[str, Net]:
    nets: dict[str, nn.Module] = {PLAIN: case.plain.to(options.device)}
    nets |= {ours(p): prepared(case.net, precision=p).to(options.device) for p in PRECISIONS}
    nets[PEER] = case.peer.to(options.device)
    found: dict[str, Net] = dict(nets)
    if options.compile:
        found[f"{ours('bfloat16')}, compiled"] = torch.compile(nets[ours("bfloat16")])
    return found


def _errors(nets: dict[str, Net], options: argparse.Namespace) -> Errors:
    pairs = held_out(vmb.LearnedInversion.from_pretrained(), options.models)
    inputs, truths = (part.to(options.device) for part in pairs)
    return {arm: errors(net, inputs, truths) for arm, net in nets.items() if arm != PEER}


def _measure(
    case: Case, nets: dict[str, Net], batch: int, options: argparse.Namespace
) -> tuple[Samples, dict[str, float]]:
    """Time all arms on the same random gathers, once they agree."""
    torch.manual_seed(1)
    d = torch.randn(batch, *case.gathers).to(options.device)
    longer = torch.randn(batch, *case.peer_gathers).to(options.device)
    differences = agreement(nets, d)

    def call(arm: str) -> Callable[[], Any]:
        net, inputs = nets[arm], longer if arm == PEER else d
        return lambda: _finish(net(inputs))

    return alternate({arm: call(arm) for arm in nets}, rounds=options.rounds), differences


def agreement(nets: Mapping[str, Net], d: Tensor) -> dict[str, float]:
    """Return the relative L2 difference of ours from the plain prediction; raise if it is large."""
    plain = nets[PLAIN](d)
    found = {}
    for arm, net in nets.items():
        if arm not in (PLAIN, PEER):
            found[arm] = float((net(d) - plain).norm() / plain.norm())
            allowed = next(most for precision, most in ALLOWED.items() if precision in arm)
            if not found[arm] <= allowed:
                message = f"{arm} differs from the plain prediction by {found[arm]:.2g}"
                raise ArithmeticError(f"{message}, more than {allowed:g}")
    return found


def _finish(vp: Tensor) -> Tensor:
    if vp.is_cuda:
        torch.cuda.synchronize()
    return vp


def _remarks(options: argparse.Namespace) -> list[str]:
    return [
        f"Medians of {options.rounds} rounds in turn after a call of each; times faster: the "
        "median of the ratio within a round.  Gathers are noise, already preprocessed.",
        "Difference: relative L2 from the plain prediction of that noise.",
        f"MAE: {options.models} models of the embedded network's generator, seed {SEED}, "
        "simulated noise-free; ± is the standard error of its change.  The full network has "
        "random weights and no error to change.",
        "InversionNet reads 5 x 1000 x 70 undecimated beside the embedded network; it answers "
        "another network's question, so it is a time to compare and no more.",
    ]
