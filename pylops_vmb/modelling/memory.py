"""How much memory a gradient takes, before it is taken."""

import math
import os
import re
from dataclasses import dataclass

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.errors import VMBMemoryError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


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
        How many shots fit at a time; 0 if not even one does.
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
        How many shots are computed side by side.
    """

    per_shot: int
    all_shots: int
    budget: int
    batch: int
    interval: int
    segments: int = 1
    kept: int = 0
    workers: int = 1

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
        shots = self.all_shots // self.per_shot
        segments = f", time in {self.segments} segments" if self.segments > 1 else ""
        text = (
            f"gradient: {gib(self.all_shots)} for all shots, {gib(self.per_shot)} a shot "
            f"(field stored every {self.interval} steps{segments}); "
            f"{self.batch} shots at a time in {gib(self.budget)}"
        )
        if self.batch == 0 or self.kept == shots:
            return text
        return f"{text}; a Jacobian keeps {self.kept} of {shots} shots and repeats the others"


def gib(size: float) -> str:
    """Word a number of bytes in GiB or MiB."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**28 else f"{size / 2**20:.0f} MiB"


def parse_memory(memory: str | float | None) -> int:
    """Turn a memory budget into bytes.

    Parameters
    ----------
    memory : :obj:`str` or :obj:`float` or :obj:`None`
        ``"4GiB"``, ``"500 MB"``, a number of bytes, or None for half of what is free.

    Returns
    -------
    budget : :obj:`int`
        Bytes.

    Raises
    ------
    VMBValueError
        If the text is not a number and a unit.

    Examples
    --------
    >>> parse_memory("1.5 GiB")
    1610612736
    """
    if memory is None:
        return free_memory() // 2
    if not isinstance(memory, str):
        return int(check_number("memory", memory, above=0.0, unit="bytes"))
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", memory)
    if not match or match[2].upper() not in _UNITS:
        refuse("memory", "must be a number and a unit", got=repr(memory), do="Write e.g. '4GiB'")
    return int(check_number("memory", match[1], above=0.0) * _UNITS[match[2].upper()])


def free_memory() -> int:
    """Return the memory of this machine that is free now, in bytes."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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
    workers: int = 1,
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
    workers : :obj:`int`, optional
        Threads that shots may be spread over.

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
    field, stored, usable = itemsize * nx * nz, -(-nt // interval), int(_SHARE * budget)
    segments = 1 if stored * field <= usable else max(2, round(math.sqrt(stored / _STATE)))
    lasting, passing = _shot(stored, segments, field)
    per_shot = lasting + passing
    batch = min(ns, usable // per_shot)
    workers = max(1, min(workers, batch))
    kept = min(ns, (usable - workers * passing) // lasting)
    if kept < ns:
        kept = max(0, (usable - workers * per_shot) // lasting)
    return MemoryEstimate(per_shot, ns * per_shot, budget, batch, interval, segments, kept, workers)


def _shot(stored: int, segments: int, field: int) -> tuple[int, int]:
    """Return the bytes that last between products and those that pass."""
    if segments == 1:
        return stored * field, 0
    return segments * _STATE * field, (-(-stored // segments) + 3 * _STATE) * field
