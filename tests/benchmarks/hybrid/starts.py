"""FWI from three kinds of start: linear, the network's (hybrid), and an oracle's.

Twenty models each of the generator, FlatVel-A and CurveVel-A, in the full band and without
what is below 4 Hz; same data, bands, iterations and penalties.  A second call with the same
``--out`` does what is missing; ``--report`` only reads.  To measure the network anew after its
code has changed, remove its lines from ``rows.jsonl``.
"""

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pylops_vmb.errors import VMBValueError
from tests.benchmarks.hybrid import conditions, methods, models, starts_report
from tests.benchmarks.hybrid.jobs import read_rows, run_jobs
from tests.benchmarks.hybrid.rows import Run
from tests.benchmarks.report import NotMeasuredError, Report

DEFAULT_WEIGHTS = {"full": "fcnvmb-mini-full", "lowcut": "fcnvmb-mini-lowcut"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--out", type=Path, default=Path("runs/starts"), metavar="DIR")
    parser.add_argument("--report", action="store_true", help="no runs, only what is there")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write a page here, RST")
    parser.add_argument("--processes", type=int, default=1, help="workers of one thread each")
    parser.add_argument("--niter", type=int, default=10, help="iterations a band (default 10)")
    parser.add_argument("--count", type=int, default=20, help="models a family (default 20)")
    _add_choice(parser, "--only", methods.TITLES, default=["linear", "network", "oracle"])
    _add_choice(parser, "--conditions", conditions.CONDITIONS)
    _add_choice(parser, "--models", models.FAMILIES)
    for condition, weights in DEFAULT_WEIGHTS.items():
        parser.add_argument(
            f"--weights-{condition}",
            default=weights,
            metavar="PATH",
            help=f"network, a file or the name of a pretrained one (default {weights})",
        )


def _add_choice(
    parser: argparse.ArgumentParser,
    name: str,
    known: Iterable[str],
    *,
    default: list[str] | None = None,
) -> None:
    every = list(known)

    def some(text: str) -> list[str]:
        chosen = text.split(",")
        if not set(chosen) <= set(every):
            raise argparse.ArgumentTypeError(f"{text!r} is not among {','.join(every)}")
        return chosen

    parser.add_argument(name, type=some, default=default or every, metavar=",".join(every))


def run(options: argparse.Namespace) -> Report:
    """Measure what is missing, and report all of it."""
    if not options.report:
        runs = {job.key: job for job in planned(options)}
        run_jobs(options.out, runs, processes=options.processes)
    rows = [row for row in read_rows(options.out).values() if row["niter"] == options.niter]
    if not rows:
        raise NotMeasuredError(f"needs runs with niter {options.niter} in {options.out}")
    found = starts_report.report(options.out, rows)
    if options.docs:
        starts_report.write_page(options.docs, options.out, found)
    return found


def planned(options: argparse.Namespace) -> list[Run]:
    """Return the runs that the options ask for, all methods of a model after each other."""
    settings = {c: _settings(c, options) for c in options.conditions}
    return [
        Run(
            model,
            condition,
            method,
            observe=conditions.CONDITIONS[condition],
            folder=options.out,
            **settings[condition][method],
        )
        for model in models.read_models(options.models, options.count)
        for condition in options.conditions
        for method in options.only
    ]


def _settings(condition: str, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return what the runs of each method have in common."""
    labels = {"niter": options.niter}
    found: dict[str, dict[str, Any]] = {
        "linear": {"invert": partial(methods.linear, **labels), "labels": labels},
        "oracle": {"invert": partial(methods.oracle, **labels), "labels": labels},
    }
    if {"network", "skipping"} & set(options.only):
        weights = getattr(options, f"weights_{condition}")
        more = labels | {"network": _identity(weights, condition)}
        for name, method in (("network", methods.network), ("skipping", methods.skipping)):
            invert = partial(method, weights=weights, **labels)
            found[name] = {"invert": invert, "labels": more}
        found["network"]["predict"] = partial(methods.prediction, weights=weights)
    return found


def _identity(weights: str, condition: str) -> str:
    try:
        return methods.identity(weights)
    except VMBValueError as reason:
        do = f"give --weights-{condition} PATH, or leave the network out with --only"
        raise NotMeasuredError(f"needs a network for {condition}: {do}") from reason
