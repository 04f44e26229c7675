"""Starting models that do not know the truth, and the check of a given one."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite, check_number, check_shape, refuse, warn
from pylops_vmb.errors import StartWarning
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective
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


def best_linear_start(
    F: NonlinearOperator,
    dobs: torch.Tensor,
    *,
    grid: Grid,
    bounds: tuple[float, float] = (1500.0, 4500.0),
    rise: float = 1500.0,
    misfit: str = "l2",
    corner: float = math.inf,
) -> NDArray[np.float32]:
    """Return the velocity that grows linearly with depth from the top that suits the data.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    dobs : :obj:`torch.Tensor`
        Observed data of shape ``F.dimsd``.
    grid : `Grid`
        Where the velocity lives.
    bounds : :obj:`tuple`, optional
        Lowest and highest velocity in m/s.
    rise : :obj:`float`, optional
        Velocity at the bottom minus that at the top in m/s.
    misfit : {"l2", "l1"}, optional
        How data are compared.
    corner : :obj:`float`, optional
        Compare below this frequency in Hz: the lowest band of the inversion.

    Returns
    -------
    vp : :obj:`numpy.ndarray`
        Velocity ``(nx, nz)`` in m/s, float32, clipped at the upper bound.

    Notes
    -----
    Simulates 13 velocities at the top, about the cost of five gradients.  The direct wave
    tells the velocity at the top, and a guess can miss it by so much that the inversion skips
    cycles.  The rise is a prior: at low frequencies the data hardly know it, and the rise that
    fits best is often far from the truth.
    """
    acq = getattr(F, "acq", None)
    lowpass = LowPass(corner, acq.nt, acq.dt) if acq else None
    objective = Objective(F, dobs, misfit=misfit, lowpass=lowpass)
    starts = [
        linear_start(grid, (top, top + rise)).clip(*bounds) for top in np.linspace(*bounds, 13)
    ]
    misfits = [objective.misfit(torch.from_numpy(vp).to(dobs)) for vp in starts]
    return starts[int(np.argmin(misfits))]


def bounded_start(
    F: NonlinearOperator, x0: Any, bounds: tuple[float, float], *, like: torch.Tensor
) -> torch.Tensor:
    """Return a start within the bounds.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    x0 : array
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
        If the shape is wrong or a value is not finite.
    """
    low, high = bounds
    x = to_tensor(x0, device=like.device, dtype=like.dtype, name="x0")
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
