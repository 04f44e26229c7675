"""The losses of an epoch, summed over its samples and over the processes."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pylops_vmb.training.distributed import Team

Sums = dict[str, float]


class Tally:
    """Sums of what the steps of an epoch return, each sample with the same weight.

    The sums stay on the device, in float64, until they are asked for: a step need not wait.

    Parameters
    ----------
    team : `Team`
        The processes; `gathered` and `total` must be called on all of them.
    """

    def __init__(self, team: Team) -> None:
        self.team = team
        self._sums: dict[str, Tensor] = {}

    def add(self, values: Mapping[str, Tensor], *, samples: int) -> None:
        """Add means over some samples; with no samples they count nothing."""
        for name, value in values.items():
            before = self._sums.get(name, torch.zeros((), dtype=torch.float64, device=value.device))
            self._sums[name] = before + samples * value.double() if samples else before

    def clear(self) -> None:
        """Forget all sums."""
        self._sums = {}

    def gathered(self) -> list[Sums]:
        """Return the sums of each process."""
        mine = {name: float(value) for name, value in self._sums.items()}
        return self.team.gathered(mine)

    def restore(self, gathered: list[Sums]) -> None:
        """Take over what `gathered` returned."""
        mine: dict[str, Any] = gathered[self.team.rank]
        device = self.team.device
        self._sums = {
            name: torch.tensor(value, dtype=torch.float64, device=device)
            for name, value in mine.items()
        }


def useless(sums: Mapping[str, float]) -> str:
    """Return the sums that are NaN or infinite, in words; nothing if there are none."""
    return ", ".join(f"{name} {v:g}" for name, v in sums.items() if not math.isfinite(v))
