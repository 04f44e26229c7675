"""MATLAB 7.3 files, which are HDF5: another process reads a file first, and may not come back.

The HDF5 library can loop for ever, or crash, on files that are damaged
(https://github.com/HDFGroup/hdf5/issues/1707).  This file is also the script of that process;
so it imports nothing of this package.
"""

import math
import subprocess
import sys
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAULTS = (OSError, ValueError, TypeError, KeyError, RuntimeError, OverflowError, MemoryError)
"""What h5py raises on files that are damaged."""
FREE, RATIO = 2**28, 300
"""Bytes that a compressed array may always take, and how much it may grow beyond them."""
_SECONDS = 3
"""Time of the processor that opening a file may take, and reading each 50 MB of it."""
_STEP = 50_000_000


def read(path: str, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    """Return those arrays of a file that have one of these names, with MATLAB's axes.

    Raises
    ------
    ValueError
        If one is no array of real numbers, or claims more than the file can hold.
    """
    import h5py  # noqa: PLC0415  an optional package

    with h5py.File(path, "r") as stored:
        wanted = [key for key in keys if isinstance(stored.get(key, getlink=True), h5py.HardLink)]
        return {key: _array(stored[key], key, Path(path).stat().st_size).T for key in wanted}


def names(path: str) -> list[str]:
    """Return the names of all that a file holds."""
    import h5py  # noqa: PLC0415

    with h5py.File(path, "r") as stored:
        return [str(name) for name in stored]  # bytes, where they are no text


@lru_cache(maxsize=2**14)
def try_first(path: str, keys: tuple[str, ...], _state: tuple[int, int]) -> str:
    """Return what another process says of a file in its present state; nothing if it is good."""
    command = [sys.executable, "-P", __file__, path, *keys]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return f"the process that read it was ended by signal {-done.returncode}"
    words = done.stderr.strip().splitlines()
    return (words[-1] if words else "no word from the process that read it") * bool(done.returncode)


def _array(stored: Any, key: str, size: int) -> NDArray[Any]:
    """Return the numbers of a data set, unless it claims more than the file can hold."""
    if not hasattr(stored, "chunks") or stored.shape is None or stored.dtype.kind not in "iuf":
        raise ValueError(f"{key} is no array of real numbers")
    if stored.is_virtual or stored.external:
        raise ValueError(f"{key} lies in other files")
    there = stored.id.get_storage_size()
    chunk = math.prod(stored.chunks or ()) * stored.dtype.itemsize
    limit = FREE + RATIO * there if stored.chunks else there
    if there > size or max(stored.nbytes, chunk) > limit:
        raise ValueError(f"{key} claims the shape {stored.shape}, and has {there} bytes stored")
    return np.asarray(stored[()])


def _limit_time(path: str, *, used: float = 0.0) -> None:
    """Let the system end this process when it has computed for too long."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    seconds = math.ceil(used) + _SECONDS * (1 + Path(path).stat().st_size // _STEP)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _main() -> None:
    path, *keys = sys.argv[1:]
    _limit_time(path)
    try:
        read(path, keys)
        names(path)
    except FAULTS as err:
        sys.exit(" ".join(f"{err}".split()) or type(err).__name__)


if __name__ == "__main__":
    _main()
