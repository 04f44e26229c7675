"""Optimisers that respect bounds, one step at a time, on tensors of any device."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch

from pylops_vmb.inversion.objective import Height, Objective, Value
from pylops_vmb.inversion.preconditioning import Preconditioner

Function = Callable[[torch.Tensor], Value]
Bounds = tuple[float, float]


class Optimiser(Protocol):
    """One step at a time, with a state that can be saved; `stalled` once no step helps."""

    stalled: bool

    def step(self, x: torch.Tensor, function: Objective) -> tuple[torch.Tensor, Height]:
        """Return the next point and the objective where it was last evaluated."""

    def forget_value(self) -> None:
        """Forget the objective at the present point, because the objective changed."""

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly here."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""


class LBFGS:
    r"""Limited-memory BFGS with bounds by projection and a backtracking line search.

    Parameters
    ----------
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    precondition : `Preconditioner`
        First approximation of the inverse Hessian.
    first : :obj:`float`, optional
        Largest change in m/s of the first trial step.
    longest : :obj:`float`, optional
        Largest change in m/s of any trial step: keeps a step from skipping a cycle.
    memory : :obj:`int`, optional
        Number of pairs kept.
    trials : :obj:`int`, optional
        Evaluations a line search may take.

    Notes
    -----
    The two-loop recursion of Nocedal and Wright (2006, algorithm 7.4), with the
    preconditioner in the place of the first inverse Hessian, acts on the cells
    that are free: those at a bound whose gradient points outside stay.  Steps are accepted
    by Armijo's condition along the projected path (Bertsekas 1982); pairs with
    :math:`s^T y \le 0` are not kept.  A trial whose objective is not finite failed like one
    that is too high.  A failed line search forgets the pairs and tries steepest descent; if
    that fails too, `stalled` is set until a step succeeds.
    """

    def __init__(
        self,
        bounds: Bounds,
        precondition: Preconditioner,
        *,
        first: float = 50.0,
        longest: float = 300.0,
        memory: int = 10,
        trials: int = 8,
    ) -> None:
        self._bounds, self._precondition = bounds, precondition
        self._first, self._longest = first, longest
        self._memory, self._trials = memory, trials
        self._pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._value: Value | None = None
        self.stalled = False

    def step(self, x: torch.Tensor, function: Function) -> tuple[torch.Tensor, Value]:
        """Return the next point and the objective there."""
        here = self._value or function(x)
        if not math.isfinite(here.total):
            return x, here
        self._precondition.adapt(here.gradient)
        found = self._search(x, here, function)
        if found is None and self._pairs:
            self._pairs = []
            found = self._search(x, here, function)
        if found is None:
            self.stalled, self._value = True, here
            return x, here
        new, value = found
        self._remember(new - x, value.gradient - here.gradient)
        self.stalled, self._value = False, value
        return new, value

    def _search(
        self, x: torch.Tensor, here: Value, function: Function
    ) -> tuple[torch.Tensor, Value] | None:
        direction = self._direction(x, here.gradient)
        length = min(1.0, self._longest / max(float(direction.abs().max()), 1e-30))
        for _ in range(self._trials):
            new = (x + length * direction).clamp(*self._bounds)
            expected = dot(here.gradient, new - x)
            if expected < 0.0:
                value = function(new)
                if -math.inf < value.total <= here.total + 1e-4 * expected:
                    return new, value
            length *= 0.4
        return None

    def _direction(self, x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        low, high = self._bounds
        fixed = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        steepest = -gradient.masked_fill(fixed, 0.0)
        direction = self._two_loops(steepest).masked_fill(fixed, 0.0)
        if dot(direction, gradient) < 0.0:
            return direction
        self._pairs = []
        return self._scaled(steepest)

    def _two_loops(self, q: torch.Tensor) -> torch.Tensor:
        if not self._pairs:
            return self._scaled(q)
        alphas = []
        for s, y in reversed(self._pairs):
            alphas.append(dot(s, q) / dot(s, y))
            q = q - alphas[-1] * y
        s, y = self._pairs[-1]
        q = self._precondition(q) * (dot(s, y) / dot(y, self._precondition(y)))
        for (s, y), alpha in zip(self._pairs, reversed(alphas), strict=True):
            q = q + s * (alpha - dot(y, q) / dot(s, y))
        return q

    def _scaled(self, steepest: torch.Tensor) -> torch.Tensor:
        direction = self._precondition(steepest)
        return direction * (self._first / direction.abs().max().clamp(min=1e-30))

    def _remember(self, s: torch.Tensor, y: torch.Tensor) -> None:
        if dot(s, y) > 1e-10 * math.sqrt(dot(s, s) * dot(y, y)):
            self._pairs = [*self._pairs, (s, y)][-self._memory :]

    def forget_value(self) -> None:
        """Evaluate the present point again in the next step."""
        self._value = None

    def state(self) -> dict[str, Any]:
        """Return pairs and last value."""
        value = self._value
        return {
            "pairs": [list(pair) for pair in self._pairs],
            "value": value and [value.misfit, value.total, value.gradient],
            "precondition": self._precondition.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._pairs = [(s, y) for s, y in state["pairs"]]
        self._value = Value(*state["value"]) if state["value"] else None
        self._precondition.restore(state["precondition"])


class Adam:
    """Adam with projection onto the bounds and a decaying step.

    Parameters
    ----------
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    precondition : `Preconditioner`
        Its smoothing shapes the gradient and its mask the step; illumination has no effect.
    lr : :obj:`float`, optional
        Step of a cell in m/s.
    niter : :obj:`int`, optional
        Iterations over which the step decays to a tenth, by half a cosine.

    Notes
    -----
    Each cell is scaled by its own gradient history (Kingma and Ba 2015, with decays .9 and
    .99), which acts as an illumination compensation and copes with misfits that are not
    smooth, such as L1.
    """

    def __init__(
        self, bounds: Bounds, precondition: Preconditioner, *, lr: float = 40.0, niter: int = 90
    ) -> None:
        self._bounds, self._precondition = bounds, precondition
        self._lr, self._niter = lr, niter
        self._moments: tuple[torch.Tensor, torch.Tensor] | None = None
        self._count = 0
        self.stalled = False

    def step(self, x: torch.Tensor, function: Function) -> tuple[torch.Tensor, Value]:
        """Return the next point and the objective at the present one."""
        here = function(x)
        g = self._precondition(here.gradient)
        first, second = self._moments or (torch.zeros_like(g), torch.zeros_like(g))
        first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g.square()
        self._moments, self._count = (first, second), self._count + 1
        scale = (second / (1 - 0.99**self._count)).sqrt()
        direction = first / (1 - 0.9**self._count) / scale.clamp(min=1e-30)
        step = self._precondition.hold(self._rate() * direction)
        return (x - step).clamp(*self._bounds), here

    def _rate(self) -> float:
        done = torch.tensor(min(1.0, (self._count - 1) / self._niter))
        return self._lr * float(0.55 + 0.45 * torch.cos(torch.pi * done))

    def forget_value(self) -> None:
        """Do nothing: every step evaluates."""

    def state(self) -> dict[str, Any]:
        """Return moments and count."""
        return {"moments": self._moments and list(self._moments), "count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._moments = state["moments"] and tuple(state["moments"])
        self._count = state["count"]


def dot(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return an inner product in float64: in float32 it would depend on the number of threads."""
    return float((a.double() * b.double()).sum())
