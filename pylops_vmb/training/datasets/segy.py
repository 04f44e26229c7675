"""SEG-Y folders: one survey a file, with velocities of the same name or without any."""

import os
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb._numpy_files import map_npy
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_gathers, read_velocity
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Grid
from pylops_vmb.training.datasets._pairs import by_key, files_below, paired
from pylops_vmb.training.datasets.samples import (
    Pair,
    StoredSet,
    network_gathers,
    network_velocity,
)

_SEGY = (".sgy", ".segy")


class SEGYGathers(StoredSet[torch.Tensor]):
    """Gathers of a folder of SEG-Y files, without velocities: field data, one survey a file.

    Parameters
    ----------
    folder : path-like
        Searched with the folders inside it for ``.sgy`` and ``.segy``.
    preprocessing : `Preprocessing`
        Its decimation is applied to each survey that is read.
    shot_key : :obj:`str`, optional
        As in `read_gathers`.
    dt : :obj:`float`, optional
        Time step in s, where the headers are wrong.

    Attributes
    ----------
    files : :obj:`list`
        Paths, in the order of the samples: sorted.

    Raises
    ------
    VMBFileError
        If there are no files; when one is read, if it is damaged or differs from the
        first one in its number of shots, receivers or samples or in its time step.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        preprocessing: Preprocessing,
        *,
        shot_key: str = "auto",
        dt: float | None = None,
    ) -> None:
        self.preprocessing = preprocessing
        self.files = files_below(folder, *_SEGY)
        self._reading: dict[str, Any] = {"shot_key": shot_key, "dt": dt}
        self._survey: tuple[Any, ...] | None = None
        if not self.files:
            do, got = "Pass the folder that holds them", "none"
            refuse(str(folder), "must hold SEG-Y files", got=got, do=do, error=VMBFileError)

    def __len__(self) -> int:
        return len(self.files)

    def _read(self, index: int) -> torch.Tensor:
        file = self.files[index]
        # a wavelet of one sample: none is needed here, and none shall be guessed
        d, acq = read_gathers(file, wav=[1.0], **self._reading)
        survey = (*acq.dimsd, acq.dt)
        if self._survey not in (None, survey):
            refuse(
                str(file),
                "must have the shots, receivers, samples and time step of the files before",
                got=f"{survey}, after {self._survey}",
                do="Make one set of each survey",
                error=VMBFileError,
            )
        self._survey = survey
        return network_gathers(d, self.preprocessing, name=file.name)


class SEGYSet(StoredSet[Pair]):
    """Gathers of SEG-Y files with the velocity models of the same names.

    Parameters
    ----------
    gathers : `SEGYGathers`
        The surveys.
    velocities : path-like
        Folder of the models: ``line7.sgy`` has its model in ``line7.sgy``, ``line7.segy``
        (as `write_velocity` writes them) or ``line7.npy``, an array ``(nx, nz)`` in m/s.
    grid : `Grid`, optional
        The cells, where the headers of the models do not say them.

    Raises
    ------
    VMBFileError
        If a file has no partner or is damaged, or a model differs from the first in shape.
    """

    def __init__(
        self,
        gathers: SEGYGathers,
        velocities: str | os.PathLike[str],
        *,
        grid: Grid | None = None,
    ) -> None:
        self.gathers, self.grid = gathers, grid
        models = by_key(files_below(velocities, *_SEGY, ".npy"), _stem)
        self.files = paired(
            by_key(gathers.files, _stem),
            models,
            where=velocities,
            expected="a .sgy, .segy or .npy file named as that of the gathers",
        )
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.files)

    def _read(self, index: int) -> Pair:
        file = self.files[index][1]
        vp = map_npy(file) if file.suffix == ".npy" else read_velocity(file, grid=self.grid)[0]
        if vp.ndim != 2 or self._shape not in (None, vp.shape):
            refuse(
                str(file),
                "must hold a model (nx, nz) of the shape of the others",
                got=f"shape {vp.shape}" + f", after {self._shape}" * (self._shape is not None),
                do="Bring all models to one grid",
                error=VMBFileError,
            )
        self._shape = vp.shape
        return self.gathers[index], network_velocity(vp, name=file.name)


def _stem(path: Path) -> str:
    return path.stem
