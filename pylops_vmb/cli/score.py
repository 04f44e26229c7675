"""``pylops-vmb score``: a velocity model against the truth, its gathers against observed ones."""

import argparse
import math
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import load_velocity
from pylops_vmb.cli._gathers import load_gathers
from pylops_vmb.cli._options import (
    GATHERS_HELP,
    add_device,
    add_f0,
    add_headers,
    add_preset,
    headers,
)
from pylops_vmb.cli._report import Outcome, table
from pylops_vmb.cli._solving import check_device
from pylops_vmb.metrics import OPENFWI_RANGE, relative_l2, scores
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Grid


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("velocity", metavar="VELOCITY", type=Path, help="a model, .npz or .sgy")
    parser.add_argument("--true", type=Path, metavar="FILE", help="the true velocity")
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        default=OPENFWI_RANGE,
        metavar=("LOW", "HIGH"),
        help="velocities that are scaled to -1 and 1 for the normalised errors, and to 0 and 1 "
        "for SSIM and PSNR, m/s (default: 1500 4500, those of OpenFWI)",
    )
    data = parser.add_argument_group("data misfit")
    data.add_argument("--gathers", type=Path, metavar="FILE", help=f"observed {GATHERS_HELP}")
    add_f0(data)
    add_preset(data, "survey whose wavelet it is")
    data.add_argument(
        "--scale",
        action="store_true",
        help="multiply what is modelled by the one factor that fits best, where the unit of "
        "the observed amplitudes is not known",
    )
    add_device(data)
    add_headers(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Read, compare, model, compare."""
    if args.true is None and args.gathers is None:
        args.usage_error("nothing to compare with: give --true, --gathers or both")
    if args.gathers is None and (args.f0 or args.preset or args.scale):
        args.usage_error("--f0, --preset and --scale go with --gathers")
    check_device(args.device)
    vp, grid = load_velocity(args.velocity)
    figures: dict[str, Any] = {"method": args.velocity.name}
    more: dict[str, Any] = {}
    if args.true is not None:
        figures |= _errors(args, vp, grid)
    if args.gathers is not None:
        misfits = _misfits(args, vp, grid)
        more = {"data_misfit_by_shot": misfits.pop("by_shot")}
        figures |= misfits
    return Outcome({"figures": [figures], **more}, table([figures]))


def _errors(args: argparse.Namespace, vp: Any, grid: Grid) -> dict[str, Any]:
    true, of_true = load_velocity(args.true)
    if of_true != grid:
        refuse(
            args.true.name,
            f"must lie on the grid of {args.velocity.name}, {grid}",
            got=of_true,
            do="Interpolate one of them first",
        )
    low, high = args.range
    found = scores(vp, true, vp_range=(low, high))
    half = 0.5 * (high - low)
    return {
        "mae_m_s": found["mae"],
        "rmse_m_s": found["rmse"],
        "mae_normalised": found["mae"] / half,
        "rmse_normalised": found["rmse"] / half,
        "ssim": found["ssim"],
        "ssim_uniform": found["ssim_uniform"],
        "psnr_db": found["psnr"] if math.isfinite(found["psnr"]) else None,
    }


def _misfits(args: argparse.Namespace, vp: Any, grid: Grid) -> dict[str, Any]:
    """Return the misfit of all shots and of each; dead observed traces do not count."""
    dobs, acq = load_gathers(
        args.gathers, f0=args.f0, preset=args.preset, headers=headers(args, args.gathers)
    )
    F = AcousticModelling2D(grid, acq, max_vel=max(5500.0, float(vp.max())), device=args.device)
    with torch.no_grad():
        d = F(vp) * dobs.any(axis=-1, keepdims=True)
    factor = float((d * dobs).sum() / (d * d).sum()) if args.scale else 1.0
    by_shot = [
        relative_l2(factor * one, observed) if observed.any() else None
        for one, observed in zip(d, dobs, strict=True)
    ]
    found = {"data_misfit": relative_l2(factor * d, dobs), "by_shot": by_shot}
    return found | {"scale": factor} if args.scale else found
