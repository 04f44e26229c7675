"""What a data set is: numbered samples in network order, with velocities or without."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import torch
from torch.utils.data import Dataset, Subset

from pylops_vmb._backend import generator, to_tensor
from pylops_vmb._checks import check_finite, check_number
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.modelling.sampling import check_velocity_unit

Pair = tuple[torch.Tensor, torch.Tensor]
Item = TypeVar("Item", Pair, torch.Tensor)


class Samples(Protocol):
    """Gathers ``(ns, nt, nr)`` with velocity ``(1, nz, nx)`` in m/s, float32, by number.

    Gathers are decimated and not yet normalised.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pair: ...


class Gathers(Protocol):
    """Gathers ``(ns, nt, nr)`` alone, float32, by number: what no velocity is known for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> torch.Tensor: ...


class StoredSet(Dataset[Item], ABC, Generic[Item]):
    """A data set that reads one sample at a time; a subclass writes ``_read(index)``.

    It keeps the names of its files and nothing of what they hold, so that memory stays
    constant and a background process takes it over whole.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _read(self, index: int) -> Item:
        """Return sample ``index``, ``0 <= index < len(self)``."""

    def __getitem__(self, index: int) -> Item:
        """Return a sample; negative numbers count from the end."""
        return self._read(range(len(self))[index])

    def __iter__(self) -> Iterator[Item]:
        return (self._read(index) for index in range(len(self)))


class GathersOnly(StoredSet[torch.Tensor]):
    """The gathers of labelled samples, without their velocities.

    Parameters
    ----------
    data : `Samples`
        Where they come from.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.datasets import GathersOnly
    >>> GathersOnly([(torch.ones(2, 30, 10), torch.ones(1, 12, 10))])[0].shape
    torch.Size([2, 30, 10])
    """

    def __init__(self, data: Samples) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def _read(self, index: int) -> torch.Tensor:
        return self.data[index][0]


def split(data: Dataset[Item], fraction: float, *, seed: int) -> tuple[Subset[Item], Subset[Item]]:
    """Split a data set in two at random, the same way every time.

    Parameters
    ----------
    data : :obj:`torch.utils.data.Dataset`
        What to split; the parts are views.
    fraction : :obj:`float`
        Share of the samples in the second part, between 0 and 1; at least one sample
        where the set has two.
    seed : :obj:`int`
        Of the order.

    Returns
    -------
    first, second : :obj:`torch.utils.data.Subset`
        Every sample is in one of them.

    Raises
    ------
    VMBValueError
        If the fraction is out of range.

    Examples
    --------
    >>> from pylops_vmb.training.datasets import split
    >>> train, validation = split(range(10), 0.2, seed=0)
    >>> len(train), len(validation)
    (8, 2)
    """
    check_number("fraction", fraction, at_least=0.0, at_most=1.0)
    count = len(data)  # type: ignore[arg-type]
    second = round(fraction * count)
    if 0.0 < fraction < 1.0 < count:
        second = min(max(second, 1), count - 1)
    order = torch.randperm(count, generator=generator(seed)).tolist()
    return Subset(data, order[: count - second]), Subset(data, order[count - second :])


def network_gathers(d: object, preprocessing: Preprocessing, *, name: str) -> torch.Tensor:
    """Decimate gathers ``(ns, nr, nt)`` that a file holds; refuse NaN and infinity."""
    gathers = to_tensor(d, dtype=torch.float32, name=name)
    check_finite(name, gathers)
    return preprocessing.decimate(gathers).contiguous()


def network_velocity(vp: object, *, name: str) -> torch.Tensor:
    """Turn velocities ``(nx, nz)`` that a file holds into ``(1, nz, nx)``; refuse km/s."""
    velocity = to_tensor(vp, dtype=torch.float32, name=name)
    check_finite(name, velocity)
    check_velocity_unit(name, float(velocity.max()))
    return velocity.T[None].contiguous()
