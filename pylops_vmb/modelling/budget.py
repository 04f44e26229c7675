"""How much memory a gradient may use: a stated size, or half of what is free where it runs."""

import os
import re
from dataclasses import dataclass, field, replace

import torch

from pylops_vmb._checks import check_number, refuse

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

UNKNOWN = 4 * 2**30
"""Bytes taken to be free on a host that does not tell (Windows)."""


@dataclass(frozen=True)
class Budget:
    """What the fields of a gradient may take.

    Parameters
    ----------
    stated : :obj:`int` or :obj:`None`
        Bytes on whatever device; None is half of what is free on the device that computes,
        when it is first asked for.
    processes : :obj:`int`, optional
        How many processes share what is free.
    """

    stated: int | None
    processes: int = 1
    _found: dict[torch.device, int] = field(default_factory=dict, compare=False, repr=False)

    def on(self, device: torch.device) -> int:
        """Return the budget on a device in bytes, the same at every call."""
        if self.stated is not None:
            return self.stated
        device = _numbered(device)
        if device not in self._found:
            self._found[device] = free_memory(device) // 2
        return self._found[device] // self.processes

    def shared(self, processes: int) -> "Budget":
        """Return the budget of one of several processes: a stated one is that of each."""
        return replace(self, processes=self.processes * processes)


def parse_memory(memory: str | float | None) -> int | None:
    """Turn a memory budget into bytes.

    Parameters
    ----------
    memory : :obj:`str` or :obj:`float` or :obj:`None`
        ``"4GiB"``, ``"500 MB"``, a number of bytes, or None where none is stated.

    Returns
    -------
    budget : :obj:`int` or :obj:`None`
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
        return None
    if not isinstance(memory, str):
        return int(check_number("memory", memory, above=0.0, unit="bytes"))
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", memory)
    if not match or match[2].upper() not in _UNITS:
        refuse("memory", "must be a number and a unit", got=repr(memory), do="Write e.g. '4GiB'")
    return int(check_number("memory", match[1], above=0.0) * _UNITS[match[2].upper()])


def free_memory(device: torch.device) -> int:
    """Return the memory of a device that is free now, in bytes.

    Parameters
    ----------
    device : :obj:`torch.device`
        Where one computes.

    Returns
    -------
    free : :obj:`int`
        On CUDA what the driver calls free, and what torch holds without using it.  On a host
        the free pages; half of all of them where only those are known (macOS), and `UNKNOWN`
        where nothing is.
    """
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + idle
    pages = _sysconf("SC_AVPHYS_PAGES") or _sysconf("SC_PHYS_PAGES") // 2
    return pages * _sysconf("SC_PAGE_SIZE") or UNKNOWN


def _sysconf(name: str) -> int:
    """Return a number that the system tells, or 0 where it does not know the name."""
    try:
        return max(0, os.sysconf(name))
    except (AttributeError, ValueError, OSError):
        return 0


def _numbered(device: torch.device) -> torch.device:
    """Return ``cuda`` with its number, as tensors have it."""
    if str(device) == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return device
