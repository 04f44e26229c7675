"""Derivatives at a point, as a pair of products: by autograd, or chained."""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBRuntimeError

Map = Callable[[torch.Tensor], torch.Tensor]


class Linearization(Protocol):
    """The derivative of an operator at one point.

    Both products are linear, and each is the adjoint of the other.  Tensors have the
    dtype and device of the point; what they return carries no graph.
    """

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``J dx``: shape ``dims`` in, ``dimsd`` out."""

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return ``J^H dy``: shape ``dimsd`` in, ``dims`` out."""


class GraphLinearization:
    """Derivative by torch autograd: one forward pass, its graph kept.

    Parameters
    ----------
    function : callable
        Tensor in, tensor out, differentiable.
    x : :obj:`torch.Tensor`
        The point.  It must not change afterwards.

    Attributes
    ----------
    y : :obj:`torch.Tensor`
        ``function(x)``, without its graph.  It must not change either: the graph may
        have kept it.

    Raises
    ------
    VMBRuntimeError
        If the output does not depend on ``x`` as far as torch can see.

    Notes
    -----
    `vjp` runs the backward pass of the kept graph.  `jvp` runs the function once more
    in forward mode (`torch.func.jvp`), which costs about two forward passes; it works inside
    `torch.func.jvp`, while torch refuses it inside ``forward_ad.dual_level``.
    """

    def __init__(self, function: Map, x: torch.Tensor) -> None:
        self._function = function
        self._x = x.detach().requires_grad_()
        with torch.enable_grad():
            self._output = function(self._x)
        if not self._output.requires_grad:
            refuse(
                "linearize",
                "needs an output with a graph",
                got="an output that does not depend on the input",
                do="Use differentiable torch operations, without detach or no_grad",
                error=VMBRuntimeError,
            )
        self.y = self._output.detach()

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``J dx``."""
        _prepare_forward_mode()
        point = self._x.detach()
        tangent: torch.Tensor = torch.func.jvp(self._function, (point,), (dx.detach(),))[1]
        return tangent.detach()

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return ``J^H dy``."""
        return torch.autograd.grad(self._output, self._x, dy.detach(), retain_graph=True)[0]


class ChainLinearization:
    r"""The chain rule: :math:`J = J_n \cdots J_2 J_1`.

    Parameters
    ----------
    parts : sequence of `Linearization`
        In the order in which the functions are applied.
    """

    def __init__(self, parts: Sequence[Linearization]) -> None:
        self._parts = tuple(parts)

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``J dx``, first part first."""
        for part in self._parts:
            dx = part.jvp(dx)
        return dx

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return ``J^H dy``, last part first."""
        for part in reversed(self._parts):
            dy = part.vjp(dy)
        return dy


@cache
def _prepare_forward_mode() -> None:
    # torch scripts some rules on the first use, and warns about its own torch.jit.script
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.func.jvp(torch.neg, (torch.zeros(1),), (torch.zeros(1),))
