"""The manifest of a simulated set: what its bytes depend on, and with what it was made."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from platform import machine
from typing import Any

import torch

from pylops_vmb._checks import refuse, warn
from pylops_vmb._version import __version__
from pylops_vmb.errors import DataWarning, VMBFileError
from pylops_vmb.io._atomic import atomic_path

NAME = "manifest.json"
FORMAT = 2
_MADE_WITH = "made_with"
_PACKAGES = ("torch", "deepwave", "numpy", "scipy")


def portable(value: Any) -> Any:
    """Return settings with the name of a file in the place of its path, at any depth.

    A file that was moved is the same file: its digest stands beside its name.
    """
    if isinstance(value, list):
        return [portable(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: portable(item) for key, item in value.items()}
    return inner | {"path": Path(inner["path"]).name} if "path" in inner else inner


def claim(folder: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of a new set, or compare with the one that is there.

    Parameters
    ----------
    folder : :obj:`pathlib.Path`
        Of the set; made if it is missing.
    recipe : :obj:`dict`
        What the bytes depend on.

    Returns
    -------
    manifest : :obj:`dict`
        As it stands in the folder.

    Raises
    ------
    VMBFileError
        If the folder holds a set that was made differently.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps({"format": FORMAT, **recipe}))
    if not (folder / NAME).exists():
        write(folder, {**wanted, _MADE_WITH: []})
    found = read(folder)
    other = [key for key in wanted if portable(found.get(key)) != portable(wanted[key])]
    if other:
        refuse(
            str(folder),
            "holds a data set that was made differently",
            got=f"another {', '.join(other)} in its {NAME}",
            do="Choose another folder, or remove this one",
            error=VMBFileError,
        )
    return found


def note_environment(folder: Path, manifest: dict[str, Any], devices: Sequence[str]) -> None:
    """Add to the manifest the versions and devices that the coming shards are made with.

    Parameters
    ----------
    folder : :obj:`pathlib.Path`
        Of the set.
    manifest : :obj:`dict`
        As it stands there.
    devices : sequence of :obj:`str`
        Where the modelling runs.

    Warns
    -----
    DataWarning
        If earlier shards were made with others: the last digits may differ.
    """
    now, before = environment(devices), manifest[_MADE_WITH]
    if now in before:
        return
    if before:
        changed = [key for key in now if now[key] != before[-1].get(key)]
        warn(
            str(folder),
            "goes on with other versions or devices than it was begun with",
            got=", ".join(f"{key} {now[key]} after {before[-1].get(key)}" for key in changed),
            do="Shards may differ in their last digits; make the set in a new folder to avoid it",
            category=DataWarning,
        )
    write(folder, {**manifest, _MADE_WITH: [*before, now]})


def environment(devices: Sequence[str]) -> dict[str, Any]:
    """Return versions and devices that the last digits of simulated data depend on."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"pylops_vmb": __version__, **packages, "devices": sorted({*map(_hardware, devices)})}


def read(folder: Path) -> dict[str, Any]:
    """Return the manifest of a set.

    Raises
    ------
    VMBFileError
        If there is none, or it belongs to another version of the format.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        found = manifest.get("format", manifest.get("version"))
    except (OSError, ValueError, AttributeError) as err:
        refuse(
            str(folder),
            "holds no data set",
            got=f"no readable {NAME}",
            do="Make one with pylops_vmb.training.simulate",
            error=VMBFileError,
            cause=err,
        )
    if found != FORMAT:
        refuse(
            str(folder),
            f"must hold a data set of format {FORMAT}",
            got=f"format {found}",
            do="Make it again in another folder with this version",
            error=VMBFileError,
        )
    return manifest


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace the manifest of a set."""
    with atomic_path(folder / NAME) as part:
        part.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _hardware(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} {machine()}"
