"""``pylops-vmb simulate``: shot gathers of a velocity model."""

import argparse
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pylops_vmb.cli._files import check_folder, load_velocity, save_velocity
from pylops_vmb.cli._gathers import PRESETS, load_gathers
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import add_device, add_preset, count, gathers_file, velocity_file
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.io import write_gathers
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid

_SURVEY = {"shots": 5, "nt": 1000, "dt": 0.001, "f0": 15.0, "depth": 10.0}
"""What a survey without a preset is, where the command line does not say otherwise."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="velocity, .npz or .sgy, or openfwi:N or fcnvmb:N for model N of that generator",
    )
    parser.add_argument("--out", type=gathers_file, required=True, metavar="FILE", help="SEG-Y")
    parser.add_argument(
        "--out-model", type=velocity_file, metavar="FILE", help="write the velocity, too"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the generator (default: %(default)s)"
    )
    add_preset(parser, "survey to shoot; by default that of the generator, or the one below")
    parser.add_argument(
        "--like",
        type=Path,
        metavar="FILE",
        help="gathers whose survey it is; their wavelet, too, found as `invert` finds it",
    )
    survey = parser.add_argument_group("a survey of one's own, with receivers in every column")
    survey.add_argument("--shots", type=count, metavar="N", help="number of shots (5)")
    survey.add_argument("--nt", type=count, metavar="N", help="samples a trace (1000)")
    survey.add_argument("--dt", type=float, metavar="S", help="time step in s (0.001)")
    survey.add_argument("--f0", type=float, metavar="HZ", help="peak frequency (15)")
    survey.add_argument(
        "--depth", type=float, metavar="M", help="of sources and receivers below the top, m (10)"
    )
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Model and write."""
    targets = [args.out] if args.out_model is None else [args.out, args.out_model]
    for path in targets:
        check_folder(path)
    check_device(args.device)
    family = _generator(args.model)
    vp, grid = _model(args.model, args.seed)
    acq = _survey(args, grid, args.preset or family)
    F = AcousticModelling2D(grid, acq, max_vel=max(5500.0, float(vp.max())), device=args.device)
    say(f"modelling {acq}")
    started = time.perf_counter()
    with torch.no_grad():
        data = F(vp)
    seconds = time.perf_counter() - started
    write_gathers(args.out, data, acq)
    if args.out_model is not None:
        save_velocity(args.out_model, vp, grid)
    return publish(
        beside(args.out),
        args,
        figures=[_figures(acq) | {"seconds": seconds, "file": args.out.name}],
        inputs=[*([] if family else [Path(args.model)]), *([args.like] if args.like else [])],
        outputs=targets,
        acquisition=acq.to_dict(),
    )


def _generator(model: str) -> str | None:
    found = re.fullmatch(rf"({'|'.join(PRESETS)}):\d+", model)
    return found and found[1]


def _model(model: str, seed: int) -> tuple[Any, Grid]:
    family = _generator(model)
    if family is None:
        return load_velocity(Path(model))
    preset, number = PRESETS[family], int(model.rpartition(":")[2])
    grid = preset.grid()
    return preset.velocity(grid.dims, seed=seed).sample(number), grid


def _survey(args: argparse.Namespace, grid: Grid, preset: str | None) -> Acquisition:
    given = {key: getattr(args, key) for key in _SURVEY if getattr(args, key) is not None}
    if args.like:
        if set(given) - {"f0"} or args.preset:
            args.usage_error("--like brings the whole survey: it goes with --f0 alone")
        return load_gathers(args.like, f0=args.f0)[1]
    if preset and not given:
        return PRESETS[preset].acq()
    if args.preset:
        options = ", ".join(f"--{key}" for key in given)
        args.usage_error(f"--preset fixes the whole survey: leave out {options}")
    survey = _SURVEY | given
    first, last, top, _ = grid.extent
    columns = np.linspace(0, grid.dims[0] - 1, int(survey["shots"])).round()
    return Acquisition.fixed_spread(
        np.clip(grid.origin[0] + grid.spacing[0] * columns, first, last),
        grid.x,
        nt=int(survey["nt"]),
        dt=survey["dt"],
        f0=survey["f0"],
        zs=top + survey["depth"],
        zr=top + survey["depth"],
    )


def _figures(acq: Acquisition) -> dict[str, Any]:
    return {
        "shots": acq.ns,
        "receivers": acq.nr,
        "samples": acq.nt,
        "dt_s": acq.dt,
        "f0_hz": acq.f0,
    }
