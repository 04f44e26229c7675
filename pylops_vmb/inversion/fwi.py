"""Full-waveform inversion from low to high frequencies."""

import os
from collections.abc import Sequence
from typing import Any

from pylops_vmb.inversion.multiscale import MultiscaleSolver
from pylops_vmb.inversion.result import InversionResult
from pylops_vmb.inversion.settings import FWISettings
from pylops_vmb.operators import NonlinearOperator


class FWI(MultiscaleSolver):
    r"""Full-waveform inversion.

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
        See `FWISettings`.

    Attributes
    ----------
    settings : `FWISettings`
        The settings.
    history : :obj:`list`
        One `Iteration` each, while it runs.
    status : :obj:`str`
        As in `InversionResult`.

    Notes
    -----
    In each band, from low to high frequencies, minimises

    .. math::
        \phi(v) = \frac{m(L F(v) - L d)}{m(L d)} + w\,TV(v)
        + \frac{1}{2N} \sum_i \epsilon_i^2 \|R_i v / 1500\|^2

    subject to bounds, with :math:`L` a zero-phase low-pass.  Low frequencies come first
    because a wave that is late by more than half a period pulls the model the wrong way
    (Bunks et al., 1995).

    References
    ----------
    A. Tarantola, Geophysics 49 (1984); C. Bunks et al., Geophysics 60 (1995).

    Examples
    --------
    >>> import numpy as np
    >>> import pylops_vmb as vmb
    >>> grid = vmb.Grid((24, 16), 10.0)
    >>> xr = 10.0 * np.arange(24)
    >>> acq = vmb.Acquisition.fixed_spread([50.0, 180.0], xr, nt=200, dt=0.001, f0=20.0)
    >>> F = vmb.AcousticModelling2D(grid, acq)
    >>> true = np.full(grid.dims, 2000.0, dtype="float32")
    >>> true[:, 8:] = 2500.0
    >>> x0 = np.full(grid.dims, 2200.0, dtype="float32")
    >>> vp, niter, cost = vmb.FWI(F, niter=5, bands=(20.0, None)).solve(F(true), x0)
    >>> niter, bool(cost[-1] < cost[0])
    (10, True)
    """

    Settings = FWISettings
    settings: FWISettings


def fwi(
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
    """Invert data by full-waveform inversion: `FWI` as a function.

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
        See `FWISettings`.

    Returns
    -------
    result : `InversionResult`
        ``vp, niter, cost``, with status, message and history.
    """
    solver = FWI(F, comm=comm, callbacks=callbacks, **settings)
    return solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
