"""Shards: samples on disk as plain ``.npy`` files with their SHA-256.

A set is a folder.  ``manifest.json`` says how it was made; shard 3 is ``d-00003.npy``
``(n, ns, nt, nr)``, ``scale-00003.npy`` ``(n,)`` and ``vp-00003.npy`` ``(n, nz, nx)``, with
gathers ``d * scale`` and velocities in m/s.  ``sha256-00003.txt`` is written last, when the
others are whole: a shard without it does not count.  ``sha256sum -c`` reads it as well.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray

from pylops_vmb._checks import check_finite, refuse
from pylops_vmb._numpy_files import map_npy
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.training.datasets import manifest
from pylops_vmb.training.datasets.samples import Pair, StoredSet

_KINDS = ("d", "scale", "vp")
_TOP = 15
"""Float16 gathers are scaled to at most 2^15, the largest power of two that it holds."""


class Shard:
    """The files of one shard.

    Parameters
    ----------
    folder : :obj:`pathlib.Path`
        Of the set.
    number : :obj:`int`
        Which shard.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.files = {kind: folder / f"{kind}-{number:05d}.npy" for kind in _KINDS}
        self.record = folder / f"sha256-{number:05d}.txt"

    @property
    def done(self) -> bool:
        """Whether all of it was written."""
        return self.record.exists() and all(file.exists() for file in self.files.values())

    def write(
        self,
        samples: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
        *,
        count: int,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        dtype: str,
    ) -> None:
        """Write samples one by one as they come; nothing is left of a shard that fails.

        Parameters
        ----------
        samples : iterable
            Gathers ``(ns, nt, nr)`` and velocity ``(nz, nx)``.
        count : :obj:`int`
            How many there are.
        shapes : :obj:`tuple`
            Their two shapes.
        dtype : {"float16", "float32"}
            Of the stored gathers.
        """
        scales = []
        with ExitStack() as stack:
            parts = {k: stack.enter_context(atomic_path(file)) for k, file in self.files.items()}
            d_file = stack.enter_context(_new_npy(parts["d"], dtype, (count, *shapes[0])))
            vp_file = stack.enter_context(_new_npy(parts["vp"], "float32", (count, *shapes[1])))
            for d, vp in samples:
                stored, scale = encode(d, dtype)
                d_file.write(stored.data)
                vp_file.write(vp.data)
                scales.append(scale)
            with open(parts["scale"], "wb") as file:
                np.save(file, np.array(scales, np.float32), allow_pickle=False)
        with atomic_path(self.record) as part:
            part.write_text("\n".join(map(_digest, self.files.values())) + "\n", encoding="ascii")

    def read(self, row: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return gathers ``(ns, nt, nr)`` and velocity ``(nz, nx)`` of one sample.

        Raises
        ------
        VMBFileError
            If a file is missing or cut.
        """
        try:
            d, scale, vp = (map_npy(self.files[kind])[row] for kind in _KINDS)
        except (VMBFileError, IndexError) as err:
            self._refuse(str(err), cause=err)
        gathers = torch.from_numpy(np.array(d)).float()  # NumPy takes ten times longer for halves
        return gathers.mul_(float(scale)).numpy(), np.array(vp, np.float32)

    def verify(self) -> None:
        """Compare the files with the digests that were taken when they were written.

        Raises
        ------
        VMBFileError
            If one differs or cannot be read.
        """
        recorded = self.record.read_text(encoding="ascii").splitlines()
        for file in self.files.values():
            try:
                found = _digest(file)
            except OSError as err:
                self._refuse(str(err), cause=err)
            if found not in recorded:
                self._refuse(f"another SHA-256 of {file.name}")

    def _refuse(self, got: str, cause: BaseException | None = None) -> NoReturn:
        do = f"Remove {self.record.name} and call simulate again: it makes this shard anew"
        name = self.files["d"].name
        refuse(name, "belongs to a damaged shard", got=got, do=do, error=VMBFileError, cause=cause)


class ShardedSet(StoredSet[Pair]):
    """A simulated data set on disk, read sample by sample.

    Parameters
    ----------
    folder : path-like
        A folder of `simulate`.

    Attributes
    ----------
    manifest : :obj:`dict`
        How the set was made.

    Raises
    ------
    VMBFileError
        If the folder holds no data set, or an unfinished one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.manifest = manifest.read(self.folder)
        self._size, count = int(self.manifest["shard"]), len(self)
        self._shards = [Shard(self.folder, n) for n in range(-(-count // self._size))]
        lacking = [shard.files["d"].name for shard in self._shards if not shard.done]
        if lacking:
            refuse(
                str(self.folder),
                "is unfinished",
                got=f"{len(lacking)} of {len(self._shards)} shards missing, first {lacking[0]}",
                do="Call simulate with the same arguments again: it goes on where it stopped",
                error=VMBFileError,
            )

    def __len__(self) -> int:
        return int(self.manifest["count"])

    def verify(self) -> None:
        """Read every file and compare it with its SHA-256.

        Raises
        ------
        VMBFileError
            If a shard is damaged; the message names it.
        """
        for shard in self._shards:
            shard.verify()

    def _read(self, index: int) -> Pair:
        number, row = divmod(index, self._size)
        d, vp = self._shards[number].read(row)
        return torch.from_numpy(d), torch.from_numpy(vp[None])


def encode(d: NDArray[np.float32], dtype: str) -> tuple[NDArray[Any], float]:
    """Return gathers in the dtype they are stored in, and what they are to be multiplied by.

    Parameters
    ----------
    d : :obj:`numpy.ndarray`
        Gathers in any unit of amplitude, float32.
    dtype : {"float16", "float32"}
        Of the result.

    Returns
    -------
    stored : :obj:`numpy.ndarray`
        ``d / scale``.
    scale : :obj:`float`
        1 for float32; for float16 the power of two that takes the largest amplitude to
        between 2^14 and 2^15, so that nothing overflows and little is lost below.

    Raises
    ------
    VMBValueError
        If a gather is not finite.
    """
    check_finite("gathers", d, do="Lower max_vel or the velocities: the modelling is unstable")
    if dtype == "float32":
        return d, 1.0
    _, exponent = np.frexp(np.abs(d).max(initial=0.0))
    shift = min(_TOP - int(exponent), 126)  # a scale below 2^-126 has no exact float32
    return np.ldexp(d, shift).astype(np.float16), 2.0**-shift


def _new_npy(path: Path, dtype: str, shape: tuple[int, ...]) -> Any:
    """Open a ``.npy`` file whose header is written and whose numbers are to follow."""
    file = open(path, "wb")  # noqa: SIM115  the caller's stack closes it
    descr = npy.dtype_to_descr(np.dtype(dtype))
    npy.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file


def _digest(file: Path) -> str:
    """Return a line as `sha256sum` writes it."""
    with open(file, "rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {file.name}"
