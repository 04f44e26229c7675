"""What all inversions in bands share: set-up, iterations, history, checkpoints, results."""

import logging
import math
import os
import time
from collections.abc import Sequence
from typing import Any

import torch
from pylops.optimization.basesolver import Solver
from tqdm import tqdm

from pylops_vmb._backend import Kind
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.inversion.autosave import AutoSave
from pylops_vmb.inversion.bands import check_bands, shared_bands
from pylops_vmb.inversion.identity import check_start, identity_of, warn_of_nameless
from pylops_vmb.inversion.masks import check_mask
from pylops_vmb.inversion.objective import Height
from pylops_vmb.inversion.observed import take_shots
from pylops_vmb.inversion.optimisers import Optimiser
from pylops_vmb.inversion.planning import costliest_plan, in_unit
from pylops_vmb.inversion.processes import in_team, team_of
from pylops_vmb.inversion.regularisation import check_regs
from pylops_vmb.inversion.result import InversionResult, Iteration
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.inversion.stage import Stage
from pylops_vmb.inversion.starts import bounded_start, check_reach
from pylops_vmb.io import weights_digest
from pylops_vmb.modelling import MemoryEstimate
from pylops_vmb.operators import NonlinearOperator

_LOGGER = logging.getLogger(__name__)
_MESSAGES = {
    "overfitted": "The misfit of the held-out shots stopped falling; the best point is returned.",
    "done": "All iterations were run; raise niter if the misfit was still falling.",
    "converged": "The objective stopped falling in every band; lower tol to go on.",
    "stalled": "No step lowers the objective; try lower bands, another start, or fwi with Adam.",
    "interrupted": "Stopped by the user; to go on give vp as x0, or repeat a call with checkpoint.",
}


