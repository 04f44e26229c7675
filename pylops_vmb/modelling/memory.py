"""How much memory a gradient takes, before it is taken."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import kind_of, working_dtype
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBMemoryError

_SHARE = 0.9  # of a budget is for stored fields; the rest for data and the running fields
_STATE = 6  # fields that carry a run on, those of the absorbing layer included


@dataclass(frozen=True)
class MemoryEstimate:
    """What the fields of a gradient take, in bytes, and how they are fitted into a budget.

    Attributes
    ----------
    per_shot, all_shots : :obj:`int`
        For one shot and for all of them.
    budget : :obj:`int`
        What may be used.
    batch : :obj:`int`
        How many shots would fit at a time; 0 if not even one does.
    interval : :obj:`int`
        Every how many time samples the field is stored.
    segments : :obj:`int`
        In how many segments the time axis is split.  From 2 on, only the fields at their
        borders are kept, and each segment is simulated again when its part of the gradient
        is taken.
    kept : :obj:`int`
        How many shots a Jacobian keeps between its products; the others are simulated
        again in every adjoint.
    workers : :obj:`int`
        How many shots are computed at a time: on the CPU no more than there are threads, on
        another device all that fit.
    lasting : :obj:`int`
        Bytes of each shot that a Jacobian keeps.
    """

    per_shot: int
    all_shots: int
    budget: int
    batch: int
    interval: int
    segments: int = 1
    kept: int = 0
    workers: int = 1
    lasting: int = 0

    @property
    def needed(self) -> int:
        """Bytes that the gradient of all shots takes, `workers` of them at a time."""
        return self.workers * self.per_shot

    def require(self) -> int:
        """Return the number of shots that fit at a time, or refuse if it is none.

        Raises
        ------
        VMBMemoryError
            If not even one shot fits.
        """
        if self.batch == 0:
            refuse(
                "memory",
                f"the gradient of one shot takes {gib(self.per_shot)}, even in "
                f"{self.segments} segments of time",
                got=f"a budget of {gib(self.budget)}",
                do="Give more memory, a larger dt or a coarser grid, or restrict the band",
                error=VMBMemoryError,
            )
        return self.batch

    def __str__(self) -> str:
        each = "every step" if self.interval == 1 else f"every {self.interval} steps"
        segments = f", time in {self.segments} segments" if self.segments > 1 else ""
        shot = f"{gib(self.per_shot)} a shot, field stored {each}{segments}"
        if self.batch == 0:
            return f"gradient: {shot}; not one shot fits into {gib(self.budget)}"
        shots = self.all_shots // self.per_shot
        others = " and repeats the others" if self.kept < shots else ""
        return (
            f"gradient: {self.workers} of {shots} shots at a time, {gib(self.needed)} of "
            f"{gib(self.budget)} ({shot}); a Jacobian keeps {self.kept} of {shots} shots, "
            f"{gib(self.kept * self.lasting)}{others}"
        )


def gib(size: float) -> str:
    """Word a number of bytes in GiB or MiB."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**28 else f"{size / 2**20:.0f} MiB"


def bytes_of(dtype: Any) -> int:
    """Return the bytes of a number of this dtype, NumPy's or torch's, as it is computed."""
    if not isinstance(dtype, torch.dtype):
        dtype = kind_of(np.empty(0, dtype), "dtype").dtype
    return working_dtype(dtype).itemsize


def estimate(
    dims: tuple[int, int],
    ns: int,
    *,
    nt: int,
    nbl: int,
    space_order: int,
    interval: int = 1,
    itemsize: int = 4,
    budget: int,
    aside: int = 0,
    workers: int | None = 1,
) -> MemoryEstimate:
    r"""Plan the memory of a gradient (right to about 3 %).

    Parameters
    ----------
    dims : :obj:`tuple`
        Cells ``(nx, nz)``.
    ns : :obj:`int`
        Number of shots.
    nt : :obj:`int`
        Number of time steps between which the field may be stored.
    nbl : :obj:`int`
        Width of the absorbing zone in cells.
    space_order : :obj:`int`
        Order of the spatial stencil.
    interval : :obj:`int`, optional
        Every how many steps the forward field is stored.
    itemsize : :obj:`int`, optional
        Bytes of a number.
    budget : :obj:`int`
        Memory that may be used, in bytes.
    aside : :obj:`int`, optional
        Bytes of it that are taken by what all shots share.
    workers : :obj:`int` or :obj:`None`, optional
        Threads that shots may be spread over; None where all that fit are one simulation, of
        which a Jacobian keeps all or nothing.

    Returns
    -------
    estimate : `MemoryEstimate`

    Notes
    -----
    A field takes :math:`f` = ``itemsize * (nx + 2 nbl + order) * (nz + 2 nbl + order)``,
    and a shot :math:`n f` for :math:`n` = ``ceil(nt / interval)`` stored ones.  If that does
    not fit, time is split into :math:`k` segments: :math:`6 k f` for the state at their
    borders, which stays with the shot, and :math:`(n / k + 18) f` while the gradient is
    taken.  The sum is least for :math:`k = \sqrt{n / 6}`; the price is one more simulation,
    whatever :math:`k` (one level of the checkpointing of Griewank, 1992, Optimization Methods
    and Software 1, 35-54, doi:10.1080/10556789208805505).
    """
    nx, nz = (n + 2 * nbl + space_order for n in dims)
    field, stored = itemsize * nx * nz, -(-nt // interval)
    usable = max(0, int(_SHARE * budget) - aside)
    segments = 1 if stored * field <= usable else max(2, round(math.sqrt(stored / _STATE)))
    lasting, passing = _shot(stored, segments, field)
    per_shot = lasting + passing
    batch = min(ns, usable // per_shot)
    at_once = max(1, batch if workers is None else min(workers, batch))
    kept = min(ns, (usable - at_once * passing) // lasting)
    if kept < ns:
        kept = 0 if workers is None else max(0, (usable - at_once * per_shot) // lasting)
    return MemoryEstimate(
        per_shot, ns * per_shot, budget, batch, interval, segments, kept, at_once, lasting
    )


def _shot(stored: int, segments: int, field: int) -> tuple[int, int]:
    """Return the bytes that last between products and those that pass."""
    if segments == 1:
        return stored * field, 0
    return segments * _STATE * field, (-(-stored // segments) + 3 * _STATE) * field
