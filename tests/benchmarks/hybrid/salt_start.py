"""A network that never saw salt, on salt: what physics and a hundred examples make of it.

The weakness that Yang and Ma (2019) describe: trained without salt, their network does not find
it.  Ours is trained from scratch on layers and faults alone; then it predicts models with salt,
starts FWI on them, and does both again after fine-tuning on a hundred other ones.
``salt_start.png`` has a row for each model.  Simulation, training and inversions resume.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pylops_vmb as vmb
from pylops_vmb.learned import Preprocessing
from pylops_vmb.metrics import salt_iou
from pylops_vmb.plotting import plot_comparison
from pylops_vmb.training import Simulation, TrainingConfig
from pylops_vmb.training.recipes import Recipe, Simulated, Stage
from pylops_vmb.training.transfer import GENTLE
from pylops_vmb.velocity import EvenLayers, Mixture, SaltBodies, VelocityGenerator, openfwi_family
from tests.benchmarks.hybrid import conditions, methods
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.models import FIRST, Model
from tests.benchmarks.hybrid.rows import Run, read_run
from tests.benchmarks.hybrid.sheets import (
    add_common,
    average,
    costs,
    measured,
    publish,
    save,
    spread,
)
from tests.benchmarks.report import Report

DIMS = (70, 70)
LAYERED = ("curvevel_a", "curvevel_b", "curvefault_a", "flatvel_a")
"""Families of the training: no salt in them."""
SEDIMENTS, SALT = (1500.0, 4000.0), 4500.0
"""Velocities in m/s around the salt, and of it."""
EDGE = 0.5 * (SEDIMENTS[1] + SALT)
"""What is faster counts as salt."""
SCALED = Preprocessing(step=5, decimation="antialias", scale="rms", gain=0.02)
TRAINING = TrainingConfig(epochs=8, batch=16, lr=2e-3, precision="bfloat16")
TITLES = {
    "linear": "linear + FWI",
    "network": "network + FWI (hybrid)",
    "fine-tuned": "fine-tuned + FWI (hybrid)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    add_common(parser, "salt_start", niter=10)
    parser.add_argument("--count", type=int, default=5, help="models with salt (default 5)")
    parser.add_argument("--train", type=int, default=3000, help="models without (default 3000)")
    parser.add_argument("--epochs", type=int, default=TRAINING.epochs)
    parser.add_argument("--width", type=int, default=16, help="of the network (default 16)")
    parser.add_argument("--tune", type=int, default=100, help="with salt, to fine-tune on")
    parser.add_argument("--tune-epochs", type=int, default=GENTLE.epochs)


def run(options: argparse.Namespace) -> Report:
    """Measure what is missing, and report all of it."""
    networks = trained(options)
    runs = measured(options, planned(options, networks))
    rows = table(list(runs.values()), options.out)
    draw(options, list(runs.values()))
    report = Report(
        "salt_start",
        f"a network trained on {options.train} models without salt, {options.count} models with",
        rows,
        notes=[
            "MAE and RMSE in units of 1500 m/s; SSIM as OpenFWI's; means over models.",
            f"IoU of cells faster than {EDGE:g} m/s: salt has {SALT:g} m/s, layers around it "
            f"{SEDIMENTS[0]:g} to {SEDIMENTS[1]:g}.",
            f"Trained on {', '.join(LAYERED)} (1500 to 4500 m/s), {options.epochs} epochs; "
            f"fine-tuned on {options.tune} models with salt, {options.tune_epochs} epochs.",
        ],
        settings={name: methods.identity(str(path)) for name, path in networks.items()},
    )
    return publish(options, report, runs)


def trained(options: argparse.Namespace) -> dict[str, Path]:
    """Return the files of both networks; simulated and trained now, if they are not there."""
    folder = options.out / "training"
    recipe(options).run(folder, processes=max(1, options.processes))
    stages = {"network": "layers", "fine-tuned": "salt"}
    return {name: folder / stage / "weights.safetensors" for name, stage in stages.items()}


def recipe(options: argparse.Namespace) -> Recipe:
    """Return how both networks are made, the second from the first."""
    tests = {"layers": max(10, options.train // 30), "salt": max(2, options.tune // 5)}
    return Recipe(
        name="salt-start",
        stages=(
            Stage(
                "layers",
                Simulated(_simulation(layered())),
                options.train,
                tests["layers"],
                replace(TRAINING, epochs=options.epochs),
            ),
            Stage(
                "salt",
                Simulated(_simulation(salted())),
                options.tune,
                tests["salt"],
                replace(GENTLE, epochs=options.tune_epochs, precision=TRAINING.precision),
            ),
        ),
        network="fcnvmb-repaired",
        settings={"width": options.width, "fit": "stem"},
        stored="float32",
    )


def layered() -> Mixture:
    """Return the generator of the training: layers, folds and faults, no salt."""
    return Mixture([(1.0, openfwi_family(name, DIMS)) for name in LAYERED], seed=11)


def salted() -> SaltBodies:
    """Return the generator of what is new: salt in folded layers that are slower."""
    around = EvenLayers(DIMS, vp_range=SEDIMENTS, relief=0.24)
    return SaltBodies(DIMS, seed=12, background=around, vp_salt=SALT)


def _simulation(velocity: VelocityGenerator) -> Simulation:
    return Simulation(velocity, vmb.Acquisition.openfwi(), vmb.Grid.openfwi().spacing, SCALED)


def planned(options: argparse.Namespace, networks: dict[str, Path]) -> list[Run]:
    """Return the runs that the options ask for, all methods of a model after each other."""
    labels = {"niter": options.niter}
    weights = {name: str(path) for name, path in networks.items()}
    identities = {name: methods.identity(path) for name, path in weights.items()}
    models = [
        Model(f"salt-{number:02d}", "salt", vp)
        for number, vp in enumerate(salted().batch(FIRST, options.count))
    ]
    runs = []
    for model in models:
        make = partial(Run, model, "full", observe=conditions.full, folder=options.out)
        runs.append(make("linear", invert=partial(methods.linear, **labels), labels=labels))
        runs += [
            make(
                name,
                invert=partial(methods.network, weights=path, **labels),
                predict=partial(methods.prediction, weights=path),
                labels=labels | {"network": identities[name]},
            )
            for name, path in weights.items()
        ]
    return runs


def table(rows: Sequence[Row], folder: Path) -> list[Row]:
    """Return a row for each prediction and each inversion."""
    found: list[Row] = []
    for method, title in TITLES.items():
        these = [row for row in rows if row["method"] == method]
        kept = [read_run(folder, row["key"]) for row in these]
        if not these:
            continue
        if method != "linear":
            found.append(_row(f"{method} alone", these, kept, what="prediction"))
        found.append(_row(title, these, kept, what="vp") | costs(these))
    return found


def _row(title: str, rows: Sequence[Row], kept: Sequence[dict[str, Any]], *, what: str) -> Row:
    prefix = "" if what == "vp" else f"{what}_"
    each = [{"iou": salt_iou(models[what], models["true"], above=EDGE)} for models in kept]
    return {
        "method": title,
        "MAE": average(rows, f"{prefix}mae"),
        "MAE, spread": spread(rows, f"{prefix}mae"),
        "RMSE": average(rows, f"{prefix}rmse"),
        "SSIM": average(rows, f"{prefix}ssim"),
        "salt IoU": average(each, "iou"),
        "salt IoU, spread": spread(each, "iou"),
        "data misfit": average(rows, f"{prefix}misfit"),
        "models": len(rows),
    }


def draw(options: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Draw a row of pictures for each model."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where there is something to draw

    found = complete(rows)
    if not found:
        return
    size, shape = (2.6 * 6, 2.4 * len(found)), (len(found), 6)
    figure, axes = plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False)
    for line, keys in zip(axes, found, strict=True):
        plain, network, tuned = (read_run(options.out, keys[method]) for method in TITLES)
        pictures = {
            "true": plain["true"],
            TITLES["linear"]: plain["vp"],
            "network without salt": network["prediction"],
            TITLES["network"]: network["vp"],
            "fine-tuned network": tuned["prediction"],
            TITLES["fine-tuned"]: tuned["vp"],
        }
        plot_comparison(pictures, vmb.Grid.openfwi(), axes=line, vmin=SEDIMENTS[0], vmax=SALT)
    save(figure, options.out / "salt_start.png")


def complete(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return the keys of the runs by method, of each model that all methods are done with."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["model"], {})[row["method"]] = row["key"]
    return [keys for keys in found.values() if set(TITLES) <= set(keys)]
