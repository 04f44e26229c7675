"""Import time of pylops_vmb on top of pylops and torch.

Each figure comes from fresh interpreters, which first import pylops and torch.
"""

import argparse
import statistics
import subprocess
import sys

from tests.benchmarks.report import Report, threads, verdict

_TIMER = """
import time
import pylops, torch
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
_STATEMENTS = {
    "import pylops_vmb": "import pylops_vmb",
    "the same and every public name": (
        "import pylops_vmb as vmb\nfor name in vmb.__all__: getattr(vmb, name)"
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=7, help="interpreters each (default 7)")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    seconds: dict[str, list[float]] = {name: [] for name in _STATEMENTS}
    for _ in range(options.rounds + 1):
        for name, statement in _STATEMENTS.items():
            seconds[name].append(_seconds(statement))
    kept = {name: values[1:] for name, values in seconds.items()}
    rows = [
        {"statement": name, "median s": statistics.median(v), "min s": min(v), "max s": max(v)}
        for name, v in kept.items()
    ]
    return Report(
        "imports",
        "seconds on top of `import pylops, torch`",
        rows,
        notes=[
            verdict("import in s", statistics.median(kept["import pylops_vmb"]), at_most=0.2),
            f"Medians of {options.rounds} fresh interpreters in turn; {threads()}. "
            "The second row is what the lazy front puts off until a name is used.",
        ],
        settings={"rounds": options.rounds, "seconds": kept},
    )


def _seconds(statement: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMER.format(statement=statement)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)
