"""A tenth of the labels: what gathers without velocity add when the wave equation judges them.

Yang and Ma's models at a third of their scale (see ``third_scale``).  A network learns from
every tenth model; then it goes on for the same steps, with the labelled samples alone and with
the gathers of the other models beside them, whose predicted velocities are modelled and compared
with the gathers.  Settings come from a smaller problem; the test models decided nothing.
"""

import argparse
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import nn
from torch.utils.data import Subset

from pylops_vmb.errors import VMBWarning
from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Grid
from pylops_vmb.training import GathersOnly, ShardedSet, Trainer
from pylops_vmb.training.consistency import DataConsistency
from pylops_vmb.training.methods import SemiSupervised, Supervised
from tests.benchmarks import third_scale
from tests.benchmarks.report import Report

NETWORK = third_scale.CONTENDERS["repaired"]
EVERY, FIRST, LATER = 10, 40, 25
"""Labelled: one model in so many; epochs of the labelled samples alone, and of both arms."""
WEIGHT, BATCH, SHOTS = 0.3, 4, 1
"""Of the misfit; unlabelled samples a step; shots of each that are modelled."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--folder", type=Path, default=Path("runs/third-scale"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=LATER)


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    data, test = (third_scale.published_set(options.folder, part) for part in ("train", "test"))
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(options.seeds):
        for arm, net in _arms(options, data, test, seed).items():
            scores = third_scale.scores(
                third_scale.predictions(net, test, third_scale.SCALED), third_scale.truths(test)
            )
            found.setdefault(arm, []).append(scores | _unlabelled(net, data))
    rows = [_row(arm, results) for arm, results in found.items()]
    alone, both = (found[arm] for arm in ("labels alone", "with unlabelled gathers"))
    gains = [1 - b["MAE"] / a["MAE"] for a, b in zip(alone, both, strict=True)]
    return Report(
        "label_free",
        f"{len(data) // EVERY} labels of {len(data)}, 50 test models, {options.seeds} seeds",
        rows,
        notes=[
            f"With unlabelled gathers the test MAE is {100 * mean(gains):.2g} % lower "
            f"(by seed: {', '.join(f'{100 * gain:.2g}' for gain in gains)} %).",
            f"Weight {WEIGHT} on the relative L2 misfit, preconditioned gradient, {BATCH} "
            f"unlabelled samples a step and {SHOTS} shot of each; the same steps in both arms.",
        ],
        settings={"results": found, "gains": gains},
    )


def _arms(
    options: argparse.Namespace, data: ShardedSet, test: ShardedSet, seed: int
) -> dict[str, nn.Module]:
    """Return the networks of one seed."""
    labelled = Subset(data, range(0, len(data), EVERY))
    others = Subset(data, [i for i in range(len(data)) if i % EVERY])
    start, _ = third_scale.train(
        options.folder / f"tenth-{seed}.safetensors",
        NETWORK,
        seed=seed,
        epochs=FIRST,
        data=labelled,
        validation=test,
    )
    config = replace(third_scale.HOUSE, epochs=options.epochs, lr=1e-3, seed=seed)
    unlabelled = GathersOnly(others)
    makers = {
        "labels alone": lambda net: Supervised(net, config),
        "with unlabelled gathers": lambda net: SemiSupervised(
            net,
            config,
            _consistency(seed),
            unlabelled=unlabelled,
            batch=BATCH,
            weight=WEIGHT,
            ramp=0.1,
        ),
    }
    nets = {"start": start}
    for arm, make in makers.items():
        path = options.folder / f"tenth-{'-'.join(arm.split())}-{seed}.safetensors"
        nets[arm] = _continued(path, start, make, config, labelled, test)
    return nets


def _consistency(seed: int) -> DataConsistency:
    spacing = (third_scale.SPACING, third_scale.SPACING)
    F = AcousticModelling2D(Grid((101, 67), spacing), third_scale.survey())
    return DataConsistency(
        F.for_band(F.acq.fmax),
        third_scale.SCALED,
        precondition=True,
        shots=SHOTS,
        vp_range=(1500.0, 4600.0),
        seed=seed,
    )


def _continued(
    path: Path, start: nn.Module, make: Any, config: Any, labelled: Any, test: ShardedSet
) -> nn.Module:
    """Return a network that goes on from the start; trained now, or read."""
    net = NETWORK.make(third_scale.sizes_of(test))
    net.load_state_dict(start.state_dict())
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VMBWarning)
            trainer = Trainer(
                make(net),
                labelled,
                test,
                preprocessing=third_scale.SCALED,
                config=config,
                checkpoint=path.with_suffix(".checkpoint"),
            )
            averaged = trainer.fit()
        write_weights(path, averaged.state_dict(), {"history": list(trainer.history)})
        path.with_suffix(".checkpoint").unlink()
    net.load_state_dict(read_weights(path)[0])
    return net.eval()


@torch.no_grad()
def _unlabelled(net: nn.Module, data: ShardedSet) -> dict[str, float]:
    """Return the MAE on some of the models whose gathers took part without velocity."""
    some = Subset(data, range(1, len(data), 3 * EVERY))
    vp = third_scale.predictions(net, some, third_scale.SCALED)
    return {"MAE unlabelled": third_scale.scores(vp, third_scale.truths(some))["MAE"]}


def _row(arm: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"network": arm}
    for key in results[0]:
        values = [result[key] for result in results]
        row[key] = mean(values)
        if key == "MAE" and len(values) > 1:
            row["MAE spread"] = stdev(values)
    return row
