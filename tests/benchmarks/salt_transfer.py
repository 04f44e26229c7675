"""From layers to salt: a fine-tuned network against one that starts from nothing, at equal steps.

The second experiment of Yang and Ma (2019) at a third of its scale.  The parent learned their
simulated models (benchmark ``family``); both networks then take the same steps on generated
salt basins, and are measured on other basins and on five slices of the SEG/EAGE salt model,
read from ``fcnvmb/segsalt`` in the folder VMB_DATA.  No slice was trained on; but the ranges of
the basins' generator were set to hold the figures of these slices.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pylops_vmb.io import read_fcnvmb
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.metrics import mae, salt_iou, ssim
from pylops_vmb.survey import Grid
from pylops_vmb.training import ShardedSet, Trainer, finetune, simulate
from pylops_vmb.velocity import StoredVelocities, VelocityGenerator, seg_salt_like
from tests.benchmarks import third_scale
from tests.benchmarks.report import Report, data_folder

PARENT, TRAIN, TEST, EPOCHS = "repaired", 130, 50, 30
RATES = {"fine-tuned": 1e-3, "from scratch": 2e-3}
"""Highest learning rates."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--folder", type=Path, default=Path("runs/third-scale"), metavar="DIR")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=3)


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    folder = options.folder
    basins = seg_salt_like((101, 67), seed=1)
    train = _simulated(folder / "salt-train", basins, count=TRAIN)
    tests = {
        "basins": _simulated(folder / "salt-test", basins, count=TEST, start=TRAIN),
        "slices": _simulated(folder / "salt-slices", _slices(folder), count=5),
    }
    parents = [_parent(folder, tests["basins"], seed) for seed in range(options.seeds)]
    tuned = [_tuned(G, train, tests["basins"], options, s) for s, G in enumerate(parents)]
    fresh = [_fresh(G, train, tests["basins"], options, s) for s, G in enumerate(parents)]
    arms = {"parent, as it is": parents, "from scratch": fresh, "fine-tuned": tuned}
    found = {
        arm: {name: [_scores(G, data) for G in networks] for name, data in tests.items()}
        for arm, networks in arms.items()
    }
    rows = [_row(arm, name, found[arm][name]) for name in tests for arm in arms]
    return Report(
        "salt_transfer",
        f"{TRAIN} basins, {options.epochs} epochs each; {TEST} other basins and 5 SEG/EAGE slices",
        rows,
        notes=[
            f"Means over {options.seeds} seeds of parent and training; spread is the standard "
            "deviation. IoU of cells faster than 4000 m/s, all models of a row together.",
            f"Highest learning rates: {RATES}; AdamW one-cycle, batch 10, bfloat16.",
        ],
        settings={"results": found, "epochs": options.epochs},
    )


def _simulated(
    folder: Path, velocity: VelocityGenerator, *, count: int, start: int = 0
) -> ShardedSet:
    simulation = third_scale.simulation(velocity)
    return simulate(folder, simulation, count=count, start=start)


def _slices(folder: Path) -> StoredVelocities:
    """Return the five slices, put together in the folder."""
    path = folder / "salt-slices.npy"
    if not path.exists():
        files = sorted((data_folder() / "fcnvmb" / "segsalt").glob("saltv*.mat"))
        np.save(path, np.stack([read_fcnvmb(file) for file in files]))
    return StoredVelocities(path, every=3)


def _parent(folder: Path, sample: ShardedSet, seed: int) -> LearnedInversion:
    """Return the network of ``family`` with a card."""
    net, about = third_scale.trained(
        folder, PARENT, seed=seed, epochs=0, data=None, validation=sample
    )
    return _inversion(net, about)


def _inversion(net: nn.Module, about: dict[str, Any]) -> LearnedInversion:
    grid = Grid((101, 67), (third_scale.SPACING, third_scale.SPACING))
    card = Card(
        name=PARENT,
        network={"name": "fcnvmb-repaired", "config": net.config},
        grid=grid,
        acq=third_scale.survey(),
        preprocessing=third_scale.SCALED,
        training=about,
    )
    return LearnedInversion(net, card)


def _config(options: argparse.Namespace, arm: str, seed: int) -> Any:
    return replace(third_scale.HOUSE, epochs=options.epochs, lr=RATES[arm], ema=0.99, seed=seed)


def _tuned(
    G: LearnedInversion, train: Any, test: Any, options: argparse.Namespace, seed: int
) -> LearnedInversion:
    path = options.folder / f"salt-tuned-{seed}.safetensors"
    if not path.exists():
        config = _config(options, "fine-tuned", seed)
        finetune(G, train, validation=test, config=config).save(path)
    return LearnedInversion.load(path)


def _fresh(
    G: LearnedInversion, train: Any, test: Any, options: argparse.Namespace, seed: int
) -> LearnedInversion:
    path = options.folder / f"salt-fresh-{seed}.safetensors"
    if not path.exists():
        torch.manual_seed(seed)
        net = third_scale.CONTENDERS[PARENT].make(third_scale.sizes_of(test))
        trainer = Trainer(
            net,
            train,
            test,
            preprocessing=third_scale.SCALED,
            config=_config(options, "from scratch", seed),
            checkpoint=path.with_suffix(".checkpoint"),
        )
        _inversion(trainer.fit(), {}).save(path)
    return LearnedInversion.load(path)


def _scores(G: LearnedInversion, data: ShardedSet) -> dict[str, float]:
    vp: NDArray[Any] = third_scale.predictions(G.net, data, third_scale.SCALED)
    true = third_scale.truths(data)
    return {
        "MAE": mae(vp, true),
        "SSIM": float(np.mean([ssim(a, b) for a, b in zip(vp, true, strict=True)])),
        "salt IoU": salt_iou(vp, true),
    }


def _row(arm: str, name: str, scores: list[dict[str, float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"measured on": name, "network": arm}
    for key in scores[0]:
        values = [score[key] for score in scores]
        row[key] = mean(values)
        if len(values) > 1:
            row[f"{key} spread"] = stdev(values)
    return row
