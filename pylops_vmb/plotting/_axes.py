"""What the pictures share: new axes, and values on the host in float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_shape, refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.survey import Acquisition, Grid

KM_S = 1e-3
Floats = NDArray[np.float64]


def new_axis() -> Any:
    """Return the axis of a new figure."""
    return optional_import("matplotlib.pyplot", "plotting").subplots(layout="constrained")[1]


def new_row(number: int, *, height: float = 3.6) -> NDArray[Any]:
    """Return the axes of a new figure, side by side, with one vertical axis."""
    plt = optional_import("matplotlib.pyplot", "plotting")
    _, axes = plt.subplots(
        1,
        number,
        figsize=(3.2 * number + 1.0, height),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    return np.asarray(axes[0])


def row_of(axes: Any, number: int, *, each: str, height: float = 3.6) -> NDArray[Any]:
    """Return the given axes if they are ``number``, or new ones.

    Raises
    ------
    VMBValueError
        If there are fewer or more.
    """
    row = new_row(number, height=height) if axes is None else np.asarray(axes, dtype=object)
    if row.shape != (number,):
        refuse("axes", f"must be one a {each}", got=row.shape, do=f"Pass {number} axes")
    return row


def values_of(array: Any, name: str) -> Floats:
    """Return any array as NumPy float64."""
    return np.asarray(to_tensor(array, name=name).detach().cpu().double().numpy())


def velocities(vp: Any, grid: Grid) -> Floats:
    """Return velocities in the shape of the grid."""
    values = values_of(vp, "vp")
    check_shape("vp", values.shape, grid.dims, axes="(nx, nz)")
    return values.reshape(grid.dims)


def gathers(d: Any, acq: Acquisition, *, name: str = "d") -> Floats:
    """Return data in the shape of the survey."""
    values = values_of(d, name)
    check_shape(name, values.shape, acq.dimsd, axes="(ns, nr, nt)")
    return values.reshape(acq.dimsd)


def energies(d: Floats, dobs: Floats) -> tuple[Floats, Floats]:
    """Return the energy of residual and observed traces; of dead observed ones, none."""
    sizes = np.square(dobs).sum(axis=-1)
    errors = np.square(d - dobs).sum(axis=-1)
    return np.where(sizes > 0.0, errors, 0.0), sizes


def relative(error: Any, size: Any) -> Floats:
    """Return relative misfits of sums of `energies`; NaN where nothing was observed."""
    there = np.asarray(size) > 0.0
    return np.asarray(np.sqrt(np.where(there, error / np.where(there, size, 1.0), np.nan)))
