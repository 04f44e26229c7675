"""``pylops-vmb report``: table and picture of an earlier run."""

import argparse
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import check_folder, draw, load_velocity
from pylops_vmb.cli._messages import wrote
from pylops_vmb.cli._report import Outcome, find_report, read_report, table
from pylops_vmb.errors import VMBFileError
from pylops_vmb.survey import Grid


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "target", metavar="RUN", type=Path, help="folder of a run, a file it wrote, or its report"
    )
    parser.add_argument("--png", type=Path, metavar="FILE", help="where to draw the velocities")


def run(args: argparse.Namespace) -> Outcome:
    """Read the report, draw the picture again, give the table."""
    path = find_report(args.target)
    report = read_report(path)
    picture = args.png or ("picture" in report and path.parent / report["picture"])
    if picture:
        check_folder(picture)
        draw(picture, *_velocities(report, path))
        wrote(picture)
    return Outcome(report, table(report["figures"]))


def _velocities(report: dict[str, Any], path: Path) -> tuple[dict[str, Any], Grid]:
    """Return the velocities of a run by title, and their grid."""
    if not report.get("models"):
        refuse(
            path.name,
            "names no velocity models to draw",
            got=" ".join(report["command"]),
            do="Leave out --png",
            error=VMBFileError,
        )
    loaded = {title: load_velocity(path.parent / name) for title, name in report["models"].items()}
    return {title: vp for title, (vp, _) in loaded.items()}, next(iter(loaded.values()))[1]
