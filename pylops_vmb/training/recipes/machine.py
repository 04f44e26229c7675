"""On what a recipe runs: device, processes that simulate, processes that load."""

import os
from dataclasses import dataclass

import torch

from pylops_vmb._checks import check_integer


@dataclass(frozen=True)
class Machine:
    """Devices and processes of a run; nothing of the result depends on them but last digits.

    Parameters
    ----------
    device : :obj:`str`, optional
        Where to train and to simulate.
    processes : :obj:`int`, optional
        That simulate.
    workers : :obj:`int`, optional
        That load samples ahead while one trains.
    """

    device: str = "cpu"
    processes: int = 1
    workers: int = 0

    def __post_init__(self) -> None:
        check_integer("processes", self.processes, at_least=1)
        check_integer("workers", self.workers)

    @property
    def devices(self) -> list[str]:
        """Devices that simulate: all CUDA devices for "cuda", otherwise the one."""
        if self.device != "cuda":
            return [self.device]
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]

    @property
    def leads(self) -> bool:
        """Whether this process is alone, or the first of those that torchrun started."""
        return int(os.environ.get("RANK", "0")) == 0

    @property
    def ranks(self) -> int:
        """How many processes torchrun has started to train together."""
        return int(os.environ.get("WORLD_SIZE", "1"))
