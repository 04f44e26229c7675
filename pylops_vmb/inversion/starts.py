"""Starting models: one that does not know the truth, and the check of a given one."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import (
    check_finite,
    check_number,
    check_pair,
    check_shape,
    refuse,
    warn,
)
from pylops_vmb.errors import StartWarning
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Grid


def linear_start(
    grid: Grid, vp_range: tuple[float, float] = (1500.0, 4000.0)
) -> NDArray[np.float32]:
    """Return a velocity that grows linearly with depth.

    Parameters
    ----------
    grid : `Grid`
        Where it lives.
    vp_range : :obj:`tuple`, optional
        Velocity at the top and at the bottom in m/s.

    Returns
    -------
    vp : :obj:`numpy.ndarray`
        Velocity ``(nx, nz)`` in m/s, float32.

    Examples
    --------
    >>> linear_start(Grid((2, 3), 10.0), (1500.0, 2500.0))
    array([[1500., 2000., 2500.],
           [1500., 2000., 2500.]], dtype=float32)
    """
    top, bottom = (check_number("vp_range", v, above=0.0, unit="m/s") for v in vp_range)
    nx, nz = grid.dims
    return np.tile(np.linspace(top, bottom, nz, dtype=np.float32), (nx, 1))


def bounded_start(
    F: NonlinearOperator, x0: Any, bounds: tuple[float, float], *, like: torch.Tensor
) -> torch.Tensor:
    """Return a start within the bounds, by default linear in depth.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    x0 : array or None
        Velocity ``(nx, nz)`` in m/s or flat.
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s; a start outside is clipped, with a
        `StartWarning`.
    like : :obj:`torch.Tensor`
        The data: the start goes where they are.

    Returns
    -------
    x : :obj:`torch.Tensor`
        Velocity ``(nx, nz)``, contiguous, a copy.

    Raises
    ------
    VMBValueError
        If the shape is wrong, a value is not finite, or there is no start and no grid.
    """
    low, high = bounds
    x = to_tensor(
        _default(F, low, high) if x0 is None else x0,
        device=like.device,
        dtype=like.dtype,
        name="x0",
    )
    check_shape("x0", x.shape, F.dims, axes="(nx, nz)")
    check_finite("x0", x)
    if float(x.min()) < low - 1.0 or float(x.max()) > high + 1.0:
        warn(
            "x0",
            f"leaves the bounds of {low:g} to {high:g} m/s and was clipped",
            got=f"{float(x.min()):g} to {float(x.max()):g} m/s",
            do="Pass wider bounds if these velocities are real",
            category=StartWarning,
        )
    # one memory layout, so that sums, and with them a resumed run, agree to the bit
    return x.detach().reshape(F.dims).clamp(low, high).contiguous()


def check_bounds(bounds: Any) -> tuple[float, float]:
    """Return lowest and highest velocity in m/s, if they are positive and increase."""
    low, high = check_pair("bounds", bounds, of="velocities")
    if not 0.0 < low < high:
        refuse("bounds", "must be positive and increase", got=bounds, do="Pass m/s, lowest first")
    return low, high


def check_reach(F: NonlinearOperator, bounds: tuple[float, float]) -> None:
    """Refuse bounds that let an inversion exceed the ``max_vel`` of its modelling."""
    fastest = getattr(F, "max_vel", math.inf)
    if bounds[1] > fastest:
        refuse(
            "bounds",
            f"must not exceed max_vel = {fastest:g} m/s of the modelling",
            got=f"{bounds[1]:g} m/s",
            do="Lower them, or build the operator with a higher max_vel",
        )


def _default(F: NonlinearOperator, low: float, high: float) -> NDArray[np.float32]:
    grid = getattr(F, "grid", None)
    if grid is None:
        refuse("x0", f"is needed, because {F.name} has no grid", got=None, do="Pass a start")
    return linear_start(grid, (low, low + 5 / 6 * (high - low)))
