"""``pylops-vmb demo``: from a model to gathers, and back three ways."""

import argparse
from pathlib import Path
from typing import Any

import torch

from pylops_vmb.cli._files import check_drawing, draw, load_network, origin_of, save_velocity
from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import add_weights
from pylops_vmb.cli._report import NAME, Outcome, publish
from pylops_vmb.cli._solving import METHODS, Job, progress
from pylops_vmb.inversion import linear_start
from pylops_vmb.io import read_gathers, write_gathers
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Grid
from pylops_vmb.velocity import openfwi_like

_SEED, _NUMBER = 0, 2_000_004
"""Folded layers, faster with depth, so that the linear start of FWI is a fair one; far from
the numbers that training sets use."""
_NITER, _QUICK = 30, 5
"""Iterations in each band."""
_TITLES = {"learned": "network", "fwi": "FWI, linear start", "hybrid": "hybrid"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="folder (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"{_QUICK} iterations a band instead of {_NITER}"
    )
    add_weights(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Model, write, read back, invert three ways, compare."""
    check_drawing()
    args.out.mkdir(parents=True, exist_ok=True)
    G = load_network(args.weights)
    true = openfwi_like(G.grid.dims, seed=_SEED).sample(_NUMBER)
    F, data = _through_segy(G, true, args.out / "gathers.sgy")
    job = Job(F, data, G.for_survey(F.acq), true)
    figures = [{"method": "linear start"} | job.judge(linear_start(G.grid))]
    models, history = {"true": true}, {}
    niter = _QUICK if args.quick else _NITER
    for method, title in _TITLES.items():
        settings = {} if method == "learned" else {"niter": niter}
        say(" ".join([title, *(f"({value} iterations a band)" for value in settings.values())]))
        result, line = job.solve(method, settings=settings)
        if result.status == "interrupted":
            raise KeyboardInterrupt
        models[title], history[method] = result.vp, progress(result)
        figures.append(line)
    more = {"networks": origin_of(args.weights, G)}
    return _write(args, models, G.grid, **more, figures=figures, history=history, niter=niter)


def _through_segy(G: LearnedInversion, true: Any, gathers: Path) -> tuple[AcousticModelling2D, Any]:
    """Model the network's survey, write SEG-Y, and return what is read back from it."""
    acq = G.card.acq
    say(f"modelling {acq} over {G.grid}")
    with torch.no_grad():
        write_gathers(gathers, AcousticModelling2D(G.grid, acq)(true), acq)
    data, acq = read_gathers(gathers, wav=acq.wav, wavc=acq.wavc, f0=acq.f0)
    say(f"{gathers}: {acq}; wavelet of the network, which SEG-Y does not hold")
    return AcousticModelling2D(G.grid, acq), data


def _write(args: argparse.Namespace, models: dict[str, Any], grid: Grid, **more: Any) -> Outcome:
    """Write velocities, picture and report."""
    names = dict(zip(models, ("true", *METHODS), strict=True))
    paths = [args.out / "gathers.sgy"]
    for title, vp in models.items():
        for suffix in (".npz", ".sgy"):
            paths.append(args.out / f"{names[title]}{suffix}")
            save_velocity(paths[-1], vp, grid)
    paths.append(args.out / "demo.png")
    draw(paths[-1], models, grid)
    return publish(
        args.out / NAME,
        args,
        outputs=paths,
        seeds={"velocity": _SEED, "model": _NUMBER},
        models={title: f"{name}.npz" for title, name in names.items()},
        picture="demo.png",
        **more,
    )
