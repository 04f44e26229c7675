"""Parts of a network by name, and what it takes to leave some of them as they are."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from pylops_vmb._checks import refuse

_ENCODER = ("stem", "down*", "center", "convblock*", "features", "fc[0-9]")
"""First names, behind a ``body``, of what turns gathers into maps, in the package's networks."""


def parts(net: nn.Module) -> dict[str, set[str]]:
    """Return the parameters of the parts that have a name of their own.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        A velocity network.  One with an attribute ``parts``, a dictionary of names and
        patterns as `select` takes them, adds these to the parts below or replaces them.

    Returns
    -------
    parts : :obj:`dict`
        Names of parameters by part: "encoder" (from the gathers to the narrowest maps),
        "decoder" (all the rest), "last" (the last layer), "all but last".

    Examples
    --------
    >>> from pylops_vmb.networks import build
    >>> net = build("fcnvmb", n_classes=1, in_channels=2, out_shape=(8, 8), width=2)
    >>> sorted(parts(net)["last"])
    ['final.bias', 'final.weight']
    """
    names = {name for name, _ in net.named_parameters()}
    encoder = {name for name in names if _in_encoder(name)}
    last = _matching(_last(net), names)
    found = {
        "encoder": encoder,
        "decoder": names - encoder,
        "last": last,
        "all but last": names - last,
    }
    own: Mapping[str, Iterable[str]] = getattr(net, "parts", {})
    return found | {
        part: set[str]().union(*(_matching(pattern, names) for pattern in patterns))
        for part, patterns in own.items()
    }


def select(net: nn.Module, wanted: str | Iterable[str], *, name: str) -> set[str]:
    """Return the parameters that names, prefixes, patterns or parts stand for.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        A velocity network.
    wanted : :obj:`str` or iterable of :obj:`str`
        Each is a part (see `parts`), the name of a parameter or of a layer ("down1.conv"),
        or a pattern ("*.bias").
    name : :obj:`str`
        Name of the argument, for the message.

    Returns
    -------
    names : :obj:`set`
        Names of parameters.

    Raises
    ------
    VMBValueError
        If one of them stands for nothing.
    """
    known, names = parts(net), {name for name, _ in net.named_parameters()}
    chosen = set[str]()
    for entry in [wanted] if isinstance(wanted, str) else wanted:
        found = known.get(entry) or _matching(entry, names)
        if not found:
            layers = ", ".join(layer for layer, _ in net.named_children())
            refuse(
                name,
                f"stands for no parameter of {type(net).__name__}",
                got=repr(entry),
                do=f"Use {', '.join(map(repr, known))}, a layer ({layers}) or a pattern",
            )
        chosen |= found
    return chosen


def freeze(net: nn.Module, names: set[str]) -> None:
    """Train all parameters but those of some names; changes the network in place."""
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name not in names)


def hold_still(net: nn.Module) -> None:
    """Keep batch norms that are frozen as a whole in evaluation mode, in place.

    They use their running statistics then, and keep them.
    """
    for layer in net.modules():
        own = list(layer.parameters(recurse=False))
        frozen = bool(own) and not any(parameter.requires_grad for parameter in own)
        if frozen and getattr(layer, "running_mean", None) is not None:
            layer.__class__ = _still(type(layer))
            layer.eval()


class _Still(nn.Module):
    """A layer that stays in evaluation mode, whatever the network around it is told."""

    def train(self, mode: bool = True) -> Any:  # noqa: ARG002
        return super().train(False)


def _still(kind: type[nn.Module]) -> type[nn.Module]:
    return type(f"Still{kind.__name__}", (_Still, kind), {})


def _in_encoder(name: str) -> bool:
    first = name.removeprefix("body.").split(".")[0]
    return any(fnmatchcase(first, pattern) for pattern in _ENCODER)


def _last(net: nn.Module) -> str:
    """Return the name of the last layer; a layer that is most of its network is looked into."""
    children = [(name, child) for name, child in net.named_children() if _size(child)]
    if not children:
        return "*"
    name, child = children[-1]
    if 2 * _size(child) > _size(net) and _last(child) != "*":
        return f"{name}.{_last(child)}"
    return name


def _size(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def _matching(pattern: str, names: set[str]) -> set[str]:
    return {n for n in names if n.startswith(f"{pattern}.") or fnmatchcase(n, pattern)}
