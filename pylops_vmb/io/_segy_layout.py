"""What a SEG-Y file is: byte order, sample format, counts, checked against its length.

segyio trusts the binary header; files whose header is wrong are read as numbers that
mean nothing.  So the header is read and judged here, before segyio opens the file.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import segyio

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._files import check_file

FOOT = 0.3048
_TEXT, _BINARY, _TRACE = 3200, 400, 240
_BYTES = {1: 4, 2: 4, 3: 2, 5: 4, 8: 1}
_NAMES = {
    1: "IBM float",
    2: "32-bit integer",
    3: "16-bit integer",
    4: "fixed point with gain",
    5: "IEEE float",
    6: "64-bit IEEE float",
    7: "24-bit integer",
    8: "8-bit integer",
    9: "64-bit integer",
    10: "unsigned 32-bit integer",
    11: "unsigned 16-bit integer",
    12: "unsigned 64-bit integer",
    15: "unsigned 24-bit integer",
    16: "unsigned 8-bit integer",
}


@dataclass(frozen=True)
class Layout:
    """The binary header of a SEG-Y file, agreed with the length of the file."""

    path: Path
    endian: str
    format: int
    nt: int
    interval: int
    ntraces: int
    stanzas: int
    revision: int
    metre: float

    @property
    def format_name(self) -> str:
        """Sample format in words."""
        return _NAMES[self.format]


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """Read and check the binary header.

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, in a sample format that cannot be
        read, or has an unknown number of extended text headers.
    """
    file = check_file(path)
    with open(file, "rb") as stream:
        header = stream.read(_TEXT + _BINARY)[_TEXT:]
    if len(header) < _BINARY:
        _refuse(file, "is not a SEG-Y file", f"{file.stat().st_size} bytes", "Check its name")
    endian, code = _byte_order(file, header)
    order = ">" if endian == "big" else "<"
    stanzas, nt = _field(header, 3505, order + "h"), _field(header, 3221, order + "H")
    _check_layout(file, code, stanzas, nt)
    return Layout(
        path=file,
        endian=endian,
        format=code,
        nt=nt,
        interval=_field(header, 3217, order + "h"),
        ntraces=_count_traces(file, _TRACE + nt * _BYTES[code], stanzas),
        stanzas=stanzas,
        revision=_field(header, 3501, "B") or _field(header, 3502, "B"),
        metre=FOOT if _field(header, 3255, order + "h") == 2 else 1.0,
    )


@contextmanager
def opened(layout: Layout) -> Iterator[Any]:
    """Open the file with segyio; its traces are not expected to form a cube."""
    path, endian = str(layout.path), layout.endian
    with segyio.open(path, ignore_geometry=True, endian=endian) as file:
        yield file


def _field(header: bytes, byte: int, code: str) -> int:
    return int(struct.unpack_from(code, header, byte - _TEXT - 1)[0])


def _byte_order(file: Path, header: bytes) -> tuple[str, int]:
    for endian, code in (("big", ">H"), ("little", "<H")):
        number = _field(header, 3225, code)
        if number in _NAMES:
            return endian, number
    got = f"sample format {_field(header, 3225, '>H')} in bytes 3225-3226"
    return _refuse(file, "is not a SEG-Y file", got, "Check its name and how it was copied")


def _check_layout(file: Path, code: int, stanzas: int, nt: int) -> None:
    if code not in _BYTES:
        readable = ", ".join(_NAMES[number] for number in _BYTES)
        do = f"Convert it to one of: {readable}"
        _refuse(file, "has samples that cannot be read", f"format {code}, {_NAMES[code]}", do)
    if stanzas < 0:
        do = "Write their number into bytes 3505-3506, or remove them"
        wrong = "does not tell how many extended text headers it has"
        _refuse(file, wrong, f"{stanzas} in bytes 3505-3506", do)
    if nt == 0:
        do = "Write the number of samples into bytes 3221-3222"
        _refuse(file, "does not tell how many samples a trace has", "0", do)


def _count_traces(file: Path, trace_bytes: int, stanzas: int) -> int:
    body = file.stat().st_size - _TEXT - _BINARY - _TEXT * stanzas
    count, rest = divmod(body, trace_bytes)
    if body <= 0 or rest:
        _refuse(
            file,
            f"is truncated, or its traces are not all {trace_bytes} bytes long",
            f"{max(body, 0)} bytes of traces",
            "Copy the file again; if it is whole, correct the number of samples in bytes 3221-3222",
        )
    return count


def _refuse(file: Path, wrong: str, got: str, do: str) -> NoReturn:
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError)
