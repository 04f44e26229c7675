"""From a gradient to a step: illumination, smoothing and mask, as one symmetric operator."""

from typing import Any

import torch

_ENVELOPE = 5.0
"""Standard deviation in cells of the smoothing that makes an envelope of a gradient."""
_FLOOR = 0.01
"""Smallest illumination, relative to the largest: bounds the compensation."""


class Preconditioner:
    r"""Symmetric approximation of the inverse Hessian's diagonal.

    Parameters
    ----------
    mask : :obj:`torch.Tensor`, optional
        Weights from 0 to 1 of the cells, shape of the velocity.
    smooth : :obj:`float`, optional
        Standard deviation of a Gaussian in cells; 0 for none.
    illumination : :obj:`bool`, optional
        Compensate the decay of the gradient away from sources and receivers.

    Notes
    -----
    :math:`P = M D^{1/2} S D^{1/2} M` with the mask :math:`M`, a Gaussian :math:`S`, and

    .. math:: D^{-1} = e / \max e + 0.01, \qquad e = S_5 |g_0|,

    where :math:`g_0` is the first gradient of the band.  Its envelope decays with depth as the
    product of source and receiver fields does, whose square is the diagonal of the
    Gauss-Newton Hessian (Shin et al., 2001): without it, the cells under the sources take
    the whole step.  The square itself harms where the start is poor (measured in
    ``docs/design.rst``).

    References
    ----------
    C. Shin, S. Jang and D.-J. Min, Geophysical Prospecting 49 (2001).
    """

    def __init__(
        self,
        *,
        mask: torch.Tensor | None = None,
        smooth: float = 0.0,
        illumination: bool = True,
    ) -> None:
        self._mask, self._smooth, self._illumination = mask, smooth, illumination
        self._root: torch.Tensor | None = None

    def adapt(self, gradient: torch.Tensor) -> None:
        """Take the illumination from the first gradient; later ones change nothing."""
        if self._illumination and self._root is None:
            envelope = gaussian(gradient.abs(), _ENVELOPE)
            self._root = (envelope / envelope.max().clamp(min=1e-30) + _FLOOR).rsqrt()

    def __call__(self, q: torch.Tensor) -> torch.Tensor:
        """Apply it to a field ``(nx, nz)``."""
        return self._weigh(gaussian(self._weigh(q), self._smooth))

    def root(self, q: torch.Tensor) -> torch.Tensor:
        r"""Apply :math:`C = M D^{1/2} S^{1/2}`, a root of it: :math:`C C^T` is like it."""
        return self._weigh(gaussian(q, self._smooth / 2**0.5))

    def hold(self, step: torch.Tensor) -> torch.Tensor:
        """Weigh a step ``(nx, nz)`` by the mask alone."""
        return step if self._mask is None else step * self._mask

    def state(self) -> dict[str, Any]:
        """Return the illumination that was found."""
        return {"root": self._root}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._root = state["root"]

    def _weigh(self, q: torch.Tensor) -> torch.Tensor:
        for weight in (self._root, self._mask):
            if weight is not None:
                q = q * weight
        return q


def gaussian(field: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth a field ``(nx, nz)`` by a Gaussian of `sigma` cells, its edges repeated."""
    if sigma <= 0.0:
        return field
    radius = max(1, int(4.0 * sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, device=field.device, dtype=field.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    for _ in range(2):
        rows = torch.nn.functional.pad(field[:, None], (radius, radius), mode="replicate")
        field = torch.nn.functional.conv1d(rows, kernel[None, None])[:, 0].T
    return field.contiguous()
