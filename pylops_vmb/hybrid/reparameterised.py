"""Velocity as what a network makes of its numbers: the chain rule, and steps of these numbers.

The gradient with respect to velocity comes from the wave equation, planned and band-limited as
in any inversion; autograd sees the network alone.
"""

from collections.abc import Callable
from typing import Any

import torch

from pylops_vmb.inversion.objective import Objective, Value
from pylops_vmb.inversion.optimisers import Optimiser
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.networks.adapters import Adapted, call

Bounds = tuple[float, float]
Slope = Callable[[torch.Tensor], Value]


class Reparameterisation:
    r"""Velocity within bounds, as a function of a vector of numbers of a network.

    Parameters
    ----------
    adapted : `Adapted`
        The network, and which of its numbers there are.
    inputs : :obj:`torch.Tensor`
        What it is fed, ``(n, channels, rows, columns)``.
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    stacked : :obj:`bool`, optional
        Whether velocity is ``(n, nx, nz)``; otherwise `n` is one and it is ``(nx, nz)``.

    Attributes
    ----------
    theta : :obj:`torch.Tensor`
        The present numbers, never changed in place.

    Notes
    -----
    :math:`v(\theta) = v_0 + M (\min(\max(N_\theta, a), b) - v_0)` with the bounds and, where
    cells are held, a mask :math:`M`.  The gradient passes the bounds straight through, but
    where it would drive a velocity further out:

    .. math:: \nabla_\theta \phi = J_N^T M P \nabla_v \phi

    with a preconditioner :math:`P`, as two products: of the wave equation, and of the network.
    """

    def __init__(
        self, adapted: Adapted, inputs: torch.Tensor, *, bounds: Bounds, stacked: bool = False
    ) -> None:
        self.adapted, self._inputs = adapted, inputs
        self._bounds, self._stacked = bounds, stacked
        self._mask: torch.Tensor | None = None
        self._anchor: torch.Tensor | None = None
        self.theta = adapted.start()

    def hold(self, mask: torch.Tensor | None, anchor: torch.Tensor) -> None:
        """Keep cells where a mask is zero as they are in a model."""
        self._mask, self._anchor = mask, anchor

    def raw(self, theta: torch.Tensor) -> torch.Tensor:
        """Return what the network says, differentiable."""
        vp = call(self.adapted, theta, self._inputs)[:, 0].mT
        return vp if self._stacked else vp[0]

    def vp(self) -> torch.Tensor:
        """Return the present velocity."""
        with torch.no_grad():
            return self._held(self.raw(self.theta))

    def value(self, theta: torch.Tensor, function: Slope, smoothen: Preconditioner) -> Value:
        """Return an objective of velocity, with its gradient for the numbers.

        Parameters
        ----------
        theta : :obj:`torch.Tensor`
            The numbers.
        function : callable
            From velocity to `Value`.
        smoothen : `Preconditioner`
            Shapes the gradient with respect to velocity.

        Returns
        -------
        value : `Value`
            Its gradient is of the shape of `theta`.
        """
        with torch.enable_grad():
            point = theta.detach().requires_grad_()
            raw = self.raw(point)
        here = function(self._held(raw.detach()))
        slope = _shaped(smoothen, here.gradient)
        low, high = self._bounds
        out = ((raw <= low) & (slope > 0)) | ((raw >= high) & (slope < 0))
        slope = slope.masked_fill(out, 0.0)
        slope = slope if self._mask is None else slope * self._mask
        (gradient,) = torch.autograd.grad(raw, point, slope)
        return Value(here.misfit, here.total, gradient)

    def _held(self, raw: torch.Tensor) -> torch.Tensor:
        vp = raw.clamp(*self._bounds)
        if self._mask is not None and self._anchor is not None:
            vp = self._anchor + self._mask * (vp - self._anchor)
        return vp.contiguous()


class OnNumbers:
    """An optimiser that steps the numbers of a network in the place of velocity.

    Parameters
    ----------
    network : `Reparameterisation`
        Its `theta` is the state of the iteration.
    inner : `Optimiser`
        Of vectors without bounds.
    smoothen : `Preconditioner`
        Shapes the gradient with respect to velocity.

    Attributes
    ----------
    stalled : :obj:`bool`
        Whether no step helps.
    """

    def __init__(
        self, network: Reparameterisation, inner: Optimiser, *, smoothen: Preconditioner
    ) -> None:
        self._network, self._inner, self._smoothen = network, inner, smoothen
        self.stalled = False

    def step(self, x: torch.Tensor, function: Objective) -> tuple[torch.Tensor, Any]:
        """Return the next velocity and the objective where it was last evaluated."""
        del x  # a function of the numbers

        def pulled(theta: torch.Tensor) -> Value:
            return self._network.value(theta, function, self._smoothen)

        theta, value = self._inner.step(self._network.theta, pulled)  # type: ignore[arg-type]
        self._network.theta, self.stalled = theta, self._inner.stalled
        return self._network.vp(), value

    def forget_value(self) -> None:
        """Forget the objective at the present point."""
        self._inner.forget_value()

    def state(self) -> dict[str, Any]:
        """Return the states of optimiser and preconditioner; the numbers are saved elsewhere."""
        return {"inner": self._inner.state(), "smoothen": self._smoothen.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._inner.restore(state["inner"])
        self._smoothen.restore(state["smoothen"])


def _shaped(smoothen: Preconditioner, gradient: torch.Tensor) -> torch.Tensor:
    """Return a gradient ``(nx, nz)`` or ``(n, nx, nz)`` as a preconditioner shapes it."""
    stack = gradient if gradient.ndim == 3 else gradient[None]
    smoothen.adapt(stack.abs().mean(0))
    return torch.stack([smoothen(one) for one in stack]).reshape(gradient.shape)
