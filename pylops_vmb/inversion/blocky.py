"""Gauss-Newton for few layers: differences between depths cost, however large they are."""

import math
from typing import Any

import torch

from pylops_vmb.inversion.levenberg import WholeHessian, solve_flat
from pylops_vmb.inversion.objective import Height, Objective, Value
from pylops_vmb.inversion.optimisers import Bounds
from pylops_vmb.inversion.preconditioning import Preconditioner

_INNER = 15
"""Reweightings of a step: each is a solution of a system that is there already."""
_TRIALS = 6
_FALL = 0.2
"""Damping and weight of the penalty fall by this factor after a step that helped, at most."""
_DAMP = 1e-13
"""Least damping: the noise of products in float64."""


class BlockyHessian(WholeHessian):
    r"""The whole Hessian, and a penalty that prefers few jumps, of any height.

    Parameters
    ----------
    bounds, precondition
        As in `WholeHessian`.
    jump : :obj:`float`
        Differences of neighbours in m/s far below it count as none.
    weight : :obj:`float`, optional
        First weight of the penalty, in units of a relative data misfit.
    damp, longest
        As in `LevenbergMarquardt`.

    Notes
    -----
    Each step lowers

    .. math::
        \phi(u) + \frac{\epsilon}{n} \sum_z \log \left( (u_{z+1} - u_z)^2 + \delta^2 \right)

    whose penalty grows with the number of jumps and hardly with their height.  Around the
    last step :math:`p` it is quadratic, with the weights
    :math:`1 / ((u_{z+1} + p_{z+1} - u_z - p_z)^2 + \delta^2)`; they are renewed until they
    fit the step (iteratively reweighted least squares), for which the data are not modelled
    again.  :math:`\epsilon` falls fivefold with each step but not below :math:`\phi` itself,
    so that in the end the data decide, and the penalty among models that fit equally.

    References
    ----------
    E. J. Candes, M. B. Wakin and S. P. Boyd, 2008. Enhancing sparsity by reweighted l1
    minimization. J. Fourier Anal. Appl. 14, 877-905.
    """

    def __init__(
        self,
        bounds: Bounds,
        precondition: Preconditioner,
        *,
        jump: float,
        weight: float = 1e-4,
        damp: float = 1e-2,
        longest: float = 300.0,
    ) -> None:
        super().__init__(bounds, precondition, damp=damp, longest=longest)
        self._jump, self._weight = jump, weight

    def step(self, x: torch.Tensor, function: Objective) -> tuple[torch.Tensor, Height]:
        """Return the next point, or the same one, and the objective there."""
        here, curve = function.linearize(x)
        if not math.isfinite(here.total):
            return x, here
        free = self._free(x, here.gradient)
        H = self._matrix(curve, x, free)
        self._weight = max(self._weight, here.total)
        for _ in range(_TRIALS):
            new = (x + self._shortened(self._blocky(H, free, x, here))).clamp(*self._bounds)
            value = function.height(new)
            if self._penalised(value, new) < self._penalised(here, x):
                self._damp, self._weight = max(_FALL * self._damp, _DAMP), _FALL * self._weight
                self.stalled = False
                return new, value
            self._damp *= 5.0
        self._weight *= _FALL
        self._rejected += 1
        self.stalled = self._rejected >= _TRIALS
        return x, here

    def _shortened(self, step: torch.Tensor) -> torch.Tensor:
        return step * min(1.0, self._longest / max(float(step.abs().max()), 1e-30))

    def _penalised(self, value: Height, x: torch.Tensor) -> float:
        u = x.double().reshape(-1)
        logs = (u.diff().square() + self._jump**2).log().sum()
        return value.total + self._weight / u.numel() * float(logs)

    def _blocky(
        self, H: torch.Tensor, free: torch.Tensor, x: torch.Tensor, here: Value
    ) -> torch.Tensor:
        """Return the step whose weights are its own."""
        u = x.double().reshape(-1)
        descent = -here.gradient.double().reshape(-1)[free]
        damped = H + self._damp * H.diagonal().diag()
        differences = torch.eye(u.numel(), dtype=u.dtype, device=u.device).diff(dim=0)
        step = torch.zeros_like(u)
        for _ in range(_INNER):
            rows = differences / ((u + step).diff().square() + self._jump**2).sqrt()[:, None]
            bend = 2.0 * self._weight / u.numel() * (rows.T @ rows)
            step[free] = solve_flat(damped + bend[free][:, free], descent - (bend @ u)[free])
        return step.to(x).reshape(x.shape)

    def state(self) -> dict[str, Any]:
        """Return damping, failures, and the weight of the penalty."""
        return super().state() | {"weight": self._weight}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        super().restore(state)
        self._weight = state["weight"]
