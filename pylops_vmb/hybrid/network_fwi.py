"""Full-waveform inversion whose unknowns are the numbers of a network."""

import copy
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pylops_vmb._backend import Kind
from pylops_vmb._checks import check_choice, check_integer, check_number, refuse, warn
from pylops_vmb.errors import StartWarning, VMBTypeError
from pylops_vmb.hybrid.pair import check_pair_of
from pylops_vmb.hybrid.reparameterised import OnNumbers, Reparameterisation
from pylops_vmb.inversion import InversionResult, Iteration
from pylops_vmb.inversion.multiscale import MultiscaleSolver
from pylops_vmb.inversion.objective import Value
from pylops_vmb.inversion.optimisers import LBFGS, Adam, Optimiser
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.settings import FWISettings
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.networks.adapters import Adapted, adapt, merge
from pylops_vmb.networks.deep_prior import DeepPrior
from pylops_vmb.operators import NonlinearOperator

_LOGGER = logging.getLogger(__name__)
_ANYWHERE = (-math.inf, math.inf)
_PRETRAINING_RATE = 2e-3


@dataclass(frozen=True, kw_only=True)
class NetworkFWISettings(FWISettings):
    """Settings of `NetworkFWI` and `network_fwi`.

    Parameters
    ----------
    optimiser : {"adam", "lbfgs"}
        Of the numbers.
    lr : :obj:`float`
        Step of Adam, or the largest change of a number in the first trial of L-BFGS.
    part : :obj:`str`
        Which numbers: "all", "low-rank" changes of all kernels, "last", or another part, layer
        or pattern (see `pylops_vmb.networks.parts.select`).
    rank : :obj:`int`
        Of "low-rank".
    smooth, illumination
        Shape the gradient with respect to velocity before it is pulled back through the
        network; with L-BFGS, which needs the gradient of the objective itself, they must be
        off.  By default they are off.
    pretrain : :obj:`int`
        Most steps in which a "deep-prior" learns to draw the start; they need no modelling.
    within : :obj:`float`
        Mean absolute difference to the start in m/s at which it knows it.
    niter, bands, misfit, bounds, Regs, epsRs, dataregs, mask, tol, shots, seed, tv
        See `FWISettings`; the seed is also that of noise, untrained
        weights and low-rank factors.
    """

    optimiser: str = "adam"
    lr: float = 2e-4
    part: str = "all"
    rank: int = 4
    illumination: bool = False
    pretrain: int = 2000
    within: float = 5.0

    def __post_init__(self) -> None:
        check_number("lr", self.lr, above=0.0)
        super().__post_init__()
        check_integer("rank", self.rank, at_least=1)
        check_integer("pretrain", self.pretrain, at_least=1)
        check_number("within", self.within, above=0.0, unit="m/s")
        if self.optimiser == "lbfgs" and (self.smooth or self.illumination):
            refuse(
                "optimiser",
                "'lbfgs' needs the gradient as it is",
                got=f"smooth={self.smooth:g}, illumination={self.illumination}",
                do="Use 'adam', or smooth=0 and illumination=False",
            )
        check_choice("optimiser", self.optimiser, ("adam", "lbfgs"))

    def optimiser_for(self, precondition: Preconditioner) -> Optimiser:
        """Return a new optimiser of numbers without bounds, for a band."""
        if self.optimiser == "lbfgs":
            return LBFGS(_ANYWHERE, precondition, first=self.lr, longest=6.0 * self.lr)
        return Adam(_ANYWHERE, precondition, lr=self.lr, niter=self.iterations(1))


class NetworkFWIResult(InversionResult):
    """The triple of an inversion, and what its network had learned before.

    Attributes
    ----------
    pretraining : :obj:`dict`
        ``steps``, ``gap`` (mean absolute difference to the start in m/s) and ``seconds`` of the
        pretraining, which took no modelling; empty for a `LearnedInversion`.
    """

    pretraining: dict[str, float]

    def __new__(
        cls,
        vp: Any,
        *,
        status: str,
        message: str,
        history: tuple[Iteration, ...] = (),
        pretraining: dict[str, float],
    ) -> "NetworkFWIResult":
        """Make the triple."""
        result = super().__new__(cls, vp, status=status, message=message, history=history)
        assert isinstance(result, NetworkFWIResult)
        result.pretraining = dict(pretraining)
        return result

    def __getnewargs_ex__(self) -> tuple[tuple[Any], dict[str, Any]]:
        """Say how to copy or unpickle it."""
        args, words = super().__getnewargs_ex__()
        return args, words | {"pretraining": self.pretraining}


