"""Optimisers that respect bounds, one step at a time, on tensors of any device."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import torch

from pylops_vmb.inversion.objective import Value

Function = Callable[[torch.Tensor], Value]


class Optimiser(Protocol):
    """One step at a time, with a state that can be saved."""

    def step(self, x: torch.Tensor, function: Function) -> tuple[torch.Tensor, Value]:
        """Return the next point and the objective there."""

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly here."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
