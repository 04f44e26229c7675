"""The best model of depth alone: inversion for one profile v(z), from low to high frequencies."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.inversion.blocky import BlockyHessian
from pylops_vmb.inversion.layers import Layers
from pylops_vmb.inversion.levenberg import WholeHessian
from pylops_vmb.inversion.multiscale import MultiscaleSolver
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.result import InversionResult
from pylops_vmb.inversion.settings import FWISettings, InversionSettings
from pylops_vmb.inversion.stage import Stage
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True, kw_only=True)
class ProfileSettings(FWISettings):
    """Settings of `ProfileInversion` and `fit_profile`.

    Parameters
    ----------
    niter : :obj:`int`
        Iterations of the optimiser in each band.
    tv : :obj:`float`
        Weight of the total variation; 0 by default, because few unknowns need no help.
    refine : :obj:`int`, optional
        Gauss-Newton steps with the whole Hessian after the last band, each of ``nz + 1``
        gradients; by default none.  They take noise-free data of flat layers to the last
        m/s, and need ``misfit="l2"``.
    blocky : :obj:`float`, optional
        With `refine`: prefer few layers; differences of neighbouring depths in m/s that are
        far below it count as none (see `pylops_vmb.inversion.blocky.BlockyHessian`).  By
        default no layers are preferred.  Pass `dobs` in float64 then.
    optimiser, bands, misfit, bounds, Regs, epsRs, dataregs, mask, smooth, illumination, tol, lr
        See `FWISettings`.
    shots, seed, estimate_source
        See `InversionSettings`.
    """

    niter: int = 20
    tv: float = 0.0
    refine: int = 0
    blocky: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("refine", self.refine)
        if self.blocky is not None:
            check_number("blocky", self.blocky, above=0.0, unit="m/s")
            if not self.refine:
                do = "Pass refine=12, or leave blocky out"
                refuse("blocky", "acts on refining steps only", got="refine=0", do=do)
        if self.refine and self.misfit != "l2":
            refuse(
                "refine",
                "needs misfit='l2', because Gauss-Newton minimises squares",
                got=repr(self.misfit),
                do="Leave refine out, or compare data by 'l2'",
            )

    def refinement(self) -> InversionSettings:
        """Return the settings of the Gauss-Newton steps."""
        shared = {field.name: getattr(self, field.name) for field in fields(InversionSettings)}
        return _Refinement(**shared | {"niter": self.refine}, blocky=self.blocky)


@dataclass(frozen=True, kw_only=True)
class _Refinement(InversionSettings):
    """Gauss-Newton with the whole Hessian."""

    blocky: float | None = None

    def optimiser_for(self, precondition: Preconditioner) -> WholeHessian:
        if self.blocky is not None:
            return BlockyHessian(self.bounds, precondition, jump=self.blocky)
        return WholeHessian(self.bounds, precondition, damp=1e-3)


class ProfileInversion(MultiscaleSolver):
    r"""Full-waveform inversion for velocity that depends on depth alone.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator; all of them make the
        same calls and get the same result.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run; they see the profile ``(1, nz)``.
    **settings
        See `ProfileSettings`.

    Notes
    -----
    Minimises the objective of `FWI` over models

    .. math:: v(x, z) = m(x, z)\, u(z) + (1 - m(x, z))\, v_0(x, z)

    with the mask :math:`m` (one everywhere without a mask), from the mean of the start along
    x.  The gradient by :math:`u` is that by :math:`v`, summed over x: as many unknowns as
    depths make the problem so much better posed that a start without knowledge, such as
    linear in depth, goes further than in two dimensions.
    """

    Settings = ProfileSettings
    settings: ProfileSettings

    def __init__(
        self,
        F: NonlinearOperator,
        *,
        comm: Any = None,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(F, comm=comm, callbacks=callbacks, **settings)
        self._layers: Layers | None = None

    def result(self, x: torch.Tensor) -> InversionResult:
        """Return the velocity ``(nx, nz)`` of a profile, in the kind of the data."""
        assert self._layers is not None
        return super().result(self._layers.spread(x))

    def _start(self, x0: Any) -> torch.Tensor:
        self._layers = None
        x = super()._start(x0)
        if self._layers is None:  # a new run
            self._layers = Layers(x, self._mask)
            self._stage = self._new_stage()
            x = self._layers.average(x)
        return x

    def _choose_bands(self) -> tuple[float, ...]:
        bands = super()._choose_bands()
        return (*bands, bands[-1]) if self.settings.refine else bands

    def _stage_settings(self) -> InversionSettings:
        last = self._band == len(self.bands) - 1
        if last and self.settings.refine:
            return self.settings.refinement()
        return super()._stage_settings()

    def _new_stage(self) -> Stage:
        return Stage(
            self.Op,
            self.dobs,
            corner=self.bands[self._band],
            number=self._band,
            settings=self._stage_settings(),
            unknowns=self._layers,
            team=self._team,
        )

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        assert self._layers is not None
        return super()._state(x) | {"base": self._layers.base}

    def _restore(self, state: dict[str, Any]) -> None:
        self._layers = Layers(state["base"].to(self.dobs), self._mask)
        super()._restore(state)


def fit_profile(
    F: NonlinearOperator,
    dobs: Any,
    x0: Any = None,
    *,
    comm: Any = None,
    callbacks: Sequence[Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    show: bool = False,
    **settings: Any,
) -> InversionResult:
    """Find the best model of depth alone: `ProfileInversion` as a function.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    dobs, checkpoint, show
        As in `FWI.solve`.
    x0 : array, optional
        Velocity ``(nx, nz)`` in m/s: its mean along x is the start, and where the mask is
        zero it stays; by default linear in depth.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run; they see the profile ``(1, nz)``.
    **settings
        See `ProfileSettings`.

    Returns
    -------
    result : `InversionResult`
        ``vp, niter, cost``, with status, message and history; `vp` is ``(nx, nz)``.

    Examples
    --------
    >>> import numpy as np
    >>> import pylops_vmb as vmb
    >>> grid = vmb.Grid((24, 16), 10.0)
    >>> xr = 10.0 * np.arange(24)
    >>> acq = vmb.Acquisition.fixed_spread([120.0], xr, nt=160, dt=0.001, f0=20.0)
    >>> F = vmb.AcousticModelling2D(grid, acq)
    >>> true = np.full(grid.dims, 2000.0, dtype="float32")
    >>> true[:, 8:] = 2500.0
    >>> x0 = np.full(grid.dims, 2200.0, dtype="float32")
    >>> vp, niter, cost = vmb.inversion.fit_profile(F, F(true), x0, niter=4, bands=(20.0,))
    >>> bool((vp == vp[:1]).all()), bool(cost[-1] < 0.5 * cost[0])
    (True, True)
    """
    solver = ProfileInversion(F, comm=comm, callbacks=callbacks, **settings)
    return solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
