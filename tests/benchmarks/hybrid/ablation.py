"""Which part of the hybrid inversion buys what: each is left out, or put in, alone.

Two models of each family, in the full band and without what is below 4 Hz, as many iterations
for all.  A second call with the same ``--out`` does what is missing; ``--report`` only reads.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import InversionResult
from pylops_vmb.inversion.preconditioning import gaussian
from tests.benchmarks.hybrid import conditions, methods
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.hybrid.curves import compare
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.methods import Method
from tests.benchmarks.hybrid.models import FAMILIES, read_models
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

FULL = "full"
SIGMA = 6.0
"""Cells by which `pylops_vmb.hybrid` smooths the prediction."""
PRIOR = 0.3
"""Weight of the distance to the prediction, in units of 1500 m/s."""
TITLES = {
    FULL: "hybrid, as it ships",
    "linear": "without the network: linear start",
    "unsmoothed": "prediction not smoothed",
    "ungated": "without the gate: the network's start, whatever the data say",
    "no-race": "gate by one misfit: no race, no profile of depth",
    "skip": "low bands skipped where the start explains them (skip=0.2)",
    "one-band": "without bands: all frequencies at once",
    "no-tv": "without total variation",
    "no-illumination": "without the illumination preconditioner",
    "prior": "with the prediction as prior, too",
    "adam": "Adam instead of L-BFGS",
}
"""By name, in the order of the table."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    add_common(parser, "ablation", niter=7)
    parser.add_argument("--count", type=int, default=2, help="models a family (default 2)")
    parser.add_argument("--models", default=",".join(FAMILIES), help="families of models")
    parser.add_argument("--only", default=",".join(TITLES), help="variants")
    for condition, weights in (("full", "fcnvmb-mini-full"), ("lowcut", "fcnvmb-mini-lowcut")):
        parser.add_argument(
            f"--weights-{condition}", default=weights, help="network, a file or a name"
        )


def run(options: argparse.Namespace) -> Report:
    """Measure what is missing, and report all of it."""
    networks = {c: _network(options, c) for c in conditions.CONDITIONS}
    runs = with_iterations(options.out, measured(options, planned(options, networks)))
    rows = [
        row
        for condition in conditions.CONDITIONS
        for row in table(list(runs.values()), condition, options.only.split(","))
    ]
    draw(options, rows)
    report = Report(
        "ablation",
        f"parts of hybrid inversion, {options.count} model(s) of each family, "
        f"{options.niter} iterations a band, MAE / 1500 m/s",
        rows,
        notes=[
            "Ratio: mean MAE over that of the hybrid as it ships, same models; "
            "worst: largest ratio of one model. Above 1, the part is worth having.",
            "Iterations: the one that first has the misfit at which the run from the linear start "
            "ends, over all of that run; the median.",
            f"All at once: as many iterations as in all bands. Prior: weight {PRIOR:g}.",
            f"Networks: {', '.join(methods.read_network(w).name for w in networks.values())}.",
        ],
        settings={"networks": networks},
    )
    return publish(options, report, runs)


def _network(options: argparse.Namespace, condition: str) -> str:
    """Return the weights for a condition; those for the full band where there are no others."""
    weights: str = getattr(options, f"weights_{condition}")
    try:
        methods.read_network(weights)
    except VMBValueError:
        return str(options.weights_full)
    return weights


def planned(options: argparse.Namespace, networks: dict[str, str]) -> list[Run]:
    """Return the runs that the options ask for, all variants of a model after each other."""
    return [
        Run(
            model,
            condition,
            variant,
            observe=conditions.CONDITIONS[condition],
            invert=variants(networks[condition], options.niter)[variant],
            folder=options.out,
            labels={"niter": options.niter, "network": methods.identity(networks[condition])},
        )
        for model in read_models(options.models.split(","), options.count)
        for condition in conditions.CONDITIONS
        for variant in options.only.split(",")
    ]


