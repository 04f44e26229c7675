"""Which samples a step takes, on which process, and the seeds of everything random in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from pylops_vmb._backend import generator


@dataclass(frozen=True)
class Part:
    """What one process takes of a batch.

    Parameters
    ----------
    epoch : :obj:`int`
        Counted from 0.
    rows : :obj:`list`
        Numbers of the samples; never empty.
    real : :obj:`int`
        How many of them count: all, or none where a batch has fewer samples than there are
        processes and this one only keeps in step with the others.
    batch : :obj:`int`
        Samples of the batch on all processes together.
    """

    epoch: int
    rows: list[int]
    real: int
    batch: int


@dataclass(frozen=True)
class Order:
    """The order in which samples are taken; a function of the seed alone.

    Parameters
    ----------
    count : :obj:`int`
        Samples of the data set.
    batch : :obj:`int`
        Samples of a batch, on all processes together.
    seed : :obj:`int`
        Epoch `e` is shuffled with seed + e.
    rank, size : :obj:`int`, optional
        This process, and how many there are.

    Notes
    -----
    The last batch of an epoch is smaller where `batch` does not divide `count`.  One that would
    have a single sample is joined to the batch before it: batch norm of one sample is undefined
    in networks that shrink to one cell, and dropping it would waste a sample each epoch.
    """

    count: int
    batch: int
    seed: int
    rank: int = 0
    size: int = 1

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        full, rest = divmod(self.count, self.batch)
        joined = full and rest == 1 and self.batch > 1
        return full + (rest > 0 and not joined)

    def rows(self, epoch: int) -> list[list[int]]:
        """Return the batches of an epoch."""
        shuffled = torch.randperm(self.count, generator=generator(self.seed + epoch)).tolist()
        starts = [step * self.batch for step in range(self.steps)]
        return [shuffled[a:b] for a, b in zip(starts, [*starts[1:], self.count], strict=True)]

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """Yield this process's part of steps ``first, ..., last - 1``, counted over all epochs.

        The first processes get one sample more where a batch cannot be split evenly.
        """
        while first < last:
            epoch, step = divmod(first, self.steps)
            for rows in self.rows(epoch)[step : step + last - first]:
                mine = np.array_split(rows, self.size)[self.rank].tolist()
                yield Part(epoch, mine or rows[:1], len(mine), len(rows))
                first += 1


def mixed(*numbers: int) -> int:
    """Return one seed made of several non-negative numbers, such as (seed, epoch, sample).

    Examples
    --------
    >>> len({mixed(0, 1), mixed(1, 0), mixed(1)})
    3
    """
    counted = (len(numbers), *numbers)  # without it, zeros at the end would not count
    return int(np.random.SeedSequence(counted).generate_state(1, np.uint64)[0] >> np.uint64(1))
