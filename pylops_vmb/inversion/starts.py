"""Starting models that do not know the truth."""

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import check_number
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
