"""``pylops-vmb finetune``: train a network on, with data of another kind."""

import argparse
from collections.abc import Callable
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.cli._files import check_folder, load_network, origin_of
from pylops_vmb.cli._options import add_device, add_weights
from pylops_vmb.cli._report import Outcome, beside, publish
from pylops_vmb.cli._solving import check_device
from pylops_vmb.cli._training import add_settings, add_workers, changed, resumable, scores
from pylops_vmb.errors import VMBFileError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training import MatSet, OpenFWISet, Samples, ShardedSet, finetune
from pylops_vmb.training.transfer import GENTLE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_weights(parser)
    folder = "a folder of `pylops-vmb dataset`, of OpenFWI (.npy) or of FCNVMB (.mat)"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=folder)
    parser.add_argument(
        "--validation", type=Path, metavar="DIR", help="by default a tenth of the data"
    )
    parser.add_argument(
        "--freeze",
        nargs="+",
        default=[],
        metavar="PART",
        help="what stays as it is: encoder, decoder, last, 'all but last', layers, patterns",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="weights, .safetensors"
    )
    add_settings(parser, "entries of the training")
    add_workers(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Read, train on, measure before and after, write."""
    check_folder(args.out)
    check_device(args.device)
    G = load_network(args.weights)
    scaling = G.card.preprocessing
    checkpoint = args.out.with_name(f"{args.out.name}.checkpoint")
    with resumable(args.out.parent):
        tuned = finetune(
            G,
            open_data(args.data, scaling),
            validation=None if args.validation is None else open_data(args.validation, scaling),
            freeze=args.freeze,
            config=changed(GENTLE, dict(args.set)),
            checkpoint=checkpoint,
            workers=args.workers,
            device=args.device,
            name=args.out.stem,
        )
    tuned.save(args.out)
    checkpoint.unlink(missing_ok=True)
    figures = [
        {"method": G.card.name} | scores(tuned.card, suffix="_before"),
        {"method": tuned.card.name, "models": tuned.card.training["samples"]}
        | scores(tuned.card)
        | {"file": args.out.name},
    ]
    return publish(
        beside(args.out),
        args,
        figures=figures,
        inputs=[path for path in _manifests(args) if path.exists()],
        outputs=[args.out],
        networks=origin_of(args.weights, G),
        history=tuned.card.training["history"],
        limits=list(tuned.card.limits),
    )


def _manifests(args: argparse.Namespace) -> list[Path]:
    """Return the files that hold the hashes of a data set of `pylops-vmb dataset`."""
    return [folder / "manifest.json" for folder in (args.data, args.validation) if folder]


def open_data(folder: Path, preprocessing: Preprocessing) -> Samples:
    """Return the data set that a folder holds.

    Raises
    ------
    VMBFileError
        If it holds none that is known.
    """
    if (folder / "manifest.json").exists():
        return ShardedSet(folder)
    kinds: dict[str, Callable[..., Samples]] = {".npy": OpenFWISet, ".mat": MatSet}
    there = [suffix for suffix in kinds if any(folder.rglob(f"*{suffix}"))]
    if not there:
        refuse(
            str(folder),
            "holds no data set",
            got="neither manifest.json nor .npy or .mat files",
            do="Make one with `pylops-vmb dataset`",
            error=VMBFileError,
        )
    return kinds[there[0]](folder, preprocessing)
