"""PyLops operators inside torch autograd: forward ``Op``, backward ``Op.H``.

`pylops.TorchOperator` copies CUDA data to the host and has no second derivative.
This bridge is itself differentiable, in both modes, as often as one likes.
"""

from typing import Any

import numpy as np
import pylops
import torch

from pylops_vmb._backend import Kind, kind_of, to_tensor
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators.linearization import Map

_WRAPPERS = (  # PyLops' lazy algebra on tensors is only `+`, scalar `*` and calls
    "_AdjointLinearOperator",
    "_ProductLinearOperator",
    "_ScaledLinearOperator",
    "_SumLinearOperator",
)


class _LinearMap(torch.autograd.Function):
    """A linear map and its adjoint as one differentiable function."""

    @staticmethod
    def forward(x: torch.Tensor, forward: Map, adjoint: Map) -> torch.Tensor:
        del adjoint
        return forward(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        del output
        ctx.maps = inputs[1:]

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        forward, adjoint = ctx.maps
        return linear_map(grad, forward=adjoint, adjoint=forward), None, None

    @staticmethod
    def jvp(ctx: Any, dx: torch.Tensor, *_: None) -> torch.Tensor:
        forward, adjoint = ctx.maps
        return linear_map(dx, forward=forward, adjoint=adjoint)


def linear_map(x: torch.Tensor, *, forward: Map, adjoint: Map) -> torch.Tensor:
    """Apply a linear map so that autograd uses ``adjoint`` as its derivative's adjoint."""
    y: torch.Tensor = _LinearMap.apply(x, forward, adjoint)  # type: ignore[no-untyped-call]
    return y


def is_polyglot(Op: Any) -> bool:
    """Say whether a PyLops operator takes tensors as they are, wherever they are.

    True for operators with an attribute ``polyglot`` that is true, such as `Jacobian`,
    and for their sums, products, multiples and adjoints.
    """
    if type(Op).__name__ in _WRAPPERS:
        parts = [part for part in Op.args if isinstance(part, pylops.LinearOperator)]
        return all(is_polyglot(part) for part in parts)
    return bool(getattr(Op, "polyglot", False))


def apply_linear(Op: Any, x: torch.Tensor) -> torch.Tensor:
    """Apply a PyLops operator to a tensor, with its graph.

    Parameters
    ----------
    Op : :obj:`pylops.LinearOperator`
        A real operator.  One that knows only NumPy sees CPU tensors as NumPy arrays,
        without a copy; CUDA tensors are for operators that take tensors
        (see `is_polyglot`).
    x : :obj:`torch.Tensor`
        Shape ``Op.dims`` or flat.

    Returns
    -------
    y : :obj:`torch.Tensor`
        Shape ``Op.dimsd`` or flat as `x`, with its dtype and device.

    Raises
    ------
    VMBTypeError
        If the operator or `x` is complex, or if `x` is on CUDA and the operator knows
        only NumPy.
    """
    check_real(Op)
    kind = kind_of(x, "x")
    _check_device(Op, kind)
    shaped = tuple(x.shape) == tuple(Op.dims) and not Op.forceflat
    y = linear_map(
        x.reshape(-1),
        forward=lambda v: _call(Op, Op.matvec, v),
        adjoint=lambda v: _call(Op, Op.rmatvec, v),
    )
    return y.reshape(tuple(Op.dimsd)) if shaped else y


def _call(Op: Any, product: Any, x: torch.Tensor) -> torch.Tensor:
    if is_polyglot(Op):
        y: torch.Tensor = product(x)
        return y
    values = x.detach().numpy()
    result = np.asarray(product(values))
    if np.may_share_memory(result, values):
        result = result.copy()
    return to_tensor(result, dtype=x.dtype, name=f"the output of {Op}")


def check_real(Op: Any) -> None:
    """Refuse a complex PyLops operator."""
    if np.dtype(Op.dtype or np.float64).kind == "c":
        refuse(
            "Op",
            "must be real",
            got=Op,
            do="Use its real form, or split real and imaginary parts",
            error=VMBTypeError,
        )


def _check_device(Op: Any, kind: Kind) -> None:
    if kind.device.type != "cpu" and not is_polyglot(Op):
        refuse(
            "x",
            f"must be on the CPU, because {Op} computes with NumPy",
            got=f"a tensor on {kind.device}",
            do="Move x with x.cpu(), or use an operator that takes tensors",
            error=VMBTypeError,
        )
