"""``pylops-vmb dataset``: simulate models and their gathers, to train or fine-tune on."""

import argparse
from collections.abc import Callable
from pathlib import Path

from pylops_vmb._checks import check_choice, refuse
from pylops_vmb.cli._files import load_network, origin_of
from pylops_vmb.cli._options import add_device, add_weights, count
from pylops_vmb.cli._report import NAME, Outcome, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.cli._training import resumable
from pylops_vmb.learned import Card
from pylops_vmb.training import Simulation, simulate
from pylops_vmb.velocity import (
    StoredVelocities,
    VelocityGenerator,
    fcnvmb_like,
    openfwi_like,
    seg_salt_like,
)

_GENERATORS: dict[str, Callable[..., VelocityGenerator]] = {
    "openfwi": openfwi_like,
    "fcnvmb": fcnvmb_like,
    "salt": seg_salt_like,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    names = ", ".join(_GENERATORS)
    parser.add_argument(
        "models",
        metavar="MODELS",
        help=f"a generator ({names}), or a .npy or .npz file of velocity models in m/s",
    )
    parser.add_argument("--count", type=count, required=True, metavar="N", help="number of models")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the set; a run that was stopped goes on there",
    )
    add_weights(parser)
    parser.add_argument(
        "--order",
        choices=("zx", "xz"),
        default="zx",
        help="axes of a model in a file (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the generator")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="number of the first model"
    )
    parser.add_argument("--processes", type=count, default=1, metavar="N", help="that simulate")
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Simulate on the survey, grid and decimation of the network."""
    check_device(args.device)
    G = load_network(args.weights)
    card = G.card
    velocity = _velocity(args, card)
    simulation = Simulation(velocity, card.acq, card.grid.spacing, card.preprocessing)
    with resumable(args.out):
        data = simulate(
            args.out,
            simulation,
            count=args.count,
            start=args.first,
            processes=args.processes,
            devices=[args.device],
        )
    (ns, nt, nr), _ = simulation.shapes
    figures = {"models": len(data), "shots": ns, "samples": nt, "receivers": nr}
    return publish(
        args.out / NAME,
        args,
        figures=[{"method": args.models} | figures],
        inputs=[Path(args.models)] if Path(args.models).is_file() else [],
        outputs=[args.out / "manifest.json"],
        networks=origin_of(args.weights, G),
        seeds={"velocity": velocity.seed},
    )


def _velocity(args: argparse.Namespace, card: Card) -> VelocityGenerator:
    """Return a generator, or a file's models, on the grid of the network."""
    path = Path(args.models)
    if path.suffix in (".npy", ".npz"):
        stored = StoredVelocities(path, order=args.order)
        if stored.dims != card.grid.dims:
            refuse(
                path.name,
                f"must hold models of the grid of {card.name}, (nx, nz) = {card.grid.dims}",
                got=stored.dims,
                do="Resample the models, swap --order, or choose other weights",
            )
        return stored
    make = _GENERATORS[check_choice("MODELS", args.models, _GENERATORS)]
    return make(card.grid.dims, seed=args.seed)
