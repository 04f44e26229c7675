"""How much memory a gradient takes, before it is taken."""

import os
import re
from dataclasses import dataclass

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.errors import VMBMemoryError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


@dataclass(frozen=True)
class MemoryEstimate:
    """What the forward field of a gradient takes, in bytes.

    Attributes
    ----------
    per_shot, all_shots : :obj:`int`
        For one shot and for all of them.
    budget : :obj:`int`
        What may be used.
    batch : :obj:`int`
        How many shots fit at a time; 0 if not even one does.
    interval : :obj:`int`
        Every how many time steps the field is stored.
    """

    per_shot: int
    all_shots: int
    budget: int
    batch: int
    interval: int

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
                f"the gradient of one shot takes {gib(self.per_shot)}",
                got=f"a budget of {gib(self.budget)}",
                do="Give more memory, a larger dt or a coarser grid, or restrict the band",
                error=VMBMemoryError,
            )
        return self.batch

    def __str__(self) -> str:
        return (
            f"gradient: {gib(self.all_shots)} for all shots, {gib(self.per_shot)} a shot "
            f"(field stored every {self.interval} steps); "
            f"{self.batch} shots at a time in {gib(self.budget)}"
        )


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
) -> MemoryEstimate:
    """Estimate the memory that one gradient takes (right to about 3 %).

    Parameters
    ----------
    dims : :obj:`tuple`
        Cells ``(nx, nz)``.
    ns : :obj:`int`
        Number of shots.
    nt : :obj:`int`
        Number of time samples.
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

    Returns
    -------
    estimate : `MemoryEstimate`

    Notes
    -----
    ``itemsize * ceil(nt / interval) * (nx + 2 nbl + order) * (nz + 2 nbl + order)`` a shot.
    """
    nx, nz = (n + 2 * nbl + space_order for n in dims)
    per_shot = itemsize * -(-nt // interval) * nx * nz
    batch = min(ns, budget // per_shot)
    return MemoryEstimate(per_shot, ns * per_shot, budget, batch, interval)
