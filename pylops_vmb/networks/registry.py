"""Networks by name: what a card stores is a name and a configuration, rebuilt here."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from pylops_vmb._checks import check_choice, refuse
from pylops_vmb.errors import VMBTypeError

_Network = TypeVar("_Network", bound=type[nn.Module])
_NETWORKS: dict[str, type[nn.Module]] = {}


def register(name: str) -> Callable[[_Network], _Network]:
    """Register a network class under ``name``; use as a decorator.

    The class has a property ``config``: a dict that JSON can hold, such that
    ``build(name, **net.config)`` makes a network of the same structure.

    Raises
    ------
    VMBValueError
        If ``name`` is taken.
    VMBTypeError
        If the class has no ``config``.
    """

    def add(network: _Network) -> _Network:
        if name in _NETWORKS:
            refuse("name", "is already registered", got=repr(name), do="Choose another name")
        if not hasattr(network, "config"):
            refuse(
                name,
                "has no configuration",
                got=f"{network.__name__} without `config`",
                do="Add a property `config` that returns the keywords of the constructor",
                error=VMBTypeError,
            )
        _NETWORKS[name] = network
        return network

    return add


def available() -> tuple[str, ...]:
    """Return the registered names in alphabetical order.

    Examples
    --------
    >>> from pylops_vmb.networks import available
    >>> "fcnvmb" in available()
    True
    """
    return tuple(sorted(_NETWORKS))


def build(name: str, **config: Any) -> nn.Module:
    """Build the network ``name`` from its configuration.

    Parameters
    ----------
    name : str
        One of `available`.
    **config
        Keywords of the network's constructor.

    Returns
    -------
    torch.nn.Module
        The network, with fresh weights.

    Raises
    ------
    VMBValueError
        If the name or a keyword is unknown, or a keyword is missing.

    Examples
    --------
    >>> from pylops_vmb.networks import build
    >>> net = build("fcnvmb-repaired", in_channels=2, in_shape=(20, 9), out_shape=(8, 9), width=4)
    >>> net.config["width"]
    4
    """
    network = _NETWORKS[check_choice("network", name, available())]
    _check_keywords(name, network, config)
    return network(**config)


def _check_keywords(name: str, network: type[nn.Module], config: dict[str, Any]) -> None:
    named = inspect.signature(network).parameters
    known = {key: item for key, item in named.items() if item.kind is not item.VAR_KEYWORD}
    unknown = sorted(set(config) - set(known)) if len(known) == len(named) else []
    missing = [
        key for key, item in known.items() if item.default is item.empty and key not in config
    ]
    if unknown:
        refuse(
            name, "does not know these settings", got=unknown, do=f"Use some of {', '.join(known)}"
        )
    if missing:
        refuse(name, "lacks settings", got=sorted(config), do=f"Add {', '.join(missing)}")
