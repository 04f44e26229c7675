"""PyLops operators stacked so that tensors stay tensors."""

from typing import Any

import pylops
import torch

from pylops_vmb.operators._polyglot import Polyglot
from pylops_vmb.operators.autograd import apply_linear, check_real


class VStack(Polyglot, pylops.VStack):  # type: ignore[misc]
    r"""Vertical stack of operators that takes NumPy, torch and CuPy vectors.

    :class:`pylops.VStack` turns CPU tensors into NumPy arrays without a word and fails on
    CUDA tensors.  This one is the same operator, with the same arguments, and keeps both.

    Parameters
    ----------
    ops : sequence of :obj:`pylops.LinearOperator`
        Real operators with as many columns.  Those that know only NumPy see CPU tensors as
        NumPy arrays, without a copy, and refuse CUDA tensors; see `apply_linear`.
    **options
        As :class:`pylops.VStack`.

    Attributes
    ----------
    polyglot : :obj:`bool`
        Always true: tensors are taken as they are.

    Raises
    ------
    VMBTypeError
        If an operator is complex, or if a tensor on CUDA meets one that knows only NumPy.

    Examples
    --------
    >>> import pylops, torch
    >>> from pylops_vmb.operators import VStack
    >>> A = VStack([pylops.Identity(3), 2 * pylops.FirstDerivative(3, kind="forward")])
    >>> A @ torch.tensor([0.0, 1.0, 4.0])
    tensor([0., 1., 4., 2., 6., 0.])
    """

    def __init__(self, ops: Any, **options: Any) -> None:
        super().__init__(list(ops), **options)
        for Op in self.ops:
            check_real(Op)

    def _matvec(self, x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return super()._matvec(x)
        x = x.reshape(-1)
        return torch.cat([apply_linear(Op, x) for Op in self.ops])

    def _rmatvec(self, x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return super()._rmatvec(x)
        parts = torch.split(x.reshape(-1), [Op.shape[0] for Op in self.ops])
        return sum(apply_linear(Op.H, part) for Op, part in zip(self.ops, parts, strict=True))
