"""Cases in a process of their own: each line of the input is a case, each of the output its end."""

import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Case = Callable[[np.random.Generator, Path], dict[str, str]]

CASES = {
    "segy": "segy",
    "npy": "arrays",
    "npz": "arrays",
    "mat": "arrays",
    "mat73": "arrays",
    "raw": "arrays",
    "card": "documents",
    "weights": "documents",
    "checkpoint": "documents",
}
"""The module of each ``fuzz_NAME``."""

ROOM = 3 * 2**30
"""Bytes of address space that a reading may take beyond what the libraries have."""


def case_of(name: str) -> Case:
    """Return the function that runs one case."""
    case: Case = getattr(importlib.import_module(f"tests.fuzz.{CASES[name]}"), f"fuzz_{name}")
    return case


def run(case: Case, seed: int, number: int) -> dict[str, Any]:
    """Return the outcomes of one case, or its defect."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    try:
        return {"outcomes": case(np.random.default_rng([seed, number]), folder)}
    except BaseException as err:
        trace, last = err.__traceback__, None
        while trace is not None:
            last, trace = trace, trace.tb_next
        where = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else "?"
        return {"defect": f"{type(err).__name__}: {str(err)[:500]} ({where})"}
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Run the cases that come in, one number a line."""
    name, seed = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    case = case_of(name)
    run(case, seed, 0)  # imports and caches
    _limit()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        found = run(case, seed, int(line))
        found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps(found), file=answers, flush=True)


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
