"""The processes of one training: their parts, sums and errors; a team of one costs nothing."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion.processes.shared_errors import describe, first_error
from pylops_vmb.training.batchnorm import SharedBatchNorm, share_batchnorm

_LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells a process."""


@dataclass(frozen=True)
class Team:
    """The processes that train one network together.

    Parameters
    ----------
    device : :obj:`torch.device`
        That of this process.
    rank, size : :obj:`int`
        This process, and how many there are.
    """

    device: torch.device
    rank: int = 0
    size: int = 1
    _layers: list[SharedBatchNorm] = field(default_factory=list, repr=False)

    @classmethod
    def joined(cls, device: torch.device | str) -> "Team":
        """Join the process group at hand, or the one that torchrun asks for, or be alone.

        Parameters
        ----------
        device : :obj:`torch.device` or :obj:`str`
            Where to train; "cuda" is one GPU a process, by its local rank.

        Raises
        ------
        VMBValueError
            If there is no such device.
        """
        place = _device(device)
        if not dist.is_initialized() and all(os.environ.get(name) for name in _LAUNCHED):
            dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
            atexit.register(_leave)
        if not dist.is_initialized():
            return cls(place)
        return cls(place, dist.get_rank(), dist.get_world_size())

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    def wrap(self, net: nn.Module) -> nn.Module:
        """Return what a step calls: with several processes, gradients are averaged over them.

        Batch norm is replaced, in place, by one over the samples of all processes.
        """
        if self.size == 1:
            return net
        net = share_batchnorm(net)
        self._layers.extend(layer for layer in net.modules() if isinstance(layer, SharedBatchNorm))
        ids = [self.device] if self.device.type == "cuda" else None
        shared = DistributedDataParallel(net, device_ids=ids)
        shared.broadcast_buffers = False  # they are equal: batch norm is shared
        return shared

    def take_part(self, *, counts: bool) -> None:
        """Say whether the samples of this process count in the batch norms of the next step."""
        for layer in self._layers:
            layer.counts = counts

    def gathered(self, value: Any) -> list[Any]:
        """Return the values of all processes, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def any(self, *flags: bool) -> list[bool]:
        """Return whether each flag is raised on some process."""
        if self.size == 1:
            return list(flags)
        votes = torch.tensor(flags, dtype=torch.int32, device=self.device)
        dist.all_reduce(votes, dist.ReduceOp.MAX)
        return [bool(vote) for vote in votes.tolist()]

    def led(self, value: Any) -> Any:
        """Return the leading process's value on all of them."""
        if self.size == 1:
            return value
        box = [value if self.leads else None]
        dist.broadcast_object_list(box, device=self.device)
        return box[0]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run a block that talks to no other process; an error on one is raised on all.

        Raises
        ------
        Exception
            The error of this process, or one of the same type with the words of the first
            process that failed.
        """
        if self.size == 1:
            yield
            return
        mine: Exception | None = None
        try:
            yield
        except Exception as err:
            mine = err
        (failed,) = self.any(mine is not None)
        if failed:
            self._raise(mine)

    def _raise(self, mine: Exception | None) -> None:
        words = None if mine is None else describe(mine)
        theirs = first_error([("", words) for words in self.gathered(words)])
        error = mine or theirs
        if error is not None:
            raise error


def _device(device: torch.device | str) -> torch.device:
    try:
        place = torch.device(device)
    except RuntimeError as err:
        refuse(
            "device", "is unknown to torch", got=repr(device), do="Pass 'cpu' or 'cuda'", cause=err
        )
    if place.type == "cuda" and not torch.cuda.is_available():
        refuse(
            "device",
            "is not on this machine",
            got=f"'{place}'",
            do="Pass device='cpu', or install a driver and a build of torch with CUDA",
            error=VMBValueError,
        )
    if place == torch.device("cuda"):
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    return place


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
