"""Velocity that depends on depth alone, as the unknowns of an inversion."""

import torch


class Layers:
    r"""Models ``(nx, nz)`` that are one profile of depth wherever they may change.

    Parameters
    ----------
    base : :obj:`torch.Tensor`
        Velocity ``(nx, nz)`` in m/s, kept where the mask holds it.
    mask : :obj:`torch.Tensor`, optional
        Weights ``(nx, nz)`` from 0 to 1 of the cells that may change.

    Attributes
    ----------
    base : :obj:`torch.Tensor`
        As given.

    Notes
    -----
    With the profile :math:`u(z)` and the mask :math:`m`,

    .. math:: v(x, z) = m(x, z)\, u(z) + (1 - m(x, z))\, v_0(x, z).

    Profiles are tensors ``(1, nz)``, so that all that acts on a velocity acts on them.
    """

    def __init__(self, base: torch.Tensor, mask: torch.Tensor | None = None) -> None:
        self.base = base
        self._weights = torch.ones_like(base) if mask is None else mask
        self._held = (1.0 - self._weights) * base

    def spread(self, u: torch.Tensor) -> torch.Tensor:
        """Return the velocity ``(nx, nz)`` of a profile ``(1, nz)``."""
        return self.change(u) + self._held

    def change(self, du: torch.Tensor) -> torch.Tensor:
        """Return the change ``(nx, nz)`` of the velocity for one of the profile."""
        return self._weights * du

    def gather(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return a gradient by the profile ``(1, nz)`` from one by velocity: the adjoint."""
        total = (self._weights * gradient).double().sum(0, keepdim=True)
        return total.to(gradient)

    def average(self, vp: torch.Tensor) -> torch.Tensor:
        """Return the mean profile ``(1, nz)`` of a velocity over the cells that may change."""
        free = self._weights.sum(0, keepdim=True)
        mean = (self._weights * vp).double().sum(0, keepdim=True).to(vp) / free.clamp(min=1e-30)
        return torch.where(free > 0.0, mean, vp.mean(0, keepdim=True))
