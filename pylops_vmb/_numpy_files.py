"""NumPy files of anyone: never unpickled, and no number in a header is believed unchecked."""

import io
import math
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError

_KINDS = "biufcSU"
"""Numbers and text; objects would be pickles."""
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_LONGEST = 2**14
"""Bytes of a file that are looked at for its header."""
_FAULTS = (
    ValueError,
    TypeError,
    SyntaxError,
    TokenError,
    RecursionError,
    MemoryError,
    OverflowError,
    EOFError,
    OSError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What NumPy and zipfile raise on files that are no .npy and no .npz."""

FREE = 2**28
"""Bytes that a compressed array may always take."""
RATIO = 300
"""How much larger than its compressed form an array beyond `FREE` may be."""


def map_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Map a ``.npy`` file into memory, read-only; its items are read when they are used.

    Parameters
    ----------
    path : path-like
        Name of the file.

    Returns
    -------
    array : :obj:`numpy.ndarray`
        A view of the file; a copy where the bytes are in the order of another machine.

    Raises
    ------
    VMBFileError
        If it cannot be read, is truncated, or holds anything but numbers or text.
    """
    file = Path(path)
    try:
        with open(file, "rb") as stream:
            shape, fortran, dtype, offset = _header(stream)
        _check_size(shape, dtype, file.stat().st_size - offset)
        return native(map_numbers(file, shape, dtype, order="F" if fortran else "C", offset=offset))
    except _FAULTS as err:
        _refuse(file, "is not a whole .npy file of numbers", err)


def map_numbers(
    file: Path, shape: tuple[int, ...], dtype: Any, *, order: Any = "C", offset: int = 0
) -> NDArray[Any]:
    """Map numbers of a file; none are an array as well, which a map cannot be."""
    if 0 in shape:
        return np.empty(shape, dtype, order)
    return np.memmap(file, dtype, "r", offset, shape, order)


def read_npz_arrays(
    path: str | os.PathLike[str], keys: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read arrays of a ``.npz`` archive.

    Parameters
    ----------
    path : path-like
        Name of the file.
    keys : collection of :obj:`str`, optional
        Names of the arrays; by default all.

    Returns
    -------
    arrays : :obj:`dict`
        Arrays by name, in the byte order of this machine.

    Raises
    ------
    VMBFileError
        If it is no archive, lacks a name, or an array is damaged, pickled, or more than
        300 times larger than its compressed form and beyond 256 MiB.
    """
    file = Path(path)
    try:
        with zipfile.ZipFile(file) as archive:
            stored = [name.removesuffix(".npy") for name in archive.namelist()]
            for key in stored if keys is None else keys:
                if key not in stored:
                    raise KeyError(f"no {key} among {', '.join(stored) or 'nothing'}")
            names = stored if keys is None else list(keys)
            return {key: _read_member(archive, f"{key}.npy") for key in names}
    except _FAULTS as err:
        _refuse(file, "is not a whole .npz archive of numbers", err)


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in the byte order of this machine, which torch needs."""
    if array.dtype.isnative:
        return array
    return np.array(array, array.dtype.newbyteorder("="), order="K")


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in another way than NumPy does")
    if info.file_size > FREE + RATIO * info.compress_size:
        raise ValueError(
            f"{name} would grow from {info.compress_size} to {info.file_size} bytes, "
            "as no model does"
        )
    with archive.open(info) as stream:
        shape, _, dtype, offset = _header(stream)
        _check_size(shape, dtype, info.file_size - offset, exact=True)
    with archive.open(info) as stream:
        return native(np.asarray(npy.read_array(stream, allow_pickle=False)))


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, order, dtype, and where the numbers begin."""
    start = io.BytesIO(stream.read(_LONGEST))  # no length in a header makes this read more
    version = npy.read_magic(start)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format is not read")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers of Python 2 are as good as others
        shape, fortran, dtype = _HEADERS[version](start)
    if dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise ValueError(f"items of {dtype} are no numbers")
    return shape, fortran, dtype, start.tell()


def _check_size(
    shape: tuple[int, ...], dtype: np.dtype[Any], there: int, *, exact: bool = False
) -> None:
    if any(n < 0 for n in shape):
        raise ValueError(f"a negative count in the shape {shape}")
    needed = math.prod(shape) * dtype.itemsize
    if needed > there or (exact and needed != there):
        raise ValueError(f"{there} bytes for {dtype} {shape}, which takes {needed}")


def _refuse(file: Path, wrong: str, err: BaseException) -> NoReturn:
    got = " ".join(str(err).split())[:300] or type(err).__name__
    do = "Check its name and how it was copied"
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError, cause=err)
