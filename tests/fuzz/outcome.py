"""What a reader did with a file, and the refusal of all that no reader may do."""

import os
import pickle
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pylops_vmb.errors import VMBError, VMBWarning

SECONDS = 5.0
"""Longest time of a reading."""
BYTES = 64 * 2**20
"""Most memory of a reading; the files hold less than 1 MB."""
TRAP = "trap"
"""The folder that a pickle makes when it is loaded."""


class _Payload:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder / TRAP),)


def payload(folder: Path, protocol: int = 4) -> bytes:
    """Return a pickle that makes a folder when it is loaded."""
    return pickle.dumps(_Payload(folder), protocol)


def outcome(
    folder: Path, reader: Callable[[], Any], *, bytes_: int = BYTES, seconds: float | None = None
) -> str:
    """Return "read", or the name of the error of this package that a reader raised.

    Parameters
    ----------
    folder : :obj:`pathlib.Path`
        Where the file lies, alone.
    reader : callable
        Reads it.
    bytes_ : :obj:`int`, optional
        Most memory.
    seconds : :obj:`float`, optional
        Longest time, by default `SECONDS`.

    Raises
    ------
    AssertionError
        If it takes too long or too much memory, runs a pickle, leaves a file, or its
        words are not in three parts.
    Exception
        Any other error or warning than those of this package.
    """
    before = set(os.listdir(folder))
    tracemalloc.start()
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", VMBWarning)
            reader()
        found = "read"
    except VMBError as error:
        found = type(error).__name__
        _check_words(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    took = time.monotonic() - began
    assert took < (SECONDS if seconds is None else seconds), f"{took:.1f} s"
    assert peak < bytes_, f"{peak} bytes"
    assert not (folder / TRAP).exists(), "a pickle was run"
    assert set(os.listdir(folder)) == before, "files were left behind"
    return found


def _check_words(error: BaseException) -> None:
    words, cause = str(error), error.__cause__
    assert ", got " in words, f"not in three parts: {words}"
    assert ". " in words.partition(", got ")[2], f"does not say what to do: {words}"
    assert len(words) < 3000, f"a message of {len(words)} letters"
    while cause is not None:
        assert not isinstance(cause, MemoryError), f"memory ran out: {words}"
        cause = cause.__cause__
