"""One frequency band of an inversion: objective, optimiser, and when to stop."""

import math
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBRuntimeError
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective, Value
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.inversion.team import ALONE, Team
from pylops_vmb.operators import NonlinearOperator

_PATIENCE = 10
"""Iterations over which the fall of the objective is judged."""


class Stage:
    """The iterations of one band.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, nr, nt)`` of this member's shots.
    corner : :obj:`float`
        Low-pass corner in Hz; infinite for the full band.
    settings : `InversionSettings`
        The settings.
    mask : :obj:`torch.Tensor`, optional
        Cells that may change.
    team : `Team`, optional
        Who shares the shots.

    Attributes
    ----------
    count : :obj:`int`
        Iterations done.
    """

    def __init__(
        self,
        F: NonlinearOperator,
        dobs: torch.Tensor,
        *,
        corner: float,
        settings: InversionSettings,
        mask: torch.Tensor | None = None,
        team: Team = ALONE,
    ) -> None:
        self.corner, self.count = corner, 0
        self._settings = settings
        self._totals: list[float] = []
        acq = getattr(F, "acq", None)
        lowpass = LowPass(corner, acq.nt, acq.dt) if acq else None
        self._objective = Objective(
            F,
            dobs,
            misfit=settings.misfit,
            lowpass=lowpass,
            penalties=settings.penalties(),
            drawn=settings.shots is not None,
            team=team,
        )
        precondition = Preconditioner(
            mask=mask, smooth=settings.smooth, illumination=settings.illumination
        )
        self._optimiser = settings.optimiser_for(precondition)

    @property
    def evaluations(self) -> int:
        """Number of gradients computed."""
        return self._objective.evaluations

    def step(self, x: torch.Tensor) -> tuple[torch.Tensor, Value]:
        """Return the next velocity and the objective.

        Raises
        ------
        VMBRuntimeError
            If the objective is not finite.
        """
        self._draw()
        x, value = self._optimiser.step(x, self._objective)
        if not math.isfinite(value.total):
            refuse(
                "inversion",
                f"diverged in iteration {self.count + 1} of the band",
                got=f"an objective of {value.total}",
                do="Lower lr, or narrow the bounds",
                error=VMBRuntimeError,
            )
        self.count += 1
        self._totals.append(value.total)
        return x, value

    def ended(self) -> str:
        """Say why the band is over, or return an empty string."""
        if self._optimiser.stalled:
            return "stalled"
        if self.count >= self._settings.niter:
            return "done"
        if self.count > _PATIENCE and self._fall() < self._settings.tol:
            return "converged"
        return ""

    def _draw(self) -> None:
        """Draw shots anew; what the optimiser knows of the present point is of the old ones."""
        if self._settings.shots is not None:
            self._objective.draw(self._settings.shots, self._settings.seed + self.count)
            self._optimiser.forget_value()

    def _fall(self) -> float:
        if self._settings.tol == 0.0:
            return math.inf
        old, new = self._totals[-_PATIENCE - 1], self._totals[-1]
        return (old - new) / abs(old)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly here."""
        return {
            "count": self.count,
            "totals": list(self._totals),
            "evaluations": self._objective.evaluations,
            "optimiser": self._optimiser.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.count, self._totals = state["count"], state["totals"]
        self._objective.evaluations = state["evaluations"]
        self._optimiser.restore(state["optimiser"])
