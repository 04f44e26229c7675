"""Training throughput: this package's trainer against the published loop, written anew.

The published loop: float32, channels first, no compilation, Adam, mean square error in m/s,
all samples in memory.  Ours: bfloat16 products, channels last, scaling and gain of the gathers,
AdamW with one-cycle schedule, moving average.  Same weights, samples and batch; alternating.
FCNVMB in the published loop is ``plain_fcnvmb.py``; InversionNet, the field's baseline, is the
package's in both.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from pylops_vmb.learned import Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.training import Trainer, TrainingConfig
from tests.benchmarks.plain_fcnvmb import PlainFCNVMB
from tests.benchmarks.report import Report, threads, verdict

TARGET = {"cpu": 1.5, "cuda": 4.0}
PUBLISHED, OURS = "published loop", "ours"
Arm = tuple[str, str]
"""Network and loop."""
Pairs = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Size:
    """Shots, gathers, models, filters and batch of a training; steps in a round."""

    ns: int
    gathers: tuple[int, int]
    models: tuple[int, int]
    width: int
    batch: int
    steps: int


SIZES = {
    "third": Size(10, (133, 101), (67, 101), 16, 10, 5),
    "full": Size(29, (400, 301), (201, 301), 64, 2, 1),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--size", choices=(*SIZES, "both"), default="both")
    parser.add_argument("--steps", type=int, help="a round (default 5, and 1 at full size)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    rows, notes, raw = [], [], {}
    for name in SIZES if options.size == "both" else (options.size,):
        size = replace(SIZES[name], steps=options.steps or SIZES[name].steps)
        seconds = _measure(size, options)
        raw[name] = {" ".join(arm): times for arm, times in seconds.items()}
        found = table(name, size, seconds)
        rows += found
        target = TARGET[torch.device(options.device).type]
        faster = next(r["times faster"] for r in found if (r["network"], r["loop"]) == _JUDGED)
        notes.append(verdict(f"{name}: ours over the published loop", faster, at_least=target))
    return Report(
        "throughput",
        f"training, {options.device}, {threads()}",
        rows,
        notes=notes + _remarks(options),
        settings={"seconds a round": raw, "rounds": options.rounds, "sizes": str(SIZES)},
    )


def table(name: str, size: Size, seconds: Mapping[Arm, Sequence[float]]) -> list[dict[str, Any]]:
    """Return a row an arm; ratios are within a round and a network, against its published loop."""
    rows = []
    for (network, loop), times in seconds.items():
        theirs = seconds[network, PUBLISHED]
        faster = median(b / a for a, b in zip(times, theirs, strict=True))
        rows.append(
            {
                "size": name,
                "network": network,
                "loop": loop,
                "batch": size.batch,
                "samples a second": size.steps * size.batch / median(times),
                "seconds a step": median(times) / size.steps,
                "times faster": faster if loop == OURS else None,
            }
        )
    return rows


def fcnvmb(size: Size) -> nn.Module:
    """Return the published network as this package builds it."""
    torch.manual_seed(0)
    return build(
        "fcnvmb", in_channels=size.ns, n_classes=1, out_shape=size.models, width=size.width
    )


def plain_fcnvmb(size: Size) -> nn.Module:
    """Return the same weights in plain torch."""
    net = PlainFCNVMB(size.ns, size.models, width=size.width)
    net.load_state_dict(fcnvmb(size).state_dict())
    return net


def inversionnet(size: Size) -> nn.Module:
    """Return the field's baseline for gathers and models of this size."""
    torch.manual_seed(0)
    return build("inversionnet", in_channels=size.ns, in_shape=size.gathers, out_shape=size.models)


def published(make: Callable[[Size], nn.Module], size: Size, samples: Pairs, device: str) -> float:
    """Train one epoch as published; return its seconds."""
    net = make(size).to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = DataLoader(samples, batch_size=size.batch, shuffle=True)  # type: ignore[arg-type]
    started = time.perf_counter()
    for gathers, vp in loader:
        gathers, vp = gathers.to(device), vp.to(device)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(gathers), vp)
        torch.autograd.backward(loss)
        optimizer.step()
        loss.item()
    return time.perf_counter() - started


def ours(make: Callable[[Size], nn.Module], size: Size, samples: Pairs, device: str) -> float:
    """Train one epoch with the package's trainer; return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            make(size),
            samples,
            samples[:1],
            preprocessing=Preprocessing(step=5, gain=0.02),
            config=replace(TrainingConfig(), epochs=1, batch=size.batch, precision="bfloat16"),
            checkpoint=Path(folder) / "checkpoint.safetensors",
            device=device,
        )
        trainer.fit()
    return float(trainer.history[-1]["seconds"])


ARMS: dict[Arm, Callable[[Size, Pairs, str], float]] = {
    ("FCNVMB", PUBLISHED): partial(published, plain_fcnvmb),
    ("FCNVMB", OURS): partial(ours, fcnvmb),
    ("InversionNet", PUBLISHED): partial(published, inversionnet),
    ("InversionNet", OURS): partial(ours, inversionnet),
}
_JUDGED = ("FCNVMB", OURS)


def _measure(size: Size, options: argparse.Namespace) -> dict[Arm, list[float]]:
    """Return the seconds of each round, after one step of each arm that does not count."""
    samples = _samples(size)
    for arm in ARMS.values():
        arm(size, samples[: size.batch], options.device)
    seconds: dict[Arm, list[float]] = {name: [] for name in ARMS}
    for _ in range(options.rounds):
        for name, arm in ARMS.items():
            seconds[name].append(arm(size, samples, options.device))
    return seconds


def _samples(size: Size) -> Pairs:
    torch.manual_seed(0)
    return [
        (10 * torch.randn(size.ns, *size.gathers), 2000 + 2500 * torch.rand(1, *size.models))
        for _ in range(size.steps * size.batch)
    ]


def _remarks(options: argparse.Namespace) -> list[str]:
    shapes = "; ".join(
        f"{name}: {s.ns} x {s.gathers[0]} x {s.gathers[1]} to {s.models[0]} x {s.models[1]}, "
        f"{s.width} filters, {options.steps or s.steps} steps a round"
        for name, s in SIZES.items()
    )
    return [
        f"Medians of {options.rounds} rounds in turn; times faster: the median of the ratio "
        f"within a round, of one network.  {shapes}.",
        "Seconds hold the loading of samples that lie in memory, forward, backward and update; "
        "ours also scaling, gain and average.  Validation and checkpoint are left out.",
        "Ours multiplies in bfloat16, the published loop in float32: the gain is not of speed at "
        "equal arithmetic.",
    ]
