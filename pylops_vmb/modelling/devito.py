"""PyLops' own propagator as an engine: Devito behind the contract of a nonlinear operator."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pylops.waveeqprocessing import AcousticWave2D

from pylops_vmb._checks import check_choice, check_finite, check_integer, refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.modelling.fingerprint import survey_digest
from pylops_vmb.modelling.peer import CRITICAL, highest_velocity
from pylops_vmb.modelling.sampling import check_survey, check_velocity_unit
from pylops_vmb.operators import Linearization, NonlinearOperator
from pylops_vmb.survey import Acquisition, Grid

_PURPOSE = "engine='devito' (give it an environment of its own: Devito holds back NumPy and others)"


class DevitoModelling2D(NonlinearOperator):
    r"""Acoustic modelling by :class:`pylops.waveeqprocessing.AcousticWave2D`.

    Meant for comparing: data, Born modelling and adjoint are PyLops' and Devito's, in the
    conventions of `AcousticModelling2D`.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded: one wavelet and one spread of receivers for all shots.
    space_order : :obj:`int`, optional
        Order of the spatial stencil: 2, 4, 6 or 8.
    nbl : :obj:`int`, optional
        Width of the absorbing zone in cells.
    dtype : :obj:`str`, optional
        Nominal dtype; Devito computes in single precision whatever it is.
    name : :obj:`str`, optional
        Name for `repr`.

    Attributes
    ----------
    max_vel : :obj:`float`
        Highest velocity in m/s for which steps of ``acq.dt`` are stable.

    Raises
    ------
    VMBImportError
        If Devito is not installed.
    VMBValueError
        If the survey has receivers or wavelets by shot, or lies outside the grid.

    Notes
    -----
    PyLops' model is the squared slowness in s²/km², so that with :math:`v` in m/s

    .. math:: J\,\delta v = A\,(-2 \cdot 10^6\, v^{-3}\, \delta v),

    where :math:`A` is ``AcousticWave2D`` built at :math:`v`, with the time step kept at
    ``acq.dt`` (left alone it follows the highest velocity, and with it the data change
    their shape).  The first sample of the wavelet and the last one of the record are never
    used.  Born modelling leaves the velocity of the absorbing zone as it is, while the data
    depend on it: along the edges the Jacobian is not quite the derivative of the data.
    Points between cells are interpolated linearly.

    Devito writes a line for every run to standard error: ``DEVITO_LOGGING=ERROR`` stops
    that, ``DEVITO_LANGUAGE=openmp`` lets it use all cores.  It needs pytest, and a folder
    ``examples`` in the working directory breaks its import.
    """

    def __init__(
        self,
        grid: Grid,
        acq: Acquisition,
        *,
        space_order: int = 4,
        nbl: int = 20,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        optional_import("devito", _PURPOSE)
        super().__init__(grid.dims, acq.dimsd, dtype=dtype, name=name)
        check_choice("space_order", space_order, CRITICAL)
        self.max_vel = highest_velocity(grid.spacing, acq.dt, space_order)
        check_survey(grid, acq, space_order=space_order, max_vel=self.max_vel)
        _check_common(acq)
        self.grid, self.acq, self.space_order = grid, acq, space_order
        self.nbl = check_integer("nbl", nbl, at_least=1)

    def at(self, vp: NDArray[Any]) -> AcousticWave2D:
        """Return PyLops' operator at a velocity ``(nx, nz)`` in m/s."""
        return _SteadyWave2D(self, np.asarray(vp, np.float32))

    def fingerprint(self) -> str:
        """Return a SHA-256 of what the data depend on: grid, survey and scheme."""
        return survey_digest(self.grid, self.acq, scheme=("devito", self.space_order, self.nbl))

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        data: torch.Tensor = _Shoot.apply(x, self)  # type: ignore[no-untyped-call]
        return data

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        linearization = _PeerLinearization(self, x)
        return linearization.data(), linearization

    def _check(self, x: torch.Tensor) -> None:
        if x.device.type != "cpu":
            do = "Move it with x.cpu(), or use engine='deepwave'"
            refuse("vp", "must be on the CPU for Devito", got=x.device, do=do, error=VMBTypeError)
        check_finite("vp", x.detach())
        lowest, highest = (float(bound) for bound in x.detach().aminmax())
        if not (lowest > 0.0 and highest <= self.max_vel):
            refuse(
                "vp",
                f"must be positive and not exceed {self.max_vel:.0f} m/s, where steps of "
                f"{1e3 * self.acq.dt:g} ms become unstable",
                got=f"{lowest:g} to {highest:g} m/s",
                do="Clip the model, or build the operator with a shorter dt",
            )
        check_velocity_unit("vp", highest)


class _SteadyWave2D(AcousticWave2D):  # type: ignore[misc]
    """PyLops' operator with the time step of a survey."""

    def __init__(self, F: DevitoModelling2D, vp: NDArray[np.float32]) -> None:
        self._step = 1e3 * F.acq.dt
        super().__init__(
            F.grid.dims,
            F.grid.origin,
            F.grid.spacing,
            vp,
            *F.acq.srcs,
            *F.acq.recs,
            0.0,
            self._step * (F.acq.nt - 1.5),  # rounded up to the next step
            space_order=F.space_order,
            nbl=F.nbl,
            f0=F.acq.f0,
        )
        self.updatesrc(F.acq.wav)

    def _create_model(self, *args: Any) -> None:
        super()._create_model(*args)
        self.model._dt = self._step

    def data(self) -> NDArray[np.float32]:
        """Return the data ``(ns, nr, nt)``, for which PyLops has no method."""
        from examples.seismic import AcquisitionGeometry  # noqa: PLC0415 - a part of Devito
        from examples.seismic.acoustic import AcousticWaveSolver  # noqa: PLC0415

        geometry, gathers = self.geometry, []
        one = AcquisitionGeometry(
            self.model,
            geometry.rec_positions,
            geometry.src_positions[0],
            geometry.t0,
            geometry.tn,
            f0=geometry.f0,
            src_type=geometry.src_type,
        )
        solver = AcousticWaveSolver(self.model, one, space_order=self.space_order)
        for position in geometry.src_positions:
            self.wav.coordinates.data[0, :] = position
            gathers.append(np.array(solver.forward(src=self.wav)[0].data).T)
        return np.stack(gathers)


class _PeerLinearization:
    """Data, Born modelling and adjoint of PyLops' operator at one velocity."""

    def __init__(self, F: DevitoModelling2D, x: torch.Tensor) -> None:
        self._Op = F.at(x.detach().numpy())
        self._slope = -2e6 / x.detach().double() ** 3
        self._like = x.detach()

    def data(self) -> torch.Tensor:
        return self._tensor(self._Op.data())

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        return self._tensor(self._Op @ (self._slope * dx).numpy())

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        by_slowness = self._tensor(self._Op.H @ dy.detach().numpy())
        return (self._slope * by_slowness).to(self._like)

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.array(values)).to(self._like)


class _Shoot(torch.autograd.Function):
    """Data by Devito, differentiable by its adjoint."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, F: DevitoModelling2D) -> torch.Tensor:
        ctx.linearization = _PeerLinearization(F, x)
        data: torch.Tensor = ctx.linearization.data()
        return data

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.linearization.vjp(dy), None


def _check_common(acq: Acquisition) -> None:
    if acq.wav.ndim == 1 and acq.recs.ndim == 2:
        return
    refuse(
        "acq",
        "PyLops' operator takes one wavelet and one spread for all shots",
        got="wavelets by shot" if acq.wav.ndim == 2 else "receivers by shot",
        do="Use engine='deepwave', or one operator a shot",
    )
