"""Loading training data from disk: samples a second and added memory as the set grows 100 times.

Files as OpenFWI publishes them, gathers (n, 5, 1000, 70) and velocities (n, 1, 70, 70), full of
noise, in a temporary folder; sets of 1, 10 and 100 of them.  Ours: the reader of such folders,
and the package's own shards (half precision).  Theirs: everything read and joined in memory, as
published for FCNVMB; the whole file read for each sample, as OpenFWI's data set does without
preloading; and memory maps that stay open.  All draw the same batches in the same order.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pylops_vmb.training.datasets import manifest
from pylops_vmb.training.datasets.shards import Shard
from tests.benchmarks.gradient import added, run_alone
from tests.benchmarks.loading_contender import (
    FOLDER,
    MAPPED,
    MEMORY,
    SHARDS,
    WHOLE,
    draw,
)
from tests.benchmarks.report import NotMeasuredError, Report, threads, verdict

GATHERS, MODELS = (5, 1000, 70), (70, 70)
TIMES = (1, 10, 100)
SEED = 5
LABELS = {
    FOLDER: "ours, a folder of OpenFWI",
    SHARDS: "ours, shards",
    MEMORY: "all read into memory",
    WHOLE: "whole file for each sample",
    MAPPED: "maps kept open",
}
JUDGED = (FOLDER, SHARDS)
CONSTANT = 1.1
"""Most that memory and time of a batch may grow by."""
STEADY = "MALLOC_MMAP_THRESHOLD_=1048576"
"""For memory: the C library gives all large blocks back, so that its peak is not left to chance."""
Figures = list[dict[str, Any]]
Arm = tuple[str, int]
"""Loader and files."""
Results = dict[Arm, Figures]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--samples", type=int, default=20, help="in a file (default 20)")
    parser.add_argument("--times", type=int, nargs="+", default=TIMES, help="files in a set")
    parser.add_argument("--batches", type=int, default=40, help="of 10, drawn (default 40)")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to make the files")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        _check_disk(folder, max(options.times) * options.samples)
        for times in options.times:
            write_set(folder / str(times), files=times, samples=options.samples)
        arms = [(loader, files) for loader in LABELS for files in options.times]
        memory = {arm: [_measure(arm, folder, options.batches)] for arm in arms}
        results: Results = {arm: [] for arm in arms}
        for _ in range(options.rounds + 1):
            for (loader, files), figures in results.items():
                figures.append(draw(loader, folder / str(files), options.batches))
    same(memory)
    same(results)
    results = {arm: figures[1:] for arm, figures in results.items()}
    rows = [_row(arm, options, results[arm], memory[arm]) for arm in arms]
    return Report(
        "loading",
        f"{options.batches} batches of 10 shuffled samples of 5 x 1000 x 70, {threads()}",
        rows,
        notes=[*_verdicts(results, memory, options.times), *_remarks(options)],
        settings={
            "seed": SEED,
            "rounds": options.rounds,
            "results": {f"{arm} x {times}": f for (arm, times), f in results.items()},
            "memory": {f"{arm} x {times}": f for (arm, times), f in memory.items()},
        },
    )


def write_set(folder: Path, *, files: int, samples: int) -> None:
    """Write a folder of OpenFWI and the same numbers as shards; both hold them exactly."""
    rng = np.random.default_rng(SEED)
    d = rng.standard_normal((samples, *GATHERS), np.float32).astype(np.float16).astype(np.float32)
    vp = np.full((samples, 1, *MODELS), 2000.0, np.float32)
    (folder / FOLDER).mkdir(parents=True)
    (folder / SHARDS).mkdir()
    for number in range(files):
        vp[:, 0, 0, 0] = d[:, 0, 0, 0] = 2000 - np.arange(number, number + samples) % 2000
        np.save(folder / FOLDER / f"data{number + 1}.npy", d)
        np.save(folder / FOLDER / f"model{number + 1}.npy", vp)
        Shard(folder / SHARDS, number).write(
            zip(d, vp[:, 0], strict=True), count=samples, shapes=(GATHERS, MODELS), dtype="float16"
        )
    document = {"format": manifest.FORMAT, "count": files * samples, "shard": samples}
    manifest.write(folder / SHARDS, document)


def same(results: Mapping[Arm, Figures]) -> None:
    """Raise if an arm drew other numbers than the others from the same set."""
    drawn: dict[int, Any] = {}
    for (arm, times), figures in results.items():
        for entry in figures:
            if drawn.setdefault(times, entry["drawn"]) != entry.pop("drawn"):
                raise ArithmeticError(f"{LABELS[arm]}: other samples than those of the first arm")


def growth(
    results: Results, memory: Results, loader: str, times: Sequence[int]
) -> tuple[float, float]:
    """Return by how much memory and the time of a batch grow to the largest set.

    Memory from the smallest; time from the last but one, for one file stays in the cache.
    """
    smallest, *_, last = (memory[loader, files] for files in sorted(times))
    small, large = (results[loader, files] for files in sorted(times)[-2:])
    shares = (b["draw"] / a["draw"] for a, b in zip(small, large, strict=True))
    return added(last) / added(smallest), median(shares)


def _measure(arm: Arm, folder: Path, batches: int) -> dict[str, Any]:
    module = [sys.executable, "-m", "tests.benchmarks.loading_contender", arm[0]]
    return run_alone(["env", STEADY, *module], folder / str(arm[1]), Path(str(batches)))


def _row(
    arm: Arm, options: argparse.Namespace, figures: Figures, memory: Figures
) -> dict[str, Any]:
    seconds = median(entry["draw"] for entry in figures)
    return {
        "loader": LABELS[arm[0]],
        "files": arm[1],
        "samples": arm[1] * options.samples,
        "set-up s": median(entry["setup"] for entry in figures),
        "ms a batch": 1e3 * seconds / options.batches,
        "samples a second": 10 * options.batches / seconds,
        "added MiB": added(memory),
    }


def _verdicts(results: Results, memory: Results, times: Sequence[int]) -> list[str]:
    notes = []
    few, *_, many = sorted(times)
    fewer = sorted(times)[-2]
    for arm in JUDGED:
        more, slower = growth(results, memory, arm, times)
        what = f"{LABELS[arm]}: added memory, {many} files over {few}"
        notes.append(verdict(what, more, at_most=CONSTANT))
        what = f"{LABELS[arm]}: seconds a batch, {many} files over {fewer}"
        notes.append(verdict(what, slower, at_most=CONSTANT))
    return notes


def _check_disk(folder: Path, samples: int) -> None:
    needed = int(1.2 * samples * 4 * np.prod(GATHERS) * 1.5)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NotMeasuredError(
            f"needs {needed / 2**30:.1f} GiB of disk, {free / 2**30:.1f} are free: "
            "pass fewer --samples or another --folder"
        )


def _remarks(options: argparse.Namespace) -> list[str]:
    gib = max(options.times) * options.samples * 4 * np.prod(GATHERS) / 2**30
    return [
        f"Seconds: medians of {options.rounds} rounds in turn in one process without background "
        "workers, after one that does not count; each opens its set anew.  Every loader gave the "
        "same numbers.  One file stays in the processor's cache.",
        "Added memory: VmHWM of a fresh process above what imports left, with "
        f"{STEADY}: without it freed blocks may stay with the process or not.",
        f"Files of {options.samples} samples, not OpenFWI's 500, so that the largest set "
        f"({gib:.1f} GiB) fits into memory for those who read it whole; reading whole files "
        "for each sample would cost 25 times more at OpenFWI's size.",
        "The page cache is warm: what is measured is copying and checking, not the disk.  Maps "
        "kept open count the cached pages that they touched.",
        "Ours check every sample for NaN and km/s; theirs check nothing.",
    ]
