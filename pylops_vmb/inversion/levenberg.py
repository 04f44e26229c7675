"""The optimiser of Gauss-Newton: damped least squares by conjugate gradients, with bounds."""

import math
from collections.abc import Callable
from typing import Any

import torch

from pylops_vmb.inversion.objective import Curve, Height, Objective, Value
from pylops_vmb.inversion.optimisers import Bounds, dot
from pylops_vmb.inversion.preconditioning import Preconditioner

_LEAST = 1e-3
"""Damping after a rejected step, at least."""
_PATIENCE = 4
"""So many steps rejected one after the other mean that none helps."""
_TOLERANCE = 1e-8
"""The inner iterations end where the gradient of the local problem fell by this factor."""


class LevenbergMarquardt:
    r"""Gauss-Newton steps with a damping that follows their success.

    Parameters
    ----------
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    precondition : `Preconditioner`
        Its root is the change of variables.
    ninner : :obj:`int`, optional
        Conjugate gradient iterations a step; each takes one product with the Hessian.
    damp : :obj:`float`, optional
        First damping, relative to the curvature along the steepest descent.
    longest : :obj:`float`, optional
        Largest change in m/s of a step: keeps it from skipping a cycle.
    trials : :obj:`int`, optional
        Lengths of a step that are tried; each takes one simulation without gradient.

    Notes
    -----
    With gradient :math:`g` and Gauss-Newton Hessian :math:`H` of the objective
    (`Objective.linearize`) and the root :math:`C` of the preconditioner, whose rows are zero
    in cells that a bound or the mask holds, the step :math:`p = C u` minimises

    .. math::
        g^T C u + \tfrac{1}{2} u^T (C^T H C + \lambda s) u, \qquad
        s = \frac{b^T C^T H C\, b}{b^T b}, \qquad b = -C^T g,

    which is the damped least-squares problem of the residuals, by conjugate gradients as in
    CGLS: in a few iterations they find the directions that the data resolve.  The step is
    shortened until Armijo's condition holds along the projected path (Bertsekas 1982).  The
    damping :math:`\lambda` falls after a whole step that keeps half of the promised descent,
    and rises after a shortened one.  A step that fails changes the damping only, and
    `stalled` is set after four in a row.

    References
    ----------
    J. Nocedal and S. J. Wright, Numerical Optimization (2006), chapter 10.
    """

    def __init__(
        self,
        bounds: Bounds,
        precondition: Preconditioner,
        *,
        ninner: int = 6,
        damp: float = 1e-2,
        longest: float = 300.0,
        trials: int = 3,
    ) -> None:
        self._bounds, self._precondition = bounds, precondition
        self._ninner, self._damp = ninner, damp
        self._longest, self._trials = longest, trials
        self._rejected = 0
        self.stalled = False

    def step(self, x: torch.Tensor, function: Objective) -> tuple[torch.Tensor, Height]:
        """Return the next point, or the same one, and the objective there."""
        here, curve = function.linearize(x)
        if not math.isfinite(here.total):
            return x, here
        self._precondition.adapt(here.gradient)
        direction = self._direction(x, here.gradient, curve)
        del curve  # and with it the stored wavefields
        found = self._search(x, here, direction, function)
        if found is None:
            self._rejected += 1
            self._damp = max(10.0 * self._damp, _LEAST)
            self.stalled = self._rejected >= _PATIENCE or not bool(direction.any())
            return x, here
        self._rejected, self.stalled = 0, False
        return found

    def _direction(self, x: torch.Tensor, gradient: torch.Tensor, curve: Curve) -> torch.Tensor:
        low, high = self._bounds
        fixed = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))

        def spread(u: torch.Tensor) -> torch.Tensor:
            return self._precondition.root(u).masked_fill(fixed, 0.0)

        def product(u: torch.Tensor) -> tuple[float, torch.Tensor]:
            curvature, image = curve(spread(u))
            return curvature, _transposed(spread, image)

        descent = _transposed(spread, -gradient)
        return spread(damped_descent(product, descent, niter=self._ninner, damp=self._damp))

    def _search(
        self, x: torch.Tensor, here: Value, direction: torch.Tensor, function: Objective
    ) -> tuple[torch.Tensor, Height] | None:
        length = min(1.0, self._longest / max(float(direction.abs().max()), 1e-30))
        for trial in range(self._trials):
            new = (x + length * direction).clamp(*self._bounds)
            expected = dot(here.gradient, new - x)
            if expected >= 0.0:
                return None
            value = function.height(new)
            gain = (value.total - here.total) / expected
            if gain >= 1e-4:
                self._adapt(whole=trial == 0 and gain >= 0.25)
                return new, value
            length *= 0.3
        return None

    def _adapt(self, *, whole: bool) -> None:
        self._damp *= 0.3 if whole else 3.0

    def forget_value(self) -> None:
        """Do nothing: every step evaluates."""

    def state(self) -> dict[str, Any]:
        """Return damping, failures and illumination."""
        return {
            "damp": self._damp,
            "rejected": self._rejected,
            "precondition": self._precondition.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._damp, self._rejected = state["damp"], state["rejected"]
        self._precondition.restore(state["precondition"])


class WholeHessian(LevenbergMarquardt):
    r"""The same with the whole Hessian, for as many unknowns as products are affordable.

    Notes
    -----
    Each step takes one product an unknown, makes the matrix :math:`H` of them, and solves
    :math:`(H + \lambda\,\mathrm{diag}\,H)\, p = -g` in float64 (Marquardt, 1963): where
    conjugate gradients leave the directions that data hardly resolve, this one does not.
    The damping falls tenfold after each step that keeps its promise, to 1e-7 at least, the
    noise of products in float32.  The preconditioner is not used.
    """

    def _direction(self, x: torch.Tensor, gradient: torch.Tensor, curve: Curve) -> torch.Tensor:
        free = self._free(x, gradient)
        H = self._matrix(curve, x, free)
        step, descent = torch.zeros_like(x).reshape(-1), -gradient.reshape(-1)[free].double()
        step[free] = solve_flat(H, descent, damp=self._damp).to(x)
        return step.reshape(x.shape)

    def _free(self, x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Return which unknowns no bound holds, as a flat mask."""
        low, high = self._bounds
        held: torch.Tensor = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        return ~held.reshape(-1)

    @staticmethod
    def _matrix(curve: Curve, x: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """Return the Hessian by the free unknowns, in float64."""
        units = torch.eye(x.numel(), dtype=x.dtype, device=x.device)[free]
        rows = [curve(unit.reshape(x.shape))[1].reshape(-1)[free].double() for unit in units]
        H = torch.stack(rows) if rows else units.double()[:, :0]
        return 0.5 * (H + H.T)

    def _adapt(self, *, whole: bool) -> None:
        self._damp = max(0.1 * self._damp, 1e-7) if whole else 3.0 * self._damp


def solve_flat(H: torch.Tensor, descent: torch.Tensor, *, damp: float = 0.0) -> torch.Tensor:
    """Solve a damped system; directions of negative curvature, which are noise, count as flat.

    Parameters
    ----------
    H : :obj:`torch.Tensor`
        Symmetric matrix ``(n, n)``, float64.
    descent : :obj:`torch.Tensor`
        Right-hand side, ``(n,)``.
    damp : :obj:`float`, optional
        Added to the curvatures of the system whose diagonal is scaled to one, which are at
        least 1e-13 then.

    Returns
    -------
    step : :obj:`torch.Tensor`
        Solution, ``(n,)``.
    """
    diagonal = H.diagonal()
    if not diagonal.numel():
        return descent
    scale = diagonal.clamp(min=1e-12 * float(diagonal.max().clamp(min=1e-300))).rsqrt()
    curvatures, directions = torch.linalg.eigh(scale[:, None] * H * scale)
    along = directions.T @ (scale * descent)
    curvatures = (curvatures.clamp(min=0.0) + damp).clamp(min=1e-13)
    step: torch.Tensor = scale * (directions @ (along / curvatures))
    return step


def damped_descent(
    product: Curve, descent: torch.Tensor, *, niter: int, damp: float
) -> torch.Tensor:
    r"""Minimise :math:`-b^T u + \frac{1}{2} u^T (H + \lambda s) u` by conjugate gradients.

    Parameters
    ----------
    product : callable
        From `u` to :math:`u^T H u` and :math:`H u`.
    descent : :obj:`torch.Tensor`
        :math:`b`, any shape.
    niter : :obj:`int`
        Products at most.
    damp : :obj:`float`
        :math:`\lambda`; :math:`s` is the curvature along `b`, :math:`b^T H b / b^T b`.

    Returns
    -------
    u : :obj:`torch.Tensor`
        Zero if `b` is, or where no curvature is positive.
    """
    u, residual, direction = torch.zeros_like(descent), descent, descent
    slope = first = dot(residual, residual)
    weight: float | None = None
    for _ in range(niter):
        if slope <= _TOLERANCE**2 * first:
            break
        curvature, image = product(direction)
        weight = damp * curvature / slope if weight is None else weight
        curvature += weight * dot(direction, direction)
        if curvature <= 0.0:
            break
        length = slope / curvature
        u = u + length * direction
        residual = residual - length * (image + weight * direction)
        slope, last = dot(residual, residual), slope
        direction = residual + (slope / last) * direction
    return u


def _transposed(linear: Callable[[torch.Tensor], torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    with torch.enable_grad():
        u = torch.zeros_like(y).requires_grad_()
        return torch.autograd.grad(linear(u), u, y)[0]
