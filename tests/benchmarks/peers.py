"""What the contests with other packages share; NumPy and the standard library, for any environment.

PyLops' propagator needs Devito, which wants an environment of its own: ``make
.venv-devito/.installed`` makes the one that is looked for.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NO_DEVITO = (
    "PyLops' AcousticWave2D: not measured, no interpreter has Devito; run `make "
    ".venv-devito/.installed` or pass --devito-python"
)


def add_devito(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names an interpreter with Devito."""
    parser.add_argument(
        "--devito-python",
        type=Path,
        metavar="PATH",
        help="interpreter that has Devito (default .venv-devito/bin/python, where that exists)",
    )


def devito_python(given: Path | None, *, root: Path = ROOT) -> Path | None:
    """Return the interpreter that has Devito: the given one, or that of `make`, or none."""
    if given is not None:
        return given.absolute()
    made = root / ".venv-devito" / "bin" / "python"
    return made if made.exists() else None


def first_shots(problem: Mapping[str, Any], shots: int) -> dict[str, Any]:
    """Return the problem of the first shots."""
    cut = {key: problem[key][:shots] for key in ("dobs", "residual")}
    return dict(problem) | cut | {"srcs": problem["srcs"][:, :shots]}


def survey_entries(grid: Any, acq: Any) -> dict[str, Any]:
    """Return a survey and its grid as the arrays of a problem."""
    entries = {name: getattr(acq, name) for name in ("srcs", "recs", "wav", "wavc", "f0", "dt")}
    return entries | {"spacing": grid.spacing}
