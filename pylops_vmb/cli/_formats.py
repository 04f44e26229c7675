"""Formats by the ending of a file: what is read with a geometry from elsewhere, and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.cli._gathers import PRESETS, load_gathers
from pylops_vmb.cli._options import GATHERS, is_segy
from pylops_vmb.cli._reading import Gathers, Velocity, read_either
from pylops_vmb.io import (
    read_fcnvmb,
    read_openfwi,
    read_raw,
    write_fcnvmb,
    write_gathers,
    write_npz,
    write_npz_gathers,
    write_openfwi,
    write_raw,
    write_velocity,
)
from pylops_vmb.survey import Acquisition, Grid

BARE = (".npy", ".mat", ".bin")
"""Formats that hold numbers and no geometry: OpenFWI, FCNVMB, raw binary."""
FORMATS = (*GATHERS, ".npz", *BARE)
_AXES = {3: "srt", 2: "xz"}


class Raw(NamedTuple):
    """What raw binary does not say of itself; see `read_raw`."""

    shape: tuple[int, ...] = ()
    axes: str | None = None
    dtype: str = "float32"
    byte_order: str = "little"


@dataclass(frozen=True)
class Geometry:
    """Where the geometry of a file of bare numbers comes from.

    Parameters
    ----------
    like : :obj:`pathlib.Path`, optional
        A file with the same survey or grid.
    preset : :obj:`str`, optional
        Name of a survey.
    spacing, origin : :obj:`list`, optional
        Of the cells of a velocity model, m.
    f0 : :obj:`float`, optional
        Peak frequency of the wavelet, Hz.
    """

    like: Path | None = None
    preset: str | None = None
    spacing: list[float] | None = None
    origin: list[float] | None = None
    f0: float | None = None

    def acq(self, name: str, shape: tuple[int, ...]) -> Acquisition:
        """Return the survey of gathers of a shape.

        Raises
        ------
        VMBValueError
            If there is none, or it has another shape.
        """
        if self.like is not None:
            acq = load_gathers(self.like, f0=self.f0)[1]
        elif self.preset is not None:
            acq = PRESETS[self.preset].acq()
        else:
            _refuse_geometry(name, "survey", "--like FILE or --preset NAME")
        self._check_fit(name, acq.dimsd, shape)
        return acq

    def grid(self, name: str, shape: tuple[int, ...]) -> Grid:
        """Return the cells of a velocity model of a shape.

        Raises
        ------
        VMBValueError
            If they are not known, or are others.
        """
        if self.spacing is not None:
            ox, oz = self.origin or (0.0, 0.0)
            return Grid((shape[0], shape[1]), (self.spacing[0], self.spacing[1]), (ox, oz))
        if self.like is not None:
            like = read_either(self.like, "velocity")
            assert isinstance(like, Velocity)
            grid = like.grid
        elif self.preset is not None:
            grid = PRESETS[self.preset].grid()
        else:
            _refuse_geometry(name, "grid", "--spacing DX DZ, --like FILE or --preset NAME")
        self._check_fit(name, grid.dims, shape)
        return grid

    def _check_fit(self, name: str, expected: tuple[int, ...], shape: tuple[int, ...]) -> None:
        if expected != shape:
            origin = f"--like {self.like}" if self.like else f"--preset {self.preset}"
            refuse(
                name,
                f"must have the shape of {origin}, {expected}",
                got=shape,
                do="Choose the geometry of these data",
            )


def read_any(
    path: Path,
    geometry: Geometry,
    *,
    kind: str | None,
    raw: Raw,
    sample: int | None,
    headers: Mapping[str, Any],
) -> Gathers | Velocity:
    """Read gathers or a velocity model in any format, with its geometry.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        The file.
    geometry : `Geometry`
        For formats that hold none, and the peak frequency of gathers.
    kind : {"gathers", "velocity"}, optional
        What the file must hold.
    raw : `Raw`
        For raw binary.
    sample : :obj:`int`, optional
        Which one of several.
    headers : :obj:`dict`
        What `read_gathers` is to be told about the headers of SEG-Y.

    Raises
    ------
    VMBFileError, VMBValueError
        If the file is not what it should be, or the geometry does not fit.
    """
    suffix = path.suffix.lower()
    if suffix in BARE:
        values = _bare(path, kind=kind, raw=raw, sample=sample)
        found = "gathers" if values.ndim == 3 else "velocity"
        if kind not in (None, found):
            refuse(path.name, f"must hold {kind}", got=found, do="Leave out --kind")
        if found == "gathers":
            return Gathers(path.name, values, geometry.acq(path.name, values.shape))
        return Velocity(path.name, values, geometry.grid(path.name, values.shape))
    held = read_either(path, kind, headers)
    found = "gathers" if isinstance(held, Gathers) else "velocity"
    if kind not in (None, found):
        refuse(path.name, f"must hold {kind}", got=found, do="Leave out --kind")
    if isinstance(held, Gathers) and is_segy(path):
        return Gathers(path.name, *load_gathers(path, f0=geometry.f0, headers=headers))
    return held


def write_any(path: Path, held: Gathers | Velocity, raw: Raw) -> None:
    """Write gathers or a velocity model in the format of the file's ending."""
    suffix = path.suffix.lower()
    values = held.values
    if suffix == ".npy":
        write_openfwi(path, values[None])
    elif suffix == ".mat":
        write_fcnvmb(path, values)
    elif suffix == ".bin":
        stored = np.asarray(values, raw.dtype)
        write_raw(path, stored, axes=raw.axes or _AXES[values.ndim], byte_order=raw.byte_order)
    elif isinstance(held, Gathers):
        write = write_gathers if suffix in GATHERS else write_npz_gathers
        write(path, values, held.acq)
    else:
        (write_velocity if suffix in GATHERS else write_npz)(path, values, held.grid)


def _bare(path: Path, *, kind: str | None, raw: Raw, sample: int | None) -> Any:
    """Return gathers ``(ns, nr, nt)`` or velocities ``(nx, nz)`` of a format without geometry."""
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return read_fcnvmb(path)
    if suffix == ".npy":
        return _one_of(path.name, read_openfwi(path, kind=kind or "auto"), sample)
    if len(raw.shape) not in _AXES:
        refuse(
            path.name,
            "is raw binary, whose form must be told",
            got=f"--shape {' '.join(map(str, raw.shape))}".strip(),
            do="Pass --shape NS NR NT or NX NZ, and --axes, --dtype and --byte-order as needed",
        )
    axes = raw.axes or _AXES[len(raw.shape)]
    return read_raw(path, raw.shape, axes=axes, dtype=raw.dtype, byte_order=raw.byte_order)


def _one_of(name: str, array: Any, sample: int | None) -> Any:
    """Return one sample; which one must be said where there are several."""
    number = 0 if sample is None and len(array) == 1 else sample
    if number is None or check_integer("--sample", number) >= len(array):
        got = "no choice" if number is None else number
        do = f"Pass --sample 0 to {len(array) - 1}"
        refuse("--sample", f"must choose one of {len(array)} samples of {name}", got=got, do=do)
    return np.array(array[number])


def _refuse_geometry(name: str, what: str, options: str) -> NoReturn:
    refuse(
        name,
        f"holds numbers without a {what}",
        got=f"no option that tells the {what}",
        do=f"Pass {options}",
    )
