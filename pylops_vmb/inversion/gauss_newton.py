"""Full-waveform inversion by Gauss-Newton, from low to high frequencies."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.inversion.levenberg import LevenbergMarquardt
from pylops_vmb.inversion.multiscale import MultiscaleSolver
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.result import InversionResult
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True, kw_only=True)
class GaussNewtonSettings(InversionSettings):
    """Settings of `GaussNewton` and `gauss_newton`.

    Parameters
    ----------
    niter : :obj:`int`
        Steps in each band.
    ninner : :obj:`int`
        Conjugate gradient iterations in each step; one costs little more than a gradient.
    damp : :obj:`float`
        First Levenberg-Marquardt damping in each band, relative to the curvature along the
        steepest descent; steps that succeed lower it.  0 is undamped.
    misfit : {"l2"}
        Gauss-Newton needs squares.
    bands, bounds, Regs, epsRs, dataregs, mask, smooth, illumination, tol
        See `InversionSettings`.
    shots, seed, estimate_source
        See `InversionSettings`.
    """

    niter: int = 4
    ninner: int = 6
    damp: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("ninner", self.ninner, at_least=1)
        check_number("damp", self.damp, at_least=0.0)
        if self.misfit != "l2":
            refuse(
                "misfit",
                "must be 'l2', because Gauss-Newton minimises squares",
                got=repr(self.misfit),
                do="Invert other misfits with fwi",
            )

    def optimiser_for(self, precondition: Preconditioner) -> LevenbergMarquardt:
        """Return a new optimiser for a band."""
        return LevenbergMarquardt(self.bounds, precondition, ninner=self.ninner, damp=self.damp)


class GaussNewton(MultiscaleSolver):
    r"""Full-waveform inversion by damped Gauss-Newton steps.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator; all of them make the
        same calls and get the same result.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run, as in every PyLops solver.
    **settings
        See `GaussNewtonSettings`.

    Attributes
    ----------
    settings : `GaussNewtonSettings`
        The settings.
    history : :obj:`list`
        One `Iteration` each, while it runs.
    status : :obj:`str`
        As in `InversionResult`.

    Notes
    -----
    In each band and at each velocity :math:`v`, a few conjugate gradient iterations solve

    .. math::
        \min_p \frac{\|L J p + L F(v) - L d\|^2}{\|L d\|^2}
        + \frac{1}{2N} \sum_i \epsilon_i^2 \|(R_i (v + p) - r_i) / 1500\|^2
        + \frac{\lambda s}{2} \|C^{-1} p\|^2

    with the low-pass :math:`L`, the Jacobian :math:`J`, and :math:`C` from mask, smoothing
    and illumination (see `pylops_vmb.inversion.preconditioning.Preconditioner`); a line
    search within the bounds follows.  For the same objective by L-BFGS see `FWI` with
    ``tv=0``.  J stores the time steps that residuals in the band need
    (`AcousticModelling2D.for_band`): pairs of products agree to 1e-3 or better, the
    residual being in the band.  If the wavefields of all shots fit into the memory budget
    they are kept for the products of a step, and simulated again otherwise.

    References
    ----------
    R. G. Pratt, C. Shin and G. J. Hicks, Geophysical Journal International 133 (1998);
    L. Métivier et al., SIAM Journal on Scientific Computing 35 (2013).

    Examples
    --------
    >>> import numpy as np
    >>> import pylops_vmb as vmb
    >>> grid = vmb.Grid((24, 16), 10.0)
    >>> xr = 10.0 * np.arange(24)
    >>> acq = vmb.Acquisition.fixed_spread([50.0, 180.0], xr, nt=160, dt=0.001, f0=20.0)
    >>> F = vmb.AcousticModelling2D(grid, acq)
    >>> true = np.full(grid.dims, 2000.0, dtype="float32")
    >>> true[:, 8:] = 2500.0
    >>> x0 = np.full(grid.dims, 2200.0, dtype="float32")
    >>> vp, niter, cost = vmb.gauss_newton(F, F(true), x0, niter=2, ninner=4, bands=(20.0, None))
    >>> niter, bool(cost[-1] < 0.1)
    (4, True)
    """

    Settings = GaussNewtonSettings
    settings: GaussNewtonSettings


def gauss_newton(
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
    """Invert data by Gauss-Newton: `GaussNewton` as a function.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    dobs, x0, checkpoint, show
        As in `FWI.solve`.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run.
    **settings
        See `GaussNewtonSettings`.

    Returns
    -------
    result : `InversionResult`
        ``vp, niter, cost``, with status, message and history.
    """
    solver = GaussNewton(F, comm=comm, callbacks=callbacks, **settings)
    return solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
