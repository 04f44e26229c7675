"""Physics-guided fine-tuning: a network learns from a user's own gathers, without labels."""

import copy
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from pylops_vmb._backend import Kind, kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_finite, check_integer, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.hybrid.gathers import Best, Gathers, check_held_out
from pylops_vmb.hybrid.network_fwi import NetworkFWI, NetworkFWISettings
from pylops_vmb.hybrid.reparameterised import Reparameterisation
from pylops_vmb.inversion import InversionResult
from pylops_vmb.inversion.stage import Stage
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks.adapters import Adapted, merge
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True, kw_only=True)
class TuningSettings(NetworkFWISettings):
    """Settings of `Tuning` and `tune`.

    Parameters
    ----------
    niter : :obj:`int` or sequence of :obj:`int`
        Most iterations in each band.
    lr : :obj:`float`
        Step of Adam; by default 2e-3 for "low-rank" and 1e-4 for weights themselves.
    part : :obj:`str`
        What is tuned, as in `NetworkFWISettings`.
    held_out : :obj:`int` or sequence of :obj:`int`
        How many shots of each gather, or which, the objective does not see; 0 for none.
    patience : :obj:`int`
        A band ends when the misfit of these shots did not fall for so many iterations.
    bands, misfit, bounds, Regs, epsRs, dataregs, smooth, illumination, tol, seed, tv, rank
        See `NetworkFWISettings`.
    """

    niter: int | Sequence[int] = 15
    lr: float = math.nan
    part: str = "low-rank"
    illumination: bool = True
    smooth: float = 1.0
    held_out: int | Sequence[int] = 1
    patience: int = 5

    def __post_init__(self) -> None:
        if math.isnan(self.lr):
            object.__setattr__(self, "lr", 2e-3 if self.part == "low-rank" else 1e-4)
        super().__post_init__()
        check_integer("patience", self.patience, at_least=1)
        given = {"mask": self.mask is not None, "shots": self.shots is not None}
        for name, present in (given | {"estimate_source": self.estimate_source}).items():
            if present:
                do = "Leave it out, or use network_fwi"
                refuse(name, "has no meaning for a network that stays", got="one", do=do)


