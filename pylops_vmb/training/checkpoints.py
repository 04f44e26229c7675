"""The checkpoint of a training: whose it is, when it is due, written whole or not at all."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pylops_vmb._checks import check_integer, check_number, refuse, warn
from pylops_vmb._version import __version__
from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.io import load_checkpoint, save_checkpoint

_VERSIONS = {"pylops_vmb": __version__, "torch": str(torch.__version__)}
"""Other versions may round differently: a warning, no refusal."""


class Interval:
    """Tells when a checkpoint is due: after some seconds or some steps, whichever is first.

    Parameters
    ----------
    seconds : :obj:`float`
        0 for after every step.
    steps : :obj:`int`, optional
        By default only the time counts.
    """

    def __init__(self, seconds: float, steps: int | None) -> None:
        self.seconds = check_number("every", seconds, at_least=0.0, unit="s")
        self.steps = steps if steps is None else check_integer("every_steps", steps, at_least=1)
        self.restart(0)

    def restart(self, step: int) -> None:
        """Count from now and from this step."""
        self._since, self._step = time.monotonic(), step

    def due(self, step: int) -> bool:
        """Tell whether enough has passed, and something at all."""
        late = time.monotonic() - self._since > self.seconds
        far = self.steps is not None and step - self._step >= self.steps
        return (late or far) and step > self._step


def save(path: Path, state: Mapping[str, Any], *, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint; if that fails, the last good one is kept.

    Raises
    ------
    VMBFileError
        If the file cannot be written, for instance to a full disk.
    """
    try:
        save_checkpoint(path, {"identity": identity, "versions": _VERSIONS, "state": state})
    except OSError as err:
        if isinstance(err, VMBFileError) and err.errno is None:
            raise  # not the system's word
        refuse(
            str(path),
            "the checkpoint could not be written; the one before it, if any, is kept",
            got=err.__cause__ or err,
            do="Free some space or mend the folder, and start the same training again: "
            "it goes on from the last checkpoint",
            error=VMBFileError,
            cause=err,
        )


def load(path: Path, *, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the state of a checkpoint, or None if there is none.

    Raises
    ------
    VMBFileError
        If it belongs to another training or is damaged.
    """
    if not path.exists():
        return None
    stored = load_checkpoint(path)
    found: dict[str, Any] = stored.get("identity", {})
    if not all(isinstance(stored.get(key), dict) for key in ("identity", "versions", "state")):
        do = "Use another file, or remove it to start afresh"
        got = f"the entries {', '.join(map(str, stored))}"
        refuse(str(path), "is no checkpoint of a training", got=got, do=do, error=VMBFileError)
    differing = [key for key in {**found, **identity} if found.get(key) != identity.get(key)]
    if differing:
        got = "; ".join(f"{k} = {found.get(k)}, here {identity.get(k)}" for k in differing)
        refuse(
            str(path),
            "belongs to another training",
            got=got,
            do="Use the settings it was made with, or remove it to start afresh",
            error=VMBFileError,
        )
    if stored["versions"] != _VERSIONS:
        warn(
            str(path),
            "was written by other versions, so that the last bits of the result may differ",
            got=", ".join(f"{name} {number}" for name, number in stored["versions"].items()),
            do="Go on, or start afresh if you need the same bits",
            category=FileWarning,
        )
    state: dict[str, Any] = stored["state"]
    return state


def all_finite(net: nn.Module) -> bool:
    """Tell whether a network holds neither NaN nor infinity."""
    return all(bool(value.isfinite().all()) for value in net.state_dict().values())
