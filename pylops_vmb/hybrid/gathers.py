"""Several gathers of one survey as one objective, and the shots that are kept out of it."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import torch

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective, Value
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.modelling import AcousticModelling2D


class Gathers(Objective):
    r"""The mean objective of several gathers, over some of their shots.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling of a gather.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, n, nr, nt)``.
    corner : :obj:`float`
        Low-pass corner in Hz; infinite for the full band.
    settings : `InversionSettings`
        Misfit and penalties.
    held_out : collection of :obj:`int`, optional
        Shots that the objective does not see.

    Notes
    -----
    Each gather counts alike, whatever its amplitude: :math:`\frac{1}{n} \sum_i \phi_i(v_i)`.
    """

    def __init__(
        self,
        F: AcousticModelling2D,
        dobs: torch.Tensor,
        *,
        corner: float,
        settings: InversionSettings,
        held_out: Collection[int] = (),
    ) -> None:
        penalties = settings.penalties()
        self._each = [
            Objective(
                F,
                dobs[:, number].contiguous(),
                misfit=settings.comparison,
                lowpass=LowPass(corner, F.acq.nt, F.acq.dt),
                penalties=penalties,
                drawn=True,
            )
            for number in range(dobs.shape[1])
        ]
        self._held_out = sorted(held_out)
        self._seen = [shot for shot in range(F.acq.ns) if shot not in self._held_out]
        self.draw(self._seen)
        self.evaluations = 0

    def draw(self, shots: Collection[int]) -> None:
        """Compare only these shots of each gather from now on."""
        for objective in self._each:
            objective.draw(shots)

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return misfit, objective and gradient ``(n, nx, nz)`` at velocities ``(n, nx, nz)``."""
        self.evaluations += len(self._each)
        values = [objective(one) for objective, one in zip(self._each, vp, strict=True)]
        count = len(values)
        return Value(
            sum(value.misfit for value in values) / count,
            sum(value.total for value in values) / count,
            torch.stack([value.gradient for value in values]) / count,
        )

    def misfit(self, vp: torch.Tensor) -> float:
        """Return the mean data misfit of the shots that are seen."""
        misfits = [objective.misfit(one) for objective, one in zip(self._each, vp, strict=True)]
        return sum(misfits) / len(misfits)

    def held_out_misfit(self, vp: torch.Tensor) -> float:
        """Return the mean data misfit of the shots that are not seen; NaN if all are."""
        if not self._held_out:
            return math.nan
        self.draw(self._held_out)
        try:
            return self.misfit(vp)
        finally:
            self.draw(self._seen)


class Best:
    """The best point so far, and whether it is time to stop looking.

    Parameters
    ----------
    patience : :obj:`int`
        How many worse points in a row are enough.

    Attributes
    ----------
    theta : :obj:`torch.Tensor` or None
        The best point.
    value : :obj:`float`
        What is there.
    """

    def __init__(self, patience: int) -> None:
        self.theta: torch.Tensor | None = None
        self.value, self._patience, self._worse = math.inf, patience, 0

    @property
    def over(self) -> bool:
        """Whether the last points were all worse."""
        return self._worse >= self._patience

    def see(self, theta: torch.Tensor, value: float) -> None:
        """Look at a point; without a value (NaN), the last one is the best."""
        if self.theta is None or math.isnan(value) or value < self.value:
            self.theta, self.value, self._worse = theta, value, 0
        else:
            self._worse += 1

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs."""
        return {"theta": self.theta, "value": self.value, "worse": self._worse}

    def restore(self, state: dict[str, Any], *, like: torch.Tensor) -> None:
        """Go on from a saved state."""
        theta = state["theta"]
        self.theta = None if theta is None else theta.to(like)
        self.value, self._worse = state["value"], state["worse"]


def check_held_out(held_out: int | Sequence[int], ns: int) -> tuple[int, ...]:
    """Return the numbers of the shots that are held out: those given, or so many, spread out.

    Parameters
    ----------
    held_out : :obj:`int` or sequence of :obj:`int`
        How many, or which.
    ns : :obj:`int`
        Shots of the survey.

    Raises
    ------
    VMBValueError
        If there is no such shot, or none is left.

    Examples
    --------
    >>> check_held_out(1, 5), check_held_out(2, 5), check_held_out([4, 0], 5), check_held_out(0, 5)
    ((2,), (1, 3), (0, 4), ())
    """
    if isinstance(held_out, Sequence):
        shots = sorted({check_integer("held_out", shot) for shot in held_out})
    else:
        count = check_integer("held_out", held_out)
        shots = [int((i + 0.5) * ns / count) for i in range(count)] if count < ns else [ns] * count
    if (shots and shots[-1] >= ns) or len(shots) >= ns:
        refuse(
            "held_out",
            f"must leave some of the {ns} shots, numbered from 0",
            got=held_out,
            do="Hold out fewer, or 0 for none",
        )
    return tuple(shots)
