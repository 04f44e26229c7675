"""FWI that starts from the network, if the data agree."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.hybrid.gate import (
    Runner,
    best_fallback,
    best_of_network,
    entry,
    handicapped,
    in_words,
    is_clear,
    is_lost,
    is_of_network,
)
from pylops_vmb.hybrid.pair import check_pair_of
from pylops_vmb.hybrid.prior import Prediction, confidence, pulled
from pylops_vmb.hybrid.recipes import with_recipe
from pylops_vmb.hybrid.result import HybridResult
from pylops_vmb.hybrid.settings import HybridSettings
from pylops_vmb.hybrid.starts import shared_misfits
from pylops_vmb.inversion import FWI
from pylops_vmb.inversion.layers import Layers
from pylops_vmb.inversion.preconditioning import gaussian
from pylops_vmb.inversion.processes import in_team
from pylops_vmb.inversion.sources import shared_wavelet, with_source
from pylops_vmb.inversion.stage import Stage
from pylops_vmb.operators import NonlinearOperator


class Hybrid(FWI):
    r"""Full-waveform inversion from the network's prediction.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    G : `NonlinearOperator`
        The network, from data ``(ns, nr, nt)`` to velocity ``(nx, nz)``: a `LearnedInversion`,
        or anything with its dims.
    recipe : {"openfwi"}, optional
        Name of a set of settings, which `settings` override, see
        `pylops_vmb.hybrid.recipes.RECIPES`.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.  The network sees all of
        them at once, in the first process: data must be whole there.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run; the iterations of the race belong to setup.
    **settings
        See `HybridSettings`.

    Attributes
    ----------
    start, starts, reason
        As in `HybridResult`, after `setup`.

    Raises
    ------
    VMBValueError
        If network and modelling do not have the same survey and grid, or the recipe is
        unknown.

    Notes
    -----
    The gate: the candidates are the network's prediction as it is and smoothed, and what
    knows nothing of the truth: ``x0`` of `solve` or, without it, a model linear in depth, and
    the best model of depth alone, found in a few iterations of the lowest band.  One
    simulation judges a candidate in all bands.  If the better candidate of the network or the
    best fallback is better than the other in every band, and four times so in the lowest, it
    starts.  Otherwise both run the first iterations of the first band, and the one with the
    smaller data misfit goes on, from where it is.  The model of depth was fitted to these data,
    so that its misfits count four times: where several models explain the data, the network's is
    the likelier one.  Where the network's start explains the data up to a higher band (``skip``),
    the iterations begin there.  Gradients for the model of depth
    alone and of the loser count in ``evaluations`` of the history.

    The prior: with ``prior`` :math:`\epsilon > 0` the objective of `FWI` has one more term,

    .. math:: \frac{\epsilon^2}{2N} \| W (v - G(d)) / 1500 \|^2,

    where :math:`W` is one or, if `G` has a method ``spread(d)`` that returns a standard
    deviation ``(nx, nz)`` in m/s, its inverse with mean one.  A network that loses at the
    gate is no prior either.
    """

    Settings = HybridSettings
    settings: HybridSettings
    start: str
    starts: dict[str, tuple[float, ...]]
    reason: str
    _prediction: Prediction | None
    _entry: int
    """Number of the band in which the iterations begin."""
    _saved: int
    """Iterations of the bands before it, run in it."""

    def __init__(
        self,
        F: NonlinearOperator,
        G: NonlinearOperator,
        *,
        recipe: str | None = None,
        comm: Any = None,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        chosen = with_recipe(recipe, settings)
        super().__init__(F, comm=comm, callbacks=callbacks, **chosen)
        check_pair_of(F, G)
        self.G = G
        self._forget()

    @in_team
    def setup(
        self,
        dobs: Any,
        x0: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        show: bool = False,
    ) -> torch.Tensor:
        """Set up the inversion, and choose between the network and the fallbacks.

        Parameters
        ----------
        dobs, checkpoint, show
            As in `FWI.solve`.
        x0 : array, optional
            The first fallback ``(nx, nz)`` in m/s; by default linear in depth.  Cells that the
            mask holds have its velocity in every candidate.

        Returns
        -------
        x : :obj:`torch.Tensor`
            The chosen start ``(nx, nz)``, after the iterations of the race.
        """
        self._forget()
        x = super().setup(dobs, x0, checkpoint=checkpoint, show=show)
        if self.starts:  # resumed: the choice was made before
            return x
        prediction = self._prediction = self._predict(dobs)
        winner = self._choose({"linear" if x0 is None else "x0": x}, prediction.vp)
        self._take(winner)
        self._log("start: %s", self.reason)
        self._autosave(self._state(winner.x), now=True)
        return winner.x

    def result(self, x: torch.Tensor) -> HybridResult:
        """Return a velocity with history and start, in the kind of the data."""
        plain = super().result(x)
        return HybridResult(
            plain.vp,
            status=plain.status,
            message=plain.message,
            history=plain.history,
            start=self.start,
            starts=self.starts,
            reason=self.reason,
        )

    def _forget(self) -> None:
        self.start, self.starts, self.reason, self._prediction = "", {}, "", None
        self._entry, self._saved = 0, 0

    def _choose(self, fallbacks: dict[str, torch.Tensor], predicted: torch.Tensor) -> Runner:
        """Judge the candidates and return the winner; it may have run some iterations."""
        (first,) = fallbacks
        smooth = self.settings.smooth_start
        candidates = fallbacks | {"network": self._within(predicted, fallbacks[first])}
        if smooth:
            smoothed = self._within(gaussian(predicted, smooth), fallbacks[first])
            candidates["network, smoothed"] = smoothed
        self.starts = {name: self._judge(vp) for name, vp in candidates.items()}
        spent = 0
        if self.settings.profile:
            candidates["profile"], spent = self._profile(candidates[first])
            self.starts["profile"] = self._judge(candidates["profile"])
        network, fallback = best_of_network(self.starts), best_fallback(self.starts)
        winner = self._decide(
            self._runner(network, candidates[network]), self._runner(fallback, candidates[fallback])
        )
        winner.charge(spent)
        return winner

    def _decide(self, network: Runner, fallback: Runner) -> Runner:
        """Return one of the two, after a race if their misfits are close."""
        mine, theirs = (handicapped(self.starts, each.name) for each in (network, fallback))
        won, close = mine[0] < theirs[0], not is_clear(mine, theirs)  # the fallback wins a draw
        if self.settings.race and close:
            for each in (network, fallback):
                each.run(self.settings.race, since=self.tstart)
            won = network.rank < fallback.rank
        winner, loser = (network, fallback) if won else (fallback, network)
        winner.charge(loser.stage.evaluations)
        self.reason = self._because(winner, loser)
        return winner

    def _because(self, winner: Runner, loser: Runner) -> str:
        """Say why a candidate was taken."""
        if is_lost(self.starts[loser.name]):
            return f"{winner.name}: the network's prediction is not finite."
        ran = f"after {len(winner.history)} iterations " if winner.history else ""
        pair = (each.misfit if ran else self.starts[each.name][0] for each in (winner, loser))
        return (
            f"{winner.name}: {ran}{in_words(self.bands[0])} its data misfit is {next(pair):.3g}, "
            f"that of {loser.name} {next(pair):.3g}."
        )

    def _runner(self, name: str, vp: torch.Tensor) -> Runner:
        self.start = name  # the network alone has the prior
        return Runner(name, vp, self._new_stage())

    def _take(self, winner: Runner) -> None:
        """Go on as the winner."""
        self.start, self._stage = winner.name, winner.stage
        self.history = winner.history
        self.iiter = len(self.history)
        self._bar.update(self.iiter)
        if is_of_network(winner.name):
            self._entry = entry(self.starts[winner.name], self.settings.skip)
        if self._entry:
            self._skip(winner)
        elif self.history:
            self._next_band()

    def _skip(self, winner: Runner) -> None:
        """Go to the band of the entry, with the iterations of those before it."""
        self._saved = self.settings.iterations(self._entry) - len(self.history)
        self._band = self._entry
        self._stage = self._new_stage()
        if not self.history:  # else its entries have what the choice has cost
            self._stage.charge(winner.stage.evaluations)
        self._log("start: first band up to %.3g Hz", self.bands[self._entry])

    def _profile(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Return the best model of depth alone in the lowest band, and the gradients it took."""
        layers, corner = Layers(x, self._mask), self.bands[0]
        settings = replace(self.settings.for_band(0), niter=self.settings.profile)
        stage = Stage(
            self.Op,
            self.dobs,
            corner=corner,
            settings=settings,
            team=self._team,
            unknowns=layers,
        )
        u = layers.average(x)
        while not stage.ended():
            u, _ = stage.step(u)
        return layers.spread(u), stage.evaluations

    def _within(self, vp: torch.Tensor, fallback: torch.Tensor) -> torch.Tensor:
        """Bring a prediction within the bounds, and leave alone what the mask holds."""
        vp = vp.clamp(*self.settings.bounds)
        return vp if self._mask is None else torch.where(self._mask > 0.0, vp, fallback)

    def _judge(self, vp: torch.Tensor) -> tuple[float, ...]:
        F, settings = self.Op, self.settings
        if settings.estimate_source and bool(vp.isfinite().all()):
            F = with_source(F, shared_wavelet(F, vp, self.dobs, team=self._team))
        return shared_misfits(
            F, self.dobs, vp, misfit=settings.comparison, bands=self.bands, team=self._team
        )

    def _stage_settings(self) -> HybridSettings:
        settings = self.settings.for_band(self._band)
        if self._band == self._entry:
            settings = replace(settings, niter=settings.iterations(1) + self._saved)
        if self._prediction is None or not is_of_network(self.start):
            return settings
        return pulled(settings, self._prediction)

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | {"network": self.G.name}

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        starts = {name: list(misfits) for name, misfits in self.starts.items()}
        prediction = list(self._prediction) if self._prediction and self.settings.prior else None
        return super()._state(x) | {
            "start": [self.start, self.reason],
            "entry": [self._entry, self._saved],
            "starts": starts,
            "prediction": prediction,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.start, self.reason = state["start"]
        self._entry, self._saved = state["entry"]
        self.starts = {name: tuple(misfits) for name, misfits in state["starts"].items()}
        if state["prediction"]:
            vp, weights = state["prediction"]
            weights = None if weights is None else weights.to(self.dobs)
            self._prediction = Prediction(vp.to(self.dobs), weights)
        super()._restore(state)

    def _predict(self, dobs: Any) -> Prediction:
        if self._team.local(dobs)[1]:
            refuse(
                "dobs",
                "must be whole for the network, which sees all shots at once",
                got="data that are scattered over shots",
                do="Pass dobs.asarray()",
                error=VMBTypeError,
            )
        vp, weights = self._team.agree(self._see(dobs) if self._team.rank == 0 else None)
        vp = vp.to(self.dobs)
        return Prediction(vp, None if weights is None else weights.to(self.dobs))

    def _see(self, dobs: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        data = to_tensor(dobs, device=self.dobs.device, dtype=self.dobs.dtype, name="dobs")
        data = data.reshape(self.Op.dimsd)
        with torch.no_grad():
            vp: torch.Tensor = self.G(data)
            weights = None
            if self.settings.prior and hasattr(self.G, "spread"):
                weights = confidence(to_tensor(self.G.spread(data), name="G.spread(d)").detach())
        return vp.cpu(), None if weights is None else weights.reshape(vp.shape).cpu()


def hybrid(
    F: NonlinearOperator,
    dobs: Any,
    G: NonlinearOperator,
    *,
    x0: Any = None,
    recipe: str | None = None,
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
    G : `NonlinearOperator`
        The network, from data to velocity, usually a `LearnedInversion`.
    x0 : array, optional
        The first fallback ``(nx, nz)`` in m/s; by default linear in depth.
    recipe, comm, callbacks
        As in `Hybrid`.
    checkpoint, show
        As in `FWI.solve`.
    **settings
        See `HybridSettings`: ``smooth_start``, ``prior``, ``profile``, ``race``, and those of
        `FWISettings`.

    Returns
    -------
    result : `HybridResult`
        ``vp, niter, cost``, with status, message, history, the start taken and why.
    """
    solver = Hybrid(F, G, recipe=recipe, comm=comm, callbacks=callbacks, **settings)
    result = solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
    assert isinstance(result, HybridResult)
    return result
