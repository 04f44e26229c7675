"""FCNVMB as published, FCNVMB repaired, FCN-8s, U-Net and InversionNet at one budget.

Reads Yang and Ma's models from the folder VMB_DATA (``fcnvmb``), simulates their gathers at a
third of the scale, trains each network with the same number of samples in the same order,
and measures on 50 of their test models.  What is in the folder is not made again: several
calls with different ``--networks`` may share the work, and one without trains what is missing.
"""

import argparse
import logging
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from pylops_vmb.plotting import plot_comparison
from pylops_vmb.survey import Grid
from tests.benchmarks import third_scale
from tests.benchmarks.report import Report, verdict

SEEDS = {"faithful": 3, "repaired": 3}
"""Seeds of a contender; one of the others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--folder", type=Path, default=Path("runs/third-scale"), metavar="DIR")
    parser.add_argument("--epochs", type=int, default=third_scale.HOUSE.epochs)
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=third_scale.CONTENDERS,
        default=list(third_scale.CONTENDERS),
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of all")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train, test = (
        third_scale.published_set(options.folder, part, processes=2) for part in ("train", "test")
    )
    found = {
        name: [
            _measure(options, name, seed, train, test)
            for seed in options.seeds or range(SEEDS.get(name, 1))
        ]
        for name in options.networks
    }
    _draw(options, list(found), test)
    rows = [_row(name, results) for name, results in found.items()]
    return Report(
        "family",
        f"50 test models of Yang and Ma, 67 x 101 cells of 30 m, {options.epochs} epochs of 1600",
        rows,
        notes=_notes(found),
        settings={"results": found, "epochs": options.epochs, "width": third_scale.WIDTH},
    )


def _measure(
    options: argparse.Namespace, name: str, seed: int, train: Any, test: Any
) -> dict[str, Any]:
    net, about = third_scale.trained(
        options.folder, name, seed=seed, epochs=options.epochs, data=train, validation=test
    )
    vp = third_scale.predictions(net, test, third_scale.CONTENDERS[name].preprocessing)
    np.save(options.folder / f"{name}-{seed}-vp.npy", vp)
    parameters = sum(p.numel() for p in net.parameters())
    result = third_scale.scores(vp, third_scale.truths(test))
    return result | {"seed": seed, "parameters": parameters, "cpu_seconds": about["cpu_seconds"]}


def _draw(options: argparse.Namespace, names: list[str], test: Any) -> None:
    """Draw three test models as each network with seed 0 sees them, into the folder."""
    import matplotlib.pyplot as plt  # noqa: PLC0415  only where there is something to draw

    true = third_scale.truths(test)
    columns = {"true": true} | {
        third_scale.CONTENDERS[name].title: np.load(options.folder / f"{name}-0-vp.npy")
        for name in names
        if (options.folder / f"{name}-0-vp.npy").exists()
    }
    grid = Grid(true.shape[:0:-1], (third_scale.SPACING, third_scale.SPACING))
    size = (3.0 * len(columns), 6.0)
    figure, axes = plt.subplots(3, len(columns), figsize=size, layout="constrained", squeeze=False)
    for row, number in zip(axes, (0, 20, 40), strict=True):
        models = {title: vp[number].T for title, vp in columns.items()}
        plot_comparison(models, grid, axes=row, vmin=2000.0, vmax=4500.0)
    figure.savefig(options.folder / "family.png", dpi=100)
    plt.close(figure)


def _row(name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"network": third_scale.CONTENDERS[name].title, "seeds": len(results)}
    for key in ("MAE", "RMSE", "SSIM"):
        values = [result[key] for result in results]
        row[key] = mean(values)
        if len(values) > 1:
            row[f"{key} spread"] = stdev(values)
    row["parameters (M)"] = results[0]["parameters"] / 1e6
    row["CPU seconds"] = mean(result["cpu_seconds"] for result in results)
    return row


def _notes(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    notes = [
        "Same samples in the same order for all; the last epoch's network, chosen without "
        "looking at the test models; spread is the standard deviation over seeds, "
        "which differ in first weights and order.",
        "As published: Adam 1e-3, mean square error in m/s, gathers as simulated; in so few "
        "steps its output hardly leaves zero, so that it also runs with Adam 3e-2 (faster). "
        "The others: AdamW one-cycle 2e-3, mean absolute error of scaled labels, "
        "root-mean-square scaling and gain of the gathers, averaged weights. "
        "All: products in bfloat16 while training (there the published output, in m/s, is "
        "rounded to 16 m/s), float32 when measured.",
    ]
    if {"faithful", "repaired"} <= set(found):
        theirs, ours = (mean(r["MAE"] for r in found[n]) for n in ("faithful", "repaired"))
        notes.append(verdict("repaired MAE over published MAE", ours / theirs, at_most=0.8))
    return notes
