"""OpenFWI folders: pairs of ``.npy`` files, memory-mapped, in any of their published namings."""

import os
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_openfwi
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.training.datasets._pairs import by_key, files_below, paired
from pylops_vmb.training.datasets.samples import (
    Pair,
    StoredSet,
    network_gathers,
    network_velocity,
)

PathLike = str | os.PathLike[str]
Key = tuple[str, str, str]
_NAME = re.compile(r"(data|seis|model|vel)(_?\d\w*)?")
_EXPECTED = "data*.npy with model*.npy, or seis*.npy with vel*.npy"


class OpenFWISet(StoredSet[Pair]):
    """Samples of OpenFWI, read one at a time from files that are never loaded whole.

    Parameters
    ----------
    source : path-like or sequence
        A folder, searched with those inside it, so that one family or several are taken;
        or pairs ``(gathers, velocities)`` of files.
    preprocessing : `Preprocessing`
        Its decimation is applied to each sample that is read.

    Attributes
    ----------
    files : :obj:`list`
        Pairs of paths, in the order of the samples: sorted by folder and number.

    Raises
    ------
    VMBFileError
        If a file has no partner, is damaged, or disagrees with others in its shape.

    Notes
    -----
    Gathers ``(n, ns, nt, nr)`` and velocities ``(n, 1, nz, nx)`` in m/s.  The Vel and Style
    families are named ``data1.npy`` and ``model1.npy``, in folders ``data`` and ``model``;
    the Fault families ``seis2_1_0.npy`` and ``vel2_1_0.npy``, side by side; the set of the
    Kaggle contest is both.

    References
    ----------
    Deng, C., Feng, S., Wang, H., et al., 2022. OpenFWI: large-scale multi-structural
    benchmark datasets for full waveform inversion. NeurIPS Datasets and Benchmarks.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from pylops_vmb.learned import Preprocessing
    >>> from pylops_vmb.training import OpenFWISet
    >>> folder = Path(tempfile.mkdtemp())
    >>> np.save(folder / "data1.npy", np.ones((3, 5, 100, 7), "float32"))
    >>> np.save(folder / "model1.npy", np.full((3, 1, 9, 7), 2000.0))
    >>> data = OpenFWISet(folder, Preprocessing(step=5))
    >>> len(data), data[0][0].shape, data[0][1].shape
    (3, torch.Size([5, 20, 7]), torch.Size([1, 9, 7]))
    """

    def __init__(
        self, source: PathLike | Sequence[tuple[PathLike, PathLike]], preprocessing: Preprocessing
    ) -> None:
        self.preprocessing = preprocessing
        self.files = _find(source)
        shapes = [_shapes(*pair) for pair in self.files]
        for (gathers, _), (_, *shape) in zip(self.files, shapes, strict=True):
            if shape != list(shapes[0][1:]):
                refuse(
                    str(gathers),
                    "must have the shapes of the other files of the set",
                    got=f"gathers and velocities of {shape}, after {list(shapes[0][1:])}",
                    do="Make one set of each survey",
                    error=VMBFileError,
                )
        self._ends = list(accumulate(count for count, *_ in shapes))

    def __len__(self) -> int:
        return self._ends[-1]

    def _read(self, index: int) -> Pair:
        number = bisect_right(self._ends, index)
        row = index - (self._ends[number - 1] if number else 0)
        gathers, velocities = self.files[number]
        d = network_gathers(
            read_openfwi(gathers, kind="gathers")[row],
            self.preprocessing,
            name=f"{gathers.name}, sample {row}",
        )
        vp = read_openfwi(velocities, kind="velocity")[row]
        return d, network_velocity(vp, name=f"{velocities.name}, sample {row}")


def _find(source: PathLike | Sequence[tuple[PathLike, PathLike]]) -> list[tuple[Path, Path]]:
    if not isinstance(source, str | os.PathLike):
        pairs = [(Path(gathers), Path(velocities)) for gathers, velocities in source]
        if not pairs:
            refuse("source", "must hold pairs of files", got="none", do="Pass at least one")
        return pairs
    files = files_below(source, ".npy")
    gathers = by_key(files, partial(_key, kinds={"data": "data", "seis": "seis"}))
    velocities = by_key(files, partial(_key, kinds={"model": "data", "vel": "seis"}))
    order = sorted(gathers, key=_natural)
    gathers = {key: gathers[key] for key in order}
    return paired(gathers, velocities, where=source, expected=_EXPECTED)


def _key(path: Path, kinds: Mapping[str, str]) -> Key | None:
    """Return where a file of these kinds lies, its naming, and what tells it from others."""
    found = _NAME.fullmatch(path.stem)
    if not found or found[1] not in kinds:
        return None
    folder = path.parent.parent if path.parent.name in ("data", "model") else path.parent
    return str(folder), kinds[found[1]], found[2] or ""


def _natural(key: Key) -> tuple[Any, ...]:
    """Order numbers by value: ``data2`` before ``data10``."""
    folder, naming, rest = key
    return folder, naming, [int(number) for number in re.findall(r"\d+", rest)], rest


def _shapes(gathers: Path, velocities: Path) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return the number of samples of two files, and their shapes in PyLops' order."""
    d = read_openfwi(gathers, kind="gathers")
    vp = read_openfwi(velocities, kind="velocity")
    if len(d) != len(vp):
        refuse(
            str(gathers),
            f"must hold as many samples as {velocities.name}",
            got=f"{len(d)} and {len(vp)}",
            do="Copy or download both files again",
            error=VMBFileError,
        )
    return len(d), d.shape[1:], vp.shape[1:]
