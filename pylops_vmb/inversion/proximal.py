"""The data misfit as a function for pyproximal: imported only when it is asked for."""

import math
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import generator, kind_of, to_tensor
from pylops_vmb._checks import check_integer, check_number, check_shape, refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective, Value
from pylops_vmb.inversion.observed import take_shots
from pylops_vmb.inversion.optimisers import LBFGS
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.processes import ALONE
from pylops_vmb.inversion.starts import check_bounds, check_reach
from pylops_vmb.operators import NonlinearOperator

Nonlinear: Any = optional_import("pyproximal", "L2Misfit").Nonlinear


class L2Misfit(Nonlinear):  # type: ignore[misc]
    r"""The L2 data misfit of a modelling, for the solvers of pyproximal.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    dobs : array
        Observed data ``(ns, nr, nt)`` or flat; they also choose precision and device.
    sigma : :obj:`float`, optional
        Factor :math:`\sigma`.
    band : :obj:`float`, optional
        Low-pass corner in Hz, as in the bands of `FWI`; None is the full band.
    bounds : :obj:`tuple`, optional
        Lowest and highest velocity in m/s of what `prox` returns.
    x0 : array, optional
        Where the first `prox` begins; by default at its argument.
    niter : :obj:`int`, optional
        Iterations of L-BFGS in a `prox`.
    warm : :obj:`bool`, optional
        Begin a `prox` where the last one ended.

    Raises
    ------
    VMBImportError
        If pyproximal is not installed.
    VMBValueError
        If the data have a wrong shape, hold NaN or are zero, or a band is named without a
        survey.

    Notes
    -----
    .. math:: f(v) = \sigma \frac{\|L F(v) - L d\|^2}{\|L d\|^2}

    with velocity in m/s and the low-pass :math:`L`: 1 for zero data, the misfit that `FWI`
    lists.  So the step `tau` of a solver is in (m/s)², and the weight of a total variation in
    s/m: with 1e-6 a step of 500 m/s along 24 cells costs 0.012.  A `tau` that descends is
    ``1 / f.lipschitz(x0)``, as long as the model is like `x0`.  The backtracking of pyproximal
    (``tau=None``) only shortens steps, from 1: it needs ``sigma=8 / f.lipschitz(x0)`` or the
    like, and the other terms in that scale.

    ``f.prox`` minimises :math:`f(v) + \|v - x\|^2 / 2 \tau` within the bounds: with
    ``PrimalDual`` no other term has to hold them.  Vectors are flat or ``(nx, nz)``; NumPy
    arrays suit all of pyproximal, while tensors suit only these methods.  The value and the
    gradient at the last point are kept, because backtracking asks for them again and again.

    References
    ----------
    N. Parikh and S. Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1 (2014).

    Examples
    --------
    >>> import numpy as np, pyproximal
    >>> import pylops_vmb as vmb
    >>> acq = vmb.Acquisition.fixed_spread([80.0], 10.0 * np.arange(16), nt=60, dt=2e-3, f0=20.0)
    >>> F = vmb.AcousticModelling2D(vmb.Grid((16, 12), 10.0), acq)
    >>> x0 = np.full(F.shape[1], 2000.0)
    >>> f = vmb.L2Misfit(F, F(x0 + 100.0))
    >>> x = pyproximal.optimization.primal.ProximalGradient(
    ...     f, pyproximal.Box(1500.0, 2500.0), x0, tau=1.0 / f.lipschitz(x0), niter=3)
    >>> bool(f(x) < f(x0))
    True
    """

    def __init__(
        self,
        F: NonlinearOperator,
        dobs: Any,
        *,
        sigma: float = 1.0,
        band: float | None = None,
        bounds: tuple[float, float] = (1500.0, 4500.0),
        x0: Any = None,
        niter: int = 5,
        warm: bool = True,
    ) -> None:
        super().__init__(x0, check_integer("niter", niter, at_least=1), warm)
        self.sigma = check_number("sigma", sigma, above=0.0)
        self._F, self._bounds = F, check_bounds(bounds)
        check_reach(F, self._bounds)
        _, self._dobs = take_shots(F, dobs, ALONE)
        self._objective = Objective(F, self._dobs, misfit="l2", lowpass=_lowpass(F, band))
        self._last: tuple[torch.Tensor, Value] | None = None

    def fun(self, x: Any) -> float:
        """Return the misfit at a velocity in m/s."""
        point = self._enter(x)
        known = self._known(point)
        return self.sigma * (known.misfit if known else self._objective.misfit(point))

    def grad(self, x: Any) -> Any:
        """Return the gradient in s/m, of the kind and shape of `x`."""
        return self.fungrad(x)[1]

    def fungrad(self, x: Any) -> tuple[float, Any]:
        """Return misfit and gradient."""
        value = self._evaluate(self._enter(x))
        return self.sigma * value.misfit, _leave(self.sigma * value.gradient, x)

    def optimize(self) -> Any:
        """Return the solution of the present `prox`, for pyproximal."""
        x = self._enter(self.y if self.x0 is None else self.x0).clamp(*self._bounds)
        farthest = float(self._proximal(x).gradient.abs().max())
        first = min(50.0, max(self.tau * farthest, 1e-3))  # of the quadratic alone
        optimiser = LBFGS(self._bounds, Preconditioner(illumination=False), first=first)
        for _ in range(self.niter):
            x, _value = optimiser.step(x, self._proximal)
            if optimiser.stalled:
                break
        return _leave(x, self.y)

    def lipschitz(self, x: Any, *, niter: int = 10, seed: int = 0) -> float:
        r"""Estimate the Lipschitz constant of the gradient near a velocity.

        Parameters
        ----------
        x : array
            Velocity in m/s.
        niter : :obj:`int`, optional
            Power iterations; each is a Born modelling and its adjoint.
        seed : :obj:`int`, optional
            Seed of the first vector.

        Returns
        -------
        lipschitz : :obj:`float`
            Largest eigenvalue of the Gauss-Newton Hessian
            :math:`2 \sigma J^H L^H L J / \|L d\|^2` in (s/m)², from below.
        """
        point = self._enter(x)
        _, curve = self._objective.linearize(point)
        vector = torch.randn(point.shape, generator=generator(seed), dtype=torch.float64).to(point)
        largest = 0.0
        for _ in range(check_integer("niter", niter, at_least=1)):
            vector = vector / vector.norm()
            largest, vector = curve(vector)
        return self.sigma * largest

    def _enter(self, x: Any) -> torch.Tensor:
        check_shape("x", np.shape(x), self._F.dims, axes="(nx, nz)")
        point = to_tensor(x, device=self._dobs.device, dtype=self._dobs.dtype, name="x").detach()
        point = point.reshape(self._F.dims)
        self._F._check(point)
        return point

    def _evaluate(self, point: torch.Tensor) -> Value:
        value = self._known(point) or self._objective(point)
        self._last = point.clone(), value
        return value

    def _known(self, point: torch.Tensor) -> Value | None:
        return self._last[1] if self._last and torch.equal(point, self._last[0]) else None

    def _proximal(self, point: torch.Tensor) -> Value:
        """Return the objective of a `prox` with its gradient."""
        value, centre = self._evaluate(point), to_tensor(self.y).to(point)
        away = point - centre.reshape(point.shape)
        total = self.sigma * value.misfit + float(away.double().square().sum()) / (2.0 * self.tau)
        return Value(value.misfit, total, self.sigma * value.gradient + away / self.tau)


def _lowpass(F: NonlinearOperator, band: float | None) -> LowPass | None:
    acq = getattr(F, "acq", None)
    if acq is not None:
        corner = math.inf if band is None else check_number("band", band, above=0.0, unit="Hz")
        return LowPass(corner, acq.nt, acq.dt)
    if band is not None:
        refuse("band", f"needs a survey, and {F.name} has none", got=band, do="Leave it out")
    return None


def _leave(tensor: torch.Tensor, like: Any) -> Any:
    return kind_of(like).restore(tensor.reshape(tuple(np.shape(like))))
