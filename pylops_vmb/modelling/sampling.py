"""Grid, time step and storage interval: what the wavelet and the velocities ask for."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch

from pylops_vmb._checks import check_choice, check_finite, check_number, refuse, warn
from pylops_vmb.errors import DispersionWarning, UnitWarning
from pylops_vmb.modelling.propagator import largest_step
from pylops_vmb.survey import Acquisition, Grid

POINTS = {2: 10.0, 4: 5.0, 6: 4.0, 8: 3.5}
"""Cells a shortest wavelength for about one percent of dispersion, by space order."""


@dataclass(frozen=True)
class Sampling:
    """A grid spacing and a time step.

    Attributes
    ----------
    spacing : :obj:`float`
        Largest cell size in m.
    dt : :obj:`float`
        Largest time step in s that needs no internal substeps.
    dt_data : :obj:`float`
        Largest time step in s that still holds the wavelet's band.
    """

    spacing: float
    dt: float
    dt_data: float


def suggest_sampling(vp_range: tuple[float, float], f0: float, *, space_order: int = 4) -> Sampling:
    r"""Suggest a grid spacing and a time step for a Ricker wavelet.

    Parameters
    ----------
    vp_range : :obj:`tuple`
        Lowest and highest velocity in m/s.
    f0 : :obj:`float`
        Peak frequency in Hz.
    space_order : :obj:`int`, optional
        Order of the spatial stencil: 2, 4, 6 or 8.

    Returns
    -------
    sampling : `Sampling`

    Raises
    ------
    VMBValueError
        If a number is not positive, the velocities are in km/s, or the order is unknown.

    Notes
    -----
    With :math:`f_{max} = 2.5 f_0`: :math:`h = v_{min} / (p f_{max})`, where :math:`p` is
    the number of cells a wavelength that the stencil needs, and
    :math:`\Delta t = C h / (\sqrt 2 v_{max})` with the Courant number :math:`C`.  The
    data themselves need :math:`1 / (2 f_{max})` only: a coarser time step than
    :math:`\Delta t` costs substeps, not accuracy.

    Examples
    --------
    >>> sampling = suggest_sampling((1500.0, 4500.0), 15.0)
    >>> sampling.spacing, round(1e3 * sampling.dt, 2), round(1e3 * sampling.dt_data, 1)
    (8.0, 1.01, 13.3)
    """
    vmin = check_number("vp_range", vp_range[0], above=0.0, unit="m/s")
    vmax = check_number("vp_range", vp_range[1], at_least=vmin, unit="m/s")
    check_velocity_unit("vp_range", vmax)
    check_choice("space_order", space_order, POINTS)
    fmax = 2.5 * check_number("f0", f0, above=0.0, unit="Hz")
    spacing = vmin / (fmax * POINTS[space_order])
    return Sampling(spacing, largest_step((spacing, spacing), vmax, space_order), 0.5 / fmax)


def storage_interval(f_wave: float, f_residual: float, dt: float) -> int:
    r"""Every how many steps the forward field must be stored for a gradient.

    Parameters
    ----------
    f_wave, f_residual : :obj:`float`
        Highest frequencies of the source wavelet and of the data residual in Hz.
    dt : :obj:`float`
        Time step in s.

    Returns
    -------
    interval : :obj:`int`
        At least 1.

    Notes
    -----
    The gradient is :math:`\int \ddot u\, \lambda\, dt`, the zero frequency of a product
    whose band ends at :math:`f_{wave} + f_{residual}`.  Summing every n-th sample folds the
    multiples of :math:`1 / (n \Delta t)` onto zero, so that the largest :math:`n` with
    :math:`n \Delta t (f_{wave} + f_{residual}) < 0.9` is taken.  A residual below the band of
    the wavelet counts as one that fills it: there the true gradient is weak, and what
    little the wavelet holds beyond its band would be heard.

    At 15 Hz and 1 ms this is 8, whose gradients are right to 2e-6 (full band, L2 residual)
    to 2e-4 (4 Hz); 13 is wrong by 1e-3 to 1e-2, and 20 by 43 %.

    Examples
    --------
    >>> storage_interval(52.0, 52.0, 0.001)
    8
    """
    highest = f_wave + max(f_wave, f_residual)
    return max(1, int(0.9 / (dt * highest)))


def check_velocity_unit(name: str, vmax: float) -> None:
    """Refuse a velocity that can only be in km/s."""
    if vmax < 20.0:
        refuse(
            name,
            "must be in m/s",
            got=f"{vmax:g} at most, which looks like km/s",
            do="Multiply it by 1000",
        )


def check_survey(grid: Grid, acq: Acquisition, *, space_order: int, max_vel: float) -> None:
    """Refuse a survey that the grid cannot carry; warn of likely unit mistakes.

    Raises
    ------
    VMBValueError
        If points lie outside or coincide, or if the time step is out of all proportion.
    """
    acq.check(grid)
    _check_coincident(acq)
    substeps = acq.dt / largest_step(grid.spacing, max_vel, space_order)
    if substeps > 50:
        refuse(
            "dt",
            f"is {substeps:.0f} times the largest stable step on cells of {min(grid.spacing):g} m",
            got=f"{acq.dt:g} s",
            do="Give dt in seconds (1 ms is 0.001) and spacing in metres",
        )
    width = np.ptp(np.concatenate([acq.srcs[0], acq.recs[0].ravel()]))
    if 0.0 < width < grid.dims[0] <= 0.2 * (grid.extent[1] - grid.extent[0]):
        warn(
            "acq",
            "the whole survey is narrower in metres than the grid is in cells",
            got=f"{width:g} m on a grid of {grid.extent[1] - grid.extent[0]:g} m",
            do="Give coordinates in metres: cell number times spacing",
            category=UnitWarning,
        )


def check_dispersion(grid: Grid, vmin: float, f0: float, *, space_order: int) -> None:
    """Warn if the shortest waves have too few cells."""
    wavelength = vmin / (2.5 * f0)
    if wavelength < 0.6 * POINTS[space_order] * max(grid.spacing):
        warn(
            "grid",
            f"is too coarse: the shortest waves ({vmin:g} m/s at {2.5 * f0:g} Hz) are "
            f"{wavelength:.3g} m long and will be dispersed",
            got=f"cells of {max(grid.spacing):g} m",
            do=f"Use cells of at most {wavelength / POINTS[space_order]:.3g} m or a lower f0",
            category=DispersionWarning,
        )


def _check_coincident(acq: Acquisition) -> None:
    for shot, points in enumerate(acq.receivers.transpose(1, 2, 0)):
        if len(np.unique(points, axis=0)) < acq.nr:
            refuse(
                "recs",
                "must differ from each other",
                got=f"two receivers at one place in shot {shot}",
                do="Drop or stack the repeated traces",
            )


def refuse_velocity(vp: torch.Tensor, lowest: float, highest: float, *, max_vel: float) -> NoReturn:
    """Say what is wrong with a velocity whose bounds are not within zero and `max_vel`."""
    check_finite("vp", vp)
    if lowest <= 0.0:
        refuse("vp", "must be positive", got=f"{lowest:g} m/s", do="Clip or repair the model")
    refuse(
        "vp",
        f"must not exceed max_vel = {max_vel:g} m/s",
        got=f"{highest:g} m/s",
        do="Clip the model, or build the operator with a higher max_vel",
    )
