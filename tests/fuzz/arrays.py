"""Damaged arrays: ``.npy``, ``.npz``, MATLAB 5 and 7.3, bare numbers."""

import io
import json
import os
import struct
import time
import warnings
import zipfile
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import scipy.io

from pylops_vmb.io import (
    _mat73,
    read_fcnvmb,
    read_npz,
    read_npz_gathers,
    read_openfwi,
    read_raw,
    write_npz,
    write_npz_gathers,
)
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.velocity import StoredVelocities
from tests.fuzz.mutations import NUMBERS, Random, damage, pick, strange
from tests.fuzz.outcome import outcome, payload

DTYPES = ("<f4", ">f8", "<f2", "|u1", "<i8", "|b1", "<c8", "|S3", "<U2", "|O", "<M8[s]", "|V4", "f")
DESCRS = (
    *("|S0", "<U0", "x", "", "f4,f4", "(2,3)f8", "<f16", "object", "O", "<U2147483647", "|V0"),
    *([["a", "<f4"]], [["a", "|O"]], ["<f4", [1000000000]], {"names": ["a"], "formats": ["O"]}),
)


def fuzz_npy(rng: Random, folder: Path) -> dict[str, str]:
    """Read one damaged ``.npy`` file in every way."""
    path = folder / "fuzzed.npy"
    path.write_bytes(damaged_npy(rng, folder))
    return {
        "read_openfwi": outcome(folder, lambda: touched(read_openfwi(path))),
        "gathers": outcome(folder, lambda: touched(read_openfwi(path, kind="gathers"))),
        "StoredVelocities": outcome(folder, lambda: StoredVelocities(path)[0]),
    }


def fuzz_npz(rng: Random, folder: Path) -> dict[str, str]:
    """Read one damaged ``.npz`` file in every way."""
    path = folder / "fuzzed.npz"
    path.write_bytes(_damaged_npz(rng, folder))
    most = 400 * 2**20  # as `FREE` allows, and the checks on them
    return {
        "read_npz": outcome(folder, lambda: read_npz(path), bytes_=most),
        "read_npz_gathers": outcome(folder, lambda: read_npz_gathers(path), bytes_=most),
        "StoredVelocities": outcome(folder, lambda: StoredVelocities(path)[0], bytes_=2 * most),
    }


def fuzz_mat(rng: Random, folder: Path) -> dict[str, str]:
    """Read one damaged MATLAB file of version 5."""
    path = folder / "fuzzed.mat"
    path.write_bytes(_damaged_mat(rng))
    return {"read_fcnvmb": outcome(folder, lambda: read_fcnvmb(path))}


def fuzz_mat73(rng: Random, folder: Path) -> dict[str, str]:
    """Read one damaged MATLAB file of version 7.3."""
    path = folder / "fuzzed.mat"
    whole = _whole_mat73(rng, path)
    path.write_bytes(damage(rng, whole, within=4096) if rng.random() < 0.9 else whole)
    forked = mock.patch.object(_mat73, "try_first", _tried_by_a_fork)
    with forked if rng.random() < 0.99 else nullcontext():
        most = {"bytes_": 400 * 2**20, "seconds": 60.0}  # 3 s of the processor, which many share
        return {"read_fcnvmb": outcome(folder, lambda: read_fcnvmb(path), **most)}


def _tried_by_a_fork(path: str, keys: tuple[str, ...], _state: tuple[int, int]) -> str:
    """Do what `try_first` does, without the start of a Python."""
    end, start = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _mat73._limit_time(path, used=time.process_time())
            _mat73.read(path, keys)
            _mat73.names(path)
        except _mat73.FAULTS as err:
            os.write(start, (str(err)[:2000] or type(err).__name__).encode())
        finally:
            os._exit(0)
    os.close(start)
    with os.fdopen(end) as answers:
        words = answers.read()
    _, status = os.waitpid(pid, 0)
    return words or f"signal {status}" * bool(status)


