"""Copies of a network where they are called: on a device, in a precision, folded to predict."""

import copy
from collections.abc import Callable
from operator import is_
from typing import Any

import torch
from torch import nn

from pylops_vmb.networks import prepared


class Copies:
    """The last copy of each kind, made again when the network has changed.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"}
        In which float32 input is multiplied where only a prediction is asked for.
    fold : :obj:`bool`, optional
        Make copies that predict faster.  Many networks that share their parameters had better not:
        each copy has its own.
    """

    def __init__(self, precision: str = "float32", *, fold: bool = True) -> None:
        self.precision, self._fold = precision, fold
        self._kept: dict[str, tuple[Any, nn.Module]] = {}

    def exact(self, net: nn.Module, x: torch.Tensor) -> nn.Module:
        """Return the network itself, or its copy where `x` is and in the precision of `x`."""
        mine = next(net.parameters())
        if (x.device, x.dtype) == (mine.device, mine.dtype):
            return net.eval()
        return self._same("exact", net, x, lambda: copy.deepcopy(net).to(x.device, x.dtype).eval())

    def fast(self, net: nn.Module, x: torch.Tensor) -> nn.Module:
        """Return a copy that predicts from tensors like `x`, and has no use for derivatives."""
        if not self._fold:
            return self.exact(net, x)
        if x.dtype == torch.float32:
            return self._same(
                "fast", net, x, lambda: prepared(net, precision=self.precision, device=x.device)
            )
        exact = self.exact(net, x)
        return self._same("fast", net, x, lambda: prepared(exact))

    def _same(
        self, kind: str, net: nn.Module, x: torch.Tensor, make: Callable[[], nn.Module]
    ) -> nn.Module:
        state = _state(net, x)
        kept = self._kept.get(kind)
        if kept is None or not _equal(kept[0], state):
            with torch.inference_mode(False):
                kept = self._kept[kind] = (state, make())
        return kept[1]


def wants_derivative(net: nn.Module, x: torch.Tensor) -> bool:
    """Say whether somebody may ask for a derivative of ``net(x)``, in either mode."""
    dual = torch.autograd.forward_ad.unpack_dual(x)  # type: ignore[no-untyped-call]
    if dual.tangent is not None:
        return True
    if not torch.is_grad_enabled():
        return False
    return x.requires_grad or any(p.requires_grad for p in net.parameters())


def _state(net: nn.Module, x: torch.Tensor) -> tuple[list[Any], list[Any]]:
    """Return what a copy depends on: the parts, and where and how often they were written."""
    parts: list[Any] = []
    _collect(net, parts)
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    written = [(t.data_ptr(), 0 if t.is_inference() else t._version) for t in tensors]
    return parts, [written, x.device, x.dtype]


def _collect(net: nn.Module, parts: list[Any]) -> None:
    # torch's own walks look for duplicates, which takes ten times as long: 5 % of a prediction
    parts.append(net)
    parts.extend(net._parameters.values())
    parts.extend(net._buffers.values())
    for layer in net._modules.values():
        if layer is not None:
            _collect(layer, parts)


def _equal(one: tuple[list[Any], list[Any]], other: tuple[list[Any], list[Any]]) -> bool:
    return len(one[0]) == len(other[0]) and all(map(is_, one[0], other[0])) and one[1] == other[1]
