"""The derivatives of the parts of a survey at one velocity, and what Gauss-Newton needs of them."""

from collections.abc import Callable

import torch

from pylops_vmb.inversion.parts import Part
from pylops_vmb.operators import Linearization

Measure = Callable[[torch.Tensor, Part], torch.Tensor]
"""From data ``(ns, nr, nt)`` of a part to a scalar."""


class Derivatives:
    """The derivatives of the modelling of some shots at one velocity.

    Parameters
    ----------
    vp : :obj:`torch.Tensor`
        Velocity ``(nx, nz)`` in m/s.
    keep : :obj:`bool`
        Whether to keep the stored wavefields of all shots.  Otherwise only those in work
        are there, and every product begins with a forward simulation (4 instead of 3).
    """

    def __init__(self, vp: torch.Tensor, *, keep: bool) -> None:
        self._vp, self._keep = vp, keep
        self._kept: dict[int, Linearization] = {}

    def slope(self, measure: Measure, part: Part) -> tuple[float, torch.Tensor]:
        """Return a measure of the data at the velocity, and its gradient ``(nx, nz)``."""
        y, derivative = part.F._linearize(self._vp)
        if self._keep:
            self._kept[part.which.start] = derivative
        height, back = _descend(measure, y, part)
        return height, derivative.vjp(back)

    def bend(self, measure: Measure, dv: torch.Tensor, part: Part) -> tuple[float, torch.Tensor]:
        """Return a measure of the data's change ``J dv``, and its gradient ``(nx, nz)``."""
        derivative = self._kept.get(part.which.start) or part.F._linearize(self._vp)[1]
        height, back = _descend(measure, derivative.jvp(dv), part)
        return height, derivative.vjp(back)


def _descend(measure: Measure, data: torch.Tensor, part: Part) -> tuple[float, torch.Tensor]:
    with torch.enable_grad():
        point = data.detach().requires_grad_()
        height = measure(point, part)
        return float(height.detach()), torch.autograd.grad(height, point)[0]
