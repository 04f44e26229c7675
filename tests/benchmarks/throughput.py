"""Training throughput of FCNVMB: this package's trainer against the published loop, written anew.

The published loop: float32, channels first, no compilation, Adam, mean square error in m/s,
all samples in memory.  Ours: bfloat16 products, channels last, scaling and gain of the gathers,
AdamW with one-cycle schedule, moving average.  Same network, samples and batch; alternating.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.data import DataLoader

from pylops_vmb.learned import Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.training import Trainer, TrainingConfig
from tests.benchmarks.report import Report, threads, verdict

TARGET = {"cpu": 1.5, "cuda": 4.0}


@dataclass(frozen=True)
class Size:
    """Shots, gathers, models, filters and batch of a training."""

    ns: int
    gathers: tuple[int, int]
    models: tuple[int, int]
    width: int
    batch: int


SIZES = {
    "third": Size(10, (133, 101), (67, 101), 16, 10),
    "full": Size(29, (400, 301), (201, 301), 64, 2),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--size", choices=SIZES, default="third")
    parser.add_argument("--steps", type=int, default=5, help="a round (default 5)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    size = SIZES[options.size]
    samples = _samples(size, options.steps * size.batch)
    arms = {"published loop": _published, "ours": _ours}
    for arm in arms.values():
        arm(size, samples[: size.batch], options.device)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(options.rounds):
        for name, arm in arms.items():
            seconds[name].append(arm(size, samples, options.device))
    rate = {name: len(samples) / median(times) for name, times in seconds.items()}
    rows = [
        {"loop": name, "samples a second": rate[name], "seconds (median)": median(seconds[name])}
        for name in arms
    ]
    gain = rate["ours"] / rate["published loop"]
    target = TARGET[torch.device(options.device).type]
    return Report(
        "throughput",
        f"{size}, {options.steps} steps, {options.device}, {threads()}",
        rows,
        notes=[verdict("ours over the published loop", gain, at_least=target)],
        settings={"seconds": seconds},
    )


def _samples(size: Size, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(0)
    return [
        (10 * torch.randn(size.ns, *size.gathers), 2000 + 2500 * torch.rand(1, *size.models))
        for _ in range(count)
    ]


def _network(size: Size) -> torch.nn.Module:
    torch.manual_seed(0)
    return build(
        "fcnvmb", in_channels=size.ns, n_classes=1, out_shape=size.models, width=size.width
    )


def _published(size: Size, samples: Any, device: str) -> float:
    """Train one epoch as published; return its seconds."""
    net = _network(size).to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = DataLoader(samples, batch_size=size.batch, shuffle=True)
    started = time.perf_counter()
    for gathers, vp in loader:
        gathers, vp = gathers.to(device), vp.to(device)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(gathers), vp)
        torch.autograd.backward(loss)
        optimizer.step()
        loss.item()
    return time.perf_counter() - started


def _ours(size: Size, samples: Any, device: str) -> float:
    """Train one epoch with the package's trainer; return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            _network(size),
            samples,
            samples[:1],
            preprocessing=Preprocessing(step=5, gain=0.02),
            config=replace(TrainingConfig(), epochs=1, batch=size.batch, precision="bfloat16"),
            checkpoint=Path(folder) / "checkpoint.safetensors",
            device=device,
        )
        trainer.fit()
    return float(trainer.history[-1]["seconds"])
