"""Settings of a training: with the data set and the network they fix its result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from pylops_vmb._checks import check_choice, check_integer, check_number, refuse
from pylops_vmb.training.losses import Chosen, velocity_loss
from pylops_vmb.training.schedules import SCHEDULES

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
MONITORS = ("mae", "rmse", "ssim", "loss")
"""Columns of the history that can say which epoch was the best."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training; with the data set and the network they fix its result.

    Parameters
    ----------
    epochs, batch : :obj:`int`
        Passes through the data, and samples a step, over all processes together.  The last
        batch of an epoch may be smaller; one of a single sample joins the batch before it.
    lr : :obj:`float`
        Highest learning rate of the schedule.
    weight_decay : :obj:`float`
        Of the optimizer.
    optimizer : {"adamw", "adam"}
        Which one.
    schedule : {"one-cycle", "cosine", "constant"}
        How the learning rate changes; see `pylops_vmb.training.schedules.schedule`.
    loss : :obj:`str` or :obj:`dict` or callable
        Of velocities divided by `vp_scale`: what `pylops_vmb.training.losses.velocity_loss`
        takes.
    vp_scale : :obj:`float`
        In m/s; 1 trains on m/s as Yang and Ma (2019) did.
    ema : :obj:`float`
        Decay of the moving average of the weights, which is what training returns.
    ema_warmup : :obj:`bool`
        Let the decay rise to `ema`, as ``(1 + n) / (10 + n)`` after `n` steps, so that
        a short training does not return an average of its first, poor networks.
    precision : {"float32", "bfloat16", "float16"}
        Of the products inside the network; weights stay float32.  With "float16" the loss is
        scaled, and a step whose gradients overflow is left out.
    seed : :obj:`int`
        Of the order of the samples, of augmentation and of dropout.
    optimizer_settings : :obj:`dict`
        More keywords of torch's optimizer: ``{"betas": (0.5, 0.9)}``.
    warmup : :obj:`float`
        Part of the steps in which the learning rate rises, 0 to 1.
    clip : :obj:`float`, optional
        Longest gradient, in the 2-norm over all weights; longer ones are shortened to it.
    accumulate : :obj:`int`
        Parts in which a process takes its share of a batch, to save memory; batch norm sees
        one part at a time.
    patience : :obj:`int`, optional
        Stop after so many epochs without a better one, and return the best averaged weights.
        By default all epochs are run and the last weights returned.
    monitor : {"mae", "rmse", "ssim", "loss"}
        Column of the history that says which epoch is the best.
    channels_last : :obj:`bool`
        Memory order of weights and inputs; the faster one for convolutions.
    compile : :obj:`bool`
        Compile the network with `torch.compile`; needs a C++ compiler on the machine.

    Raises
    ------
    VMBValueError, VMBTypeError
        If a value is out of range or of the wrong type.
    """

    epochs: int = 20
    batch: int = 16
    lr: float = 2e-3
    weight_decay: float = 1e-2
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    loss: Chosen = "l1"
    vp_scale: float = 1500.0
    ema: float = 0.998
    ema_warmup: bool = True
    precision: str = "float32"
    seed: int = 0
    optimizer_settings: Mapping[str, Any] = field(default_factory=dict)
    warmup: float = 0.2
    clip: float | None = None
    accumulate: int = 1
    patience: int | None = None
    monitor: str = "mae"
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "accumulate"):
            check_integer(name, getattr(self, name), at_least=1)
        check_integer("seed", self.seed)
        for name in ("lr", "vp_scale"):
            check_number(name, getattr(self, name), above=0.0)
        check_number("weight_decay", self.weight_decay, at_least=0.0)
        for name in ("ema", "warmup"):
            check_number(name, getattr(self, name), at_least=0.0, at_most=1.0)
        if self.clip is not None:
            check_number("clip", self.clip, above=0.0)
        if self.patience is not None:
            check_integer("patience", self.patience, at_least=1)
        self._check_choices()

    def _check_choices(self) -> None:
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("monitor", self.monitor, MONITORS)
        velocity_loss(self.loss)
        with suppress(_AcceptedError):
            optimizer_of(_Unread(), self)

    @property
    def document(self) -> dict[str, Any]:
        """The settings as a dictionary that JSON can hold; a function by its name."""
        named = self.loss if isinstance(self.loss, str) else velocity_loss(self.loss).terms
        return asdict(self) | {"loss": named}


class _AcceptedError(Exception):
    """An optimiser has no objection to its settings and turns to its parameters."""


class _Unread:
    """Parameters of an optimiser that is made to see its settings checked, and no further.

    At the first parameters torch loads its compiler: .7 s for each import of a recipe.
    """

    def __iter__(self) -> Iterator[torch.Tensor]:
        raise _AcceptedError


def optimizer_of(parameters: Any, config: TrainingConfig, **changes: Any) -> torch.optim.Optimizer:
    """Return the optimiser of the settings.

    Parameters
    ----------
    parameters : iterable
        Parameters, or groups of them, as torch's optimisers take them.
    config : `TrainingConfig`
        The settings.
    **changes
        Keywords of torch's optimiser that go before those of the settings.

    Returns
    -------
    optimizer : :obj:`torch.optim.Optimizer`

    Raises
    ------
    VMBValueError
        If torch refuses a keyword or its value.
    """
    settings = {"lr": config.lr, "weight_decay": config.weight_decay}
    settings |= {**config.optimizer_settings, **changes}
    try:
        return OPTIMIZERS[config.optimizer](parameters, **settings)
    except (TypeError, ValueError) as err:
        refuse(
            "optimizer_settings",
            f"are refused by torch's {config.optimizer} ({err})",
            got=dict(config.optimizer_settings),
            do="Pass keywords of its constructor, such as {'betas': (0.9, 0.999)}",
            cause=err,
        )
