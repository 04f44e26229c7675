"""``pylops-vmb info``: what a file holds."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import load_network
from pylops_vmb.cli._options import GATHERS, add_headers, headers, is_segy
from pylops_vmb.cli._reading import Gathers, read_either
from pylops_vmb.cli._report import Outcome, read_report, table
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_fcnvmb, read_openfwi, summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="SEG-Y (.sgy) or a folder of it, gathers or velocity (.npz), OpenFWI (.npy), FCNVMB "
        "(.mat), weights (.safetensors) or the name of a network that comes with the package, or "
        "a report (.json)",
    )
    add_headers(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Look at the file by its ending."""
    path = Path(args.file)
    said = headers(args, path)
    if is_segy(path):
        found = summary(path, **{key: said[key] for key in said if key != "missing"})
        return Outcome(asdict(found), str(found))
    if not path.suffix and not path.exists():
        return _weights(path)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        refuse(
            path.name,
            f"must end in {', '.join((*GATHERS, *_READERS))}",
            got=repr(suffix),
            do="Rename the file if it is one of these",
            error=VMBFileError,
        )
    return _READERS[suffix](path)


def _npz(path: Path) -> Outcome:
    held = read_either(path)
    if isinstance(held, Gathers):
        survey = {key: value for key, value in held.acq.to_dict().items() if key != "wav"}
        data = {"name": path.name, "shape": list(held.d.shape), "acquisition": survey}
        return Outcome(data, f"{path.name}: gathers, {held.acq}")
    low, high = float(held.vp.min()), float(held.vp.max())
    return Outcome(
        {"name": path.name, "grid": asdict(held.grid), "vp_min_m_s": low, "vp_max_m_s": high},
        f"{path.name}: velocity {low:.0f} to {high:.0f} m/s on {held.grid}",
    )


def _fcnvmb(path: Path) -> Outcome:
    array = read_fcnvmb(path)
    kind, axes = ("gathers", "ns, nr, nt") if array.ndim == 3 else ("velocity", "nx, nz")
    return Outcome(
        {"name": path.name, "kind": kind, "axes": axes, "shape": list(array.shape)},
        f"{path.name}: FCNVMB {kind}, ({axes}) = {array.shape}",
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
    ".npz": _npz,
    ".mat": _fcnvmb,
    ".npy": _openfwi,
    ".safetensors": _weights,
    ".json": _report,
}
