"""Headers and samples of some traces of a SEG-Y file, in the machine's own byte order.

The file is mapped piece by piece: memory is that of the traces asked for.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_layout import CODES, Layout
from pylops_vmb.io._segy_length import TRACE

FIELDS = {
    "fldr": (9, "i4"),
    "tracf": (13, "i4"),
    "ep": (17, "i4"),
    "trid": (29, "i2"),
    "offset": (37, "i4"),
    "gelev": (41, "i4"),
    "selev": (45, "i4"),
    "sdepth": (49, "i4"),
    "scalel": (69, "i2"),
    "scalco": (71, "i2"),
    "sx": (73, "i4"),
    "sy": (77, "i4"),
    "gx": (81, "i4"),
    "gy": (85, "i4"),
    "counit": (89, "i2"),
    "delrt": (109, "i2"),
    "ns": (115, "u2"),
    "dt": (117, "i2"),
    "cdpx": (181, "i4"),
    "cdpy": (185, "i4"),
    "sut": (215, "i2"),
}
"""First byte, from 1, and type of the fields that are read, by the names of Seismic Unix."""

_IBM = 1
_KEPT = {6: np.float64}
"""Formats that are not turned into float32."""

Headers = NDArray[np.void]
Floats = NDArray[np.float64]


def headers(layout: Layout, start: int, stop: int) -> Headers:
    """Return the trace headers ``start`` to ``stop`` as a structured array."""
    return _one([_headers(*piece) for piece in layout.pieces(start, stop)])


def samples(layout: Layout, start: int, stop: int) -> NDArray[Any]:
    """Return the samples of the traces ``start`` to ``stop``, ``(stop - start, nt)``.

    They are float32, or float64 if stored so.
    """
    return _one([_samples(*piece) for piece in layout.pieces(start, stop)])


def _one(pieces: list[NDArray[Any]]) -> NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _headers(layout: Layout, start: int, stop: int) -> Headers:
    raw = np.ascontiguousarray(_mapped(layout, start, stop)[:, :TRACE])
    stored = np.dtype(
        {
            "names": list(FIELDS),
            "formats": [layout.order + code for _, code in FIELDS.values()],
            "offsets": [byte - 1 for byte, _ in FIELDS.values()],
            "itemsize": TRACE,
        }
    )
    native = np.dtype([(name, code) for name, (_, code) in FIELDS.items()])
    return raw.view(stored)[:, 0].astype(native)


def _samples(layout: Layout, start: int, stop: int) -> NDArray[Any]:
    raw = np.ascontiguousarray(_mapped(layout, start, stop)[:, TRACE:])
    stored = raw.view(layout.order + CODES[layout.format])
    if layout.format == _IBM:
        return _ieee(stored)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return stored.astype(_KEPT.get(layout.format, np.float32))


def lengths(head: Headers, *fields: str, scalar: str, metre: float) -> list[Floats]:
    """Apply the SEG-Y scalar and the file's unit of length to some fields; m."""
    return [metre * _scaled(head, field, scalar) for field in fields]


def depths(head: Headers, metre: float) -> tuple[Floats, Floats]:
    """Return the depths of sources and receivers, m, positive below the datum."""
    fields = lengths(head, "sdepth", "selev", "gelev", scalar="scalel", metre=metre)
    return fields[0] - fields[1], 0.0 - fields[2]


def delays(head: Headers) -> Floats:
    """Return the time from shot to first sample, s."""
    return 1e-3 * _scaled(head, "delrt", "sut")


def _scaled(head: Headers, field: str, scalar: str) -> Floats:
    values, factor = head[field].astype(np.float64), head[scalar].astype(np.int64)
    scaled = np.where(factor < 0, values / np.maximum(-factor, 1), values * np.maximum(factor, 1))
    return np.asarray(scaled, np.float64)


def _mapped(layout: Layout, start: int, stop: int) -> NDArray[np.uint8]:
    size = layout.trace_bytes
    offset = layout.start + start * size
    if layout.path.stat().st_size < offset + (stop - start) * size:
        refuse(
            layout.name,
            "changed since it was opened: it has become shorter",
            got=f"{layout.path.stat().st_size} bytes",
            do="Open it again once it is whole",
            error=VMBFileError,
        )
    return np.memmap(layout.path, np.uint8, "r", offset=offset, shape=(stop - start, size))


def _ieee(bits: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Decode IBM floats: sign, power of 16 plus 64, fraction of 24 bits; exact in float32."""
    power = 4 * ((bits >> 24) & 0x7F).astype(np.int32) - 280
    values = np.ldexp((bits & 0xFFFFFF).astype(np.float64), power)
    with np.errstate(over="ignore"):  # IBM floats reach 7e75; what is too large is infinite
        return np.where(bits >> 31, -values, values).astype(np.float32)