def fuzz_raw(rng: Random, folder: Path) -> dict[str, str]:
    """Read bare numbers with arguments that are wrong more often than not."""
    path = folder / "fuzzed.bin"
    axes = str(pick(rng, ["xz", "zx", "srt", "trs", "nxz", "nsrt", "", "xx", "q", "xzt"]))
    shape = tuple(int(n) for n in rng.integers(1, 5, len(axes)))
    dtype = pick(rng, ["float32", "float64", "int16", "uint8", *DTYPES])
    size = int(np.prod(shape)) * int(pick(rng, [1, 2, 4, 8]))
    path.write_bytes(rng.bytes(size))
    if rng.random() < 0.3:
        shape = (*shape[1:], int(pick(rng, NUMBERS)))
    if rng.random() < 0.2:
        shape = tuple(pick(rng, [None, "a", 1.5, True, n]) for n in shape)
    order = pick(rng, ["little", "big", "big", "<", None])
    options = {"axes": axes, "dtype": dtype, "byte_order": order}
    return {"read_raw": outcome(folder, lambda: touched(read_raw(path, shape, **options)))}


def touched(array: np.ndarray[Any, Any]) -> None:
    """Read all that a view refers to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sums of random bits
        array.sum()


def _header(rng: Random) -> str:
    shape = [int(pick(rng, [1, 2, 3, 4])) for _ in range(int(rng.integers(0, 6)))]
    if rng.random() < 0.3 and shape:
        shape[int(rng.integers(len(shape)))] = int(pick(rng, NUMBERS))
    entries = {
        "descr": repr(pick(rng, DTYPES)) if rng.random() < 0.7 else repr(pick(rng, DESCRS)),
        "fortran_order": pick(rng, ["False", "True", "False", "0", "None"]),
        "shape": repr(tuple(shape)) if rng.random() < 0.8 else repr(strange(rng)),
    }
    if rng.random() < 0.1:
        entries[pick(rng, ["shape", "descr", "extra"])] = pick(
            rng, ["__import__('os').abort()", "(" * 300, "-" * 5000 + "1", "1" * 9000, "b'x'", "3L"]
        )
    return "{" + ", ".join(f"{key!r}: {value}" for key, value in entries.items()) + "}"


def damaged_npy(rng: Random, folder: Path) -> bytes:
    """Return a ``.npy`` file, whole or damaged, or with a pickle in it."""
    body = rng.bytes(int(rng.integers(0, 600)))
    if rng.random() < 0.15:
        body = payload(folder, int(rng.integers(0, 6)))
    if rng.random() < 0.5:
        shape = [int(n) for n in rng.integers(1, 5, int(pick(rng, [3, 4])))]
        array = np.asarray(1000.0 * rng.random(shape), pick(rng, ["<f4", ">f8", "<i2"]))
        stream = io.BytesIO()
        np.save(stream, array)
        raw = stream.getvalue()
        return raw if rng.random() < 0.2 else damage(rng, raw, within=128)
    text = _header(rng).encode("latin1", "replace") + b"\n"
    version = pick(rng, [(1, 0), (1, 0), (2, 0), (3, 0), (9, 9)])
    length = len(text) if rng.random() < 0.8 else int(pick(rng, NUMBERS))
    code = "<H" if version == (1, 0) else "<I"
    length &= 2 ** (8 * struct.calcsize(code)) - 1
    raw = b"\x93NUMPY" + bytes(version) + struct.pack(code, length) + text + body
    return raw if rng.random() < 0.8 else damage(rng, raw)


def _survey(rng: Random) -> Acquisition:
    spread = pick(rng, [Acquisition.fixed_spread, Acquisition.streamer])
    return spread([0.0, 30.0], [0.0, 10.0, 20.0], nt=90, dt=2e-3, f0=20.0)


def _damaged_npz(rng: Random, folder: Path) -> bytes:
    path = folder / "fuzzed.npz"
    if rng.random() < 0.5:
        write_npz(path, rng.random((4, 3)), Grid((4, 3), 10.0))
    else:
        acq = _survey(rng)
        write_npz_gathers(path, rng.random(acq.dimsd, np.float32), acq)
    what = rng.random()
    if what < 0.4:
        return damage(rng, path.read_bytes())
    if what < 0.45:
        return payload(folder, int(rng.integers(0, 6)))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(int(rng.integers(1, 3))):
        name = str(pick(rng, list(members)))
        members[name] = _member(rng, folder)
        if rng.random() < 0.2:
            members[pick(rng, ["../a.npy", "", "vp.npy", "a" * 300, "vp"])] = members.pop(name)
    stream = io.BytesIO()
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    with zipfile.ZipFile(stream, "w", pick(rng, methods)) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that stand there twice
        for name, raw in members.items():
            archive.writestr(name or "x", raw)
            if rng.random() < 0.1:
                archive.writestr(name or "x", _member(rng, folder))
    raw = stream.getvalue()
    return raw if rng.random() < 0.7 else damage(rng, raw)


def _member(rng: Random, folder: Path) -> bytes:
    if rng.random() < 0.04:  # a bomb of up to 60 MB, and a header that tells the truth or not
        count = int(rng.integers(2**20, 60 * 2**20)) // 8
        claimed = count if rng.random() < 0.7 else int(pick(rng, NUMBERS))
        text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({claimed}, 1)}}\n".encode()
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8 * count)
    if rng.random() < 0.4:
        stream = io.BytesIO()
        shapes = [(), (1,), (2,), (3, 3), (2, 3), (2, 2, 3), (2, 3, 90)]
        array = np.asarray(pick(rng, [*NUMBERS, np.nan, np.inf, -1.0, 0.5]), np.float64)
        np.save(stream, np.full(pick(rng, shapes), array).astype(pick(rng, ["<f8", "<f4", "<U8"])))
        return stream.getvalue()
    return damaged_npy(rng, folder)


def _damaged_mat(rng: Random) -> bytes:
    shape = pick(rng, [(3, 4), (5, 2, 3), (1, 1), (0, 3)])
    value: Any = np.asarray(100 * rng.random(shape), pick(rng, ["f4", "f8", "u2", "i4", "u1"]))
    if rng.random() < 0.2:
        cells = np.empty((2, 2), object)
        cells[:] = "a"
        others = [{"x": 1.0, "y": "text"}, cells, "text", value + 1j, value > 50, [1, "a"]]
        value = pick(rng, others)
    names = pick(rng, [("Rec", "vmodel"), ("vmodel", "svmodel"), ("svmodel", "other")])
    stored, stream = {names[0]: value, names[1]: np.ones((2, 3))}, io.BytesIO()
    if rng.random() < 0.1:
        scipy.io.savemat(stream, {names[0]: np.ones((2, 3))}, format="4")
        return damage(rng, stream.getvalue())
    compressed = rng.random() < 0.4
    scipy.io.savemat(stream, stored, do_compression=compressed)
    raw = stream.getvalue()
    if not compressed or rng.random() < 0.3:
        return damage(rng, raw, within=260) if rng.random() < 0.95 else raw
    # damage to what is compressed: unpacked, damaged and packed again
    (length,) = struct.unpack_from("<I", raw, 132)
    inner = zlib.decompress(raw[136 : 136 + length])
    if rng.random() < 0.1:
        inner += bytes(int(rng.integers(2**20, 60 * 2**20)))
        inner = inner[:4] + struct.pack("<I", len(inner) - 8) + inner[8:]
    packed = zlib.compress(damage(rng, inner, within=120))
    return raw[:128] + struct.pack("<II", 15, len(packed)) + packed + raw[136 + length :]


def _whole_mat73(rng: Random, path: Path) -> bytes:
    import h5py  # noqa: PLC0415  an optional package

    array = np.asarray(
        100 * rng.random(pick(rng, [(4, 3), (3, 2, 5)])), pick(rng, ["f4", "f8", "u2"])
    )
    key = pick(rng, ["Rec", "vmodel", "svmodel"])
    huge = (int(pick(rng, [10**4, 10**6, 2**31])), int(pick(rng, [10**4, 2**20])))
    with h5py.File(path, "w", userblock_size=512) as file:
        what = int(rng.integers(10))
        if what == 0:
            file.create_dataset(key, huge, "f8", chunks=(10, 10), fillvalue=1.0)
        elif what == 1:
            file.create_dataset(key, huge, "f8", chunks=(10_000, 1_000), compression="gzip")
        elif what == 2:
            file[key] = h5py.ExternalLink("/etc/passwd", "/a")
        elif what == 3:
            file[key] = h5py.SoftLink(f"/{key}")
        elif what == 4:
            file.create_dataset(key, (4, 4), "u1", external=[("/etc/passwd", 0, 16)])
        elif what == 5:
            layout = h5py.VirtualLayout(huge, "f8")
            layout[:4, :3] = h5py.VirtualSource("/etc/passwd", "a", (4, 3))
            file.create_virtual_dataset(key, layout)
        elif what == 6:
            file.create_group(key)["Rec"] = array
        elif what == 7:
            file[key] = pick(rng, ["text", json.dumps([1]), np.bytes_(b"abc"), h5py.Empty("f4")])
        else:
            options = {"chunks": True, "compression": "gzip"} if rng.random() < 0.5 else {}
            file.create_dataset(key, data=array, **options)
    raw = bytearray(path.read_bytes())
    raw[:10] = b"MATLAB 7.3"
    return bytes(raw)
