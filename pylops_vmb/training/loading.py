"""Samples in the order of a training, augmented and stacked, by workers in the background."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pylops_vmb._backend import generator
from pylops_vmb.training.datasets.samples import Pair, Samples
from pylops_vmb.training.order import Part, mixed

Augment = Callable[[Tensor, Tensor, torch.Generator], Pair]
"""A change of one sample: gathers ``(ns, nt, nr)``, velocity ``(1, nz, nx)``, generator."""
_AUGMENTATION = 1
"""Keeps the seeds of augmentation apart from others."""


class AugmentedSet(Dataset[Pair]):
    """Samples by epoch and number; the same numbers give the same bits in every process.

    Parameters
    ----------
    data : `Samples`
        The samples.
    augment : callable or None
        Changes a sample; its generator is seeded with (seed, epoch, number).
    seed : :obj:`int`
        Of the training.
    """

    def __init__(self, data: Samples, augment: Augment | None, seed: int) -> None:
        self.data, self.augment, self.seed = data, augment, seed

    def __getitem__(self, key: tuple[int, int]) -> Pair:
        """Return sample ``(epoch, number)``."""
        epoch, row = key
        d, vp = self.data[row]
        if self.augment is None:
            return d, vp
        with _one_thread():
            chance = generator(mixed(self.seed, _AUGMENTATION, epoch, row))
            return self.augment(d, vp, chance)


def batches(
    samples: AugmentedSet, parts: Iterable[Part], *, workers: int, pin: bool = False
) -> Iterator[Pair]:
    """Yield stacked samples, part by part.

    Parameters
    ----------
    samples : `AugmentedSet`
        Where they come from.
    parts : iterable of `Part`
        What to load.
    workers : :obj:`int`
        Processes that load ahead, two batches each; 0 loads when asked, in this process.
    pin : :obj:`bool`, optional
        Use page-locked memory, from which a GPU copies faster.

    Yields
    ------
    d : :obj:`torch.Tensor`
        Gathers ``(batch, ns, nt, nr)``.
    vp : :obj:`torch.Tensor`
        Velocities ``(batch, 1, nz, nx)`` in m/s.
    """
    keys = ([(part.epoch, row) for row in part.rows] for part in parts)
    loader: DataLoader[Pair] = DataLoader(
        samples,
        batch_sampler=keys,
        num_workers=workers,
        collate_fn=stack,
        pin_memory=pin,
        worker_init_fn=_ignore_interrupts,
        generator=generator(0),  # otherwise it would draw from the global one
    )
    return iter(loader)


def stack(samples: list[Pair]) -> Pair:
    """Return gathers ``(batch, ns, nt, nr)`` and velocities ``(batch, 1, nz, nx)``."""
    gathers, models = zip(*samples, strict=True)
    return torch.stack(gathers), torch.stack(models)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as background workers do: sums over several threads round differently."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _ignore_interrupts(_worker: int) -> None:
    """Leave Ctrl-C to the main process, which saves a checkpoint with the workers' help."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
