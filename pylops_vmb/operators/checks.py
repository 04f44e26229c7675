"""Numerical checks of operators: Taylor remainder and adjoint, seeded and relative."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBError
from pylops_vmb.operators._door import enter
from pylops_vmb.operators.autograd import check_real
from pylops_vmb.operators.nonlinear import NonlinearOperator

_FIRST_STEP = {torch.float64: 1e-3, torch.float32: 3e-2}
_TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}
_ROUNDING = 100.0  # remainders below so many roundings of the data are not measured
_ORDER = 1.9


class CheckError(VMBError, AssertionError):
    """A numerical check of an operator failed."""


@dataclass(frozen=True)
class TaylorResult:
    """Outcome of `taylortest`; true if it passed.

    Attributes
    ----------
    steps : :obj:`tuple` of :obj:`float`
        The ``h`` of the steps, from large to small.
    remainders : :obj:`tuple` of :obj:`float`
        Norm of ``F(x + h dx) - F(x) - h J dx``, relative to that of ``F(x)``.
    slopes : :obj:`tuple` of :obj:`float`
        Order of the remainder between neighbouring steps, where it is above rounding.
        Empty for an operator that is linear to within rounding.
    passed : :obj:`bool`
        Whether all slopes are at least 1.9.  Without slopes: whether the first step
        changes the data, and leaves no remainder, beyond rounding.
    """

    steps: tuple[float, ...]
    remainders: tuple[float, ...]
    slopes: tuple[float, ...]
    passed: bool

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True)
class DotResult:
    """Outcome of `dottest`; true if it passed.

    Attributes
    ----------
    forward, adjoint : :obj:`float`
        ``<J u, v>`` and ``<u, J^H v>``.
    error : :obj:`float`
        Their difference, relative to ``|J u| |v|``; infinite if that is zero.
    passed : :obj:`bool`
        Whether the error is at most the tolerance.
    """

    forward: float
    adjoint: float
    error: float
    passed: bool

    def __bool__(self) -> bool:
        return self.passed


def taylortest(
    F: NonlinearOperator,
    x: Any,
    *,
    dx: Any = None,
    seed: int = 0,
    steps: Sequence[float] | None = None,
    raiseerror: bool = True,
) -> TaylorResult:
    r"""Check a Jacobian against its operator: the remainder must be of second order.

    Parameters
    ----------
    F : `NonlinearOperator`
        The operator.
    x : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
        The point, of shape ``dims`` or flat; its dtype is that of the test (float64 is
        much sharper).
    dx : array, optional
        Direction; by default white noise with the norm of `x`.
    seed : :obj:`int`, optional
        Seed of that noise.
    steps : sequence of :obj:`float`, optional
        Steps `h`, from large to small; by default five halvings from 1e-3 (float64) or
        3e-2 (float32).
    raiseerror : :obj:`bool`, optional
        Raise if the test fails, instead of only saying so in the result.

    Returns
    -------
    result : `TaylorResult`

    Raises
    ------
    CheckError
        If the test fails and `raiseerror` is true.
    VMBValueError
        If there are fewer than two steps.

    Notes
    -----
    With the right Jacobian,

    .. math:: \|F(x + h\,dx) - F(x) - h\,J\,dx\| = O(h^2),

    and with a wrong one :math:`O(h)`.
    """
    point, _ = enter(x, F.dims, device=F.device, name="x")
    if steps is None:
        steps = [_FIRST_STEP[point.dtype] / 2**halving for halving in range(5)]
    if len(steps) < 2:
        refuse("steps", "must be at least two", got=len(steps), do="Pass steps=[1e-3, 5e-4]")
    size, change, remainders = _remainders(F, point, _direction(F, point, dx, seed), steps)
    floor = _ROUNDING * torch.finfo(point.dtype).eps * size
    slopes = _slopes(steps, remainders, floor)
    passed = min(slopes) >= _ORDER if slopes else remainders[0] <= 10 * floor < change
    relative = tuple(remainder / (size or 1.0) for remainder in remainders)
    result = TaylorResult(tuple(steps), relative, slopes, passed)
    if raiseerror and not result:
        refuse(
            f"Taylor test of {F.name}",
            "the remainder must be of order 2",
            got=", ".join(f"{order:.2f}" for order in slopes)
            or f"remainders from {remainders[0]:.2g} for a change by {change:.2g}",
            do="Compare the derivative with the operator, or choose other steps",
            error=CheckError,
        )
    return result


def dottest(
    J: Any, *, seed: int = 0, rtol: float | None = None, raiseerror: bool = True
) -> DotResult:
    r"""Check that an operator's adjoint is its adjoint.

    Parameters
    ----------
    J : :obj:`pylops.LinearOperator`
        A real operator that takes NumPy vectors; tested in float64 unless its dtype is
        float32.
    seed : :obj:`int`, optional
        Seed of the random vectors.
    rtol : :obj:`float`, optional
        Tolerance; by default 1e-10 in float64 and 1e-4 in float32.
    raiseerror : :obj:`bool`, optional
        Raise if the test fails, instead of only saying so in the result.

    Returns
    -------
    result : `DotResult`

    Raises
    ------
    CheckError
        If the test fails and `raiseerror` is true.

    Notes
    -----
    The error is

    .. math::
        \frac{|\langle J u, v\rangle - \langle u, J^H v\rangle|}
        {\|J u\| \|v\|}.

    `u` is white noise.  `v` is white noise plus as much of `J u`: with noise alone both
    products of a large operator would be small beside the scale, and a wrong adjoint,
    even zero, would pass.  An operator with `J u = 0` fails, because nothing was tested.
    """
    check_real(J)
    dtype = np.float32 if J.dtype == np.float32 else np.float64
    rng = np.random.default_rng(seed)
    u = rng.standard_normal(J.shape[1]).astype(dtype)
    Ju = np.asarray(J.matvec(u), dtype=np.float64)
    v = (_unit(rng.standard_normal(J.shape[0])) + _unit(Ju)).astype(dtype)
    Jv = np.asarray(J.rmatvec(v), dtype=np.float64)
    forward, adjoint = float(Ju @ v.astype(np.float64)), float(u.astype(np.float64) @ Jv)
    scale = float(np.linalg.norm(Ju) * np.linalg.norm(v))
    error = abs(forward - adjoint) / scale if scale else float("inf")
    tolerance = _TOLERANCE[dtype] if rtol is None else rtol
    result = DotResult(forward, adjoint, error, error <= tolerance)
    if raiseerror and not result:
        refuse(
            f"dot test of {J}",
            f"<Ju, v> and <u, J^H v> must agree to {tolerance:g} of their scale",
            got=f"{forward:.9g} and {adjoint:.9g}, which differ by {error:.2g} of it",
            do="Correct the adjoint, or the forward",
            error=CheckError,
        )
    return result


def _direction(F: NonlinearOperator, point: torch.Tensor, dx: Any, seed: int) -> torch.Tensor:
    if dx is not None:
        return to_tensor(dx, device=point.device, dtype=point.dtype, name="dx").reshape(F.dims)
    noise = _unit(np.random.default_rng(seed).standard_normal(F.dims))
    return torch.from_numpy(noise * (_norm(point) or 1.0)).to(point)


def _remainders(
    F: NonlinearOperator, point: torch.Tensor, direction: torch.Tensor, steps: Sequence[float]
) -> tuple[float, float, list[float]]:
    """Return the norms of F(x), of its change at the first step, and of the remainders."""
    y, J = F.linearize(point)
    slope = J @ direction
    with torch.no_grad():
        changes = [F(point + h * direction) - y for h in steps]
    remainders = [_norm(change - h * slope) for h, change in zip(steps, changes, strict=True)]
    return _norm(y), _norm(changes[0]), remainders


def _slopes(steps: Sequence[float], remainders: Sequence[float], floor: float) -> tuple[float, ...]:
    pairs = pairwise(zip(steps, remainders, strict=True))
    return tuple(
        float(np.log(large / small) / np.log(h / smaller))
        for (h, large), (smaller, small) in pairs
        if not min(large, small) <= floor
    )


def _norm(tensor: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.detach().double()))


def _unit(values: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    norm = np.linalg.norm(values)
    return values / norm if norm > 0 else values
