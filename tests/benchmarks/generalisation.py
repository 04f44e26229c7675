"""Trained on one set of models, tested on all others: the generator's families and OpenFWI's maps.

Simulates every set with OpenFWI's survey, trains one FCNVMB (repaired) a set with the same
number of samples and steps, and measures each on held-out models of every set.  OpenFWI's maps
are read from ``openfwi`` in the folder VMB_DATA.  What is in the folder is not made again.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from pylops_vmb.learned import Preprocessing
from pylops_vmb.metrics import mae, ssim
from pylops_vmb.survey import Acquisition
from pylops_vmb.training import ShardedSet, Simulation, TrainingConfig, simulate
from pylops_vmb.velocity import (
    CurvedLayers,
    FaultedLayers,
    FlatLayers,
    Gradients,
    SaltBodies,
    StoredVelocities,
    VelocityGenerator,
    openfwi_like,
)
from tests.benchmarks.openfwi_maps import FAMILIES, UNIT, read_maps
from tests.benchmarks.report import Report, data_folder
from tests.benchmarks.third_scale import Contender, named, predictions, train, truths

DIMS, TRAIN, TEST = (70, 70), 600, 100
GENERATED: dict[str, VelocityGenerator] = {
    "flat": FlatLayers(DIMS),
    "folded": CurvedLayers(DIMS),
    "faulted": FaultedLayers(DIMS),
    "gradients": Gradients(DIMS),
    "salt": SaltBodies(DIMS),
    "mixture": openfwi_like(DIMS),
}
PREPROCESSING = Preprocessing(step=5, decimation="antialias", scale="rms", gain=0.02)
NETWORK = Contender(
    "FCNVMB repaired",
    named("fcnvmb-repaired"),
    TrainingConfig(epochs=10, batch=10, lr=2e-3, precision="bfloat16"),
    PREPROCESSING,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--folder", type=Path, default=Path("runs/generalisation"), metavar="DIR")
    parser.add_argument("--epochs", type=int, default=NETWORK.config.epochs)
    parser.add_argument("--sets", nargs="+", choices=[*GENERATED, *FAMILIES])


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    names = options.sets or [*GENERATED, *FAMILIES]
    sets = {name: _parts(options.folder, name) for name in names}
    errors, likeness = {}, {}
    for name in names:
        net, _ = train(
            options.folder / f"{name}.safetensors",
            NETWORK,
            seed=0,
            epochs=options.epochs,
            data=sets[name][0],
            validation=sets[name][1],
        )
        vp = {other: predictions(net, sets[other][1], PREPROCESSING) for other in names}
        true = {other: truths(sets[other][1]) for other in names}
        errors[name] = {other: mae(vp[other], true[other]) / UNIT for other in names}
        likeness[name] = {
            other: float(np.mean([ssim(a, b) for a, b in zip(vp[other], true[other], strict=True)]))
            for other in names
        }
    rows = [{"trained on": name, **errors[name]} for name in names]
    return Report(
        "generalisation",
        f"MAE in units of 1500 m/s on {TEST} held-out models of each set",
        rows,
        notes=[
            f"{TRAIN} models and {options.epochs} epochs each, seed 0, same network and settings.",
            *_notes(errors),
        ],
        settings={"MAE": errors, "SSIM": likeness, "epochs": options.epochs},
    )


def _notes(errors: dict[str, dict[str, float]]) -> list[str]:
    own = np.mean([errors[name][name] for name in errors])
    foreign = {name: np.mean([e for k, e in errors[name].items() if k != name]) for name in errors}
    best = min(foreign, key=lambda name: foreign[name])
    return [
        f"On their own sets {own:.3f} on average, "
        f"on the others {np.mean([*foreign.values()]):.3f}; "
        f"best on the others: {best}, {foreign[best]:.3f}."
    ]


def _parts(folder: Path, name: str) -> tuple[ShardedSet, ShardedSet]:
    """Return gathers and models to train on and to test on, simulated if they are not there."""
    velocity = GENERATED[name] if name in GENERATED else _maps(folder, name)
    simulation = Simulation(velocity, Acquisition.openfwi(), (10.0, 10.0), PREPROCESSING)
    train_set = simulate(folder / f"{name}-train", simulation, count=TRAIN)
    test_set = simulate(folder / f"{name}-test", simulation, count=TEST, start=TRAIN)
    return train_set, test_set


def _maps(folder: Path, family: str) -> StoredVelocities:
    """Return the first maps of an OpenFWI file, unpacked into the folder."""
    path = folder / f"{family}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        maps = read_maps(data_folder() / "openfwi" / FAMILIES[family], TRAIN + TEST)
        np.save(path, maps)
    return StoredVelocities(path)
