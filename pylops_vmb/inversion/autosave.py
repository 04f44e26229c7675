"""Saving a long run every now and then, whole or not at all."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pylops_vmb.io import load_checkpoint, save_checkpoint


class AutoSave:
    """Save a state to a file at most every so often.

    Parameters
    ----------
    path : path-like or None
        The file; None never saves.
    every : :obj:`float`, optional
        Seconds between two saves.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, every: float = 60.0) -> None:
        self._path = None if path is None else Path(path)
        self._every, self._last = every, time.monotonic()

    def __call__(self, state: Callable[[], dict[str, Any]], *, now: bool = False) -> None:
        """Save what ``state()`` returns, if it is time."""
        if self._path is None or not (now or time.monotonic() - self._last > self._every):
            return
        save_checkpoint(self._path, state())
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state, or None if there is none."""
        if self._path is None or not self._path.exists():
            return None
        return load_checkpoint(self._path)