class MultiscaleSolver(Solver):  # type: ignore[misc]
    """An inversion from low to high frequencies, as a PyLops solver.

    A subclass names its settings, whose `optimiser_for` makes the optimiser of a band.

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
        Of the subclass.

    Attributes
    ----------
    settings : `InversionSettings`
        The settings.
    history : :obj:`list`
        One `Iteration` each, while it runs.
    status : :obj:`str`
        As in `InversionResult`.
    """

    Settings: type[InversionSettings]

    def __init__(
        self,
        F: NonlinearOperator,
        *,
        comm: Any = None,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        if not isinstance(F, NonlinearOperator):
            refuse(
                "F",
                "must be a nonlinear operator",
                got=type(F).__name__,
                do="Pass AcousticModelling2D or another NonlinearOperator",
                error=VMBTypeError,
            )
        self.settings = self.Settings(**settings)
        check_reach(F, self.settings.bounds)
        self.status, self.history = "done", list[Iteration]()
        self.bands: tuple[float, ...] = ()
        self._team = team_of(comm)
        super().__init__(self._team.equip(F), callbacks=list(callbacks) if callbacks else None)

    def memory_usage(self, show: bool = False, unit: str = "B") -> float:
        """Return the memory of a gradient in the costliest band.

        Parameters
        ----------
        show : :obj:`bool`, optional
            Log the whole plan.
        unit : {"B", "KB", "MB", "GB"}, optional
            Unit, as PyLops counts them: in powers of 1024.

        Returns
        -------
        memory : :obj:`float`
            Of the wavefields of all shots that are computed at a time, in that unit; 0 for
            operators that plan nothing.  Before `setup`, bands that will be chosen from the
            data count as the full band, and the data as what `F` states.
        """
        plan = self._plan()
        if show:
            _LOGGER.info("%s", plan)
        return in_unit(plan.needed if plan else 0, unit)

    @in_team
    def setup(
        self,
        dobs: Any,
        x0: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        show: bool = False,
    ) -> torch.Tensor:
        """Check data and start, choose the bands, and return the start as a tensor.

        Parameters
        ----------
        dobs, x0, checkpoint, show
            As in `solve`.

        Returns
        -------
        x : :obj:`torch.Tensor`
            The start ``(nx, nz)``, where the data are.
        """
        self._kind, self.dobs = self._observe(dobs)
        self.bands = self._choose_bands()
        check_regs(self.settings.Regs, self.Op.dims, dataregs=self.settings.dataregs)
        self._mask = check_mask(self.settings.mask, self.Op.dims, self.dobs)
        self.iiter, self.tstart, self.history = 0, time.time(), []
        self.status = "interrupted"  # until the last band is over
        self._band, self._ends = 0, set[str]()
        self._stage = self._new_stage()
        if checkpoint is not None:
            warn_of_nameless(self.settings)
        self._autosave = AutoSave(checkpoint, self._identity(), team=self._team)
        x = self._start(x0)
        bands = ", ".join(f"{corner:.3g}" for corner in self.bands)
        self._log("%s; bands up to %s Hz", self._plan() or self.Op.name, bands)
        total = self.settings.iterations(len(self.bands))
        hidden = not show or self._team.rank > 0
        self._bar = tqdm(total=total, initial=self.iiter, disable=hidden, mininterval=1)
        return x

    @in_team
    def step(self, x: torch.Tensor, show: bool = False) -> torch.Tensor:
        """Run one iteration in the present band, and go to the next band if it is over.

        Parameters
        ----------
        x : :obj:`torch.Tensor`
            Velocity ``(nx, nz)``.
        show : :obj:`bool`, optional
            Write a line to the log.

        Returns
        -------
        x : :obj:`torch.Tensor`
            The next velocity.
        """
        x, value = self._stage.step(x)
        self.iiter += 1
        self._record(value)
        self._next_band()
        self._point = self._state(x)
        if show:
            self._log("%s", self.history[-1])
        return x

    @in_team
    def run(self, x: torch.Tensor, show: bool = False) -> torch.Tensor:
        """Run all bands; Ctrl-C, or a callback that sets ``stop``, ends with the last model.

        Parameters
        ----------
        x : :obj:`torch.Tensor`
            The start, as `setup` returned it.
        show : :obj:`bool`, optional
            Passed on to `step`.

        Returns
        -------
        x : :obj:`torch.Tensor`
            The final velocity ``(nx, nz)``.
        """
        self._point = self._state(x)  # the last whole step: what is saved and returned
        try:
            self._iterate(x, show)
        except KeyboardInterrupt:
            self._log("stopped by the user after %d iterations", self.iiter)
        finally:
            self._save()
            self._bar.close()
        final: torch.Tensor = self._point["x"]
        return final

    @in_team
    def solve(
        self,
        dobs: Any,
        x0: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        show: bool = False,
    ) -> InversionResult:
        """Invert.

        Parameters
        ----------
        dobs : array
            Observed data ``(ns, nr, nt)`` or flat; NumPy, torch or CuPy.  With `comm` all of
            them in each process, or a :class:`pylops_mpi.DistributedArray` scattered over
            shots (see `pylops_vmb.inversion.scatter_shots`).
        x0 : array, optional
            Starting velocity ``(nx, nz)`` in m/s; by default one that grows linearly with
            depth.  A resumed run goes on from its saved model and needs none.
        checkpoint : path-like, optional
            File that the run is saved to, and resumed from if it exists.  It belongs to one
            inversion: another modelling, start, setting or datum is refused.  Functions are
            known by their names, and modellings of one's own by name and shape, or by what
            a method ``fingerprint()`` returns.
        show : :obj:`bool`, optional
            Show a progress bar with misfit and remaining time.

        Returns
        -------
        result : `InversionResult`
            ``vp, niter, cost``, with status, message and history.

        Raises
        ------
        VMBValueError
            If data or start have a wrong shape or hold NaN, or the data are zero.
        VMBFileError
            If the checkpoint belongs to another inversion.
        """
        x = self.setup(dobs, x0=x0, checkpoint=checkpoint, show=show)
        x = self.run(x)
        self.finalize()
        return self.result(x)

    def result(self, x: torch.Tensor) -> InversionResult:
        """Return a velocity with the history so far, in the kind of the data."""
        return InversionResult(
            self._kind.restore(x),
            status=self.status,
            message=_MESSAGES[self.status],
            history=tuple(self.history),
        )

    @property
    def cost(self) -> list[float]:
        """Data misfit by iteration, as the callbacks of PyLops read it."""
        return [entry.misfit for entry in self.history]

    @in_team
    def _save(self) -> None:
        self._autosave(self._point, now=True)

    def _log(self, text: str, *values: Any) -> None:
        if self._team.rank == 0:
            _LOGGER.info(text, *values)

    @in_team
    def _iterate(self, x: torch.Tensor, show: bool) -> None:
        while self._band < len(self.bands):
            x = self.step(x, show=show)
            self.callback(x)
            self._autosave(self._point)
            stop = any(getattr(callback, "stop", False) for callback in self.callbacks or ())
            if self._team.any(stop):
                return
        self.status = next(why for why in _MESSAGES if why in self._ends)

    def _observe(self, dobs: Any) -> tuple[Kind, torch.Tensor]:
        """Return the kind of the data, and this member's shots, shots along the first axis."""
        return take_shots(self.Op, dobs, self._team)

    def _choose_bands(self) -> tuple[float, ...]:
        acq = getattr(self.Op, "acq", None)
        if acq is None:
            return (math.inf,)
        if self.settings.bands is None:
            return shared_bands(self.dobs, acq.dt, team=self._team)
        return check_bands(self.settings.bands, acq.dt)

    def _optimiser(self) -> Optimiser | None:
        """Return what takes the steps of a band, if it is not that of the settings."""
        return None

    def _new_stage(self) -> Stage:
        return Stage(
            self.Op,
            self.dobs,
            corner=self.bands[self._band],
            number=self._band,
            settings=self._stage_settings(),
            mask=self._mask,
            team=self._team,
            optimiser=self._optimiser(),
        )

    def _stage_settings(self) -> InversionSettings:
        """Return the settings of the present band."""
        return self.settings.for_band(self._band)

    def _ended(self) -> str:
        """Say why the band is over, or return an empty string."""
        return self._stage.ended()

    def _next_band(self) -> None:
        ended = self._ended()
        if not ended or self._band == len(self.bands):
            return
        self._ends.add(ended)
        self._band += 1
        if self._band < len(self.bands):
            self._stage = self._new_stage()

    def _record(self, value: Height) -> None:
        entry = Iteration(
            number=self.iiter,
            band=self._stage.corner,
            misfit=value.misfit,
            objective=value.total,
            evaluations=self._stage.evaluations,
            seconds=time.time() - self.tstart,
        )
        self.history.append(entry)
        band = "full band" if math.isinf(entry.band) else f"below {entry.band:.3g} Hz"
        self._bar.set_postfix_str(f"misfit {entry.misfit:.2e}, {band}", refresh=False)
        self._bar.update()

    def _identity(self) -> dict[str, Any]:
        """Return what a checkpoint must agree in."""
        found = identity_of(self.Op, self.settings, self.dobs, mask=self._mask, team=self._team)
        return found | {"solver": type(self).__name__, "bands": list(self.bands)}

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        return {
            "x": x,
            "x0": self._x0,
            "band": self._band,
            "stage": self._stage.state(),
            "ends": sorted(self._ends),
            "history": [list(entry) for entry in self.history],
            "seconds": time.time() - self.tstart,
        }

    def _start(self, x0: Any) -> torch.Tensor:
        """Return where the iterations begin: the start, or the model of the saved run."""
        state = self._autosave.load()
        if state is None or x0 is not None:
            x = bounded_start(self.Op, x0, self.settings.bounds, like=self.dobs)
            self._x0 = weights_digest({"x0": x})
        if state is None:
            return x
        if x0 is not None:
            check_start(self._x0, state["x0"])
        self._restore(state)
        resumed: torch.Tensor = state["x"].to(self.dobs)
        return resumed

    def _plan(self) -> MemoryEstimate | None:
        misfit = self.settings.misfit
        if not self.bands:
            return costliest_plan(self.Op, self.settings.bands, misfit)
        dtype, device = self.dobs.dtype, self.dobs.device
        return costliest_plan(self.Op, self.bands, misfit, dtype=dtype, device=device)

    def _restore(self, state: dict[str, Any]) -> None:
        self._x0 = state["x0"]
        self._band, self._ends = state["band"], set(state["ends"])
        self.history = [Iteration(*entry) for entry in state["history"]]
        self.iiter, self.tstart = len(self.history), time.time() - state["seconds"]
        if self._band < len(self.bands):
            self._stage = self._new_stage()
            self._stage.restore(state["stage"])
