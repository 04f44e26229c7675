"""The objective of an inversion in one band: data misfit plus penalties, and its gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch

from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import RelativeMisfit
from pylops_vmb.inversion.regularisation import Penalty
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.operators import NonlinearOperator

Part = tuple[slice, NonlinearOperator]
"""Some of the shots, and the operator that models them."""


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
        self._parts, self._workers = _parts(F, misfit, lowpass, on=dobs.device)
        self.evaluations = 0

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return misfit, objective and gradient ``(nx, nz)`` at a velocity ``(nx, nz)``."""
        vp = vp.detach().requires_grad_()
        self.evaluations += 1
        found = side_by_side(partial(self._slope, vp.detach()), self._parts, workers=self._workers)
        misfit = sum(share for share, _ in found)
        with torch.enable_grad():
            total = misfit + sum(self._penalise(penalty, vp) for penalty in self._penalties)
        gradient = torch.stack([slope for _, slope in found]).sum(dim=0)
        return Value(misfit, total, gradient if vp.grad is None else gradient + vp.grad)

    def misfit(self, vp: torch.Tensor) -> float:
        """Return the data misfit alone, without a gradient."""
        return sum(
            side_by_side(partial(self._height, vp.detach()), self._parts, workers=self._workers)
        )

    def _slope(self, vp: torch.Tensor, part: Part) -> tuple[float, torch.Tensor]:
        with torch.enable_grad():
            point = vp.detach().requires_grad_()
            share = self._share(point, part)
            return float(share.detach()), torch.autograd.grad(share, point)[0]

    @torch.no_grad()
    def _height(self, vp: torch.Tensor, part: Part) -> float:
        return float(self._share(vp, part))

    def _share(self, vp: torch.Tensor, part: Part) -> torch.Tensor:
        which, F = part
        return self._misfit(self._lowpass(F._apply(vp)), self._dobs[which])

    @staticmethod
    def _penalise(penalty: Penalty, vp: torch.Tensor) -> float:
        value = penalty(vp)
        torch.autograd.backward(value)
        return float(value.detach())


def _parts(
    F: NonlinearOperator, misfit: str, lowpass: LowPass | None, *, on: torch.device
) -> tuple[list[Part], int]:
    """Return what is computed at a time, and how many of them side by side."""
    if not isinstance(F, AcousticModelling2D):
        return [(slice(None), F)], 1
    if lowpass is not None:
        # an L1 residual is a sign: whatever the band of the data, it has that of the filter
        F = F.for_band(lowpass.fmax if misfit == "l1" else min(lowpass.fmax, F.acq.fmax))
    workers = min(torch.get_num_threads(), F.memory.require(), F.acq.ns)
    if on.type != "cpu" or workers == 1:
        return [(which, F.shots(which)) for which in F.batches()], 1
    shots = [slice(i, i + 1) for i in range(F.acq.ns)]
    return [(which, F.shots(which)) for which in shots], workers
