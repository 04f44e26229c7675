"""What a real PyLops operator needs beside its products to take tensors as they are."""

from collections.abc import Callable
from typing import Any

import torch

from pylops_vmb.operators.solvers import cgls


class Polyglot:
    """Mixin for real operators whose ``matvec`` and ``rmatvec`` take tensors.

    PyLops would gather the columns of a matrix in a NumPy array, conjugate by NumPy in
    ``Op.T``, and divide by a solver that fails on tensors.

    Attributes
    ----------
    polyglot : :obj:`bool`
        Always true: tensors are taken as they are.
    """

    polyglot = True
    matvec: Callable[[Any], Any]
    rmatvec: Callable[[Any], Any]

    def __truediv__(self, y: Any, niter: int = 100, densesolver: str = "scipy") -> Any:
        if isinstance(y, torch.Tensor):
            return cgls(self, y, niter=niter)[0]
        return super().__truediv__(y, niter=niter, densesolver=densesolver)  # type: ignore[misc]

    def _matmat(self, X: Any) -> Any:
        if isinstance(X, torch.Tensor):
            return _columns(self.matvec, X)
        return super()._matmat(X)  # type: ignore[misc]

    def _rmatmat(self, X: Any) -> Any:
        if isinstance(X, torch.Tensor):
            return _columns(self.rmatvec, X)
        return super()._rmatmat(X)  # type: ignore[misc]

    def _transpose(self) -> Any:
        return self._adjoint()  # type: ignore[attr-defined]


def _columns(product: Callable[[torch.Tensor], torch.Tensor], X: torch.Tensor) -> torch.Tensor:
    return torch.stack([product(column) for column in X.unbind(1)], dim=1)
