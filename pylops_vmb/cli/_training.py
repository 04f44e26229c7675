"""What the commands that train share: settings, how they stop, and what they tell."""

import argparse
import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.learned import Card
from pylops_vmb.training import TrainingConfig

_SCORES = ("mae_m_s", "rmse_m_s", "ssim")


def setting(text: str) -> tuple[str, Any]:
    """Turn ``lr=1e-3`` into a name and a value; what is no Python literal is a word.

    Examples
    --------
    >>> setting("epochs=3"), setting("salt.freeze=encoder")
    (('epochs', 3), ('salt.freeze', 'encoder'))
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE such as epochs=2, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def add_settings(parser: argparse.ArgumentParser, what: str) -> None:
    """Add entries to change."""
    parser.add_argument(
        "--set",
        type=setting,
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help=f"{what}: epochs=2 batch=8 salt.count=20",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the processes that load samples."""
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes that load samples ahead, for a GPU (default: %(default)s)",
    )


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say how to go on if the block is interrupted."""
    try:
        yield
    except KeyboardInterrupt as err:
        done = str(err) or "stopped, got Ctrl-C."
        raise KeyboardInterrupt(
            f"{done} The same command again goes on from what is in '{folder}'."
        ) from None


def changed(config: TrainingConfig, settings: dict[str, Any]) -> TrainingConfig:
    """Return settings of a training with some entries changed.

    Raises
    ------
    VMBValueError
        If there is no such entry.
    """
    known = [entry.name for entry in fields(config)]
    if unknown := sorted(set(settings) - set(known)):
        do = f"Use some of {', '.join(known)}"
        refuse("--set", "has no such entries", got=unknown, do=do)
    return replace(config, **settings)


def scores(card: Card, *, suffix: str = "") -> dict[str, Any]:
    """Return the figures of a network for a line of the table: those of its card.

    Parameters
    ----------
    card : `Card`
        Of the network.
    suffix : :obj:`str`, optional
        "_before" for those of its parent on the same models.
    """
    names = [f"validation_{name}" for name in _SCORES]
    figures = {name: card.metrics.get(name + suffix) for name in names}
    if suffix:
        return figures
    training = card.training
    return figures | {"epochs": len(training["history"]), "seconds": training["seconds"]}
