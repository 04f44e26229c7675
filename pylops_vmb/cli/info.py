"""``pylops-vmb info``: what a file holds."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import load_network
from pylops_vmb.cli._options import GATHERS
from pylops_vmb.cli._report import Outcome, read_report, table
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_npz, read_openfwi, summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="SEG-Y (.sgy), velocity (.npz), OpenFWI (.npy), weights (.safetensors) or the "
        "name of a network that comes with the package, or a report (.json)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Look at the file by its ending."""
    path = Path(args.file)
    if not path.suffix and not path.exists():
        return _weights(path)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        refuse(
            path.name,
            f"must end in {', '.join(_READERS)}",
            got=repr(suffix),
            do="Rename the file if it is one of these",
            error=VMBFileError,
        )
    return _READERS[suffix](path)


def _segy(path: Path) -> Outcome:
    found = summary(path)
    return Outcome(asdict(found), str(found))


def _velocity(path: Path) -> Outcome:
    vp, grid = read_npz(path)
    low, high = float(vp.min()), float(vp.max())
    return Outcome(
        {"name": path.name, "grid": asdict(grid), "vp_min_m_s": low, "vp_max_m_s": high},
        f"{path.name}: velocity {low:.0f} to {high:.0f} m/s on {grid}",
    )


def _openfwi(path: Path) -> Outcome:
    array = read_openfwi(path)
    kind, axes = ("gathers", "n, ns, nr, nt") if array.ndim == 4 else ("velocity", "n, nx, nz")
    return Outcome(
        {"name": path.name, "kind": kind, "axes": axes, "shape": list(array.shape)},
        f"{path.name}: OpenFWI {kind}, ({axes}) = {array.shape}, {array.dtype}",
    )


def _weights(path: Path) -> Outcome:
    card = load_network(str(path)).card
    return Outcome(card.to_dict(), str(card))


def _report(path: Path) -> Outcome:
    report = read_report(path)
    return Outcome(report, f"{' '.join(report['command'])}\n{table(report['figures'])}")


_READERS: dict[str, Callable[[Path], Outcome]] = {
    **dict.fromkeys(GATHERS, _segy),
    ".npz": _velocity,
    ".npy": _openfwi,
    ".safetensors": _weights,
    ".json": _report,
}
