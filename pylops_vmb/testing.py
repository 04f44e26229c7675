"""Conformance tests of nonlinear operators, for this package and for its users.

They raise `pylops_vmb.operators.CheckError`, so they work in any test runner::

    def test_my_operator():
        check_nonlinear_operator(MyOperator(...), x)
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import kind_of, to_tensor
from pylops_vmb._checks import refuse
from pylops_vmb.operators import CheckError, NonlinearOperator, dottest, taylortest

__all__ = ["check_nonlinear_operator"]

_Array = np.ndarray[Any, np.dtype[Any]]
_LOOSE = 1e-3  # float32 against float64, relative to the norm
_TIGHT = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-12}


def check_nonlinear_operator(
    F: NonlinearOperator, x: Any, *, seed: int = 0, devices: Sequence[str] | None = None
) -> None:
    """Check that an operator keeps the whole contract of `NonlinearOperator`.

    Kinds and shapes are kept (NumPy, torch, CUDA if there is any; flat and ``dims``;
    float32 and float64), the Taylor remainder is of second order, the adjoint is the
    adjoint, `linearize` agrees with the call and survives changes of its arrays, and
    ``F(x)`` of a tensor differentiates to the Jacobian's adjoint.

    Parameters
    ----------
    F : `NonlinearOperator`
        The operator.  It must accept float32 and float64.
    x : :obj:`numpy.ndarray`
        A point of shape ``dims`` or flat where the operator is smooth.
    seed : :obj:`int`, optional
        Seed of the random vectors.
    devices : sequence of :obj:`str`, optional
        Where tensors are tried; by default on the CPU and, where there is any, on CUDA.
        An operator with a NumPy-only factor needs ``["cpu"]``.

    Raises
    ------
    CheckError
        If one of the promises is not kept.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.operators import NonlinearOperator
    >>> from pylops_vmb.testing import check_nonlinear_operator
    >>> class Square(NonlinearOperator):
    ...     def _apply(self, x):
    ...         return x**2
    >>> check_nonlinear_operator(Square((2, 3), (2, 3)), np.arange(1.0, 7.0))
    """
    point = np.asarray(x, dtype=np.float64).reshape(F.dims)
    if devices is None:
        devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    _check_kinds(F, point, devices)
    _check_linearize(F, point)
    _check_gradient(F, point, seed)
    taylortest(F, point, seed=seed)
    for dtype in (np.float64, np.float32):
        dottest(F.jacobian(point.astype(dtype)), seed=seed)


def _check_kinds(F: NonlinearOperator, point: _Array, devices: Sequence[str]) -> None:
    expected = F(point)
    for label, array in _variants(point, devices):
        flat = array.ndim == 1 and len(F.dims) > 1
        y, J = F.linearize(array)
        dy = J @ array
        for made, by in ((F(array), "F(x)"), (y, "linearize"), (dy, "J @ x"), (J.H @ y, "J.H @ y")):
            _same_kind(F, made, array, f"{by} of {label}")
        want = (F.shape[0],) if flat else F.dimsd
        _require(F, tuple(y.shape) == want, f"shape {want} from {label}", tuple(y.shape))
        _close(F, y, expected, f"F(x) of {label}", _LOOSE)


def _variants(point: _Array, devices: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for dtype in (np.float32, np.float64):
        for shape in (point.shape, (-1,)):
            array = point.astype(dtype).reshape(shape)
            label = f"{np.dtype(dtype)} {array.shape}"
            yield f"NumPy {label}", array
            for device in devices:
                yield f"torch {label} on {device}", torch.from_numpy(array).to(device)


def _check_linearize(F: NonlinearOperator, point: _Array) -> None:
    x = point.copy()
    y, J = F.linearize(x)
    _close(F, y, F(point), "linearize(x)[0]", _TIGHT[y.dtype])
    forward, adjoint = J @ point, J.H @ F(point)
    x[...] = np.nan
    y[...] = np.nan
    _close(F, J @ point, forward, "J after a change of x and y", _TIGHT[point.dtype])
    _close(F, J.H @ F(point), adjoint, "J.H after a change of x and y", _TIGHT[point.dtype])


def _check_gradient(F: NonlinearOperator, point: _Array, seed: int) -> None:
    dy = np.random.default_rng(seed).standard_normal(F.dimsd)
    x = torch.tensor(point, requires_grad=True)
    y = F(x)
    _require(F, y.requires_grad, "a graph from a tensor that requires a gradient", "none")
    (gradient,) = torch.autograd.grad(y, x, torch.from_numpy(dy))
    _close(F, gradient, F.jacobian(point).H @ dy, "the gradient through F(x)", 1e-8)


def _same_kind(F: NonlinearOperator, made: Any, given: Any, label: str) -> None:
    got, want = kind_of(made), kind_of(given)
    _require(F, got == want, f"{want} from {label}", got)


def _close(F: NonlinearOperator, got: Any, want: Any, label: str, rtol: float) -> None:
    a, b = (to_tensor(v, device="cpu", dtype=torch.float64).reshape(-1) for v in (got, want))
    error, scale = float((a - b).norm()), float(b.norm())
    _require(
        F, error <= rtol * scale, f"{label} to agree to {rtol:g}", f"{error:.2g} of {scale:.2g}"
    )


def _require(F: NonlinearOperator, kept: bool, promise: str, got: Any) -> None:
    if not kept:
        do = "Compare with the contract of NonlinearOperator"
        refuse(F.name, f"promises {promise}", got=got, do=do, error=CheckError)
