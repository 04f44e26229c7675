"""MATLAB files: headers are checked against the file, then SciPy or h5py read the numbers."""

import io
import math
import struct
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb._numpy_files import FREE, RATIO
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import _mat73

_HEADER = 128
_MAT5, _MAT73 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3"
_MATRIX, _COMPRESSED = 14, 15
_CLASSES = range(6, 16)
"""Arrays of numbers: double, single, integers of 8 to 64 bits."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Bytes of a number by the code of its type."""
_COMPLEX = 0x0800
_START = 4096
"""Bytes of a variable that are looked at for its header."""


@dataclass(frozen=True)
class _Variable:
    name: str
    shape: tuple[int, ...]
    fault: str = ""
    begin: int = 0
    end: int = 0


def load_mat(file: Path, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    """Return those variables of a MATLAB file that have one of these names.

    Raises
    ------
    VMBFileError
        If it is no such file, is damaged, or a variable is no array of real numbers.
    VMBImportError
        If h5py is needed and missing.
    """
    with open(file, "rb") as stream:
        version73 = stream.read(len(_MAT73)) == _MAT73
    return _load_mat73(file, keys) if version73 else _load_mat5(file, keys)


def describe_mat(file: Path) -> str:
    """Name the variables of a file that has been loaded, with their shapes."""
    with open(file, "rb") as stream:
        if stream.read(len(_MAT73)) == _MAT73:
            return ", ".join(_mat73.names(str(file)))[:300] or "nothing"
        found = _variables(stream, file.stat().st_size)
    return ", ".join(f"{item.name} {item.shape}" for item in found)[:300] or "nothing"


def _load_mat5(file: Path, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat  # noqa: PLC0415  keeps the package's import light
    from scipy.io.matlab import MatReadError  # noqa: PLC0415

    try:
        with open(file, "rb") as stream:
            found = _variables(stream, file.stat().st_size)
            wanted = {item.name: item for item in found if item.name in keys}
            checked = io.BytesIO(_bytes_of(stream, wanted.values()))
        stored = loadmat(checked)  # type: ignore[arg-type]
    except (
        MatReadError,
        ValueError,
        TypeError,
        KeyError,
        OSError,
        zlib.error,
        struct.error,
    ) as err:
        _refuse(file, "is not a MATLAB file that can be read", err)
    return {name: np.asarray(stored[name]) for name in wanted}


def _bytes_of(stream: IO[bytes], wanted: Iterable[_Variable]) -> bytes:
    """Return a file of these variables alone: what was not checked does not reach SciPy."""
    stream.seek(0)
    parts = [stream.read(_HEADER)]
    for item in wanted:
        if item.fault:
            raise ValueError(f"{item.name} {item.fault}")
        stream.seek(item.begin)
        parts.append(stream.read(item.end - item.begin))
    return b"".join(parts)


def _variables(stream: IO[bytes], size: int) -> list[_Variable]:
    """Return the variables of a version 5 file, after checking that all lie within it."""
    stream.seek(0)
    header = stream.read(_HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if (
        not header.startswith(_MAT5)
        or order is None
        or struct.unpack(f"{order}H", header[124:126]) != (0x0100,)
    ):
        raise ValueError("no mark of version 5; save it in MATLAB with -v7")
    found, position = [], _HEADER
    while position < size:
        stream.seek(position)
        kind, length = struct.unpack(f"{order}II", stream.read(8))
        if kind not in (_MATRIX, _COMPRESSED) or position + 8 + length > size:
            raise ValueError(f"type {kind} and {length} bytes at byte {position} of {size}")
        item = _variable(stream.read(min(length, _START)), kind, length, order)
        found.append(replace(item, begin=position, end=position + 8 + length))
        position += 8 + length
    return found


def _variable(start: bytes, kind: int, length: int, order: str) -> _Variable:
    """Return what the first bytes of a variable say of it."""
    limit = length
    if kind == _COMPRESSED:
        start = zlib.decompressobj().decompress(start, _START)
        kind, length = struct.unpack_from(f"{order}II", start)
        start, limit = start[8:], FREE + RATIO * limit
        if kind != _MATRIX:
            raise ValueError(f"type {kind} inside of a compressed variable")
    flags = struct.unpack_from(f"{order}IIII", start)
    shape, position = _element(start, 16, order)
    name, position = _element(start, position, order)
    dims = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    item = _Variable(name.decode("latin1"), dims)
    if flags[:2] != (6, 8) or flags[2] & 0xFF not in _CLASSES or flags[2] & _COMPLEX:
        return _Variable(item.name, dims, "is no array of real numbers")
    kind, count, begin = _tag(start, position, order)
    needed = math.prod(dims) * _SIZES.get(kind, 0)
    fitting = count == needed and length <= min(limit, begin + count + 8)
    if min(dims, default=-1) < 0 or kind not in _SIZES or not fitting:
        fault = f"claims the shape {dims} and {length} bytes, and holds {count}"
        return _Variable(item.name, dims, fault)
    return item


def _tag(start: bytes, position: int, order: str) -> tuple[int, int, int]:
    """Return type, bytes and beginning of the data of an element."""
    kind, count = struct.unpack_from(f"{order}II", start, position)
    if kind >> 16:  # a small element has its data within the tag
        return kind & 0xFFFF, kind >> 16, position + 4
    return kind, count, position + 8


def _element(start: bytes, position: int, order: str) -> tuple[bytes, int]:
    """Return the data of an element, and where the next one begins."""
    _, count, begin = _tag(start, position, order)
    if begin + count > len(start):
        raise ValueError("a name or a shape that is longer than any is")
    return start[begin : begin + count], -(-(begin + count) // 8) * 8


def _load_mat73(file: Path, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    optional_import("h5py", "reading MATLAB 7.3 files")
    state = file.stat()
    wrong = _mat73.try_first(str(file), tuple(keys), (state.st_mtime_ns, state.st_size))
    try:
        if wrong:
            raise ValueError(wrong)
        return _mat73.read(str(file), keys)
    except _mat73.FAULTS as err:
        _refuse(file, "is damaged, or not as MATLAB writes it", err)


def _refuse(file: Path, wrong: str, err: BaseException) -> NoReturn:
    got = " ".join(str(err).split())[:300] or type(err).__name__
    if isinstance(err, struct.error):
        got = "a header that ends too early"
    do = "Check its name and how it was copied"
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError, cause=err)
