"""Saving a long run every now and then, and resuming only what is the same run."""

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.inversion.processes import ALONE, Team
from pylops_vmb.io import load_checkpoint, save_checkpoint


class AutoSave:
    """Save a state to a file at most every so often.

    Parameters
    ----------
    path : path-like or None
        The file; None never saves.
    identity : :obj:`dict`
        What a saved run must agree in to be resumed, by name: words, or lists of numbers,
        which agree to 1e-5.
    every : :obj:`float`, optional
        Seconds between two saves.
    team : `Team`, optional
        Who computes together: the first member writes and reads, for all.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        identity: Mapping[str, Any],
        *,
        every: float = 60.0,
        team: Team = ALONE,
    ) -> None:
        first = team.rank == 0
        self._path = Path(path) if path is not None and first else None
        self._team = team
        self._identity = dict(identity)
        self._every, self._last = every, time.monotonic()

    def __call__(self, state: Mapping[str, Any], *, now: bool = False) -> None:
        """Save a state, if it is time."""
        if self._path is None or not (now or time.monotonic() - self._last > self._every):
            return
        save_checkpoint(self._path, {"identity": self._identity, "state": state})
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state to all members, or None if there is none.

        Raises
        ------
        VMBFileError
            If the file belongs to another run.
        """
        state: dict[str, Any] | None = self._team.agree(self._read())
        return state

    def _read(self) -> dict[str, Any] | None:
        if self._path is None or not self._path.exists():
            return None
        saved = load_checkpoint(self._path)
        theirs = saved.get("identity")
        if not isinstance(theirs, dict) or not isinstance(saved.get("state"), dict):
            got = f"the entries {', '.join(map(str, saved))} in {self._path.name}"
            do = "Name another file"
            refuse("checkpoint", "belongs to another inversion", got=got, do=do, error=VMBFileError)
        other = [name for name, mine in self._identity.items() if not _same(mine, theirs.get(name))]
        if other:
            refuse(
                "checkpoint",
                "belongs to another inversion",
                got=f"other {', '.join(other)} in {self._path.name}",
                do="Repeat the call that made it, or name another file",
                error=VMBFileError,
            )
        state: dict[str, Any] = saved["state"]
        return state


def _same(mine: Any, theirs: Any) -> bool:
    """Say whether two words, numbers or lists of them agree."""
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs))
    if isinstance(mine, float) and isinstance(theirs, float):
        return math.isclose(mine, theirs, rel_tol=1e-5)
    return bool(mine == theirs)
