"""The objective of an inversion in one band: data misfit plus penalties, and its gradient."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import RelativeMisfit
from pylops_vmb.inversion.regularisation import Penalty
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True)
class Value:
    """An objective at a point: misfit, misfit plus penalties, and the gradient of that."""

    misfit: float
    total: float
    gradient: torch.Tensor


class Objective:
    r"""Data misfit in a band plus penalties.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.  `AcousticModelling2D` is run in batches of shots that fit its
        memory, with a gradient made for the band.
    dobs : :obj:`torch.Tensor`
        Observed data of shape ``F.dimsd``.
    misfit : {"l1", "l2"}
        How data are compared.
    lowpass : `LowPass`, optional
        Applied to both sides; its adjoint band-limits the residual.
    penalties : sequence of callables, optional
        Each from velocity ``(nx, nz)`` to a scalar.

    Notes
    -----
    :math:`\phi(v) = m(L F(v) - L d) / m(L d) + \sum_i p_i(v)`.
    """

    def __init__(
        self,
        F: NonlinearOperator,
        dobs: torch.Tensor,
        *,
        misfit: str,
        lowpass: LowPass | None = None,
        penalties: Sequence[Penalty] = (),
    ) -> None:
        self._lowpass = lowpass or (lambda d: d)
        self._dobs = self._lowpass(dobs)
        self._misfit = RelativeMisfit(misfit, self._dobs)
        self._penalties = tuple(penalties)
        self._parts = _parts(F, misfit, lowpass)
        self.evaluations = 0

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return misfit, objective and gradient ``(nx, nz)`` at a velocity ``(nx, nz)``."""
        vp = vp.detach().requires_grad_()
        self.evaluations += 1
        misfit = 0.0
        with torch.enable_grad():
            for which, part in self._parts:
                share = self._share(part, vp, which)
                torch.autograd.backward(share)
                misfit += float(share.detach())
            total = misfit + sum(self._penalise(penalty, vp) for penalty in self._penalties)
        assert vp.grad is not None
        return Value(misfit, total, vp.grad)

    @torch.no_grad()
    def misfit(self, vp: torch.Tensor) -> float:
        """Return the data misfit alone, without a gradient."""
        return sum(float(self._share(part, vp, which)) for which, part in self._parts)

    def _share(self, part: NonlinearOperator, vp: torch.Tensor, which: slice) -> torch.Tensor:
        return self._misfit(self._lowpass(part._apply(vp)), self._dobs[which])

    @staticmethod
    def _penalise(penalty: Penalty, vp: torch.Tensor) -> float:
        value = penalty(vp)
        torch.autograd.backward(value)
        return float(value.detach())


def _parts(
    F: NonlinearOperator, misfit: str, lowpass: LowPass | None
) -> list[tuple[slice, NonlinearOperator]]:
    if not isinstance(F, AcousticModelling2D):
        return [(slice(None), F)]
    if lowpass is not None:
        # an L1 residual is a sign: whatever the band of the data, it has that of the filter
        F = F.for_band(lowpass.fmax if misfit == "l1" else min(lowpass.fmax, F.acq.fmax))
    return [(which, F.shots(which)) for which in F.batches()]
