"""``pylops-vmb train``: make a network's weights by a recipe, in stages that resume."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pylops_vmb.cli._messages import say
from pylops_vmb.cli._options import add_device, count
from pylops_vmb.cli._report import NAME, Outcome, publish, table
from pylops_vmb.cli._solving import check_device
from pylops_vmb.cli._training import add_settings, add_workers, resumable, scores
from pylops_vmb.errors import VMBError
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.training import recipe
from pylops_vmb.training.estimates import Need, check_room
from pylops_vmb.training.recipes import Machine, Recipe, available


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    names = ", ".join(available())
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of {names}")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for data, checkpoints and weights; a run that was stopped goes on there",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="data in the place of generated ones: for openfwi-* the folder of the family, for "
        "fcnvmb-paper* a .npy or .npz file of velocity models (n, nz, nx)",
    )
    add_settings(parser, "entries of the recipe, of every stage or of one")
    parser.add_argument(
        "--estimate", action="store_true", help="tell time, memory and disk, and start nothing"
    )
    parser.add_argument(
        "--yes", action="store_true", help="start even if memory or disk seem too small"
    )
    parser.add_argument(
        "--processes",
        type=count,
        default=1,
        metavar="N",
        help="that simulate (default: %(default)s)",
    )
    add_workers(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Estimate, simulate, train, measure, write."""
    check_device(args.device)
    chosen = recipe(args.recipe, data=args.data, **dict(args.set))
    machine = Machine(args.device, args.processes, args.workers)
    if args.estimate or machine.leads:
        room = chosen.needs(machine, timed=False)
        refusal = _refusal(room, args.out)
        if refusal is not None and not (args.estimate or args.yes):
            raise type(refusal)(f"{refusal} To start all the same, add --yes.") from refusal
        needs = chosen.needs(machine) if refusal is None else room  # a step that fits is timed
        if args.estimate:
            return _estimate(needs, refusal)
        say(f"about {_words(needs)}; --estimate tells more")
    with resumable(args.out):
        G = chosen.run(
            args.out,
            device=machine.device,
            processes=machine.processes,
            workers=machine.workers,
            check=False,
        )
    return _report(args, chosen, G) if machine.leads else Outcome({}, "")


def _refusal(needs: Sequence[Need], folder: Path) -> VMBError | None:
    """Return the error of a run that has no room."""
    try:
        check_room(needs, folder)
    except VMBError as err:
        return err
    return None


def _estimate(needs: Sequence[Need], refusal: VMBError | None) -> Outcome:
    """Return the table of an estimate; say on stderr if there is no room."""
    rows: list[dict[str, Any]] = [_row(need) for need in needs]
    total = Need("in all", max(need.memory for need in needs), sum(need.disk for need in needs))
    rows.append(_row(total) | {"device": None, "hours": _hours(needs)})
    if refusal is not None:
        say(f"this run would be refused: {refusal} Its time was not measured.")
    return Outcome({"figures": rows, "fits": refusal is None}, table(rows))


def _row(need: Need) -> dict[str, Any]:
    return {
        "task": need.task,
        "device": need.device,
        "hours": _hours([need]),
        "memory_gib": need.memory / 2**30,
        "disk_gib": need.disk / 2**30,
    }


def _hours(needs: Sequence[Need]) -> float | None:
    """Return the time of all parts; None where it was not measured."""
    seconds = [need.seconds for need in needs]
    return None if None in seconds else sum(s for s in seconds if s is not None) / 3600.0


def _words(needs: Sequence[Need]) -> str:
    hours = _hours(needs)
    time = "an unknown time" if hours is None else f"{hours:.2g} h"
    memory, disk = max(need.memory for need in needs), sum(need.disk for need in needs)
    return f"{time}, {memory / 2**30:.2g} GiB of memory, {disk / 2**30:.2g} GiB of disk"


def _report(args: argparse.Namespace, chosen: Recipe, G: LearnedInversion) -> Outcome:
    """Write the report: one row a stage, its scores as in the card of its weights."""
    weights = args.out / f"{chosen.name}.safetensors"
    rows, history = [], {}
    for stage in chosen.stages:
        last = stage is chosen.stages[-1]
        path = weights if last else args.out / stage.name / "weights.safetensors"
        card = G.card if last else LearnedInversion.load(path).card
        rows.append(
            {
                "method": card.name,
                "models": stage.count,
                **scores(card),
                "file": str(path.relative_to(args.out)),
            }
        )
        history[stage.name] = card.training["history"]
    return publish(
        args.out / NAME,
        args,
        figures=rows,
        outputs=[weights],
        seeds={stage.name: stage.config.seed for stage in chosen.stages},
        data={stage.name: stage.source.document for stage in chosen.stages},
        history=history,
        limits=list(G.card.limits),
    )
