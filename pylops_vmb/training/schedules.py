"""How the learning rate changes over the steps of a training: torch's own schedules by name."""

from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
)

Maker = Callable[[Optimizer, float, int, float], LRScheduler]
_FIRST = 1e-2
"""The share of the learning rate with which a linear warm-up starts."""
_NUDGE = 1e-9
"""Keeps a rise or a fall from lasting no step at all."""


def schedule(
    name: str, optimizer: Optimizer, *, lr: float, steps: int, warmup: float
) -> LRScheduler:
    """Return the schedule of an optimiser.

    Parameters
    ----------
    name : {"one-cycle", "cosine", "constant"}
        Which one: up and down with cosines and momentum against it (Smith and Topin, 2019);
        linear warm-up, then half a cosine to zero; or none at all.
    optimizer : :obj:`torch.optim.Optimizer`
        What it drives.
    lr : :obj:`float`
        Highest learning rate.
    steps : :obj:`int`
        Steps of the whole training.
    warmup : :obj:`float`
        Part of the steps in which the learning rate rises, 0 to 1.

    Returns
    -------
    schedule : :obj:`torch.optim.lr_scheduler.LRScheduler`
        To be stepped once a step.
    """
    return SCHEDULES[name](optimizer, lr, steps, warmup)


def _one_cycle(optimizer: Optimizer, lr: float, steps: int, warmup: float) -> LRScheduler:
    if warmup * steps - 1 in (0, steps - 1):  # torch divides by the length of rise and fall
        warmup -= _NUDGE
    return OneCycleLR(optimizer, lr, total_steps=steps, pct_start=warmup)


def _cosine(optimizer: Optimizer, _lr: float, steps: int, warmup: float) -> LRScheduler:
    rising = min(round(warmup * steps), steps - 1)
    fall = CosineAnnealingLR(optimizer, steps - rising)
    if rising == 0:
        return fall
    rise = LinearLR(optimizer, _FIRST, total_iters=rising)
    return SequentialLR(optimizer, [rise, fall], [rising])


def _constant(optimizer: Optimizer, _lr: float, _steps: int, _warmup: float) -> LRScheduler:
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


SCHEDULES: dict[str, Maker] = {
    "one-cycle": _one_cycle,
    "cosine": _cosine,
    "constant": _constant,
}
