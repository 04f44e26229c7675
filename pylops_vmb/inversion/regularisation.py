"""Regularisation of the velocity: total variation, or any PyLops operators."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite, check_number, refuse
from pylops_vmb.operators.autograd import apply_linear

Penalty = Callable[[torch.Tensor], torch.Tensor]

_UNIT = 1500.0
"""Velocities are penalised in this unit (m/s), so that weights do not depend on units."""


def total_variation(weight: float, *, smoothing: float = 0.01) -> Penalty:
    r"""Isotropic total variation, a mean over the cells.

    Parameters
    ----------
    weight : :obj:`float`
        Its weight against the relative data misfit.
    smoothing : :obj:`float`, optional
        :math:`\epsilon` below, in units of 1500 m/s a cell.

    Returns
    -------
    penalty : callable
        From velocity ``(nx, nz)`` in m/s to a scalar.

    Notes
    -----
    :math:`\frac{w}{N} \sum \sqrt{(\partial_x s)^2 + (\partial_z s)^2 + \epsilon^2}` with
    :math:`s = v_p / 1500` and differences between neighbouring cells: it prefers layers
    with sharp edges to smooth transitions.
    """
    weight = check_number("tv", weight, at_least=0.0)

    def penalty(vp: torch.Tensor) -> torch.Tensor:
        s = vp / _UNIT
        along_x, along_z = s[1:, :-1] - s[:-1, :-1], s[:-1, 1:] - s[:-1, :-1]
        length = (along_x.square() + along_z.square() + smoothing**2).sqrt()
        return weight * length.double().mean().to(length)  # whatever the number of threads

    return penalty


def check_regs(Regs: Sequence[Any], dims: tuple[int, ...], *, dataregs: Sequence[Any] = ()) -> None:
    """Refuse operators that do not take a velocity of some dims ``(nx, nz)``, or wrong data."""
    cells = math.prod(dims)
    for number, R in enumerate(Regs):
        shape = getattr(R, "shape", None)
        if shape is None or shape[1:] != (cells,):
            refuse(
                "Regs",
                f"operator {number} must take velocity (nx, nz) = {tuple(dims)}, {cells} cells",
                got=type(R).__name__ if shape is None else f"shape {tuple(shape)}",
                do=f"Build it with dims={tuple(dims)}",
            )
    for number, (R, r) in enumerate(zip(Regs, dataregs, strict=False)):
        if r is not None:
            _check_data(number, R, to_tensor(r, name="dataregs").detach())


def _check_data(number: int, R: Any, r: torch.Tensor) -> None:
    if r.numel() != R.shape[0]:
        refuse(
            "dataregs",
            f"entry {number} must hold the {R.shape[0]} values of its operator's output",
            got=f"shape {tuple(r.shape)}",
            do="Pass R @ vp.ravel() of the velocity that the term pulls to, or None for zeros",
        )
    check_finite("dataregs", r)


class Quadratic:
    """The penalty that `quadratic` makes.

    Parameters
    ----------
    terms : sequence of :obj:`tuple`
        Operator, weight, and data or None, of each term.
    """

    def __init__(self, terms: Sequence[tuple[Any, float, Any]]) -> None:
        self._terms = tuple(terms)

    def __call__(self, vp: torch.Tensor) -> torch.Tensor:
        """Return the penalty of a velocity ``(nx, nz)``, a scalar."""
        v = vp.reshape(-1)
        terms = [eps**2 * _residual(R, v, r).square().sum() for R, eps, r in self._terms]
        return 0.5 * torch.stack(terms).sum() / v.numel()

    @property
    def bend(self) -> "Quadratic":
        """The same without its data: at a change of the velocity, half of its curvature."""
        return Quadratic([(R, eps, None) for R, eps, _ in self._terms])


def _residual(R: Any, v: torch.Tensor, r: Any) -> torch.Tensor:
    modelled = apply_linear(R, v / _UNIT)
    if r is None:
        return modelled
    data = to_tensor(r, device=v.device, dtype=v.dtype, name="dataregs")
    return modelled - data.detach().reshape(-1) / _UNIT


def quadratic(
    Regs: Sequence[Any], epsRs: Sequence[float], *, dataregs: Sequence[Any] | None = None
) -> Quadratic:
    r"""Tikhonov terms: the mean squares of some linear operators on the velocity.

    Parameters
    ----------
    Regs : sequence of :obj:`pylops.LinearOperator`
        Acting on velocity ``(nx, nz)``, for example :class:`pylops.Laplacian`.
    epsRs : sequence of :obj:`float`
        One weight for each.
    dataregs : sequence, optional
        What each operator should give for the velocity in m/s, an array or None for zeros;
        by default zeros for all.  ``dataregs=[R @ vp.ravel()]`` pulls to `vp`.

    Returns
    -------
    penalty : callable
        From velocity ``(nx, nz)`` in m/s to a scalar.

    Raises
    ------
    VMBValueError
        If there are not as many weights, or data, as operators.

    Notes
    -----
    :math:`\tfrac{1}{2N} \sum_i \epsilon_i^2 \| (R_i v_p - r_i) / 1500 \|^2` with the data
    :math:`r_i` in the unit of :math:`R_i v_p`, :math:`v_p` in m/s, as in
    :func:`pylops.optimization.leastsquares.regularized_inversion`.
    """
    given = [None] * len(Regs) if dataregs is None or not len(dataregs) else list(dataregs)
    for name, of, values in (("epsRs", "weight", epsRs), ("dataregs", "entry", given)):
        if len(Regs) != len(values):
            refuse(
                name,
                f"must hold one {of} for each of the {len(Regs)} operators of Regs",
                got=f"{len(values)}",
                do="Pass sequences of one length",
            )
    return Quadratic(list(zip(Regs, epsRs, given, strict=True)))
