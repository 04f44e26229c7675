"""A network from a file of anyone: its card is read with care, and its size is known first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.learned.card import Card
from pylops_vmb.networks import build

FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What Python and torch raise when a card says what no network is made of."""

_PARTS = 40
"""Modules that a network may have for each of its tensors; those of this package have 3."""


def restored(card: Card, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """Build the network of a card with its weights.

    Parameters
    ----------
    card : `Card`
        Name and configuration of the network.
    tensors : :obj:`dict`
        Its weights by name.

    Returns
    -------
    net : :obj:`torch.nn.Module`

    Raises
    ------
    VMBFileError
        If the card describes no network, or one that these are not the weights of.

    Notes
    -----
    The network is first built without memory, as a card can ask for any.
    """
    name, config = card.network["name"], card.network["config"]
    depth = config.get("depth", 0)
    if isinstance(depth, int) and depth > len(tensors):  # its channels double with each level
        _refuse(card, f"describes no network: a depth of {depth} with {len(tensors)} tensors")
    try:
        with torch.device("meta"), _at_most(_PARTS * (len(tensors) + 10)):
            outline = build(name, **config).state_dict()
    except FAULTS as err:
        _refuse(card, f"describes no network: {err}", err)
    needed = {key: tuple(value.shape) for key, value in outline.items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    other = [key for key in needed.keys() | found.keys() if needed.get(key) != found.get(key)]
    if other:
        key = min(other)
        got = f"{key} of shape {found.get(key)} and not {needed.get(key)}, in all {len(other)}"
        _refuse(card, f"describes a network that these are not the weights of: {got}")
    net = build(name, **config)
    net.load_state_dict(tensors)
    return net


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """Stop a network from having more than ``count`` modules."""
    left = iter(range(count))

    def watch(_net: nn.Module, _name: str, _part: nn.Module | None) -> None:
        if next(left, None) is None:
            raise ValueError(f"more than {count} modules")

    hook = register_module_module_registration_hook(watch)
    try:
        yield
    finally:
        hook.remove()


def _refuse(card: Card, got: str, err: BaseException | None = None) -> NoReturn:
    refuse(
        card.name,
        "has a card that does not fit its weights",
        got=" ".join(got.split())[:300],
        do="Download the file again, or use weights that this package wrote",
        error=VMBFileError,
        cause=err,
    )