class NetworkFWI(MultiscaleSolver):
    r"""Full-waveform inversion for the numbers of a network that draws the velocity.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    net : `LearnedInversion` or :obj:`str` or `pylops_vmb.networks.DeepPrior`
        What draws: a trained network, fed with the data, or "deep-prior", a small convolutional
        decoder, fed with noise, which first learns to draw the start.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run, as in every PyLops solver.
    **settings
        See `NetworkFWISettings`.

    Attributes
    ----------
    settings : `NetworkFWISettings`
        The settings.
    history : :obj:`list`
        One `Iteration` each, while it runs.
    status : :obj:`str`
        As in `InversionResult`.
    pretraining : :obj:`dict`
        As in `NetworkFWIResult`.

    Raises
    ------
    VMBTypeError
        If `net` is nothing of these.
    VMBValueError
        If a learned inversion does not have the survey and grid of `F`.

    Notes
    -----
    Minimises the objective :math:`\phi` of `FWI` over :math:`\theta` in :math:`v(\theta)`, in
    bands, by

    .. math:: \nabla_\theta \phi = J_N^T \nabla_v \phi

    An iteration costs what one of Adam in `FWI` costs, and a pass of the network to and fro.
    Do not expect it to beat `FWI`: from the predictions of the bundled network for two models,
    30 gradients each, `FWI` by Adam ended at 397 and 200 m/s, low-rank changes of the network at
    418 and 203, all of its weights (the first model) at 441.

    References
    ----------
    Y. Wu and G. A. McMechan, Parametric convolutional neural network-domain full-waveform
    inversion, Geophysics 84(6), 2019; W. Zhu, K. Xu, E. Darve, B. Biondi and G. C. Beroza,
    Integrating deep neural networks with full-waveform inversion: reparameterization,
    regularization, and uncertainty quantification, Geophysics 87(1), 2022.
    """

    Settings: type[NetworkFWISettings] = NetworkFWISettings
    settings: NetworkFWISettings

    def __init__(
        self,
        F: NonlinearOperator,
        net: LearnedInversion | DeepPrior | str,
        *,
        callbacks: Sequence[Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(F, callbacks=callbacks, **settings)
        self.net = self._check_net(net)
        self.pretraining: dict[str, float] = {}
        self._anchor = torch.empty(0)  # where cells are held

    def result(self, x: torch.Tensor) -> InversionResult:
        """Return a velocity with the history so far, in the kind of the data."""
        plain = super().result(x)
        return NetworkFWIResult(
            plain.vp,
            status=plain.status,
            message=plain.message,
            history=plain.history,
            pretraining=self.pretraining,
        )

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the state of the network as it is now: what a ``load_state_dict`` takes."""
        return merge(self._network.adapted, self._network.theta)

    def _check_net(self, net: Any) -> LearnedInversion | DeepPrior:
        if isinstance(net, LearnedInversion):
            check_pair_of(self.Op, net)
            return net
        nz, nx = reversed(self.Op.dims)
        if isinstance(net, str):
            check_choice("net", net, ("deep-prior",))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.settings.seed)
                return DeepPrior((nz, nx), vp_range=self.settings.bounds)
        if not isinstance(net, DeepPrior):
            refuse(
                "net",
                "must be a learned inversion or a decoder",
                got=type(net).__name__,
                do="Pass a LearnedInversion, 'deep-prior' or a networks.DeepPrior",
                error=VMBTypeError,
            )
        if net.out_shape != (nz, nx):
            do = f"Build it with out_shape={(nz, nx)}"
            refuse("net", "must draw the grid of F", got=f"(nz, nx) = {net.out_shape}", do=do)
        return net

    def _observe(self, dobs: Any) -> tuple[Kind, torch.Tensor]:
        kind, data = super()._observe(dobs)
        self.pretraining = {}
        if isinstance(self.net, LearnedInversion):
            self._network = self._represent(self.net.net, self._inputs(data[None]), data)
        else:
            self._network = self._represent(
                self.net, self.net.noise(seed=self.settings.seed).to(data), data
            )
        return kind, data

    def _inputs(self, gathers: torch.Tensor) -> torch.Tensor:
        """Return gathers ``(n, ns, nr, nt)`` as a learned inversion feeds them to its network."""
        assert isinstance(self.net, LearnedInversion)
        return torch.stack([self.net.inputs(d) for d in gathers])

    def _represent(
        self, net: torch.nn.Module, inputs: torch.Tensor, like: torch.Tensor
    ) -> Reparameterisation:
        own = copy.deepcopy(net).to(like).eval().requires_grad_(False)
        settings = self.settings
        adapted = adapt(own, settings.part, rank=settings.rank, seed=settings.seed)
        return self._drawing(adapted, inputs)

    def _drawing(self, adapted: Adapted, inputs: torch.Tensor) -> Reparameterisation:
        return Reparameterisation(adapted, inputs, bounds=self.settings.bounds)

    def _optimiser(self) -> Optimiser:
        settings = self._stage_settings()
        smoothen = Preconditioner(smooth=settings.smooth, illumination=settings.illumination)
        inner = settings.optimiser_for(Preconditioner(illumination=False))
        return OnNumbers(self._network, inner, smoothen=smoothen)

    def _identity(self) -> dict[str, Any]:
        net = self.net.net if isinstance(self.net, LearnedInversion) else self.net
        digest = weights_digest(net.state_dict())
        return super()._identity() | {"network": [type(net).__name__, digest]}

    def _state(self, x: torch.Tensor) -> dict[str, Any]:
        own = {"theta": self._network.theta, "anchor": self._anchor, "drawn": self.pretraining}
        return super()._state(x) | own

    def _restore(self, state: dict[str, Any]) -> None:
        self._network.theta = state["theta"].to(self.dobs)
        self._anchor, self.pretraining = state["anchor"].to(self.dobs), state["drawn"]
        super()._restore(state)

    def _start(self, x0: Any) -> torch.Tensor:
        self._anchor = torch.empty(0)
        if isinstance(self.net, LearnedInversion):
            x = self._start_of_inversion(x0)
        else:
            x = super()._start(x0)
        if self._anchor.numel():  # resumed
            self._network.hold(self._mask, self._anchor)
            return x
        self._anchor = x
        if isinstance(self.net, DeepPrior):
            self._learn(x)
        self._network.hold(self._mask, x)
        return self._network.vp()

    def _start_of_inversion(self, x0: Any) -> torch.Tensor:
        """Return the prediction of the learned inversion, or where it was when saved."""
        if x0 is not None:
            refuse(
                "x0",
                "cannot be used: the prediction of the network is the start",
                got="a starting model",
                do="Leave it out, or pass net='deep-prior'",
            )
        return super()._start(self._network.vp())

    def _learn(self, x: torch.Tensor) -> None:
        """Train the decoder until it draws a velocity ``(nx, nz)``."""
        settings, network, began = self.settings, self._network, time.time()
        scale = (settings.bounds[1] - settings.bounds[0]) / 2
        descent = Adam(
            _ANYWHERE,
            Preconditioner(illumination=False),
            lr=_PRETRAINING_RATE,
            niter=settings.pretrain,
        )

        def distance(theta: torch.Tensor) -> Value:
            with torch.enable_grad():
                point = theta.detach().requires_grad_()
                off = (network.raw(point) - x) / scale
                (slope,) = torch.autograd.grad(off.square().mean(), point)
            return Value(float(off.detach().abs().mean()) * scale, 0.0, slope)

        theta, gap, steps = network.theta, math.inf, 0
        while steps < settings.pretrain:
            new, value = descent.step(theta, distance)
            gap = value.misfit
            if gap <= settings.within:
                break
            theta, steps = new, steps + 1
        network.theta = theta
        self.pretraining = {"steps": steps, "gap": gap, "seconds": time.time() - began}
        self._log("pretraining: %s", self.pretraining)
        if gap > settings.within:
            warn(
                "x0",
                f"could not be drawn to {settings.within:g} m/s by the decoder",
                got=f"{gap:.1f} m/s after {steps} steps",
                do="Raise pretrain or within, or smooth the start",
                category=StartWarning,
            )


def network_fwi(
    F: NonlinearOperator,
    dobs: Any,
    net: LearnedInversion | DeepPrior | str = "deep-prior",
    *,
    x0: Any = None,
    callbacks: Sequence[Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    show: bool = False,
    **settings: Any,
) -> NetworkFWIResult:
    """Invert data for the numbers of a network that draws the velocity: `NetworkFWI`.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling, usually `AcousticModelling2D`.
    dobs : array
        Observed data ``(ns, nr, nt)`` or flat; NumPy, torch or CuPy.
    net : `LearnedInversion` or :obj:`str` or `pylops_vmb.networks.DeepPrior`, optional
        As in `NetworkFWI`.
    x0 : array, optional
        What a decoder learns to draw first, ``(nx, nz)`` in m/s; by default linear in depth.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, steps and run.
    checkpoint, show
        As in `FWI.solve`.
    **settings
        See `NetworkFWISettings`.

    Returns
    -------
    result : `NetworkFWIResult`
        ``vp, niter, cost``, with status, message, history, and the cost of the pretraining.
    """
    solver = NetworkFWI(F, net, callbacks=callbacks, **settings)
    result = solver.solve(dobs, x0, checkpoint=checkpoint, show=show)
    assert isinstance(result, NetworkFWIResult)
    return result
