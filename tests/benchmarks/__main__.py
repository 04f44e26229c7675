"""Command line: ``python -m tests.benchmarks [NAME | peers] [options]``."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.kept import fill, keep
from tests.benchmarks.report import NotMeasuredError, Report

NAMES = (
    "imports",
    "loading",
    "adaptation",
    "overhead",
    "gradient",
    "budget",
    "pylops_peer",
    "fwi_to_misfit",
    "scaling",
    "openfwi_maps",
    "cf_sample0",
    "marmousi",
    "overthrust",
    "viking",
    "family",
    "generalisation",
    "salt_transfer",
    "label_free",
    "prediction",
    "throughput",
    "roofline",
    "starts",
    "robustness",
    "flat",
    "salt_start",
    "ablation",
    "segy_odd",
)
"""In the order in which they run: those that start processes before those that fill this one."""
PEERS = (
    "imports",
    "loading",
    "overhead",
    "pylops_peer",
    "fwi_to_misfit",
    "scaling",
    "prediction",
    "throughput",
    "roofline",
)
"""The group ``peers``: what is fast and what it costs, beside the peers, in one run."""
_IN_FOLDERS = {
    name: f"hybrid.{name}" for name in ("starts", "robustness", "flat", "salt_start", "ablation")
}


def main(argv: Sequence[str]) -> int:
    """Run the benchmarks, print their tables, keep their figures; return the exit code."""
    options = parser().parse_args(argv)
    page, figures = (getattr(options, name, None) for name in ("page", "json"))
    names = {None: NAMES, "peers": PEERS}.get(options.name)
    chosen = [options] if names is None else map(alone, names)
    reports = []
    for one in chosen:
        reports.append(report_of(one))
        if figures and reports[-1]:
            keep(figures, reports[-1])
    if page:
        fill(page, figures)
    return 0 if all(reports) or names else 1


def parser() -> argparse.ArgumentParser:
    """Return the parser, one subcommand a benchmark."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="keep figures here, beside those of other benchmarks",
    )
    common.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="fill a page of the documentation with the figures of the JSON file",
    )
    root = argparse.ArgumentParser(prog="python -m tests.benchmarks", parents=[common])
    names = root.add_subparsers(dest="name", metavar="NAME", help=", ".join(NAMES))
    for name in NAMES:
        module = benchmark(name)
        doc = (module.__doc__ or "").strip()
        sub = names.add_parser(name, parents=[common], description=doc, help=doc.splitlines()[0])
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        module.add_arguments(sub)
    about = f"What is fast and what it costs, beside the peers: {', '.join(PEERS)}."
    names.add_parser("peers", parents=[common], description=about, help=about)
    return root


def alone(name: str) -> argparse.Namespace:
    """Return the default options of a benchmark."""
    return parser().parse_args([name])


def benchmark(name: str) -> Any:
    """Return the module of a benchmark."""
    return import_module(f"tests.benchmarks.{_IN_FOLDERS.get(name, name)}")


def report_of(options: argparse.Namespace) -> Report | None:
    """Run one benchmark and print its table, or say why it cannot run."""
    try:
        report: Report = benchmark(options.name).run(options)
    except NotMeasuredError as reason:
        print(f"{options.name}: not measured: {reason}\n", flush=True)
        return None
    print(f"{report}\n", flush=True)
    return report


if __name__ == "__main__":
    warnings.simplefilter("default")
    sys.exit(main(sys.argv[1:]))
