"""The objective of an inversion in one band: data misfit plus penalties, and its gradient."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from pylops_vmb.inversion.bands import LowPass, in_band
from pylops_vmb.inversion.comparisons import live
from pylops_vmb.inversion.derivatives import Derivatives
from pylops_vmb.inversion.layers import Layers
from pylops_vmb.inversion.misfits import Chosen, RelativeMisfit
from pylops_vmb.inversion.parts import Part, fit_together, split
from pylops_vmb.inversion.processes import ALONE, Team
from pylops_vmb.inversion.regularisation import Penalty
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.operators import NonlinearOperator

Compare = Callable[[torch.Tensor, Part], torch.Tensor]
Slope = Callable[[Part], tuple[float, torch.Tensor]]

Curve = Callable[[torch.Tensor], tuple[float, torch.Tensor]]
"""From a change ``p`` of the velocity to ``p^T H p`` and ``H p``, with the Hessian ``H``."""


@dataclass(frozen=True)
class Height:
    """An objective at a point: misfit, and misfit plus penalties."""

    misfit: float
    total: float


@dataclass(frozen=True)
class Value(Height):
    """An objective at a point, and its gradient ``(nx, nz)``."""

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
    unknowns : `Layers`, optional
        What it is a function of, and its gradient is by, instead of a velocity.
    team : `Team`, optional
        Who shares the shots.

    Attributes
    ----------
    evaluations : :obj:`int`
        Gradients computed, and products with a Gauss-Newton Hessian.

    Notes
    -----
    :math:`\phi(v) = m(L F(v) - L d) / m(L d) + \sum_i p_i(v)`, over the traces of :math:`d` that
    are not exactly zero.  Shares of shots are added in
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
        unknowns: Layers | None = None,
        team: Team = ALONE,
    ) -> None:
        self._unknowns = unknowns
        self._lowpass = lowpass or (lambda d: d)
        self._team, self._penalties = team, tuple(penalties)
        ns, mine = F.dimsd[0], team.shots(F.dimsd[0])
        dobs = live(dobs) * self._lowpass(dobs)  # exact zeros, whatever a transform makes of them
        self._misfit = RelativeMisfit(misfit, dobs, which=mine, ns=ns, team=team)
        if lowpass is not None and isinstance(F, AcousticModelling2D):
            F = in_band(F, lowpass, broadband=self._misfit.broadband)
        self._parts, self._workers = split(F, dobs, mine, one_by_one=drawn)
        self._keep = fit_together(F, dobs)
        self._drawn = self._parts
        self.evaluations = 0

    def draw(self, shots: Collection[int]) -> None:
        """Compare only these shots from now on; the misfit then estimates that of all."""
        self._misfit.draw(len(shots))
        self._drawn = [part for part in self._parts if part.which.start in shots]

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return misfit, objective and gradient ``(nx, nz)`` at a velocity ``(nx, nz)``."""
        vp = self._spread(vp.detach())
        return self._value(vp, partial(_slope, self._compare, vp))

    def linearize(self, vp: torch.Tensor) -> tuple[Value, Curve]:
        r"""Return the objective at a velocity, and its Gauss-Newton Hessian there.

        Parameters
        ----------
        vp : :obj:`torch.Tensor`
            Velocity ``(nx, nz)``.

        Returns
        -------
        value : `Value`
            Misfit, objective and gradient.
        curve : callable
            From a change `p` ``(nx, nz)`` of the velocity to :math:`p^T H p` and `H p`.

        Notes
        -----
        Only for an L2 misfit and quadratic penalties, whose values for a change alone are,
        without the data they compare with, half of its curvature:
        :math:`H = 2 J^H L^H L J / \|L d\|^2 + \sum_i Q_i`.  Both products of a shot follow
        each other, so that no data are kept, and what the members of a team add is of the
        size of the model.
        """
        vp = self._spread(vp.detach())
        derivatives = Derivatives(vp, keep=self._keep)
        value = self._value(vp, partial(derivatives.slope, self._differ))
        return value, partial(self._curve, derivatives)

    def height(self, vp: torch.Tensor) -> Height:
        """Return misfit and objective, without a gradient."""
        misfit = self.misfit(vp)
        return Height(misfit, misfit + _penalise(self._penalties, self._spread(vp))[0])

    def misfit(self, vp: torch.Tensor) -> float:
        """Return the data misfit alone, without a gradient."""
        return float(self._team.sum(partial(self._heights, self._spread(vp.detach())))[0])

    def _value(
        self, vp: torch.Tensor, slope: Slope, penalties: Sequence[Penalty] | None = None
    ) -> Value:
        self.evaluations += 1
        misfit, gradient = self._team.sum(partial(self._shares, slope, vp))
        penalty, rise = _penalise(self._penalties if penalties is None else penalties, vp)
        gradient = self._gather(gradient.to(vp) + rise)
        # one number to judge by: without a gradient, a value is of no use
        usable = 1.0 if bool(gradient.isfinite().all()) else math.nan
        return Value(float(misfit), usable * (float(misfit) + penalty), gradient)

    def _curve(self, derivatives: Derivatives, dv: torch.Tensor) -> tuple[float, torch.Tensor]:
        penalties = [getattr(penalty, "bend", penalty) for penalty in self._penalties]
        dv = self._unknowns.change(dv) if self._unknowns else dv
        half = self._value(dv, partial(derivatives.bend, self._weigh, dv), penalties)
        return 2.0 * half.total, half.gradient

    def _spread(self, x: torch.Tensor) -> torch.Tensor:
        return self._unknowns.spread(x) if self._unknowns else x

    def _gather(self, gradient: torch.Tensor) -> torch.Tensor:
        return self._unknowns.gather(gradient) if self._unknowns else gradient

    def _shares(self, slope: Slope, vp: torch.Tensor) -> list[torch.Tensor]:
        """Return misfit and gradient of this member's shots."""
        found = side_by_side(slope, self._drawn, workers=self._workers)
        misfit, gradient = torch.zeros((), dtype=torch.float64), torch.zeros_like(vp).double()
        for share, rise in found:
            misfit += share
            gradient += rise
        return [misfit, gradient]

    def _heights(self, vp: torch.Tensor) -> list[torch.Tensor]:
        with torch.no_grad():
            height = partial(_height, self._compare, vp)
            found = side_by_side(height, self._drawn, workers=self._workers)
        return [torch.tensor(sum(found), dtype=torch.float64)]

    def _compare(self, vp: torch.Tensor, part: Part) -> torch.Tensor:
        return self._differ(part.F._apply(vp), part)

    def _differ(self, d: torch.Tensor, part: Part) -> torch.Tensor:
        return self._misfit(self._lowpass(d), part.dobs)

    def _weigh(self, dd: torch.Tensor, part: Part) -> torch.Tensor:
        """Return the misfit of a change of the data alone."""
        return self._misfit.bend(self._lowpass(dd), part.dobs)


def _penalise(penalties: Sequence[Penalty], vp: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return the sum of some penalties and its gradient."""
    point = vp.clone().requires_grad_()
    with torch.enable_grad():
        heights = [penalty(point) for penalty in penalties]
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
