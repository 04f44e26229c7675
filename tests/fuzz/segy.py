"""Fuzz of the SEG-Y readers: damaged files end in data or in an error of this package.

``fuzz_segy(rng, folder)`` makes one file, damages it, and reads it in every way.
"""

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb.io import open_gathers, read_gathers, read_traces, read_velocity, summary
from tests.fuzz.outcome import outcome

SIZES = {1: 4, 2: 4, 3: 2, 4: 4, 5: 4, 6: 8, 7: 3, 8: 1, 9: 8, 10: 4, 11: 2, 12: 8, 15: 3, 16: 1}
BINARY = {
    3213: "h", 3217: "h", 3221: "H", 3225: "h", 3255: "h", 3269: "i", 3273: "d", 3297: "I",
    3501: "B", 3502: "B", 3503: "h", 3505: "h", 3507: "h", 3521: "Q", 3529: "i",
}  # fmt: skip
TRACE = {
    9: "i", 13: "i", 17: "i", 29: "h", 37: "i", 41: "i", 45: "i", 49: "i", 69: "h", 71: "h",
    73: "i", 77: "i", 81: "i", 85: "i", 89: "h", 109: "h", 115: "H", 117: "h", 181: "i", 215: "h",
}  # fmt: skip
EXTREMES = (0, 1, -1, 2, 3, 5, 6, 7, 100, -100, 1500, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31))


def fuzz_segy(rng: np.random.Generator, folder: Path) -> dict[str, str]:
    """Read one damaged file in every way.

    Parameters
    ----------
    rng : :obj:`numpy.random.Generator`
        Decides everything: the same state makes the same file.
    folder : :obj:`pathlib.Path`
        Where to put it.

    Returns
    -------
    outcomes : :obj:`dict`
        For each reader "read", or the name of the error.

    Raises
    ------
    AssertionError
        If a reading takes too long or too much memory.
    Exception
        Any other error or warning than those of this package.
    """
    path = folder / "fuzzed.sgy"
    path.write_bytes(damaged(rng))
    options = {
        "shot_key": str(rng.choice(["auto", "fldr", "ep", "sx"])),
        "delays": str(rng.choice(["pad", "ignore"])),
        "crooked": rng.choice([None, 0.0, 1e12]),
        "f0": rng.choice([None, 30.0]),
        "dt": rng.choice([None, None, 0.004]),
    }
    fill = {"missing": str(rng.choice(["refuse", "fill"]))}
    readers: dict[str, Callable[[], Any]] = {
        "summary": lambda: str(summary(path)),
        "read_traces": lambda: read_traces(path, dt=options["dt"]),
        "read_gathers": lambda: read_gathers(path, **options, **fill),
        "open_gathers": lambda: [d.shape for d, _ in open_gathers(path, **options)],
        "read_velocity": lambda: read_velocity(path),
    }
    return {name: outcome(folder, reader) for name, reader in readers.items()}


def damaged(rng: np.random.Generator) -> bytes:
    """Return a small file of gathers, whole or damaged in up to four ways."""
    order = str(rng.choice([">", "<"]))
    code = int(rng.choice(list(SIZES)))
    raw, size = _whole(rng, order, code)
    for _ in range(rng.integers(0, 5)):
        damage = _DAMAGES[rng.integers(len(_DAMAGES))]
        raw = damage(rng, raw, order, size)
    return bytes(raw)


def _whole(rng: np.random.Generator, order: str, code: int) -> tuple[bytearray, int]:
    ns, nr, nt = (int(rng.integers(1, most)) for most in (5, 7, 60))
    header = bytearray(rng.integers(32, 127, 3200, np.uint8).tobytes() + bytes(400))
    fields = {3217: 4000, 3221: nt, 3225: code, 3501: int(rng.integers(0, 3))}
    for byte, value in fields.items():
        struct.pack_into(order + BINARY[byte], header, byte - 1, value)
    raw = bytearray(header)
    for shot in range(ns):
        for receiver in range(nr):
            head = bytearray(240)
            words = {9: shot, 13: receiver, 17: shot, 29: 1, 73: 50 * shot, 81: 10 * receiver}
            for byte, value in (words | {115: nt, 117: 4000}).items():
                struct.pack_into(order + TRACE[byte], head, byte - 1, value)
            raw += head + rng.integers(0, 256, nt * SIZES[code], np.uint8).tobytes()
    return raw, 240 + nt * SIZES[code]


def _number(rng: np.random.Generator, code: str) -> Any:
    if code == "d":
        return float(rng.choice([0.0, 500.0, -1.0, 1e300, np.nan, np.inf]))
    bits = 8 * struct.calcsize("=" + code)
    value = int(rng.choice(EXTREMES)) if rng.random() < 0.7 else int(rng.integers(-(2**31), 2**31))
    value &= 2**bits - 1
    return value - 2**bits if code.islower() and value >= 2 ** (bits - 1) else value


def _put(raw: bytearray, order: str, code: str, at: int, value: Any) -> None:
    if at + struct.calcsize("=" + code) <= len(raw):
        struct.pack_into(order + code, raw, at, value)


def _binary_field(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    byte = int(rng.choice(list(BINARY)))
    _put(raw, order, BINARY[byte], byte - 1, _number(rng, BINARY[byte]))
    return raw


def _trace_field(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    byte = int(rng.choice(list(TRACE)))
    everywhere, value = rng.random() < 0.5, _number(rng, TRACE[byte])
    for start in range(3600, len(raw), size):
        if everywhere or rng.random() < 0.3:
            new = value if rng.random() < 0.8 else _number(rng, TRACE[byte])
            _put(raw, order, TRACE[byte], start + byte - 1, new)
    return raw


def _noise(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    for at in rng.integers(0, max(len(raw), 1), rng.integers(1, 40)):
        raw[int(at) : int(at) + 1] = bytes([int(rng.integers(256))])
    return raw


def _cut(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    return raw[: int(rng.integers(0, len(raw) + 1))]


def _traces_lost(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    starts = [start for start in range(3600, len(raw), size) if rng.random() < 0.8]
    return raw[:3600] + b"".join(raw[start : start + size] for start in starts)


def _grown(rng: np.random.Generator, raw: bytearray, order: str, size: int) -> bytearray:
    at = int(rng.integers(0, len(raw) + 1))
    return raw[:at] + rng.integers(0, 256, rng.integers(1, 500), np.uint8).tobytes() + raw[at:]


_DAMAGES = (_binary_field, _trace_field, _trace_field, _noise, _cut, _traces_lost, _grown)


def run(minutes: float, folder: Path, *, seed: int = 0) -> tuple[int, list[tuple[int, str]]]:
    """Run cases of growing seeds for some minutes; return their number and what failed."""
    end, failures, case = time.monotonic() + 60.0 * minutes, [], 0
    while time.monotonic() < end:
        try:
            fuzz_segy(np.random.default_rng(seed + case), folder)
        except Exception as error:  # what a fuzz looks for
            failures.append((seed + case, f"{type(error).__name__}: {error}"))
        case += 1
    return case, failures


def scratch() -> str:
    """Return the fastest folder for the files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else ""
