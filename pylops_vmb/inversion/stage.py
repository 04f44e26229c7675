"""One frequency band of an inversion: objective, optimiser, and when to stop."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBRuntimeError
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.layers import Layers
from pylops_vmb.inversion.objective import Height, Objective
from pylops_vmb.inversion.optimisers import Optimiser
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.processes import ALONE, Team
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.inversion.sources import shared_wavelet, with_source
from pylops_vmb.inversion.subsets import Subsets
from pylops_vmb.modelling import AcousticModelling2D
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
    number : :obj:`int`, optional
        Of the band, from 0: each draws other shots.
    settings : `InversionSettings`
        The settings.
    mask : :obj:`torch.Tensor`, optional
        Cells that may change.
    team : `Team`, optional
        Who shares the shots.
    unknowns : `Layers`, optional
        What is inverted for instead of a velocity in each cell; the mask is then in it.
    optimiser : `Optimiser`, optional
        What takes the steps; by default a new one of the settings.

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
        number: int = 0,
        settings: InversionSettings,
        mask: torch.Tensor | None = None,
        team: Team = ALONE,
        unknowns: Layers | None = None,
        optimiser: Optimiser | None = None,
    ) -> None:
        self.corner, self.count = corner, 0
        self._F, self._dobs, self._team = F, dobs, team
        self._unknowns = unknowns
        self._settings, self._subsets = settings, _subsets(F, settings, number)
        self._totals: list[float] = []
        self._stalls, self._evaluations = 0, 0
        self._wav: NDArray[np.float64] | None = None
        self._objective: Objective | None = None
        precondition = Preconditioner(
            mask=mask, smooth=settings.smooth, illumination=settings.illumination
        )
        self._optimiser = optimiser or settings.optimiser_for(precondition)

    @property
    def evaluations(self) -> int:
        """Number of gradients computed."""
        return self._objective.evaluations if self._objective else self._evaluations

    def charge(self, evaluations: int) -> None:
        """Count gradients that were computed elsewhere to get here."""
        self._evaluations = self.evaluations + evaluations
        if self._objective:
            self._objective.evaluations = self._evaluations

    def step(self, x: torch.Tensor) -> tuple[torch.Tensor, Height]:
        """Return the next velocity and the objective.

        Raises
        ------
        VMBRuntimeError
            If the objective is not finite.
        """
        objective = self._objective or self._begin(x)
        if self._subsets:
            objective.draw(self._subsets[self.count])
            self._optimiser.forget_value()  # it is that of other shots
        x, value = self._optimiser.step(x, objective)
        if not math.isfinite(value.total):
            refuse(
                "inversion",
                f"diverged in iteration {self.count + 1} of the band",
                got=f"an objective of {value.total}",
                do="Narrow the bounds, or lower lr if the optimiser is Adam",
                error=VMBRuntimeError,
            )
        self.count += 1
        self._stalls = self._stalls + 1 if self._optimiser.stalled else 0
        self._totals.append(value.total)
        return x, value

    def ended(self) -> str:
        """Say why the band is over, or return an empty string."""
        if self._stalls >= self._epoch:
            return "stalled"
        if self.count >= self._settings.iterations(1):
            return "done"
        if self._fall() < self._settings.tol:
            return "converged"
        return ""

    @property
    def _epoch(self) -> int:
        """Iterations in which every shot is compared once."""
        return self._subsets.epoch if self._subsets else 1

    def _begin(self, x: torch.Tensor) -> Objective:
        """Prepare the objective; in a new band, from the source that suits the model best."""
        if self._settings.estimate_source and self._wav is None:
            vp = self._unknowns.spread(x) if self._unknowns else x
            self._wav = shared_wavelet(self._F, vp, self._dobs, team=self._team)
        acq = getattr(self._F, "acq", None)
        self._objective = Objective(
            self._F if self._wav is None else with_source(self._F, self._wav),
            self._dobs,
            misfit=self._settings.comparison,
            lowpass=LowPass(self.corner, acq.nt, acq.dt) if acq else None,
            penalties=self._settings.penalties(),
            drawn=self._subsets is not None,
            unknowns=self._unknowns,
            team=self._team,
        )
        self._objective.evaluations = self._evaluations
        return self._objective

    def _fall(self) -> float:
        """Return by which fraction the objective fell, as a mean over epochs."""
        window = self._epoch
        lag = -(-_PATIENCE // window) * window
        if self._settings.tol == 0.0 or self.count < lag + window:
            return math.inf
        old, new = self._totals[-lag - window : -lag], self._totals[-window:]
        smallest = torch.finfo(torch.float32).tiny  # the objective of a perfect start is zero
        return (sum(old) - sum(new)) / max(abs(sum(old)), smallest)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly here."""
        return {
            "count": self.count,
            "totals": list(self._totals),
            "stalls": self._stalls,
            "evaluations": self.evaluations,
            "wav": self._wav,
            "optimiser": self._optimiser.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.count, self._totals = state["count"], state["totals"]
        self._stalls, self._evaluations = state["stalls"], state["evaluations"]
        self._wav, self._objective = state["wav"], None
        self._optimiser.restore(state["optimiser"])


def _subsets(F: NonlinearOperator, settings: InversionSettings, number: int) -> Subsets | None:
    if settings.shots is None:
        return None
    if not isinstance(F, AcousticModelling2D):
        refuse(
            "shots",
            "can be drawn only where they are modelled one by one",
            got=F.name,
            do="Leave shots out, or pass an AcousticModelling2D",
        )
    return Subsets(F.acq.ns, settings.shots, seed=(settings.seed, number))
