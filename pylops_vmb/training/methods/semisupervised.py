"""Learning through the wave equation: gathers without velocity teach by being explained."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.training.consistency import DataConsistency
from pylops_vmb.training.datasets.samples import Gathers, Samples
from pylops_vmb.training.identity import of_data
from pylops_vmb.training.methods.base import Wrap, autocast
from pylops_vmb.training.methods.supervised import Supervised
from pylops_vmb.training.order import Order, mixed
from pylops_vmb.training.settings import TrainingConfig

_UNLABELLED = 3
"""Keeps the order of the unlabelled gathers apart from other random numbers of a training."""


class _ThroughPhysics(Supervised):
    """What both methods share: the misfit of a prediction, in the band of the moment."""

    def __init__(self, net: nn.Module, config: TrainingConfig, consistency: DataConsistency):
        super().__init__(net, config)
        self.consistency = consistency

    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Make ready for training; see `Method.prepare`."""
        super().prepare(steps, device=device, wrap=wrap)
        self._steps, self._done = steps, 0

    def misfit_of(self, inputs: Tensor, d: Tensor, *, draw: int) -> Tensor:
        """Return how badly the velocity of normalised gathers explains the gathers `d`.

        The bands follow each other from the first step to the last, each for equally long.
        """
        with autocast(self.config, self.device):
            prediction = self.called(inputs)
        band = self._done * len(self.consistency.bands) // self._steps
        return self.consistency(prediction.float(), d, draw=draw, band=band)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be taken over."""
        return super().identity | {"consistency": self.consistency.config}

    def state_dict(self) -> dict[str, Any]:
        """Return network, average, descent and the number of steps taken."""
        return super().state_dict() | {"done": self._done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state)
        self._done = int(state["done"])


class LabelFree(_ThroughPhysics):
    r"""Learn from gathers alone; the velocities of the data set are ignored.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    config : `TrainingConfig`
        The settings; its `loss` is not used.
    consistency : `DataConsistency`
        Compares :math:`F(G(d))` with :math:`d`.

    Notes
    -----
    The loss of a network :math:`G` is :math:`\|F(G(d)) - d\|`, in the misfit and the bands of
    `consistency`: an inversion of the whole data set at once, with all that is known of
    inversions.  Without low frequencies first it skips cycles, and where no wave comes back
    from nothing is learned.

    References
    ----------
    P. Jin, X. Zhang, Y. Chen, S. X. Huang, Z. Liu and Y. Lin, Unsupervised learning of
    full-waveform inversion: connecting CNN and partial differential equation in a loop, ICLR,
    2022, arXiv 2110.07584.
    """

    teacher = "gathers"

    def step(self, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take one step on normalised gathers, and the same not normalised; see `Method.step`."""
        values = super().step(inputs, target)
        self._done += 1
        return values

    def loss_of(self, inputs: Tensor, target: Tensor) -> Tensor:
        """Return the misfit of normalised gathers to those that are not."""
        return self.misfit_of(inputs, target, draw=self._done)


class SemiSupervised(_ThroughPhysics):
    r"""Learn from gathers with velocity, and from others without, which are modelled.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    config : `TrainingConfig`
        The settings.
    consistency : `DataConsistency`
        Compares :math:`F(G(d))` with :math:`d`; its `preprocessing` normalises the unlabelled
        gathers, too.
    unlabelled : `Gathers` or `Samples`
        Gathers ``(ns, nt, nr)`` by number, decimated and not normalised; velocities that come
        with them are ignored.
    batch : :obj:`int`, optional
        Unlabelled samples a step, over all processes together.
    weight : :obj:`float`, optional
        Of the misfit beside the velocity loss.
    ramp : :obj:`float`, optional
        Part of the steps in which the weight rises linearly from zero: the first predictions
        are too far from the truth for the wave equation to say which way to go.
    every : :obj:`int`, optional
        Model only in every so many steps.

    Raises
    ------
    VMBValueError
        If a number is out of range or there are no unlabelled gathers.

    Notes
    -----
    A step lowers

    .. math:: m_v(G(d_l), v_l) + w \, \min(1, t / t_r) \, m_d(F(G(d_u)), d_u)

    with labelled samples :math:`l` and unlabelled ones :math:`u`.  Both go through the network
    one after the other, so that batch norm takes its statistics from both.  The chance in the
    statistics of a small batch costs little in velocity and much in data: take large ones,
    and measure on models of known velocity whether the unlabelled gathers help.

    References
    ----------
    As in `LabelFree`; B. Wu, D. Meng and H. Zhao, Semi-supervised learning for seismic
    impedance inversion using generative adversarial networks, Remote Sensing 13, 2021.
    """

    columns = ("loss", "labelled", "misfit")

    def __init__(
        self,
        net: nn.Module,
        config: TrainingConfig,
        consistency: DataConsistency,
        *,
        unlabelled: Gathers | Samples,
        batch: int = 8,
        weight: float = 0.1,
        ramp: float = 0.3,
        every: int = 1,
    ) -> None:
        super().__init__(net, config, consistency)
        self.unlabelled = unlabelled
        self.batch = check_integer("batch", batch, at_least=1)
        self.weight = check_number("weight", weight, above=0.0)
        self.ramp = check_number("ramp", ramp, at_least=0.0, at_most=1.0)
        self.every = check_integer("every", every, at_least=1)
        if len(unlabelled) == 0:
            do = "Pass gathers, or train with Supervised"
            refuse("unlabelled", "must not be empty", got="0 samples", do=do)

    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Make ready for training; see `Method.prepare`."""
        super().prepare(steps, device=device, wrap=wrap)
        rank, size = _place()
        seed = mixed(self.config.seed, _UNLABELLED)
        self._order = Order(len(self.unlabelled), self.batch, seed, rank=rank, size=size)
        self._misfit = torch.zeros((), device=device)

    def step(self, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take one step on labelled gathers and the next unlabelled ones; see `Method.step`."""
        self.net.train()
        weight = self._weight()
        turn, rest = divmod(self._done, self.every)
        if rest == 0:
            self._misfit = self._explain(turn, weight)
        labelled = super().step(inputs, target)["loss"]
        self._done += 1
        loss = labelled + weight * self._misfit
        return {"loss": loss, "labelled": labelled, "misfit": self._misfit}

    def _explain(self, turn: int, weight: float) -> Tensor:
        """Add the gradient of the misfit of the next unlabelled gathers to those that wait."""
        (part,) = self._order.parts(turn, turn + 1)
        d = torch.stack([_gathers(self.unlabelled[row]) for row in part.rows]).to(self.device)
        share = part.real * self._order.size / part.batch
        with self._alone(True):
            misfit = self.misfit_of(self.consistency.preprocessing.normalise(d), d, draw=turn)
            self.descent.backward(weight * share * misfit)
        return misfit.detach()

    def _weight(self) -> float:
        rising = self.ramp * self._steps
        return self.weight * min(1.0, (self._done + 1) / rising if rising else 1.0)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be taken over."""
        names = ("batch", "weight", "ramp", "every")
        own: dict[str, Any] = {name: getattr(self, name) for name in names}
        return super().identity | own | of_data("unlabelled", self.unlabelled)

    def state_dict(self) -> dict[str, Any]:
        """Return network, average, descent, the number of steps and the last misfit."""
        return super().state_dict() | {"misfit": self._misfit}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state)
        self._misfit = state["misfit"].to(self.device)


def _gathers(sample: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    return sample[0] if isinstance(sample, tuple) else sample


def _place() -> tuple[int, int]:
    """Return the number of this process, and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
