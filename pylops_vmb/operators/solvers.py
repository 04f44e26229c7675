"""Conjugate gradients for least squares, on the vectors of any library."""

import math
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import check_finite, check_integer, check_number, check_shape, refuse


def cgls(
    Op: Any,
    y: Any,
    x0: Any = None,
    *,
    niter: int = 10,
    damp: float = 0.0,
    tol: float = 1e-6,
) -> tuple[Any, int, NDArray[np.float64]]:
    r"""Solve a linear least-squares problem by conjugate gradients.

    Parameters
    ----------
    Op : :obj:`pylops.LinearOperator`
        A real operator of shape ``(N, M)`` that takes the vectors given, such as `Jacobian`
        or `VStack`.
    y : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
        Data of shape ``Op.dimsd`` or flat.
    x0 : same kind as `y`, optional
        Start, of shape ``Op.dims`` or flat; by default zero.
    niter : :obj:`int`, optional
        Number of iterations at most.
    damp : :obj:`float`, optional
        Damping :math:`\epsilon`, in units of `y` over units of `x`.
    tol : :obj:`float`, optional
        The iterations end where the norm of the gradient has fallen to `tol` times the first.

    Returns
    -------
    x : same kind as `y`
        Solution, of shape ``Op.dims``, or flat if `y` is flat.
    niter : :obj:`int`
        Iterations done.
    cost : :obj:`numpy.ndarray`
        Norm of the residual ``y - Op x``, of the start and after each iteration.

    Raises
    ------
    VMBValueError
        If a shape, a number or a value of `y` or `x0` cannot be used, if `Op` turns the
        gradient into zeros, or if it or its adjoint gives NaN or infinity.

    Notes
    -----
    Minimises

    .. math:: \|y - A x\|_2^2 + \epsilon^2 \|x\|_2^2.

    The recurrence is that of :func:`pylops.cgls`, which fails on tensors, with two
    differences: the start of a damped problem uses :math:`\epsilon^2 x_0`, where PyLops 2.8 has
    :math:`\epsilon x_0`, and `tol` is relative, so that it does not depend on units.  Only
    single numbers leave the device.

    References
    ----------
    A. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, section 7.4.

    Examples
    --------
    >>> import pylops, torch
    >>> from pylops_vmb.operators import VStack, cgls
    >>> A = VStack([pylops.Identity(2), pylops.Identity(2)])
    >>> cgls(A, torch.tensor([1.0, 2.0, 3.0, 4.0]))[0]
    tensor([2., 3.])
    """
    niter, tol = check_integer("niter", niter), check_number("tol", tol, at_least=0.0)
    weight = check_number("damp", damp, at_least=0.0) ** 2
    check_shape("y", y.shape, Op.dimsd, axes="dimsd")
    check_finite("y", y)
    with torch.no_grad():
        x, cost = _iterate(Op, y.reshape(-1), _flat(x0, Op), niter=niter, weight=weight, tol=tol)
    shaped = tuple(y.shape) == tuple(Op.dimsd) and not Op.forceflat
    return (x.reshape(tuple(Op.dims)) if shaped else x), len(cost) - 1, np.array(cost)


def _flat(x0: Any, Op: Any) -> Any:
    if x0 is None:
        return None
    check_shape("x0", x0.shape, Op.dims, axes="dims")
    check_finite("x0", x0)
    return x0.reshape(-1)


def _iterate(
    Op: Any, y: Any, x0: Any, *, niter: int, weight: float, tol: float
) -> tuple[Any, list[float]]:
    """Return the solution and the norms of its residuals."""
    residual = y if x0 is None else y - Op.matvec(x0)
    gradient = Op.rmatvec(residual)
    x = 0 * gradient if x0 is None else 1 * x0
    gradient = direction = gradient - weight * x
    cost = [_size(residual, Op)]
    slope = _size(gradient, Op) ** 2
    least = tol**2 * slope
    while len(cost) <= niter and slope > least:
        image = Op.matvec(direction)
        curvature = _size(image, Op) ** 2 + weight * _size(direction, Op) ** 2
        if curvature == 0.0:
            _refuse_direction(Op)
        length = slope / curvature
        x = x + length * direction
        residual = residual - length * image
        gradient = Op.rmatvec(residual) - weight * x
        slope, last = _size(gradient, Op) ** 2, slope
        direction = gradient + (slope / last) * direction
        cost.append(_size(residual, Op))
    return x, cost


def _refuse_direction(Op: Any) -> NoReturn:
    refuse(
        "cgls",
        f"{Op} must not turn the gradient into zeros",
        got="zeros",
        do="Check the adjoint with dottest(Op), or scale y and Op up",
    )


def _size(vector: Any, Op: Any) -> float:
    """Return the norm of what an operator gave."""
    # in float64, because squares of small float32 numbers vanish
    wide = vector.double() if isinstance(vector, torch.Tensor) else vector.astype(np.float64)
    size = math.sqrt(float(wide @ wide))
    if not math.isfinite(size):
        refuse(
            "cgls",
            f"{Op} and its adjoint must give finite values",
            got="NaN or infinite values",
            do="Check Op @ x and Op.H @ y for finite x and y",
        )
    return size
