"""The team of an MPI communicator: the only file that sends messages."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBRuntimeError, VMBTypeError
from pylops_vmb.inversion.processes.interrupts import Interrupts
from pylops_vmb.inversion.processes.shared_errors import apart, describe, first_error
from pylops_vmb.inversion.processes.team import ALONE, Shares, Team
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import NonlinearOperator


class MPITeam:
    """The processes of an MPI communicator.

    Shots are dealt out in contiguous blocks whose sizes differ by one at most, as
    :class:`pylops_mpi.DistributedArray` splits its first axis.

    Parameters
    ----------
    comm : :obj:`mpi4py.MPI.Comm`
        The communicator.

    Attributes
    ----------
    rank, size : :obj:`int`
        Number of this process, and of all of them.

    Raises
    ------
    VMBTypeError
        If it is no communicator.

    Notes
    -----
    Sums are made in float64 in one process, and sent to the others: MPI does not promise
    that its ``Allreduce`` gives all of them the same bits, and processes with different
    numbers would soon decide differently in a line search.  What is summed has the size of a
    model, a small part of what its gradient costs: CUDA tensors go through the host, so that
    MPI need not be built for CUDA.

    Every message is preceded by a meeting, in which all processes say what they are about to
    do, and whether they failed or were interrupted.  An error is then raised in all of them;
    so is one that says so, if they are about to do different things.
    """

    def __init__(self, comm: Any) -> None:
        self._MPI = optional_import("mpi4py.MPI", "comm")
        if not isinstance(comm, self._MPI.Comm):
            refuse(
                "comm",
                "must be an MPI communicator",
                got=type(comm).__name__,
                do="Pass mpi4py.MPI.COMM_WORLD",
                error=VMBTypeError,
            )
        self._comm = comm
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._interrupts = Interrupts()
        self._raised: BaseException | None = None
        self._apart: VMBRuntimeError | None = None

    def shots(self, ns: int) -> slice:
        """Return the shots of this process, of `ns` in all; they may be none."""
        least, more = divmod(ns, self.size)
        start = self.rank * least + min(self.rank, more)
        return slice(start, start + least + (self.rank < more))

    def local(self, dobs: Any) -> tuple[Any, bool]:
        """Return the local part of a scattered array, or the array itself."""
        if type(dobs).__module__.partition(".")[0] != "pylops_mpi":
            return dobs, False
        return dobs.local_array, dobs.partition.name == "SCATTER"

    def equip(self, F: NonlinearOperator) -> NonlinearOperator:
        """Return an operator with this process's part of the memory of its machine."""
        if not isinstance(F, AcousticModelling2D):
            refuse(
                "F",
                "must model some of its shots alone, to share them between processes",
                got=type(F).__name__,
                do="Pass AcousticModelling2D, or leave out comm",
                error=VMBTypeError,
            )
        with self.together():
            here = self._comm.Split_type(self._MPI.COMM_TYPE_SHARED)
            processes = here.Get_size()
            here.Free()
        return F.beside(processes)

    def together(self) -> AbstractContextManager[None]:
        """Run a block in all processes; an error or Ctrl-C in one is raised in all of them."""
        return self._block("end a block")

    def sum(self, shares: Shares) -> list[torch.Tensor]:
        """Compute this process's shares and return their sums, the same in all of them."""
        with self._interrupts.held():
            with self._block("compute a share"):
                mine = list(shares())
                packed = _pack(mine)
            self._meet(f"add {packed.size} numbers")
            total = np.empty_like(packed)
            self._comm.Reduce(packed, total, root=0)
            self._comm.Bcast(total, root=0)
        return _unpack(total, mine)

    def agree(self, value: Any) -> Any:
        """Return the first process's value, in all of them."""
        with self._interrupts.held():
            self._meet("agree")
            return self._comm.bcast(value, root=0)

    def any(self, flag: bool) -> bool:
        """Say whether a flag is true in any process."""
        with self._interrupts.held():
            self._meet("ask")
            return any(self._comm.allgather(bool(flag)))

    def _block(self, purpose: str) -> AbstractContextManager[None]:
        return _Block(self._interrupts, partial(self._leave, purpose))

    def _leave(self, purpose: str, error: BaseException | None) -> None:
        """Leave a block with the others, or with an error that is raised in all of them."""
        if error is None or error is not self._raised:  # else they all have it already
            self._meet(purpose, error)

    def _meet(self, purpose: str, error: BaseException | None = None) -> None:
        """Wait for all processes; raise the error of the first one that has one, in all."""
        if self._apart is not None:  # nobody knows where the others are: do not wait for them again
            raise self._apart
        if error is None and self._interrupts.asked:
            error = KeyboardInterrupt()
        report = purpose, None if error is None else describe(error)
        reports = self._comm.allgather(report)
        found = first_error(reports)
        if found is None and (found := apart(reports)):
            self._apart = found
        if isinstance(found, KeyboardInterrupt):
            self._interrupts.serve()
        if found is not None:
            self._raised = found
            raise found from error


class _Block(AbstractContextManager[None]):
    """A block that all processes leave together.

    Not a generator, as `contextlib` would make it: one cannot turn StopIteration into
    another error.
    """

    def __init__(
        self, interrupts: Interrupts, leave: Callable[[BaseException | None], None]
    ) -> None:
        self._interrupts, self._leave, self._stack = interrupts, leave, ExitStack()

    def __enter__(self) -> None:
        self._stack.enter_context(self._interrupts.held())

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._stack:
            self._leave(error)


def team_of(comm: Any) -> Team:
    """Return the team of a communicator; None is a team of one, and needs no MPI."""
    return ALONE if comm is None else MPITeam(comm)


def _pack(shares: Sequence[torch.Tensor]) -> NDArray[np.float64]:
    """Return shares as one vector, so that they travel in one message."""
    return torch.cat([share.detach().cpu().double().reshape(-1) for share in shares]).numpy()


def _unpack(total: NDArray[np.float64], shares: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the parts of a vector, shaped and placed as the shares were."""
    parts = torch.split(torch.from_numpy(total), [share.numel() for share in shares])
    return [
        part.reshape(share.shape).to(share.device)
        for part, share in zip(parts, shares, strict=True)
    ]
