"""What a method of learning is, and the descent (optimiser, schedule, scaling) that all share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pylops_vmb.training.schedules import schedule
from pylops_vmb.training.settings import PRECISIONS, TrainingConfig, optimizer_of

Wrap = Callable[[nn.Module], nn.Module]
"""From a network to what must be called in a step: itself, or the same shared by processes."""


class Method(ABC):
    """One way to learn from a batch; a `Trainer` brings the batches.

    Attributes
    ----------
    net : :obj:`torch.nn.Module`
        The trained network, never a wrapper: gathers ``(batch, ns, nt, nr)`` to velocity
        ``(batch, 1, nz, nx)`` in m/s.
    average : :obj:`torch.optim.swa_utils.AveragedModel`
        The moving average of its weights; ``average.module`` is evaluated and saved.
    config : `TrainingConfig`
        The settings.
    share : :obj:`float`
        Weight of this process's samples, 1 if it is alone: the losses are multiplied by it
        before their gradients are taken.  The trainer sets it before each step.
    columns : :obj:`tuple`
        Names of what `step` returns, ``"loss"`` first.
    teacher : {"velocity", "gathers"}
        What `step` learns from: velocities, or the same gathers ``(batch, ns, nt, nr)``
        decimated and augmented, but not normalised.

    Notes
    -----
    A step may draw random numbers from torch's global generators (dropout): the trainer
    seeds these before each step, so that a resumed training draws the same ones.
    """

    net: nn.Module
    average: AveragedModel
    config: TrainingConfig
    share: float = 1.0
    columns: tuple[str, ...] = ("loss",)
    teacher: str = "velocity"

    @abstractmethod
    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Make ready for training: move to the device, make optimisers and schedules.

        Parameters
        ----------
        steps : :obj:`int`
            Steps of the whole training.
        device : :obj:`torch.device`
            Where to train.
        wrap : callable
            Every trained network goes through it once, after it was moved, and the result is
            what a step calls: with several processes it averages the gradients.
        """

    @abstractmethod
    def step(self, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take one step.

        Parameters
        ----------
        inputs : :obj:`torch.Tensor`
            Normalised gathers ``(batch, ns, nt, nr)``.
        target : :obj:`torch.Tensor`
            Velocities ``(batch, 1, nz, nx)`` in m/s, or gathers; see `teacher`.

        Returns
        -------
        values : :obj:`dict`
            Detached scalars by the names of `columns`: means over the samples of this call,
            not multiplied by `share`.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return all that a kill must not lose, as `pylops_vmb.io.save_checkpoint` takes it."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""

    @property
    @abstractmethod
    def lr(self) -> float:
        """Learning rate of the next step."""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be taken over, beyond settings and network."""
        return {"method": type(self).__qualname__}


class Descent:
    """An optimiser with its schedule, loss scaling (float16) and clipping.

    Parameters
    ----------
    parameters : iterable of :obj:`torch.nn.Parameter`
        What is trained.
    config : `TrainingConfig`
        The settings.
    steps : :obj:`int`
        How often it will be stepped in the whole training.
    device : :obj:`torch.device`
        Where the parameters are.
    **changes
        Keywords of torch's optimiser that go before those of the settings, such as ``lr``.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        config: TrainingConfig,
        *,
        steps: int,
        device: torch.device,
        **changes: Any,
    ) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.optimizer = optimizer_of(self.parameters, config, **changes)
        top = float(self.optimizer.param_groups[0]["lr"])
        self.schedule = schedule(
            config.schedule, self.optimizer, lr=top, steps=steps, warmup=config.warmup
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "float16")
        self.clip = config.clip

    def __call__(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss."""
        self.backward(loss)
        self.update()

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a loss to those waiting for `update`."""
        torch.autograd.backward(self.scaler.scale(loss))

    def update(self) -> None:
        """Take one step down the gradients, and forget them.

        A step whose float16 gradients overflowed is left out, by the schedule as well.
        """
        if self.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        if self.scaler.get_scale() >= scale:
            self.schedule.step()

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return float(self.schedule.get_last_lr()[0])

    def state_dict(self) -> dict[str, Any]:
        """Return the state of all parts."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": _without_objects(self.schedule.state_dict()),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.optimizer.load_state_dict(dict(state["optimizer"]))
        self._as_parameters()
        self.schedule.load_state_dict(dict(state["schedule"]))
        self.scaler.load_state_dict(dict(state["scaler"]))

    def _as_parameters(self) -> None:
        """Give the moments the memory order of their parameters, which no file keeps."""
        for parameter, state in self.optimizer.state.items():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def place(net: nn.Module, config: TrainingConfig, device: torch.device) -> nn.Module:
    """Move a network to its device, in the memory order of the settings."""
    if config.channels_last:
        return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
    return net.to(device)


def averaged(net: nn.Module, config: TrainingConfig) -> AveragedModel:
    """Return the moving average of a network, batch statistics included."""

    def update(averages: Any, currents: Any, _number: Tensor | int) -> None:
        number = int(average.n_averaged)  # `_number` is a copy on the device: a step would wait
        risen = (1 + number) / (10 + number) if config.ema_warmup else 1.0
        blend = get_ema_multi_avg_fn(min(config.ema, risen))  # type: ignore[no-untyped-call]
        blend(averages, currents, number)

    average = AveragedModel(net, multi_avg_fn=update, use_buffers=True)
    return average


def autocast(config: TrainingConfig, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes in the precision of the settings."""
    dtype = PRECISIONS[config.precision]
    if dtype == torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype=dtype)


def _without_objects(state: dict[str, Any]) -> dict[str, Any]:
    """Return a schedule's state without the functions that some torch versions put in it."""
    return {key: value for key, value in state.items() if not callable(value)}
