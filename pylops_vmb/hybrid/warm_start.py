"""FWI that starts from the network, if the data agree."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_number, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.hybrid.starts import shared_misfit
from pylops_vmb.inversion import FWI, InversionResult, Iteration
from pylops_vmb.inversion.preconditioning import gaussian
from pylops_vmb.inversion.processes import in_team
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition


class HybridResult(InversionResult):
    """The triple of an inversion, and where it started.

    Attributes
    ----------
    start : {"network", "fallback"}
        Which start was taken.
    starts : :obj:`dict`
        Data misfit of each candidate in the lowest band, by name.
    """

    start: str
    starts: dict[str, float]

    def __new__(
        cls,
        vp: Any,
        *,
        status: str,
        message: str,
        history: tuple[Iteration, ...] = (),
        starts: dict[str, float],
    ) -> "HybridResult":
        """Make the triple; the start taken is the one with the smallest misfit."""
        result = super().__new__(cls, vp, status=status, message=message, history=history)
        assert isinstance(result, HybridResult)
        result.starts, result.start = dict(starts), _lowest(starts)
        return result

    def __getnewargs_ex__(self) -> tuple[tuple[Any], dict[str, Any]]:
        """Say how to copy or unpickle it."""
        args, words = super().__getnewargs_ex__()
        return args, words | {"starts": self.starts}


class Hybrid(FWI):
    r"""Full-waveform inversion from the network's prediction.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    G : `LearnedInversion`
        The network.
    smooth_start : :obj:`float`, optional
        Standard deviation in cells by which the prediction is smoothed.  A network puts
        sharp edges in wrong places with confidence; smoothing keeps what it knows of the
        long wavelengths, which FWI cannot find by itself, and leaves the edges to FWI.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.  The network sees all of
        them at once, in the first process: data must be whole there.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run.
    **settings
        See `FWISettings`.

    Raises
    ------
    VMBValueError
        If network and modelling do not have the same survey and grid.

    Notes
    -----
    The gate: the smoothed prediction is taken only if its data misfit in the lowest band is
    smaller than that of the fallback, a model that knows nothing of the truth either
    (``x0`` of `solve`, by default linear in depth).  An undertrained network, or data
    unlike those of the training, then cost one simulation and nothing else.
    """

    def __init__(
        self,
        F: NonlinearOperator,
        G: LearnedInversion,
        *,
        smooth_start: float = 6.0,
        comm: Any = None,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(F, comm=comm, callbacks=callbacks, **settings)
        _check_pair(F, G)
        self.G = G
        self.smooth_start = check_number("smooth_start", smooth_start, at_least=0.0, unit="cells")
        self.starts: dict[str, float] = {}

    @in_team
    def setup(
        self,
        dobs: Any,
        x0: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        show: bool = False,
    ) -> torch.Tensor:
        """Set up the inversion, and choose between the network and the fallback.

        Parameters
        ----------
        dobs, checkpoint, show
            As in `FWI.solve`.
        x0 : array, optional
            The fallback ``(nx, nz)`` in m/s; by default linear in depth.

        Returns
        -------
        x : :obj:`torch.Tensor`
            The chosen start ``(nx, nz)``.
        """
        self.starts = {}
        x = super().setup(dobs, x0, checkpoint=checkpoint, show=show)
        if self.starts:  # resumed: the choice was made before
            return x
        candidates = {"fallback": x, "network": self._predict(dobs)}  # the first wins a draw
        self.starts = {name: self._judge(vp) for name, vp in candidates.items()}
        chosen = _lowest(self.starts)
        self._log("start: %s; data misfit below %.3g Hz: %s", chosen, self.bands[0], self.starts)
        return candidates[chosen]

    def result(self, x: torch.Tensor) -> HybridResult:
        """Return a velocity with history and start, in the kind of the data."""
        plain = super().result(x)
        return HybridResult(
            plain.vp,
            status=plain.status,
            message=plain.message,
            history=plain.history,
            starts=self.starts,
        )

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | {"network": [self.G.name, self.smooth_start]}

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        return super()._state(x) | {"starts": self.starts}

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        self.starts = state["starts"]

    def _judge(self, vp: torch.Tensor) -> float:
        if not bool(vp.isfinite().all()):  # a network that failed
            return math.inf
        corner, misfit = self.bands[0], self.settings.misfit
        return shared_misfit(self.Op, self.dobs, vp, misfit=misfit, corner=corner, team=self._team)

    def _predict(self, dobs: Any) -> torch.Tensor:
        if self._team.local(dobs)[1]:
            refuse(
                "dobs",
                "must be whole for the network, which sees all shots at once",
                got="data that are scattered over shots",
                do="Pass dobs.asarray()",
                error=VMBTypeError,
            )
        vp = self._team.agree(self._see(dobs) if self._team.rank == 0 else None)
        return gaussian(vp.to(self.dobs), self.smooth_start).clamp(*self.settings.bounds)

    def _see(self, dobs: Any) -> torch.Tensor:
        data = to_tensor(dobs, device=self.dobs.device, dtype=self.dobs.dtype, name="dobs")
        with torch.no_grad():
            vp: torch.Tensor = self.G(data.reshape(self.Op.dimsd))
        return vp.cpu()


def hybrid(
    F: NonlinearOperator,
    dobs: Any,
    G: LearnedInversion,
    *,
    x0: Any = None,
    smooth_start: float = 6.0,
    comm: Any = None,
    callbacks: Sequence[Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    show: bool = False,
    **settings: Any,
) -> HybridResult:
    """Invert data by FWI from a network's prediction: `Hybrid` as a function.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    dobs : array
        Observed data ``(ns, nr, nt)`` or flat; NumPy, torch or CuPy.
    G : `LearnedInversion`
        The network.
    x0 : array, optional
        The fallback ``(nx, nz)`` in m/s; by default linear in depth.
    smooth_start, comm, callbacks
        As in `Hybrid`.
    checkpoint, show
        As in `FWI.solve`.
    **settings
        See `FWISettings`.

    Returns
    -------
    result : `HybridResult`
        ``vp, niter, cost``, with status, message, history, and the start taken.
    """
    solver = Hybrid(F, G, smooth_start=smooth_start, comm=comm, callbacks=callbacks, **settings)
    result = solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
    assert isinstance(result, HybridResult)
    return result


def _lowest(misfits: dict[str, float]) -> str:
    return min(misfits, key=misfits.__getitem__)


def _check_pair(F: NonlinearOperator, G: LearnedInversion) -> None:
    if not isinstance(G, LearnedInversion):
        refuse(
            "G",
            "must be a learned inversion",
            got=type(G).__name__,
            do="Call hybrid(F, dobs, G) with G = LearnedInversion.from_pretrained()",
            error=VMBTypeError,
        )
    acq = getattr(F, "acq", G.acq)
    if G.dims != F.dimsd or not _same_geometry(G.acq, acq):
        refuse(
            "G",
            f"must take the data of F, {acq}",
            got=G.acq,
            do="Call G.for_survey(F.acq)",
        )
    grid = getattr(F, "grid", G.grid)
    if grid != G.grid:
        refuse(
            "G",
            f"must give velocity on the grid of F, {grid}",
            got=G.grid,
            do="Model on the grid of the network's card, or train a network for this one",
        )


def _same_geometry(one: Acquisition, other: Acquisition) -> bool:
    """Say whether two surveys of one shape have the same time step and positions."""
    return (
        math.isclose(one.dt, other.dt, rel_tol=1e-6)
        and np.allclose(one.srcs, other.srcs, atol=0.01)
        and np.allclose(one.receivers, other.receivers, atol=0.01)
    )
