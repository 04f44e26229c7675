"""``pylops-vmb invert``: a velocity model from gathers, by a network, by FWI, or by both."""

import argparse
from pathlib import Path
from typing import Any

from pylops_vmb._checks import check_shape, refuse
from pylops_vmb.cli._files import (
    check_folder,
    load_network,
    load_velocity,
    network_for,
    origin_of,
    save_velocity,
)
from pylops_vmb.cli._gathers import PRESETS, load_gathers, wavelet_of
from pylops_vmb.cli._options import (
    add_device,
    add_gathers,
    add_preset,
    add_velocity_out,
    add_weights,
    corners,
    count,
    headers,
)
from pylops_vmb.cli._reach import check_reach
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.cli._solving import METHODS, Job, check_device, progress
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Grid

_FWI = ("niter", "bands", "misfit", "optimiser", "bounds", "tv", "lr")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_gathers(parser)
    parser.add_argument("--method", choices=METHODS, required=True, help="how to invert")
    add_velocity_out(parser)
    add_weights(parser)
    add_device(parser)
    parser.add_argument(
        "--true", type=Path, metavar="FILE", help="true velocity, to report errors and no more"
    )
    _add_grid(parser.add_argument_group("the grid (default: that of the start, or the network)"))
    _add_fwi(parser.add_argument_group("FWI and hybrid (defaults: those of pylops_vmb.fwi)"))


def run(args: argparse.Namespace) -> Outcome:
    """Read, invert, judge, write."""
    check_folder(args.out)
    check_device(args.device)
    settings = _settings(args)
    G = None if args.method == "fwi" else load_network(args.weights, args.device)
    x0, grid = _start_and_grid(args, G)
    data, acq = load_gathers(
        args.gathers,
        f0=args.f0,
        preset=args.preset,
        card=G.card if G else None,
        headers=headers(args, args.gathers),
    )
    check_reach(
        acq,
        grid,
        name=args.gathers.resolve().name,
        network=G.card.name if G and grid == G.grid else None,
        vmin=args.bounds[0] if args.bounds else 1500.0,
    )
    highest = max([5500.0, *settings.get("bounds", ())])
    F = AcousticModelling2D(grid, acq, max_vel=highest, device=args.device)
    true = _true(args.true, grid)
    job = Job(F, data, network_for(G, data, acq) if G else None, true)
    result, figures = job.solve(args.method, x0=x0, checkpoint=args.checkpoint, settings=settings)
    save_velocity(args.out, result.vp, grid)
    return publish(
        beside(args.out),
        args,
        figures=[figures | {"file": args.out.name}],
        inputs=[path for path in (args.gathers, args.start, args.true) if path],
        outputs=[args.out],
        models={args.method: args.out.name},
        status=result.status,
        message=result.message,
        starts=getattr(result, "starts", None),
        history=progress(result),
        networks=origin_of(args.weights, G) if G else {},
        wavelet=wavelet_of(acq),
    )


def _add_grid(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dims", nargs=2, type=count, metavar=("NX", "NZ"), help="cells")
    group.add_argument("--spacing", nargs=2, type=float, metavar=("DX", "DZ"), help="cells, m")
    group.add_argument("--origin", nargs=2, type=float, metavar=("OX", "OZ"), help="first cell, m")
    add_preset(group, "grid and wavelet of a known survey")


def _add_fwi(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--start", type=Path, metavar="FILE", help="start of FWI, or fallback of the hybrid"
    )
    group.add_argument("--niter", type=count, metavar="N", help="iterations in each band")
    group.add_argument(
        "--bands", type=corners, metavar="HZ,...", help="low-pass corners, e.g. 4,7,12,full"
    )
    group.add_argument("--misfit", choices=("l1", "l2"), help="how data are compared")
    group.add_argument("--optimiser", choices=("adam", "lbfgs"), help="how to step")
    group.add_argument(
        "--bounds", nargs=2, type=float, metavar=("LOW", "HIGH"), help="velocities, m/s"
    )
    group.add_argument("--tv", type=float, metavar="W", help="weight of the total variation")
    group.add_argument("--lr", type=float, metavar="M_S", help="step of Adam, m/s")
    group.add_argument(
        "--smooth-start", type=float, metavar="CELLS", help="smoothing of the network's start"
    )
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="saved to, and resumed from if it exists"
    )


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked of FWI; a wrong combination is wrong usage."""
    given = {name: getattr(args, name) for name in _FWI if getattr(args, name) is not None}
    if args.smooth_start is not None:
        if args.method != "hybrid":
            args.usage_error("--smooth-start is for --method hybrid")
        given["smooth_start"] = args.smooth_start
    if args.method == "learned" and (given or args.start or args.checkpoint):
        args.usage_error("--method learned takes no start, checkpoint or settings of FWI")
    if (args.dims is None) != (args.spacing is None):
        args.usage_error("--dims and --spacing go together")
    if args.preset and args.dims:
        args.usage_error("--preset fixes the grid: leave out --dims")
    if args.origin and not args.dims:
        args.usage_error("--origin needs --dims and --spacing")
    if args.method == "fwi" and not (args.dims or args.preset or args.start):
        args.usage_error("--method fwi needs a grid: --dims and --spacing, --preset or --start")
    return given


def _start_and_grid(args: argparse.Namespace, G: LearnedInversion | None) -> tuple[Any, Grid]:
    x0, of_start = (None, None) if args.start is None else load_velocity(args.start)
    grid = _asked_grid(args) or of_start or (G.grid if G else None)
    assert grid is not None  # _settings saw to it
    if of_start not in (None, grid):
        refuse(
            "--start",
            f"must lie on the grid of the inversion, {grid}",
            got=of_start,
            do="Interpolate it, or leave out the options of the grid",
        )
    return x0, grid


def _asked_grid(args: argparse.Namespace) -> Grid | None:
    if args.preset:
        return PRESETS[args.preset].grid()
    if args.dims is None:
        return None
    return Grid(tuple(args.dims), tuple(args.spacing), tuple(args.origin or (0.0, 0.0)))


def _true(path: Path | None, grid: Grid) -> Any:
    if path is None:
        return None
    true, _ = load_velocity(path)
    check_shape("--true", true.shape, grid.dims, axes="(nx, nz)")
    return true
