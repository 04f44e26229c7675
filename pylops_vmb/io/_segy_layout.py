"""What a SEG-Y file is: byte order, sample format, counts, checked against its length.

segyio trusts the binary header; files whose header is wrong are read as numbers that
mean nothing.  So the header is read and judged here, and the file's length decides.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pylops_vmb._checks import refuse, sentence, warn
from pylops_vmb.errors import FileWarning, VMBFileError, VMBWarning
from pylops_vmb.io._files import check_file
from pylops_vmb.io._segy_length import TRACE, Body, held_samples

FOOT = 0.3048
TEXT, BINARY = 3200, 400
CODES = {
    1: "u4",  # bits of an IBM float
    2: "i4",
    3: "i2",
    5: "f4",
    6: "f8",
    8: "i1",
    9: "i8",
    10: "u4",
    11: "u2",
    12: "u8",
    16: "u1",
}
NAMES = {
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
_READABLE = ", ".join(NAMES[code] for code in CODES)
_BIG, _LITTLE, _PAIRS = 0x01020304, 0x04030201, 0x02010403


@dataclass(frozen=True)
class Doubt:
    """Something that a file says and that need not be true, worded in three parts."""

    wrong: str
    got: str
    do: str
    category: type[VMBWarning] = FileWarning

    def warn(self, name: str) -> None:
        """Give it as a warning about the file ``name``."""
        warn(name, self.wrong, got=self.got, do=self.do, category=self.category)

    def sentence(self, name: str) -> str:
        """Word it."""
        return sentence(name, self.wrong, self.got, self.do)


@dataclass(frozen=True)
class Layout:
    """The binary header of a SEG-Y file, agreed with the length of the file."""

    path: Path
    endian: str
    format: int
    nt: int
    interval: float
    ntraces: int
    stanzas: int
    start: int
    revision: int
    metre: float
    doubts: tuple[Doubt, ...]

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def order(self) -> str:
        """Byte order as NumPy and `struct` write it."""
        return ">" if self.endian == "big" else "<"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return int(CODES[self.format][1])

    @property
    def trace_bytes(self) -> int:
        """Bytes of one trace with its header."""
        return TRACE + self.nt * self.sample_bytes

    @property
    def parts(self) -> tuple["Layout", ...]:
        """The files that hold the traces: this one."""
        return (self,)

    def pieces(self, start: int, stop: int) -> Iterator[tuple["Layout", int, int]]:
        """Yield the files that hold the traces ``start`` to ``stop``, and which of theirs."""
        yield self, start, stop


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
        raw = stream.read(TEXT + BINARY)[TEXT:]
    if len(raw) < BINARY:
        _refuse(file, "is not a SEG-Y file", f"{file.stat().st_size} bytes", "Check its name")
    header = _Binary(raw, *_byte_order(file, raw))
    _check_readable(file, header)
    start, stop = _body(file, header)
    body = Body(file, header.order, start, stop, int(CODES[header.format][1]))
    claims = [claim for claim in (header.long_samples, header.samples) if claim > 0]
    nt = held_samples(body, claims)
    if not nt:
        _refuse_length(file, body, claims)
    return Layout(
        path=file,
        endian="big" if header.order == ">" else "little",
        format=header.format,
        nt=nt,
        interval=header.interval,
        ntraces=(stop - start) // (TRACE + nt * body.sample),
        stanzas=header.stanzas,
        start=start,
        revision=header.revision,
        metre=FOOT if header.field(3255, "h") == 2 else 1.0,
        doubts=() if nt in claims[:1] else (_wrong_count(nt, (*claims, 0)[0]),),
    )


class _Binary:
    """The fields of a binary header, by their byte in the file, counted from 1."""

    def __init__(self, raw: bytes, order: str, code: int) -> None:
        self.raw, self.order, self.format = raw, order, code
        self.revision = int(self.field(3501, "B") or self.field(3502, "B"))
        self.samples = int(self.field(3221, "H"))
        self.stanzas = int(self.field(3505, "h"))
        second = self.revision == 2
        self.long_samples = int(self.field(3269, "i")) if second else 0
        long_interval = self.field(3273, "d") if second else 0.0
        plausible = 1e-3 <= long_interval < 1e9  # us; it may be any 64 bits
        self.interval = long_interval if plausible else self.field(3217, "h")
        self.more_headers = int(self.field(3507, "h")) if second else 0
        self.first_trace = int(self.field(3521, "Q")) if second else 0
        self.trailers = int(self.field(3529, "i")) if second else 0

    def field(self, byte: int, code: str) -> float:
        """Return one number."""
        number: float = struct.unpack_from(self.order + code, self.raw, byte - TEXT - 1)[0]
        return number


def _byte_order(file: Path, raw: bytes) -> tuple[str, int]:
    constant = struct.unpack_from(">I", raw, 3297 - TEXT - 1)[0]
    if constant == _PAIRS:
        do = "Swap the bytes of each pair first"
        _refuse(file, "has the bytes of pairs swapped", f"{constant:#010x} in bytes 3297-3300", do)
    codes = {order: struct.unpack_from(order + "H", raw, 3225 - TEXT - 1)[0] for order in "><"}
    for order in "<>" if constant == _LITTLE else "><":
        if codes[order] in NAMES:
            return order, codes[order]
    got = f"sample format {codes['>']} in bytes 3225-3226"
    return _refuse(file, "is not a SEG-Y file", got, "Check its name and how it was copied")


def _check_readable(file: Path, header: _Binary) -> None:
    if header.format not in CODES:
        got = f"format {header.format}, {NAMES[header.format]}"
        _refuse(file, "has samples that cannot be read", got, f"Convert it to one of: {_READABLE}")
    if header.stanzas < 0:
        do = "Write their number into bytes 3505-3506, or remove them"
        wrong = "does not tell how many extended text headers it has"
        _refuse(file, wrong, f"{header.stanzas} in bytes 3505-3506", do)
    if header.more_headers > 0:
        do = "Write it with one header a trace"
        got = f"up to {header.more_headers} more by bytes 3507-3508"
        _refuse(file, "has more than one header a trace", got, do)
    if header.trailers < 0:
        do = "Write their number into bytes 3529-3532, or remove them"
        wrong = "does not tell how many stanzas stand after its traces"
        _refuse(file, wrong, f"{header.trailers} in bytes 3529-3532", do)


def _body(file: Path, header: _Binary) -> tuple[int, int]:
    size = file.stat().st_size
    start = header.first_trace or TEXT + BINARY + TEXT * header.stanzas
    stop = size - TEXT * header.trailers
    if not TEXT + BINARY <= start < stop:
        got = f"{size} bytes, traces from byte {start} on by the header"
        _refuse(file, "is truncated: it ends before its first trace", got, "Copy the file again")
    return start, stop


def _refuse_length(file: Path, body: Body, claims: list[int]) -> NoReturn:
    if not claims:
        do = "Write the number of samples into bytes 3221-3222"
        _refuse(file, "does not tell how many samples a trace has", "0", do)
    _refuse(
        file,
        f"is truncated, or its traces are not all {TRACE + claims[0] * body.sample} bytes long",
        f"{body.stop - body.start} bytes of traces",
        "Copy the file again; if it is whole, correct the number of samples in bytes 3221-3222",
    )


def _wrong_count(nt: int, claimed: int) -> Doubt:
    return Doubt(
        f"has traces of {nt} samples by its length, which is taken",
        f"{claimed} in the binary header",
        "Nothing needs to be done; correct bytes 3221-3222 to silence this",
    )


def _refuse(file: Path, wrong: str, got: str, do: str) -> NoReturn:
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError)
