"""Cells that an inversion holds: those of a water layer, or any weights from 0 to 1."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite, check_number, check_shape
from pylops_vmb.survey import Grid


def water_mask(grid: Grid, depth: ArrayLike, *, taper: float = 0.0) -> NDArray[np.float32]:
    """Return a mask that holds a water layer.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    depth : array_like
        Depth of the sea floor in m, in the coordinates of the grid: one number, or one a
        column ``(nx,)``.
    taper : :obj:`float`, optional
        Thickness in m below the sea floor over which the mask rises to one.

    Returns
    -------
    mask : :obj:`numpy.ndarray`
        Weights ``(nx, nz)``: zero in cells above the sea floor.

    Raises
    ------
    VMBValueError
        If there is neither one depth nor one a column, or the taper is negative.

    Examples
    --------
    >>> from pylops_vmb.survey import Grid
    >>> water_mask(Grid((2, 5), 10.0), 20.0)
    array([[0., 0., 1., 1., 1.],
           [0., 0., 1., 1., 1.]], dtype=float32)
    """
    floor = np.asarray(depth, dtype=np.float64)
    if floor.ndim:
        check_shape("depth", floor.shape, grid.dims[:1], axes="(nx,)")
    check_finite("depth", floor)
    taper, dz = check_number("taper", taper, at_least=0.0, unit="m"), grid.spacing[1]
    below = grid.z - floor.reshape(-1, 1)
    weights = np.where(below > -1e-6 * dz, np.clip((below + dz) / (taper + dz), 0.0, 1.0), 0.0)
    return np.broadcast_to(weights, grid.dims).astype(np.float32)


def check_mask(mask: Any, dims: tuple[int, int], like: torch.Tensor) -> torch.Tensor | None:
    """Return a mask as a tensor beside the velocity, or None."""
    if mask is None:
        return None
    weights = to_tensor(mask, device=like.device, dtype=like.dtype, name="mask")
    check_shape("mask", weights.shape, dims, axes="(nx, nz)")
    check_number("mask", float(weights.min()), at_least=0.0)
    check_number("mask", float(weights.max()), at_most=1.0)
    return weights.reshape(dims)
