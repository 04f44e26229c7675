"""``pylops-vmb rerun``: do an earlier run again, and compare what it writes."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._parsing import build, parse, raw_options, words
from pylops_vmb.cli._report import (
    NAME,
    Outcome,
    changed_inputs,
    find_report,
    read_report,
    table,
    versions,
)
from pylops_vmb.errors import VMBFileError, VMBRuntimeError

_STATE = ("checkpoint", "config", "json", "quiet")
"""Options that are left out: where a run went on from, and how it spoke."""
_OUTPUTS = ("out", "out_model")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "target", metavar="RUN", type=Path, help="folder of a run, a file it wrote, or its report"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder to keep the files in; without it they are compared and thrown away",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Check what went in, run again elsewhere, compare what came out."""
    path = find_report(args.target).resolve()
    report = read_report(path)
    folder = (path.parent / report.get("folder", ".")).resolve()
    _check_inputs(path, report, folder)
    with _place(args.out) as into:
        say(f"again, in '{into}': {' '.join(report['command'])}")
        again = _again(report, folder=folder, into=into, whole=path.name == NAME)
    return _compared(path, report, again)


def _check_inputs(path: Path, report: Mapping[str, Any], folder: Path) -> None:
    if not folder.is_dir():
        refuse(
            path.name,
            "names a folder that is not there",
            got=f"'{folder}'",
            do="Move the report back beside its files",
            error=VMBFileError,
        )
    if changed := changed_inputs(report, folder):
        refuse(
            path.name,
            "cannot be run again",
            got="; ".join(f"{name} {what}" for name, what in changed.items()),
            do="Restore these files, or give the command itself to use the new ones",
            error=VMBFileError,
        )


@contextmanager
def _place(out: Path | None) -> Iterator[Path]:
    """Give the folder to write to."""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out.resolve()
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _again(report: Mapping[str, Any], *, folder: Path, into: Path, whole: bool) -> dict[str, Any]:
    """Run the command of a report where it ran, with its outputs elsewhere."""
    _, name, *rest = report["command"]
    _, command = build([name])
    if command is None:
        do = "Run it with the version of pylops_vmb that wrote it"
        refuse("report", "is of an unknown command", got=name, do=do)
    options = raw_options([name, *rest])
    options = {key: value for key, value in options.items() if key not in _STATE}
    if whole:
        options["out"] = str(into)
    else:
        named = {key: Path(options[key]).name for key in _OUTPUTS if key in options}
        options |= {key: str(into / file) for key, file in named.items()}
    with chdir(folder), _threads(report["versions"].get("threads")):
        args = parse([name, *words(command, options)])
        outcome: Outcome = args.run(args)
    return outcome.data


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Compute with as many threads as the run did: sums depend on it."""
    mine = torch.get_num_threads()
    torch.set_num_threads(number or mine)
    try:
        yield
    finally:
        torch.set_num_threads(mine)


def _compared(path: Path, report: Mapping[str, Any], again: Mapping[str, Any]) -> Outcome:
    """Return which files came out the same; refuse if one did not, and say what may be why."""
    before, now = (_hashes(each) for each in (report, again))
    rows = [
        {"file": name, "again": "same" if now.get(name) == value else "different"}
        for name, value in before.items()
    ]
    different = [row["file"] for row in rows if row["again"] != "same"]
    if different:
        refuse(
            path.name,
            f"gives other bytes now: {', '.join(different)}",
            got="; ".join(_reasons(report, again)) or "no difference in what went in",
            do="Compare the files of --out DIR with the earlier ones",
            error=VMBRuntimeError,
        )
    data = {"figures": rows, "command": report["command"], "outputs": before}
    return Outcome(data, table(rows))


def _hashes(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the hash of each output: of weights, that of the numbers alone."""
    hashes = report["outputs"] | report.get("weights", {})
    return {Path(name).as_posix(): value for name, value in hashes.items()}


def _reasons(report: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as it was."""
    for key in ("networks", "wavelet"):
        if report.get(key) != again.get(key):
            yield f"{key} {again.get(key)}, and were {report.get(key)}"
    there = versions()
    for name, version in report["versions"].items():
        if there.get(name) != version:
            yield f"{name} {there.get(name)}, and was {version}"
