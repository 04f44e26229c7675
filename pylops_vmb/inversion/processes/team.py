"""Who computes together: the one place where the shares of several processes become a sum."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.operators import NonlinearOperator

Shares = Callable[[], Sequence[torch.Tensor]]
"""Computes this member's shares of sums: float64 tensors of the same shapes in every member."""


class Team(Protocol):
    """Processes that share the shots of a survey and hold the same model.

    A share never leaves the function that computes it but through `sum`, which computes
    and adds in one call: a reduction cannot be forgotten.

    All members call the same methods in the same order.  Each call begins with a meeting,
    to which every member brings its error, if it has one: nobody waits for one that failed.

    Attributes
    ----------
    rank, size : :obj:`int`
        Number of this member, and of all of them.
    """

    rank: int
    size: int

    def shots(self, ns: int) -> slice:
        """Return the shots of this member, of `ns` in all; they may be none."""

    def local(self, dobs: Any) -> tuple[Any, bool]:
        """Return an array, and whether it holds this member's shots alone, not all of them."""

    def equip(self, F: NonlinearOperator) -> NonlinearOperator:
        """Return an operator with this member's part of the memory.

        Raises
        ------
        VMBTypeError
            If it cannot model some of its shots alone.
        """

    def together(self) -> AbstractContextManager[None]:
        """Run a block in all members; an error or Ctrl-C in one is raised in all of them."""

    def sum(self, shares: Shares) -> list[torch.Tensor]:
        """Compute this member's shares and return the sums over all members, the same in each.

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

    def local(self, dobs: Any) -> tuple[Any, bool]:
        """Return the data: they hold all shots."""
        if type(dobs).__module__.partition(".")[0] == "pylops_mpi":
            refuse(
                "comm",
                "is needed for data that are distributed over processes",
                got=None,
                do="Pass comm=dobs.base_comm",
            )
        return dobs, False

    def equip(self, F: NonlinearOperator) -> NonlinearOperator:
        """Return the operator: all of the memory is its own."""
        return F

    def together(self) -> AbstractContextManager[None]:
        """Run a block."""
        return nullcontext()

    def sum(self, shares: Shares) -> list[torch.Tensor]:
        """Return the shares: they are the sums."""
        return list(shares())

    def agree(self, value: Any) -> Any:
        """Return the value."""
        return value

    def any(self, flag: bool) -> bool:
        """Return the flag."""
        return flag


ALONE = Alone()


class Member(Protocol):
    """What belongs to a team."""

    _team: Team


_Self = TypeVar("_Self", bound=Member)
_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")


def in_team(
    method: Callable[Concatenate[_Self, _Given], _Returned],
) -> Callable[Concatenate[_Self, _Given], _Returned]:
    """Run a method of a member so that an error in one is raised in all of them."""

    @wraps(method)
    def together(self: _Self, /, *args: _Given.args, **keywords: _Given.kwargs) -> _Returned:
        with self._team.together():
            return method(self, *args, **keywords)

    return together
