"""Import time and installed size of pylops_vmb, beside PyLops.

Each time comes from fresh interpreters, some of which first import pylops and torch.  Sizes
are of the files that an installation brings, without compiled Python.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Report, threads, verdict

_TIMER = """
import time
{before}
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
_ALONE, _AFTER = "pass", "import pylops, torch"
_NAMES = "import pylops_vmb as vmb\nfor name in vmb.__all__: getattr(vmb, name)"
_ADDED = "import pylops_vmb, after pylops and torch"
_STATEMENTS = {
    "import pylops": (_ALONE, "import pylops"),
    "import pylops_vmb": (_ALONE, "import pylops_vmb"),
    _ADDED: (_AFTER, "import pylops_vmb"),
    "the same and every public name": (_AFTER, _NAMES),
}
_WEIGHTS = ".safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=7, help="interpreters each (default 7)")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    seconds: dict[str, list[float]] = {name: [] for name in _STATEMENTS}
    for _ in range(options.rounds + 1):
        for name, (before, statement) in _STATEMENTS.items():
            seconds[name].append(_seconds(before, statement))
    kept = {name: values[1:] for name, values in seconds.items()}
    rows: list[dict[str, Any]] = [
        {"what": name, "median s": statistics.median(v), "min s": min(v), "max s": max(v)}
        for name, v in kept.items()
    ]
    return Report(
        "imports",
        "seconds of an import, MiB of an installation",
        [*rows, *_sizes()],
        notes=[
            verdict("import in s", statistics.median(kept[_ADDED]), at_most=0.2),
            f"Medians of {options.rounds} fresh interpreters in turn; {threads()}. "
            "What the lazy front puts off until a name is used is in the row of every name.",
            "Sizes are of the package's own files.  What it needs comes on top: torch, which "
            "PyLops does without, is by far the largest.",
        ],
        settings={"rounds": options.rounds, "seconds": kept},
    )


def files_of(project: str, package: str) -> list[Path]:
    """Return the files of a project's package as installed; those of its folder if editable."""
    listed = distribution(project).files or []
    found = [Path(str(f.locate())) for f in listed if f.parts[0] == package]
    if not found:
        spec = find_spec(package)
        folders = spec.submodule_search_locations if spec else None
        found = [path for folder in folders or () for path in Path(folder).rglob("*")]
    return [path for path in found if path.is_file() and path.suffix != ".pyc"]


def mebibytes(files: Iterable[Path]) -> float:
    """Return the size of some files."""
    return sum(file.stat().st_size for file in files) / 2**20


def _sizes() -> list[dict[str, Any]]:
    ours = files_of("pylops-vmb", "pylops_vmb")
    sizes = {
        "PyLops": files_of("pylops", "pylops"),
        "pylops-vmb": ours,
        "of it, weights of networks": [file for file in ours if file.suffix == _WEIGHTS],
        "torch, a dependency": files_of("torch", "torch"),
    }
    return [{"what": name, "installed MiB": mebibytes(files)} for name, files in sizes.items()]


def _seconds(before: str, statement: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMER.format(before=before, statement=statement)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)
