"""Reading PyLops' own propagator, `pylops.waveeqprocessing.AcousticWave2D`."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylops_vmb._checks import check_choice, refuse, warn
from pylops_vmb.errors import DataWarning, VMBTypeError
from pylops_vmb.modelling.propagator import Scheme
from pylops_vmb.survey import Acquisition, Grid

CRITICAL = {2: 1.0, 4: 0.8660, 6: 0.8134, 8: 0.7843}
"""Courant numbers at which the 2-D scheme becomes unstable, by space order."""
_SAFE = 0.94  # PyLops steps at 0.87 to 0.935 of these


@dataclass(frozen=True)
class PeerSetup:
    """What an ``AcousticWave2D`` was built with, in SI units.

    Attributes
    ----------
    grid : `Grid`
        Without the absorbing zone.
    acq : `Acquisition`
        With the time axis of the operator and the wavelet that it injects.
    space_order, nbl : :obj:`int`
        Order of the spatial stencil and width of the absorbing zone in cells.
    dtype : :obj:`str`
        Nominal dtype.
    """

    grid: Grid
    acq: Acquisition
    space_order: int
    nbl: int
    dtype: str

    def settings(self) -> dict[str, Any]:
        """Return the keyword arguments that both engines share."""
        return {"space_order": self.space_order, "nbl": self.nbl, "dtype": self.dtype}


@dataclass(frozen=True)
class OwnStep(Scheme):
    """A scheme that takes ``dt`` as it is, nearer to the limit than `Scheme` would go."""

    @property
    def substeps(self) -> int:
        """One."""
        return 1

    def keywords(self) -> dict[str, Any]:
        """Return the propagator's own keyword arguments."""
        return super().keywords() | {"courant_number": CRITICAL[self.space_order]}


def read_operator(AWop: Any) -> PeerSetup:
    """Read grid, survey, wavelet and stencil of PyLops' propagator.

    Parameters
    ----------
    AWop : :obj:`pylops.waveeqprocessing.AcousticWave2D`
        The operator; it is not changed and not run.

    Returns
    -------
    setup : `PeerSetup`

    Raises
    ------
    VMBTypeError
        If it is not such an operator.
    VMBValueError
        If its stencil has an order that is not known here.

    Notes
    -----
    The wavelet is the one that is injected: the built-in one or that of ``updatesrc``, with
    sample 0 set to zero, because PyLops' time loop begins at sample 1.  Its time zero is
    its strongest sample.

    PyLops keeps lengths in single precision; they are read as the shortest decimals that
    mean the same, and points that are on a cell in single precision are put on it.
    """
    _check_kind(AWop)
    _warn_of_defects(AWop)
    model = AWop.model
    spacing, origin = (tuple(map(_decimal, pair)) for pair in (model.spacing, model.origin))
    nx, nz = (int(n) for n in model.shape)
    grid = Grid((nx, nz), (spacing[0], spacing[1]), (origin[0], origin[1]))
    return PeerSetup(
        grid,
        _acquisition(AWop, grid),
        space_order=check_choice("space_order", int(AWop.space_order), CRITICAL),
        nbl=int(model.nbl),
        dtype="float64" if AWop.dtype == np.float64 else "float32",
    )


def velocity_of(AWop: Any) -> NDArray[np.float32]:
    """Return the velocity that PyLops' propagator was built with.

    Parameters
    ----------
    AWop : :obj:`pylops.waveeqprocessing.AcousticWave2D`
        The operator.

    Returns
    -------
    vp : :obj:`numpy.ndarray`
        Velocity ``(nx, nz)`` in m/s, float32, without the absorbing zone.

    Raises
    ------
    VMBTypeError
        If it is not such an operator.
    """
    _check_kind(AWop)
    nbl, (nx, nz) = int(AWop.model.nbl), AWop.model.shape
    inside = np.asarray(AWop.model.vp.data)[nbl : nbl + nx, nbl : nbl + nz]
    return np.asarray(1e3 * inside.astype(np.float64), np.float32)


def highest_velocity(spacing: tuple[float, float], dt: float, space_order: int) -> float:
    """Return the highest velocity in m/s for which steps of ``dt`` s are safely stable."""
    return _SAFE * CRITICAL[space_order] / (dt * math.hypot(1.0 / spacing[0], 1.0 / spacing[1]))


def in_own_steps(scheme: Scheme, *, max_vel: float) -> OwnStep:
    """Return a scheme without substeps for velocities up to ``max_vel`` in m/s."""
    return OwnStep(**vars(scheme) | {"max_vel": max_vel})


def _acquisition(AWop: Any, grid: Grid) -> Acquisition:
    geometry = AWop.geometry
    wav, built_in = _wavelet(AWop), not hasattr(AWop, "wav")
    return Acquisition(
        _on_cells(grid, geometry.src_positions),
        _on_cells(grid, geometry.rec_positions),
        nt=int(geometry.nt),
        dt=_decimal(geometry.dt) / 1e3,
        wav=wav,
        wavc=int(np.abs(wav).argmax()),
        f0=1e3 * float(geometry.f0) if built_in else None,
    )


def _wavelet(AWop: Any) -> NDArray[np.float64]:
    source = AWop.wav if hasattr(AWop, "wav") else AWop.geometry.src
    wav = np.array(source.data[:, 0], np.float64)
    wav[0] = 0.0
    if not wav.any():
        refuse(
            "AWop",
            "has no wavelet",
            got=f"src_type={AWop.geometry.src_type!r} and zeros",
            do="Give it one with AWop.updatesrc(wav)",
        )
    return wav


def _on_cells(grid: Grid, positions: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(positions, np.float64).T
    cells = grid.cells(points)
    whole = np.round(cells)
    nodes = np.reshape(grid.origin, (2, 1)) + np.reshape(grid.spacing, (2, 1)) * whole
    return np.where(np.abs(cells - whole) < 1e-3, nodes, points)


def _decimal(value: Any) -> float:
    return float(str(np.float32(value)))


def _check_kind(AWop: Any) -> None:
    if not all(hasattr(AWop, name) for name in ("model", "geometry", "space_order")):
        refuse(
            "AWop",
            "must be a pylops.waveeqprocessing.AcousticWave2D",
            got=type(AWop).__name__,
            do="Pass the operator itself, not a product or a sum with it",
            error=VMBTypeError,
        )


def _warn_of_defects(AWop: Any) -> None:
    if not hasattr(AWop, "wav"):
        return
    if AWop.checkpointing:
        warn(
            "AWop",
            "its own adjoint is wrong, because checkpointing takes the built-in wavelet there",
            got="checkpointing=True together with updatesrc",
            do="Build it with checkpointing=False, or use the operator made from it here",
            category=DataWarning,
        )
    if hasattr(AWop, "src_wavefield"):
        warn(
            "AWop",
            "its own adjoint takes saved source fields, which updatesrc does not renew",
            got="both srcillumination_allshots(savewav=True) and updatesrc",
            do="Save the fields after updatesrc, or use the operator made from it here",
            category=DataWarning,
        )
