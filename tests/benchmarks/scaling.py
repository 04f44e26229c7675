"""How time and memory grow with cells, shots and processes: forward modelling, one FWI gradient.

1000 steps of 1 ms under 70 receivers, one thread a process.  Cells: 70 x 70 times 1, 4 and 16
with 2 shots; shots: 1, 4 and 16 over 70 x 70; processes: 1, 2 and 4 under mpiexec for 16
shots, which needs `pip install 'pylops-vmb[mpi]'` and mpich.  Each is a fresh process, in turn.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.peers import ROOT
from tests.benchmarks.report import Report, threads

CALLS = ("forward", "gradient")
NO_MPI = "Processes: not measured, needs mpi4py, pylops-mpi and mpiexec: pip install mpich"
Rounds = list[dict[str, Any]]


class Case(NamedTuple):
    """A size: what grows, by how much, and what it is."""

    grows: str
    times: int
    cells: int
    shots: int
    processes: int = 0


CASES = (
    *(Case("cells", times, 70 * round(times**0.5), 2) for times in (1, 4, 16)),
    *(Case("shots", times, 70, times) for times in (1, 4, 16)),
    *(Case("processes", times, 70, 16, processes=times) for times in (1, 2, 4)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=5, help="processes each (default 5)")
    parser.add_argument(
        "--size", choices=["cells", "shots", "processes"], help="only what grows so, for a trial"
    )


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    mpiexec = find_mpiexec()
    cases = [
        case
        for case in CASES
        if options.size in (None, case.grows) and (mpiexec or not case.processes)
    ]
    results: dict[tuple[str, Case], Rounds] = {(c, case): [] for c in CALLS for case in cases}
    for _ in range(options.rounds):
        for (call, case), rounds in results.items():
            rounds.append(measure(call, case, mpiexec))
    return Report(
        "scaling",
        "time and memory by cells, shots and processes",
        list(rows(results)),
        notes=[*([] if mpiexec else [NO_MPI]), *_remarks(options)],
        settings={
            "rounds": options.rounds,
            "results": [
                {"call": call, **case._asdict(), "rounds": rounds}
                for (call, case), rounds in results.items()
            ],
        },
    )


def find_mpiexec() -> str | None:
    """Return the launcher of processes, or nothing if a package or the launcher is missing."""
    if any(find_spec(module) is None for module in ("mpi4py", "pylops_mpi")):
        return None
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def measure(call: str, case: Case, mpiexec: str | None) -> dict[str, Any]:
    """Run one case and return its figures.

    Raises
    ------
    AssertionError
        If the processes do not hold the same gradient.
    """
    command = [sys.executable, "-m", "tests.benchmarks.scaling_job", call]
    command += [str(case.cells), str(case.shots)]
    if case.processes and mpiexec:
        command = [mpiexec, "-n", str(case.processes), *command, "mpi"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    if call == "gradient" and len(set(found["checksum"])) > 1:
        raise AssertionError(f"{case}: the processes hold different gradients")
    return joined(found)


def joined(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of all processes together: the slowest one's seconds, added memory."""
    each = found["figures"]
    added = [figures["peak"] - figures["baseline"] for figures in each]
    return {
        "wall": max(figures["wall"] for figures in each),
        "cpu": sum(figures["cpu"] for figures in each),
        "added": sum(added),
        "largest": max(added),
        "checksum": sum(found["checksum"]) / len(each),
    }


def rows(results: Mapping[tuple[str, Case], Rounds]) -> Iterator[dict[str, Any]]:
    """Return the lines of the table: each case beside the smallest of its kind.

    Raises
    ------
    AssertionError
        If a gradient depends on the number of processes.
    """
    for (call, case), rounds in results.items():
        first = next(
            results[other] for other in results if other[0] == call and other[1].grows == case.grows
        )
        if case.grows == "processes" and call == "gradient":
            _check_same(first[0], rounds[0], case)
        yield {
            "grows": f"{case.grows} x {case.times}",
            "call": call,
            "cells": f"{case.cells} x {case.cells}",
            "shots": case.shots,
            "wall s": _median(rounds, "wall"),
            "ideal s": ideal(case) * _median(first, "wall"),
            "over ideal": statistics.median(
                mine["wall"] / (ideal(case) * base["wall"])
                for mine, base in zip(rounds, first, strict=True)
            ),
            "processor s": _median(rounds, "cpu"),
            "added MiB": _median(rounds, "added"),
            "times the first": _median(rounds, "added") / _median(first, "added"),
            "largest process MiB": _median(rounds, "largest"),
        }


def ideal(case: Case) -> float:
    """Return the time of a case over that of the first of its kind, if nothing were lost.

    Examples
    --------
    >>> ideal(Case("cells", 4, 140, 2)), ideal(Case("processes", 4, 70, 16, processes=4))
    (4.0, 0.25)
    """
    return 1.0 / case.times if case.grows == "processes" else float(case.times)


def _check_same(first: Mapping[str, Any], mine: Mapping[str, Any], case: Case) -> None:
    if abs(mine["checksum"] / first["checksum"] - 1.0) > 1e-5:
        raise AssertionError(f"{case}: its gradient is not that of one process")


def _median(rounds: Rounds, key: str) -> float:
    return float(statistics.median(figures[key] for figures in rounds))


def _remarks(options: argparse.Namespace) -> list[str]:
    return [
        f"Medians of {options.rounds} fresh processes each, in turn, the second call of each "
        "(without mpiexec the median of those that fit into half a second); "
        f"{threads()}, but one thread in every process here.",
        "Ideal: time proportional to cells and shots, inversely to processes.  The absorbing zone "
        "of 20 cells has 1.5 times the cells of the smallest model and 0.3 times those of the "
        "largest, so cells do better than ideal; data and receivers stay as they are.",
        f"Processes beyond the {os.cpu_count()} cores of this machine share them: for those the "
        "ideal cannot be reached.  Their seconds include a barrier before and after, and are the "
        "slowest one's; processor seconds and added memory are those of all together.",
        "Forward modelling under mpiexec is each process's share of the shots; the gradient is "
        "summed over processes, and checked to be that of one.",
    ]
