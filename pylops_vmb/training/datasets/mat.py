"""FCNVMB folders: one sample a pair of MATLAB files, as Yang and Ma (2019) published them."""

import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_fcnvmb
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.training.datasets._pairs import by_key, files_below, paired
from pylops_vmb.training.datasets.samples import (
    Pair,
    StoredSet,
    network_gathers,
    network_velocity,
)


@dataclass(frozen=True)
class MatLayout:
    """Names and axes of a folder of ``.mat`` files; the defaults are the authors'.

    Parameters
    ----------
    gathers, velocities : :obj:`tuple` of :obj:`str`
        What the names of the files begin with, before their number.
    gathers_keys, velocity_keys : :obj:`tuple` of :obj:`str`
        Names of the variables; the first that a file holds is taken.
    gathers_axes : :obj:`str`
        Axes of gathers as MATLAB shows them: ``"trs"`` is time, receiver, shot.
    velocity_axes : {"zx", "xz"}
        Axes of velocities.

    Raises
    ------
    VMBValueError
        If the axes are not those of gathers or velocities.
    """

    gathers: tuple[str, ...] = ("georec",)
    velocities: tuple[str, ...] = ("vmodel", "svmodel")
    gathers_keys: tuple[str, ...] = ("Rec",)
    velocity_keys: tuple[str, ...] = ("vmodel", "svmodel")
    gathers_axes: str = "trs"
    velocity_axes: str = "zx"

    def __post_init__(self) -> None:
        for name, axes in (("gathers_axes", "srt"), ("velocity_axes", "xz")):
            got = getattr(self, name)
            if sorted(got) != sorted(axes):
                do = f"Order the letters {', '.join(axes)} as in the file"
                refuse(name, f"must name the {len(axes)} axes", got=repr(got), do=do)


class MatSet(StoredSet[Pair]):
    """Samples of Yang and Ma, read one pair of ``.mat`` files at a time.

    Parameters
    ----------
    folder : path-like
        Searched with the folders inside it; files are paired by their number.
    preprocessing : `Preprocessing`
        Its decimation is applied to each sample that is read:
        ``Preprocessing(step=5, decimation="middle")`` is the authors'.
    layout : `MatLayout`, optional
        Names and axes, where they are not the authors'.

    Attributes
    ----------
    files : :obj:`list`
        Pairs of paths, in the order of the samples: sorted by number.

    Raises
    ------
    VMBFileError
        If a file has no partner; when it is read, if it is damaged, lacks the variable,
        or differs from the first pair in its shape.
    VMBImportError
        If a file of version 7.3 is read without h5py.

    Notes
    -----
    Their release holds ``georec_train/georec1.mat`` with ``Rec (nt, nr, ns)`` and
    ``vmodel_train/vmodel1.mat`` (salt: ``svmodel1.mat``) with ``(nz, nx)`` in m/s.

    References
    ----------
    Yang, F., Ma, J., 2019. Deep-learning inversion: a next-generation seismic velocity
    model building method. Geophysics 84(4), R583-R599.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        preprocessing: Preprocessing,
        *,
        layout: MatLayout | None = None,
    ) -> None:
        self.preprocessing, self.layout = preprocessing, layout or MatLayout()
        files = files_below(folder, ".mat")
        gathers = by_key(files, partial(_number, prefixes=self.layout.gathers))
        velocities = by_key(files, partial(_number, prefixes=self.layout.velocities))
        expected = " with ".join(
            " or ".join(f"{prefix}<number>.mat" for prefix in prefixes)
            for prefixes in (self.layout.gathers, self.layout.velocities)
        )
        order = {number: gathers[number] for number in sorted(gathers)}
        self.files = paired(order, velocities, where=folder, expected=expected)
        self._shapes: tuple[tuple[int, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.files)

    def _read(self, index: int) -> Pair:
        (d_file, vp_file), layout = self.files[index], self.layout
        d = _turned(d_file, layout.gathers_keys, given=layout.gathers_axes, wanted="srt")
        vp = _turned(vp_file, layout.velocity_keys, given=layout.velocity_axes, wanted="xz")
        if self._shapes is None:
            self._shapes = d.shape, vp.shape
        elif self._shapes != (d.shape, vp.shape):
            refuse(
                str(d_file),
                "must have the shapes of the pairs read before",
                got=f"gathers {d.shape} and velocity {vp.shape}, after {self._shapes}",
                do="Make one set of each survey",
                error=VMBFileError,
            )
        return (
            network_gathers(d, self.preprocessing, name=d_file.name),
            network_velocity(vp, name=vp_file.name),
        )


def _number(path: Path, prefixes: tuple[str, ...]) -> int | None:
    found = re.fullmatch(r"(.*?)_?(\d+)", path.stem)
    return int(found[2]) if found and found[1] in prefixes else None


def _turned(file: Path, keys: tuple[str, ...], *, given: str, wanted: str) -> NDArray[np.float32]:
    """Read a variable whose axes are `given` in MATLAB, and return it with those `wanted`."""
    array = read_fcnvmb(file, keys=dict.fromkeys(keys, len(wanted)))
    return array.transpose([given[::-1].index(axis) for axis in wanted])
