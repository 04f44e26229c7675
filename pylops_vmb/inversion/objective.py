"""The objective of an inversion in one band: data misfit plus penalties, and its gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from pylops_vmb._backend import generator
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import Chosen, RelativeMisfit
from pylops_vmb.inversion.regularisation import Penalty
from pylops_vmb.inversion.team import ALONE, Team
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True)
class Part:
    """Some shots: which of the survey, the operator that models them, what was observed."""

    which: slice
    F: NonlinearOperator
    dobs: torch.Tensor


Compare = Callable[[torch.Tensor, Part], torch.Tensor]


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
        The modelling of the whole survey.  `AcousticModelling2D` is run in batches of shots
        that fit its memory, with a gradient made for the band.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, nr, nt)`` of this member's shots: all of them, if it is alone.
    misfit : :obj:`str` or callable or :obj:`dict`
        How data are compared, see `parse_misfit`.
    lowpass : `LowPass`, optional
        Applied to both sides; its adjoint band-limits the residual.
    penalties : sequence of callables, optional
        Each from velocity ``(nx, nz)`` to a scalar.
    drawn : :obj:`bool`, optional
        Whether `draw` will be called: shots are then computed one by one.
    team : `Team`, optional
        Who shares the shots.

    Attributes
    ----------
    evaluations : :obj:`int`
        Gradients computed.

    Notes
    -----
    :math:`\phi(v) = m(L F(v) - L d) / m(L d) + \sum_i p_i(v)`.  Shares of shots are added in
    float64, so that the sum does not depend on how they were batched.
    """

    def __init__(
        self,
        F: NonlinearOperator,
        dobs: torch.Tensor,
        *,
        misfit: Chosen,
        lowpass: LowPass | None = None,
        penalties: Sequence[Penalty] = (),
        drawn: bool = False,
        team: Team = ALONE,
    ) -> None:
        self._lowpass = lowpass or (lambda d: d)
        self._team, self._penalties = team, tuple(penalties)
        ns, mine = F.dimsd[0], team.shots(F.dimsd[0])
        dobs = self._lowpass(dobs)
        self._misfit = RelativeMisfit(misfit, dobs, which=mine, ns=ns, team=team)
        if lowpass is not None and isinstance(F, AcousticModelling2D):
            # a broadband residual has the band of the filter, whatever that of the data
            F = F.for_band(lowpass.fmax if self._misfit.broadband else _inside(lowpass, F))
        self._parts, self._workers = _parts(F, dobs, mine, one_by_one=drawn)
        self._ns, self._drawn = ns, self._parts
        self.evaluations = 0

    def draw(self, count: int, seed: int) -> None:
        """Compare only `count` shots from now on, drawn at random but for the seed."""
        shots = torch.randperm(self._ns, generator=generator(seed))[:count].sort().values
        chosen = set(shots.tolist())
        self._misfit.draw(shots)
        self._drawn = [part for part in self._parts if part.which.start in chosen]

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return misfit, objective and gradient ``(nx, nz)`` at a velocity ``(nx, nz)``."""
        vp = vp.detach()
        self.evaluations += 1
        misfit, gradient = self._team.sum(partial(self._shares, vp))
        penalty, slope = self._penalise(vp)
        total = float(misfit) + penalty
        return Value(float(misfit), total, gradient.to(vp) + slope)

    def misfit(self, vp: torch.Tensor) -> float:
        """Return the data misfit alone, without a gradient."""
        return float(self._team.sum(partial(self._heights, vp.detach()))[0])

    def _shares(self, vp: torch.Tensor) -> list[torch.Tensor]:
        """Return misfit and gradient of this member's shots."""
        found = side_by_side(partial(_slope, self._compare, vp), self._drawn, workers=self._workers)
        misfit, gradient = torch.zeros((), dtype=torch.float64), torch.zeros_like(vp).double()
        for share, slope in found:
            misfit += share
            gradient += slope
        return [misfit, gradient]

    def _heights(self, vp: torch.Tensor) -> list[torch.Tensor]:
        with torch.no_grad():
            height = partial(_height, self._compare, vp)
            found = side_by_side(height, self._drawn, workers=self._workers)
        return [torch.tensor(sum(found), dtype=torch.float64)]

    def _compare(self, vp: torch.Tensor, part: Part) -> torch.Tensor:
        return self._misfit(self._lowpass(part.F._apply(vp)), part.dobs)

    def _penalise(self, vp: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Return the sum of the penalties and its gradient."""
        point = vp.clone().requires_grad_()
        with torch.enable_grad():
            heights = [penalty(point) for penalty in self._penalties]
        if not heights:
            return 0.0, torch.zeros_like(vp)
        total = torch.stack(heights).sum()
        return float(total.detach()), torch.autograd.grad(total, point)[0]


def _slope(compare: Compare, vp: torch.Tensor, part: Part) -> tuple[float, torch.Tensor]:
    with torch.enable_grad():
        point = vp.clone().requires_grad_()
        share = compare(point, part)
        return float(share.detach()), torch.autograd.grad(share, point)[0]


def _height(compare: Compare, vp: torch.Tensor, part: Part) -> float:
    with torch.no_grad():  # a mode of the thread, hence here
        height = compare(vp, part)
    return float(height)


def _inside(lowpass: LowPass, F: AcousticModelling2D) -> float:
    return min(lowpass.fmax, F.acq.fmax)


def _parts(
    F: NonlinearOperator, dobs: torch.Tensor, mine: slice, *, one_by_one: bool
) -> tuple[list[Part], int]:
    """Return what is computed at a time, and how many of them side by side."""
    if not isinstance(F, AcousticModelling2D):
        return [Part(mine, F, dobs)], 1
    fit, on_host = F.memory.require(), dobs.device.type == "cpu"
    step = 1 if on_host or one_by_one else fit
    starts = range(mine.start, mine.stop, step)
    batches = [slice(i, min(i + step, mine.stop)) for i in starts]
    workers = min(torch.get_num_threads(), fit, len(batches)) if on_host else 1
    return [_part(F, which, dobs, mine) for which in batches], workers


def _part(F: AcousticModelling2D, which: slice, dobs: torch.Tensor, mine: slice) -> Part:
    here = slice(which.start - mine.start, which.stop - mine.start)
    return Part(which, F.shots(which), dobs[here])