class Tuning(NetworkFWI):
    r"""Physics-guided fine-tuning of a learned inversion, as a PyLops solver.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling.
    G : `LearnedInversion`
        The network; it stays as it is.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run.
    **settings
        See `TuningSettings`.

    Attributes
    ----------
    settings : `TuningSettings`
        The settings.
    history : :obj:`list`
        One `Iteration` each, while it runs.
    held_out : :obj:`list`
        Misfit of the held-out shots after each iteration, in its band; NaN where none are.
    status : :obj:`str`
        As in `InversionResult`; "overfitted" where the held-out shots ended a band.

    Notes
    -----
    Minimises the mean of the objectives of `FWI` over gathers :math:`d_i`, without labels,

    .. math:: \min_\theta \frac{1}{n} \sum_i \phi_i(G_\theta(d_i))

    where :math:`\phi_i` sees all shots but those held out, while the network sees all.  Each
    band ends at the point where the held-out shots fit best, and the next one begins there.
    Batch norm stays in evaluation mode.

    When it helps: where the prediction explains the data badly.  On a gather of misfit 0.037 the
    error of the bundled network fell from 537 to 401 m/s (low-rank, 20 gradients).  Where it
    explains them well there is little to learn: on one of misfit 0.0006, tuning all weights
    lowered the misfit to 0.0002 and raised the error from 93 to 136 m/s.  On three gathers
    together, low-rank changes moved their errors by -4, -141 and +13 m/s, all weights by +64,
    -123 and +64; that of a fourth gather, not tuned on, rose by 28 and by 2.  Use the result for
    the gathers it was tuned on, best as a start of `pylops_vmb.fwi`.

    References
    ----------
    P. Jin et al., Unsupervised learning of full-waveform inversion: connecting CNN and partial
    differential equation in a loop, ICLR, 2022, arXiv 2110.07584.
    """

    Settings: type[TuningSettings] = TuningSettings
    settings: TuningSettings
    net: LearnedInversion

    def __init__(
        self,
        F: NonlinearOperator,
        G: LearnedInversion,
        *,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        if not isinstance(F, AcousticModelling2D):
            refuse(
                "F",
                "must model shots one by one, to hold some out",
                got=type(F).__name__,
                do="Pass an AcousticModelling2D",
                error=VMBTypeError,
            )
        if not isinstance(G, LearnedInversion):
            refuse(
                "G",
                "must be a learned inversion",
                got=type(G).__name__,
                do="Call tune(G, F, dobs) with G = LearnedInversion.from_pretrained()",
                error=VMBTypeError,
            )
        super().__init__(F, G, callbacks=callbacks, **settings)
        self.held_out: list[float] = []
        self._hidden = check_held_out(self.settings.held_out, F.acq.ns)

    def step(self, x: torch.Tensor, show: bool = False) -> torch.Tensor:
        """Run one iteration; see `MultiscaleSolver.step`."""
        if self._best.theta is None:  # a band begins
            self._best.see(self._network.theta, self._goal.held_out_misfit(self._network.vp()))
        return super().step(x, show=show)

    def result(self, x: torch.Tensor) -> InversionResult:
        """Return what the tuned network predicts, ``(n, nx, nz)`` or ``(nx, nz)`` as the data."""
        del x  # of the last point, not of the best
        self._network.theta = self._chosen()
        vp = self._network.vp()
        return super().result(vp if self._several else vp[0])

    def tuned(self, *, name: str | None = None, licence: str | None = None) -> LearnedInversion:
        """Return the tuned network, with a card that tells of parent, data and misfits.

        Parameters
        ----------
        name, licence : :obj:`str`, optional
            For the card; by default those of the parent, with "-tuned" behind the name.

        Returns
        -------
        tuned : `LearnedInversion`
            An ordinary network of the structure of its parent.

        Notes
        -----
        If its held-out shots do not fit better in the last band than those of the parent, the
        weights are those of the parent, and the card says so.
        """
        parent, theta = self.net, self._chosen()
        scores = {"held_out_misfit_before": self._judged(self._network.adapted.start())}
        scores["held_out_misfit"] = self._judged(theta)
        better = not scores["held_out_misfit"] >= scores["held_out_misfit_before"]
        if not better:
            theta = self._network.adapted.start()
            scores["held_out_misfit"] = scores["held_out_misfit_before"]
        net = copy.deepcopy(parent.net)
        net.load_state_dict(merge(self._network.adapted, theta))
        card = replace(
            parent.card,
            name=name or f"{parent.card.name}-tuned",
            training=self._told() | {"kept": "tuned" if better else "parent"},
            metrics={key: value for key, value in scores.items() if math.isfinite(value)},
            limits=(*parent.card.limits, self._limit()),
            licence=licence or parent.card.licence,
        )
        return LearnedInversion(net, card, acq=parent.acq, device=parent.device)

    def _told(self) -> dict[str, Any]:
        """Return what the card says of the tuning; plain values."""
        settings, parent = self.settings, self.net
        rows = zip(self.history, self.held_out, strict=True)
        return {
            "parent": {
                "name": parent.card.name,
                "sha256": weights_digest(parent.net.state_dict()),
                "training": parent.card.training,
                "metrics": parent.card.metrics,
            },
            "by": "physics, without labels",
            "part": settings.part,
            "rank": settings.rank if settings.part == "low-rank" else None,
            "lr": settings.lr,
            "bands": [_plain(corner) for corner in self.bands],
            "niter": len(self.history),
            "gathers": self.dobs.shape[1],
            "held_out_shots": list(self._hidden),
            "stopped": self.status,
            "history": [
                {"band": _plain(one.band), "misfit": one.misfit, "held_out": _plain(held)}
                for one, held in rows
            ],
        }

    def _limit(self) -> str:
        gathers = self.dobs.shape[1]
        return (
            f"Tuned by the wave equation on {gathers} gather{'s' * (gathers > 1)}: their data fit "
            "better, which is no proof that their velocity does; elsewhere it may be worse than "
            f"{self.net.card.name}."
        )

    def _chosen(self) -> torch.Tensor:
        """Return the numbers of the best point of the last whole step."""
        best: torch.Tensor | None = self._point["best"]["theta"]
        theta: torch.Tensor = self._point["theta"]
        return theta if best is None else best

    def _judged(self, theta: torch.Tensor) -> float:
        """Return the misfit of the held-out shots in the last band."""
        self._network.theta = theta
        return self._goal_of(self.bands[-1]).held_out_misfit(self._network.vp())

    def _observe(self, dobs: Any) -> tuple[Kind, torch.Tensor]:
        """Return kind and data ``(ns, n, nr, nt)``, and make the network ready for them."""
        kind, data = _gathers(self.Op, dobs)
        self._several = data.ndim == 4
        stack = data.reshape(-1, *self.Op.dimsd)
        self._network = self._represent(self.net.net, self._inputs(stack), stack)
        self.pretraining, self.held_out = {}, []
        return kind, stack.transpose(0, 1).contiguous()

    def _drawing(self, adapted: Adapted, inputs: torch.Tensor) -> Reparameterisation:
        return Reparameterisation(adapted, inputs, bounds=self.settings.bounds, stacked=True)

    def _start(self, x0: Any) -> torch.Tensor:
        if x0 is not None:
            return self._start_of_inversion(x0)
        state = self._autosave.load()
        self._anchor, self._x0 = self._network.vp(), ""
        if state is None:
            return self._anchor
        self._restore(state)
        return self._network.vp()

    def _goal_of(self, corner: float) -> Gathers:
        assert isinstance(self.Op, AcousticModelling2D)
        settings = self._stage_settings()
        return Gathers(self.Op, self.dobs, corner=corner, settings=settings, held_out=self._hidden)

    def _new_stage(self) -> Stage:
        self._best = Best(self.settings.patience)
        self._goal = self._goal_of(self.bands[self._band])
        return _StageOf(
            self.Op,
            self.dobs,
            corner=self.bands[self._band],
            number=self._band,
            settings=self._stage_settings(),
            optimiser=self._optimiser(),
            goal=self._goal,
        )

    def _ended(self) -> str:
        """Look at the held-out shots, and say why the band is over."""
        theta = self._network.theta
        held = self._goal.held_out_misfit(self._network.vp())
        self.held_out.append(held)
        self._best.see(theta, held)
        ended = super()._ended()
        return "overfitted" if self._best.over else ended

    def _next_band(self) -> None:
        band, best = self._band, self._best
        super()._next_band()
        if self._band > band and best.theta is not None:
            self._network.theta = best.theta

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        own = {"best": self._best.state(), "held_out": list(self.held_out)}
        return super()._state(x) | own

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        self._best.restore(state["best"], like=self.dobs)
        self.held_out = list(state["held_out"])


class _StageOf(Stage):
    """The iterations of one band, for an objective that was made before."""

    def __init__(self, *args: Any, goal: Gathers, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._goal = goal

    def _begin(self, x: torch.Tensor) -> Gathers:
        del x
        self._goal.evaluations = self._evaluations
        self._objective = self._goal
        return self._goal


def tune(
    G: LearnedInversion,
    F: NonlinearOperator,
    dobs: Any,
    *,
    callbacks: Sequence[Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    show: bool = False,
    name: str | None = None,
    licence: str | None = None,
    **settings: Any,
) -> LearnedInversion:
    """Tune a learned inversion by the wave equation on gathers without labels.

    Parameters
    ----------
    G : `LearnedInversion`
        The parent; it stays as it is.
    F : `AcousticModelling2D`
        The modelling of its survey.
    dobs : array
        One gather ``(ns, nr, nt)`` or several of one survey ``(n, ns, nr, nt)``; NumPy, torch
        or CuPy.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run.
    checkpoint, show
        As in `FWI.solve`.
    name, licence : :obj:`str`, optional
        For the card; by default those of the parent, with "-tuned" behind the name.
    **settings
        See `TuningSettings`: ``part`` ("low-rank", "all", "last", ...), ``rank``, ``niter``,
        ``bands``, ``lr``, ``held_out``, ``patience`` and more.

    Returns
    -------
    tuned : `LearnedInversion`
        Its card tells its parent, what was tuned, and the misfit of the held-out shots before
        and after.

    Raises
    ------
    VMBTypeError
        If `F` is no `AcousticModelling2D` or `G` no `LearnedInversion`.
    VMBValueError
        If they or the data do not fit each other.

    Notes
    -----
    See `Tuning`.  A network with labels for new data is trained by
    `pylops_vmb.training.finetune` instead.
    """
    solver = Tuning(F, G, callbacks=callbacks, **settings)
    solver.solve(dobs, checkpoint=checkpoint, show=show)
    return solver.tuned(name=name, licence=licence)


def _gathers(F: NonlinearOperator, dobs: Any) -> tuple[Kind, torch.Tensor]:
    """Return kind and tensor of data ``(ns, nr, nt)`` or ``(n, ns, nr, nt)``, if they are good."""
    kind, values = kind_of(dobs, "dobs"), to_tensor(dobs, name="dobs").detach()
    shape = tuple(values.shape)
    if shape[-3:] != F.dimsd or values.ndim not in (3, 4) or not len(values):
        refuse(
            "dobs",
            f"must be gathers (ns, nr, nt) = {F.dimsd} or several (n, ns, nr, nt)",
            got=shape,
            do="Stack the gathers of one survey along a first axis",
        )
    device = F.device if kind.library == "numpy" else kind.device
    data = values.to(device=device, dtype=working_dtype(kind.dtype)).contiguous()
    check_finite("dobs", data, do="Mute or interpolate these samples first")
    if not bool(data.flatten(-3).any(-1).all()):
        refuse("dobs", "hold a gather without signal", got="zeros only", do="Check how it was read")
    return kind, data


def _plain(value: float) -> float | None:
    """Return a number that JSON can hold: None for what is not finite."""
    return value if math.isfinite(value) else None
