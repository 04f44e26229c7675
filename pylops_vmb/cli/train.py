"""``pylops-vmb train``: make a network's weights from a recipe."""

import argparse
from pathlib import Path
from typing import Any

from pylops_vmb.cli._options import add_device, count
from pylops_vmb.cli._report import NAME, Outcome, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.training import recipe


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--recipe", required=True, metavar="NAME", help="fcnvmb-mini or tiny")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for data, checkpoint and weights; a run that was killed goes on there",
    )
    parser.add_argument(
        "--processes",
        type=count,
        default=1,
        metavar="N",
        help="that simulate (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=count, metavar="N", help="instead of the recipe's")
    parser.add_argument("--count", type=count, metavar="N", help="samples, instead of the recipe's")
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Simulate, train, measure, write."""
    check_device(args.device)
    changes = {name: getattr(args, name) for name in ("epochs", "count")}
    chosen = recipe(args.recipe, **{k: v for k, v in changes.items() if v is not None})
    G = chosen.run(args.out, processes=args.processes, device=args.device)
    weights = args.out / f"{chosen.name}.safetensors"
    figures: dict[str, Any] = {
        "method": chosen.name,
        "models": chosen.count,
        "epochs": chosen.config.epochs,
        "validation_mae_m_s": G.card.metrics["validation_mae_m_s"],
        "seconds": G.card.training["seconds_of_last_run"],
        "file": weights.name,
    }
    return publish(
        args.out / NAME,
        args,
        figures=[figures],
        outputs=[weights],
        seeds={
            "network": chosen.config.seed,
            "velocity": chosen.simulation.velocity.seed,
        },
        history=G.card.training["history"],
    )
