"""Who computes together: the one place where the parts of several processes become a sum."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

Parts = Callable[[], Sequence[torch.Tensor]]
"""Computes this member's share: float64 tensors of the same shapes in every member."""


class Team(Protocol):
    """Processes that share the shots of a survey and hold the same model.

    A share never leaves the function that computes it but through `sum`, which computes
    and adds in one call: a reduction cannot be forgotten.

    Attributes
    ----------
    rank, size : :obj:`int`
        Number of this member, and of all of them.
    """

    rank: int
    size: int

    def shots(self, ns: int) -> slice:
        """Return the shots of this member, of `ns` in all; they may be none."""

    def sum(self, parts: Parts) -> list[torch.Tensor]:
        """Compute this member's share and return the sum over all members, the same in each.

        An error in one member is raised in all of them.
        """

    def agree(self, value: Any) -> Any:
        """Return the first member's value, in all of them."""

    def any(self, flag: bool) -> bool:
        """Say whether a flag is true in any member."""


class Alone:
    """A team of one."""

    rank = 0
    size = 1

    def shots(self, ns: int) -> slice:
        """Return all shots."""
        return slice(0, ns)

    def sum(self, parts: Parts) -> list[torch.Tensor]:
        """Return the share: it is the sum."""
        return list(parts())

    def agree(self, value: Any) -> Any:
        """Return the value."""
        return value

    def any(self, flag: bool) -> bool:
        """Return the flag."""
        return flag


ALONE = Alone()
