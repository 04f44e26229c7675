"""Velocity models of a file in the place of a generator: simulate data for given models."""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb._checks import check_choice, check_integer, refuse
from pylops_vmb._numpy_files import map_npy, read_npz_arrays
from pylops_vmb.errors import VMBFileError
from pylops_vmb.velocity.base import Array, Model, VelocityGenerator


@dataclass(frozen=True, init=False)
class StoredVelocities(VelocityGenerator):
    """Velocity models read from a NumPy file: model ``i`` is the one with number ``i`` there.

    Parameters
    ----------
    path : path-like
        A ``.npy`` file, memory-mapped, or a ``.npz`` archive of models in m/s.
    key : str, optional
        Name of the array in a ``.npz`` archive; by default its only one.
    order : {"xz", "zx"}
        Axes of a model in the file: ``(n, nx, nz)`` or ``(n, nz, nx)``; an axis of length one
        after the first, as in OpenFWI's files, is dropped.
    every : int
        Keep one cell in so many along both axes.
    sha256 : str, optional
        Digest that the file must have; by default it is taken from the file, so that `config`
        describes these models and no others.
    seed : int
        Of `draw`, which takes a model of the file at random.

    Raises
    ------
    VMBFileError
        The file is missing, is no array of models, or has another digest.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "vp.npy"
    >>> np.save(path, np.full((3, 40, 60), 2000.0))
    >>> StoredVelocities(path, order="zx", every=2)[2].shape
    (30, 20)
    """

    path: str
    key: str | None
    order: str
    every: int
    sha256: str

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | None = None,
        order: str = "xz",
        every: int = 1,
        sha256: str | None = None,
        seed: int = 0,
    ) -> None:
        self._set(
            path=os.fspath(path),
            key=key,
            order=check_choice("order", order, ("xz", "zx")),
            every=check_integer("every", every, at_least=1),
            seed=seed,
            sha256=_digest(os.fspath(path), _state(os.fspath(path))),
        )
        if sha256 not in (None, self.sha256):
            do = "Bring back the file that this was made with"
            refuse(self.path, "has changed", got=self.sha256, do=do, error=VMBFileError)
        models = self._models()
        self._set(dims=models.shape[1:], vp_range=(float(models.min()), float(models.max())))
        self.__post_init__()

    def __len__(self) -> int:
        return len(self._models())

    @property
    def config(self) -> dict[str, Any]:
        """Everything that `from_config` needs, in types that JSON can hold."""
        names = ("path", "key", "order", "every", "sha256", "seed")
        return {"family": type(self).__name__, **{name: getattr(self, name) for name in names}}

    def sample(self, index: int) -> Model:
        """Return model ``index`` of the file, ``(nx, nz)`` float32 in m/s."""
        models = self._models()
        if not 0 <= check_integer("index", index) < len(models):
            do = f"Use 0 to {len(models) - 1}"
            refuse(self.path, "holds no such model", got=index, do=do)
        return np.array(models[index], dtype=np.float32, order="C")

    def _draw(self, rng: np.random.Generator) -> Array:
        return self.sample(int(rng.integers(len(self)))).astype(np.float64)

    def _models(self) -> Any:
        """Return the models ``(n, nx, nz)`` as a view of what was read."""
        models = _read(self.path, self.key, _state(self.path))
        models = models if self.order == "xz" else models.transpose(0, 2, 1)
        return models[:, :: self.every, :: self.every]


@lru_cache(maxsize=4)
def _read(path: str, key: str | None, _state: tuple[int, int]) -> Any:
    """Return the array ``(n, rows, columns)`` of a file in its present state."""
    try:
        stored = _open(Path(path), key)
    except VMBFileError as err:
        do = "Pass a .npy file, or a .npz file and the key of its models"
        refuse(path, "cannot be read", got=str(err), do=do, error=VMBFileError, cause=err)
    if stored.ndim == 4 and stored.shape[1] == 1:
        stored = stored[:, 0]
    if (
        stored.ndim != 3
        or stored.size == 0
        or stored.dtype.kind not in "fiu"
        or not all(np.isfinite(model).all() for model in stored)
    ):
        got = f"{stored.dtype} {stored.shape}"
        do = "Pass finite numbers (n, nx, nz)"
        refuse(path, "does not hold velocity models", got=got, do=do, error=VMBFileError)
    return stored


def _open(file: Path, key: str | None) -> Any:
    with open(file, "rb") as stream:
        archive = stream.read(2) == b"PK"
    if not archive:
        return map_npy(file)
    arrays = read_npz_arrays(file, None if key is None else [key])
    if len(arrays) != 1:
        do = "Pass the key of one of them"
        refuse(file.name, "must hold one array", got="|".join(arrays), do=do, error=VMBFileError)
    return next(iter(arrays.values()))


def _state(path: str) -> tuple[int, int]:
    """Return what changes when a file is written anew."""
    if not Path(path).is_file():
        do = "Check the path"
        refuse(path, "cannot be read", got="no such file", do=do, error=VMBFileError)
    state = Path(path).stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=16)
def _digest(path: str, _state: tuple[int, int]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
