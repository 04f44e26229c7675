"""``pylops-vmb card``: measure what the training data looked like, and write it to the card."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import check_folder
from pylops_vmb.cli._options import add_device
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.training import Recipe, ShardedSet, recipe, with_signature
from pylops_vmb.training.transfer import check_samples


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("weights", metavar="WEIGHTS", type=Path, help="a file, .safetensors")
    folder = "a folder of `pylops-vmb dataset` or `train`"
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help=f"what it was trained on, {folder}"
    )
    parser.add_argument(
        "--validation", type=Path, required=True, metavar="DIR", help="what it was not trained on"
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="the recipe of the weights: its name, limits and augmentation go into the card",
    )
    parser.add_argument(
        "--float16", action="store_true", help="store in half precision, not in that of WEIGHTS"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="weights, .safetensors"
    )
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Read, measure, write; the numbers of the network stay as they are."""
    check_folder(args.out)
    check_device(args.device)
    tensors, _ = read_weights(args.weights)
    G = LearnedInversion.load(args.weights)
    data, held_out = (ShardedSet(folder) for folder in (args.data, args.validation))
    for name, samples in (("--data", data), ("--validation", held_out)):
        check_samples(samples, G.card, name=name)
    augment = None
    if args.recipe is not None:
        chosen = recipe(args.recipe)
        augment = chosen.stages[-1].augment
        G = LearnedInversion(G.net, _as_made(G.card, chosen))
    modelling = data.manifest.get("modelling", {})
    F = AcousticModelling2D(G.grid, G.acq, device=args.device, **modelling)
    card = with_signature(G, data, held_out, augment=augment, F=F).card
    dtype = torch.float16 if args.float16 else None
    write_weights(args.out, tensors, card.to_dict(), dtype=dtype)
    assert card.signature is not None
    return publish(
        beside(args.out),
        args,
        figures=[{"method": card.name, "models": card.signature.samples, "file": args.out.name}],
        inputs=[args.weights],
        outputs=[args.out],
        signature=card.signature.to_dict(),
        limits=list(card.limits),
    )


def _as_made(card: Card, chosen: Recipe) -> Card:
    """Return a card with the name and the limits of its recipe, or refuse another training."""
    stage = chosen.stages[-1]
    expected: dict[str, Any] = stage.config.document | {"samples": stage.count}
    found = card.training.get("config", {}) | {"samples": card.training.get("samples")}
    other = [key for key in found if found[key] != expected.get(key, found[key])]
    if other:
        refuse(
            "--recipe",
            f"must be the recipe that made {card.name}",
            got=f"another {', '.join(f'{key} ({found[key]})' for key in other)}",
            do="Choose the recipe of these weights",
        )
    limits, training = chosen.limits, dict(card.training)
    if chosen.parent is not None:
        limits = (*limits, card.limits[-1])  # what fine-tuning says of its parent
    if stage.augment is not None:
        training.setdefault("augmentation", stage.augment.config)
    return replace(card, name=chosen.name, limits=limits, training=training)
