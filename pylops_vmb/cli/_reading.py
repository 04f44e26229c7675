"""Gathers and velocity models of files that hold their geometry, told apart by what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import ZipFile, is_zipfile

from pylops_vmb.cli._options import VELOCITY, check_ending, is_segy
from pylops_vmb.io import (
    GatherFile,
    open_gathers,
    read_gathers,
    read_npz,
    read_npz_gathers,
    read_velocity,
    summary,
)
from pylops_vmb.survey import Acquisition, Grid

_SPIKE: dict[str, Any] = {"wav": [1.0], "f0": 1.0}
"""A wavelet that nobody asks for, where only data and geometry matter."""


@dataclass(frozen=True)
class Velocity:
    """A velocity model.

    Parameters
    ----------
    name : :obj:`str`
        Of the file.
    vp : array
        Velocities, ``(nx, nz)``, m/s.
    grid : `Grid`
        The cells.
    """

    name: str
    vp: Any
    grid: Grid

    @property
    def values(self) -> Any:
        """The numbers, whatever they are."""
        return self.vp


@dataclass(frozen=True)
class Gathers:
    """Shot gathers.

    Parameters
    ----------
    name : :obj:`str`
        Of the file.
    d : array
        Data, ``(ns, nr, nt)``.
    acq : `Acquisition`
        Their survey; its wavelet may be a spike.
    """

    name: str
    d: Any
    acq: Acquisition

    @property
    def values(self) -> Any:
        """The numbers, whatever they are."""
        return self.d

    def __len__(self) -> int:
        return int(self.acq.ns)

    def __getitem__(self, shot: int) -> tuple[Any, Acquisition]:
        return self.d[shot : shot + 1], self.acq.select([shot])


def read_shots(
    path: Path, kind: str | None, headers: Mapping[str, Any]
) -> Velocity | Gathers | GatherFile:
    """Read what a file holds; of SEG-Y gathers no more than the shots that are asked for.

    Shots may then differ in their receivers.  The parameters are those of `read_either`.
    """
    streamed = is_segy(path) and headers.get("missing") != "fill"
    if streamed and (kind or _looks_like(path)) == "gathers":
        said = {name: headers[name] for name in headers if name != "missing"}
        return open_gathers(path, **_SPIKE, **said)
    return read_either(path, kind, headers)


def read_either(
    path: Path, kind: str | None = None, headers: Mapping[str, Any] = MappingProxyType({})
) -> Gathers | Velocity:
    """Read what a file holds.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        SEG-Y, a folder of SEG-Y gathers, or .npz.
    kind : {"gathers", "velocity"}, optional
        Which of the two SEG-Y is; by default a velocity model where its text says so.
    headers : :obj:`dict`, optional
        What `read_gathers` is to be told about the headers of SEG-Y.

    Raises
    ------
    VMBFileError
        If the file is neither, missing or damaged.
    """
    if not is_segy(path):
        check_ending(path, VELOCITY, "drawn or compared")
        if _is_npz_of_gathers(path):
            return Gathers(path.name, *read_npz_gathers(path))
        return Velocity(path.name, *read_npz(path))
    if (kind or _looks_like(path)) == "velocity":
        return Velocity(path.name, *read_velocity(path))
    return Gathers(path.name, *read_gathers(path, **_SPIKE, **headers))


def _looks_like(path: Path) -> str:
    """Return what the text of SEG-Y speaks of; a folder holds gathers."""
    if path.is_dir():
        return "gathers"
    text = " ".join(summary(path).text).lower()
    return "velocity" if "velocity" in text else "gathers"


def _is_npz_of_gathers(path: Path) -> bool:
    if not is_zipfile(path):
        return False
    with ZipFile(path) as archive:
        return "d.npy" in archive.namelist()
