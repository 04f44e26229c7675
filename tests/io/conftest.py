"""SEG-Y files made byte by byte, so that readers are not tested by our own writer alone."""

import struct
from pathlib import Path

import numpy as np
import pytest

CODES = {2: "i4", 3: "i2", 4: "i4", 5: "f4", 6: "f8", 8: "i1", 9: "i8", 10: "u4", 11: "u2"}
CODES |= {7: "u1", 12: "u8", 15: "u1", 16: "u1"}
WORDS = {
    "fldr": (9, "i"), "tracf": (13, "i"), "ep": (17, "i"), "trid": (29, "h"), "gelev": (41, "i"),
    "selev": (45, "i"), "sdepth": (49, "i"), "scalel": (69, "h"), "scalco": (71, "h"),
    "sx": (73, "i"), "sy": (77, "i"), "gx": (81, "i"), "gy": (85, "i"), "counit": (89, "h"),
    "delrt": (109, "h"), "ns": (115, "H"), "dt": (117, "h"), "sut": (215, "h"),
}  # fmt: skip


def ibm(values, order=">"):
    """Encode floats as IBM floats."""
    values = np.asarray(values, np.float64)
    power = np.zeros(values.shape, int)
    power[values != 0] = np.floor(np.log2(np.abs(values[values != 0])) / 4).astype(int) + 1
    fraction = np.abs(values) / 16.0**power * 2**24
    bits = (np.signbit(values) << 31) | ((power + 64) << 24) | np.rint(fraction).astype(np.int64)
    return np.where(values == 0, 0, bits).astype(order + "u4").tobytes()


def build(path, traces, *, code=5, order=">", revision=1, binary=(), start=b"", end=b"", **words):
    """Write a SEG-Y file; ``words`` are trace headers, one value for all or one for each."""
    ntraces, nt = traces.shape
    header = bytearray(3600)
    fields = {3217: ("h", 4000), 3221: ("H", nt), 3225: ("h", code), 3501: ("B", revision)}
    for byte, (kind, value) in (fields | dict(binary)).items():
        struct.pack_into(order + kind, header, byte - 1, value)
    words = {"dt": 4000, "ns": nt, "trid": 1} | words
    columns = {name: np.broadcast_to(value, ntraces) for name, value in words.items()}
    pieces = [bytes(header), start]
    for i, trace in enumerate(traces):
        head = bytearray(240)
        for name, column in columns.items():
            byte, kind = WORDS[name]
            struct.pack_into(order + kind, head, byte - 1, int(column[i]))
        body = ibm(trace, order) if code == 1 else trace.astype(order + CODES[code]).tobytes()
        pieces += [bytes(head), body]
    Path(path).write_bytes(b"".join([*pieces, end]))
    return Path(path)


@pytest.fixture
def make_segy(tmp_path):
    """Return `build`, which writes ``line.sgy`` into the test's own folder."""
    return lambda traces, **settings: build(tmp_path / "line.sgy", traces, **settings)


@pytest.fixture
def as_ibm():
    """Return the encoder of IBM floats."""
    return ibm
