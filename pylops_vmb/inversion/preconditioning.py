"""What happens to a gradient before it becomes a step: smoothing, illumination, mask."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_number, check_shape
from pylops_vmb.inversion.objective import Value

Function = Callable[[torch.Tensor], Value]


class Preconditioned:
    """An objective whose gradient is masked, compensated and smoothed.

    Parameters
    ----------
    function : callable
        From velocity to `Value`.
    mask : :obj:`torch.Tensor`, optional
        Weights from 0 to 1, shape of the velocity.
    smooth : :obj:`float`, optional
        Standard deviation of a Gaussian in cells.
    illumination : :obj:`bool`, optional
        Divide by the root of the smoothed envelope of the first gradient.
    """

    def __init__(
        self,
        function: Function,
        *,
        mask: torch.Tensor | None = None,
        smooth: float = 0.0,
        illumination: bool = False,
    ) -> None:
        self._function, self._mask = function, mask
        self._smooth, self._illumination = smooth, illumination
        self._weight: torch.Tensor | None = None

    def __call__(self, vp: torch.Tensor) -> Value:
        """Return the objective with the preconditioned gradient."""
        value = self._function(vp)
        gradient = gaussian(value.gradient, self._smooth)
        if self._illumination:
            if self._weight is None:
                self._weight = _compensation(gradient)
            gradient = gradient * self._weight
        if self._mask is not None:
            gradient = gradient * self._mask
        return replace(value, gradient=gradient)

    def state(self) -> dict[str, Any]:
        """Return the compensation that was found."""
        return {"weight": self._weight}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._weight = state["weight"]


def gaussian(field: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth a field ``(nx, nz)`` by a Gaussian of `sigma` cells, its edges repeated."""
    if sigma <= 0.0:
        return field
    radius = max(1, round(4.0 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=field.device, dtype=field.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    for _ in range(2):
        rows = torch.nn.functional.pad(field[:, None], (radius, radius), mode="replicate")
        field = torch.nn.functional.conv1d(rows, kernel[None, None])[:, 0].T
    return field


def check_mask(mask: Any, dims: tuple[int, int], like: torch.Tensor) -> torch.Tensor | None:
    """Return a mask as a tensor beside the velocity, or None."""
    if mask is None:
        return None
    weights = to_tensor(mask, device=like.device, dtype=like.dtype, name="mask")
    check_shape("mask", weights.shape, dims, axes="(nx, nz)")
    check_number("mask", float(weights.min()), at_least=0.0)
    check_number("mask", float(weights.max()), at_most=1.0)
    return weights.reshape(dims)


def _compensation(gradient: torch.Tensor) -> torch.Tensor:
    envelope = gaussian(gradient.abs(), 5.0)
    return (envelope / envelope.max() + 1e-3).rsqrt()
