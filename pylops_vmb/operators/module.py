"""Operators as layers of a torch network."""

from typing import Any

import torch

from pylops_vmb.operators.nonlinear import NonlinearOperator, as_nonlinear


class OperatorModule(torch.nn.Module):
    """A layer without weights that applies an operator; made by `to_module`."""

    def __init__(self, operator: NonlinearOperator) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the operator to one model, of shape ``dims`` or flat."""
        y: torch.Tensor = self.operator(x)
        return y

    def extra_repr(self) -> str:
        """Return the operator's `repr`."""
        return repr(self.operator)


def to_module(op: Any) -> torch.nn.Module:
    """Return an operator as a torch module, differentiable in both modes.

    Parameters
    ----------
    op : `NonlinearOperator` or :obj:`pylops.LinearOperator`
        PyLops operators must be real; their backward pass is ``op.H``.

    Returns
    -------
    module : :obj:`torch.nn.Module`
        ``module(x)`` takes one tensor of shape ``op.dims`` or flat.  CUDA tensors stay
        on CUDA if the operator takes tensors, and are refused if it knows only NumPy.

    Raises
    ------
    VMBTypeError
        If `op` is not a real operator.

    Notes
    -----
    `pylops.TorchOperator` copies CUDA data to the host, has no second derivative, and
    gives a wrong gradient for a nonlinear operator.

    Examples
    --------
    >>> import pylops, torch
    >>> from pylops_vmb.operators import to_module
    >>> layer = to_module(pylops.FirstDerivative(4, kind="forward"))
    >>> layer(torch.tensor([0.0, 1.0, 4.0, 9.0]))
    tensor([1., 3., 5., 0.])
    """
    return OperatorModule(as_nonlinear(op))
