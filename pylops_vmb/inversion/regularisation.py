"""Regularisation of the velocity: total variation, or any PyLops operators."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from pylops_vmb._checks import check_number, refuse
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


def check_regs(Regs: Sequence[Any], dims: tuple[int, ...]) -> None:
    """Refuse operators that do not take a velocity of some dims ``(nx, nz)``."""
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


def quadratic(Regs: Sequence[Any], epsRs: Sequence[float]) -> Penalty:
    r"""Tikhonov terms: the mean squares of some linear operators on the velocity.

    Parameters
    ----------
    Regs : sequence of :obj:`pylops.LinearOperator`
        Acting on velocity ``(nx, nz)``, for example :class:`pylops.Laplacian`.
    epsRs : sequence of :obj:`float`
        One weight for each.

    Returns
    -------
    penalty : callable
        From velocity ``(nx, nz)`` in m/s to a scalar.

    Raises
    ------
    VMBValueError
        If there are not as many weights as operators.

    Notes
    -----
    :math:`\tfrac{1}{2N} \sum_i \epsilon_i^2 \| R_i s \|^2` with :math:`s = v_p / 1500`.
    """
    if len(Regs) != len(epsRs):
        refuse(
            "epsRs",
            f"must hold one weight for each of the {len(Regs)} operators of Regs",
            got=f"{len(epsRs)} weights",
            do="Pass two sequences of one length",
        )

    def penalty(vp: torch.Tensor) -> torch.Tensor:
        s = (vp / _UNIT).reshape(-1)
        terms = [
            eps**2 * apply_linear(R, s).square().sum() for R, eps in zip(Regs, epsRs, strict=True)
        ]
        return 0.5 * torch.stack(terms).sum() / s.numel()

    return penalty
