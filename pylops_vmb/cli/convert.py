"""``pylops-vmb convert``: the same gathers or velocity in another format."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb._checks import refuse, warn
from pylops_vmb.cli._files import check_folder
from pylops_vmb.cli._formats import BARE, FORMATS, Geometry, Raw, read_any, write_any
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import (
    GATHERS,
    add_f0,
    add_headers,
    add_preset,
    count,
    data_file,
    headers,
)
from pylops_vmb.cli._reading import Gathers, Velocity
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.errors import DataWarning


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    endings = ", ".join(FORMATS)
    parser.add_argument(
        "file",
        metavar="FILE",
        type=data_file,
        help=f"gathers or velocity: {endings}, or a folder of SEG-Y",
    )
    parser.add_argument(
        "--out", type=data_file, required=True, metavar="FILE", help="in the format of its ending"
    )
    parser.add_argument(
        "--kind", choices=("gathers", "velocity"), help="what FILE holds; by default, as it looks"
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="which one of a .npy file of several, from 0"
    )
    parser.add_argument(
        "--drop-geometry",
        action="store_true",
        help=f"write a format that holds numbers alone ({', '.join(BARE)})",
    )
    geometry = parser.add_argument_group("geometry of a FILE that holds numbers alone")
    geometry.add_argument(
        "--like", type=Path, metavar="FILE", help="a file with the same survey, or grid"
    )
    add_preset(geometry, "a known survey and its grid")
    geometry.add_argument("--spacing", nargs=2, type=float, metavar=("DX", "DZ"), help="cells, m")
    geometry.add_argument(
        "--origin", nargs=2, type=float, metavar=("OX", "OZ"), help="first cell, m (0 0)"
    )
    add_f0(geometry)
    raw = parser.add_argument_group("raw binary, to read and to write")
    raw.add_argument(
        "--shape", nargs="+", type=count, metavar="N", help="lengths of the axes, as in the file"
    )
    raw.add_argument(
        "--axes",
        metavar="LETTERS",
        help="their names, the last varies fastest: s, r, t of gathers (default srt) or x, z of "
        "velocity (default xz)",
    )
    raw.add_argument(
        "--dtype", default="float32", metavar="TYPE", help="of the numbers (default: %(default)s)"
    )
    raw.add_argument(
        "--byte-order",
        choices=("little", "big"),
        default="little",
        help="of the numbers (default: %(default)s)",
    )
    add_headers(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Read, check what would be lost, write."""
    check_folder(args.out)
    _check_options(args)
    raw = Raw(tuple(args.shape or ()), args.axes, args.dtype, args.byte_order)
    geometry = Geometry(args.like, args.preset, args.spacing, args.origin, args.f0)
    held = read_any(
        args.file,
        geometry,
        kind=args.kind,
        raw=raw,
        sample=args.sample,
        headers=headers(args, args.file),
    )
    suffix = args.out.suffix.lower()
    if suffix in BARE and not args.drop_geometry:
        _refuse_loss(args, held)
    _say_losses(held, suffix, args.dtype)
    write_any(args.out, held, raw)
    return publish(
        beside(args.out),
        args,
        figures=[_figures(held) | {"file": args.out.name}],
        inputs=[path for path in (args.file, args.like) if path],
        outputs=[args.out],
        **_geometry(held),
    )


def _check_options(args: argparse.Namespace) -> None:
    """Refuse options that would do nothing."""
    suffix = args.file.suffix.lower()
    if suffix not in BARE and (args.spacing or args.origin or args.like or args.preset):
        args.usage_error(
            f"{suffix or args.file.name} holds its geometry: leave out the options of geometry"
        )
    if args.origin and not args.spacing:
        args.usage_error("--origin needs --spacing")
    if args.shape and suffix != ".bin":
        args.usage_error("--shape is for raw binary, .bin")
    if args.sample is not None and suffix != ".npy":
        args.usage_error("--sample is for .npy")
    if args.file.resolve() == args.out.resolve():
        args.usage_error("--out must be another file")


def _refuse_loss(args: argparse.Namespace, held: Gathers | Velocity) -> None:
    if isinstance(held, Gathers):
        acq = held.acq
        lost = f"the positions of {acq.ns} sources and {acq.nr} receivers, dt and the wavelet"
    else:
        lost = f"the cells, {held.grid}"
    refuse(
        args.out.name,
        f"would lose geometry: {args.out.suffix} holds numbers alone",
        got=lost,
        do="Write .npz or .sgy, or add --drop-geometry; the report beside the file keeps them",
    )


def _say_losses(held: Gathers | Velocity, suffix: str, dtype: str) -> None:
    """Say what of the data the format cannot hold; refuse if it is more than digits."""
    stored = {".sgy": "float32", ".segy": "float32", ".mat": held.values.dtype, ".bin": dtype}
    kind = np.dtype(stored.get(suffix, held.values.dtype))
    back = np.asarray(held.values, kind).astype(held.values.dtype)
    if not np.allclose(back, held.values, rtol=1e-6, atol=0.0):
        refuse(
            "--dtype",
            f"cannot hold the values of {held.name}",
            got=kind.name,
            do="Choose a wider one, such as float32",
        )
    if not np.array_equal(back, held.values):
        _warn(
            held.name,
            f"loses digits: {suffix} is written in {kind.name}",
            got=held.values.dtype.name,
            do="Write .npz to keep them",
        )
    if suffix not in GATHERS:
        return
    points = (held.acq.srcs, held.acq.recs) if isinstance(held, Gathers) else (held.grid.x,)
    off = max(float(np.abs(x - np.rint(100.0 * x) / 100.0).max()) for x in points)
    if off > 1e-6:
        do = "Write .npz to keep them"
        _warn(
            held.name, "loses digits of its positions, which are rounded", got=f"{off:g} m", do=do
        )
    if isinstance(held, Gathers):
        say("SEG-Y holds no wavelet: the report beside the file keeps it")


def _warn(name: str, wrong: str, *, got: str, do: str) -> None:
    warn(name, wrong, got=got, do=do, category=DataWarning)


def _geometry(held: Gathers | Velocity) -> dict[str, Any]:
    if isinstance(held, Gathers):
        return {"acquisition": held.acq.to_dict()}
    return {"grid": asdict(held.grid)}


def _figures(held: Gathers | Velocity) -> dict[str, Any]:
    if isinstance(held, Gathers):
        acq = held.acq
        counts = {"shots": acq.ns, "receivers": acq.nr, "samples": acq.nt, "dt_s": acq.dt}
        return {"kind": "gathers"} | counts
    extremes: dict[str, Callable[[Any], Any]] = {"vp_min_m_s": np.min, "vp_max_m_s": np.max}
    return {"kind": "velocity"} | {name: float(f(held.vp)) for name, f in extremes.items()}