def variants(weights: str, niter: int) -> dict[str, Method]:
    """Return the hybrid, and what differs from it in one part each, by name."""
    whole: Callable[..., Any] = partial(methods.network, weights=weights, niter=niter)
    return {
        FULL: whole,
        "linear": partial(methods.linear, niter=niter),
        "unsmoothed": partial(whole, smooth_start=0.0),
        "ungated": partial(ungated, weights=weights, niter=niter),
        "no-race": partial(whole, race=0, profile=0),
        "skip": partial(whole, skip=0.2),
        "one-band": partial(one_band, weights=weights, niter=niter),
        "no-tv": partial(whole, tv=0.0),
        "no-illumination": partial(whole, illumination=False),
        "prior": partial(with_prior, weights=weights, niter=niter),
        "adam": partial(whole, optimiser="adam"),
    }


def ungated(
    problem: Problem, callbacks: Sequence[Any], *, weights: str, **settings: Any
) -> InversionResult:
    """FWI from the smoothed prediction, without asking the data."""
    vp = torch.from_numpy(methods.prediction(problem, weights=weights))
    words = methods.shared(problem, settings)
    return vmb.fwi(
        problem.F, problem.dobs, gaussian(vp, SIGMA).numpy(), callbacks=callbacks, **words
    )


def one_band(
    problem: Problem, callbacks: Sequence[Any], *, weights: str, niter: int
) -> InversionResult:
    """Hybrid inversion of all frequencies at once, as many iterations as in all bands."""
    total = niter * len(methods.shared(problem, {})["bands"])
    return methods.network(problem, callbacks, weights=weights, niter=total, bands=(None,))


def with_prior(
    problem: Problem, callbacks: Sequence[Any], *, weights: str, niter: int
) -> InversionResult:
    """Hybrid inversion that stays near the prediction."""
    return methods.network(problem, callbacks, weights=weights, niter=niter, prior=PRIOR)


def with_iterations(folder: Path, runs: Mapping[str, Row]) -> dict[str, Row]:
    """Return rows with the iteration that has the last misfit of the run from the linear start."""
    linear = {
        (row["condition"], row["model"]): read_run(folder, key)
        for key, row in runs.items()
        if row["method"] == "linear"
    }
    found = {}
    for key, row in runs.items():
        target = linear.get((row["condition"], row["model"]))
        reached = target and compare(read_run(folder, key), target, 1.0)["misfit_iterations"]
        found[key] = row | ({} if reached is None else {"reached": reached})
    return found


def table(rows: Sequence[Row], condition: str, names: Sequence[str]) -> list[Row]:
    """Return a row for each variant under a condition; ratios are to the same models."""
    by_name = {
        name: {r["model"]: r for r in rows if (r["condition"], r["method"]) == (condition, name)}
        for name in names
    }
    whole = by_name.get(FULL, {})
    return [
        _row(condition, name, found, whole) for name, found in by_name.items() if found and whole
    ]


def _row(condition: str, name: str, found: dict[str, Row], whole: dict[str, Row]) -> Row:
    models = [model for model in found if model in whole]
    these, those = ([rows[model] for model in models] for rows in (found, whole))
    pairs = zip(these, those, strict=True)
    found = {
        "data": conditions.TITLES[condition],
        "inversion": TITLES[name],
        "MAE": average(these, "mae"),
        "spread": spread(these, "mae"),
        "SSIM": average(these, "ssim"),
        "ratio": average(these, "mae") / average(those, "mae"),
        "worst": max(this["mae"] / that["mae"] for this, that in pairs),
        "models": len(models),
    } | (
        {"iterations / linear's": median(row["reached"] for row in these)}
        if "reached" in these[0]
        else {}
    )
    return found | costs(these)


def draw(options: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Draw the ratios as bars."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where there is something to draw

    names = list(dict.fromkeys(row["inversion"] for row in rows))
    figure, ax = plt.subplots(figsize=(8.0, 4.5), layout="constrained")
    for number, data in enumerate(dict.fromkeys(row["data"] for row in rows)):
        ratios = {row["inversion"]: row["ratio"] for row in rows if row["data"] == data}
        places = np.arange(len(names)) + 0.4 * (number - 0.5)
        ax.barh(places, [ratios.get(name, 0.0) for name in names], 0.38, label=data)
    ax.axvline(1.0, color="0.5", linewidth=1.0)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel("MAE over that of the hybrid as it ships")
    ax.legend()
    save(figure, options.out / "ablation.png")
