"""NumPy files of anyone: pickles, bombs and headers that lie are refused before they cost."""

import io
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from pylops_vmb import _numpy_files
from pylops_vmb._numpy_files import map_npy, read_npz_arrays
from pylops_vmb.errors import VMBFileError

WRONG_NPY = r"a\.npy: is not a whole \.npy file of numbers, got .*\. Check its name"
WRONG_NPZ = r"a\.npz: is not a whole \.npz archive of numbers, got .*\. Check its name"


class Payload:
    """A pickle of this makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def npy(header, body=b"", version=(1, 0)):
    """Return a ``.npy`` file with any text as its header."""
    text = header.encode("latin1") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + body


def saved(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def header(shape, descr="'<f8'", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3)])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "?", "<U3"])
def test_whole_files_are_read_to_the_bit(tmp_path, order, shape, dtype):
    array = np.ones(shape, dtype, order=order)
    path = tmp_path / "a.npy"
    np.save(path, array)
    got = map_npy(path)
    assert got.dtype.isnative
    assert got.shape == shape
    assert np.array_equal(got, array)
    np.savez_compressed(tmp_path / "a.npz", a=array, b=array)
    found = read_npz_arrays(tmp_path / "a.npz")
    assert list(found) == ["a", "b"]
    assert np.array_equal(found["a"], array)
    assert found["a"].dtype == got.dtype


LIES = {
    "huge": npy(header("(1000000000000, 1000)"), bytes(64)),
    "beyond 64 bits": npy(header(f"({2**63}, 8)"), bytes(64)),
    "a product that wraps around": npy(header(f"({2**32}, {2**32})"), bytes(64)),
    "negative": npy(header("(-1, -8)"), bytes(64)),
    "negative count": npy(header("(-8,)"), bytes(64)),
    "one number short": npy(header("(9,)"), bytes(64)),
    "objects": npy(header("(1,)", "'|O'"), bytes(64)),
    "a record with objects": npy(header("(1,)", "[('a', '|O')]"), bytes(64)),
    "a record": npy(header("(1,)", "[('a', '<f8')]"), bytes(64)),
    "huge items": npy(header("(1,)", "('<f8', (1000000000,))"), bytes(64)),
    "items of nothing": npy(header("(1000000000000,)", "'|S0'")),
    "deep": npy("(" * 5000 + ")" * 5000),
    "deep minus": npy("-" * 9000 + "1"),
    "long": npy(header("(1," + " " * 70000 + ")"), version=(2, 0)),
    "a length beyond the file": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
    "not closed": npy("{'descr': '<f8"),
    "not text": npy("\x80\xff\x00"),
    "a call": npy("{'descr': __import__('os').abort()}"),
    "version 3": npy(header("(8,)"), bytes(64), version=(3, 0)),
    "empty header": npy(""),
    "no header": b"\x93NUMPY\x01\x00",
    "a bool": npy(header("(True, 8)", order="2"), bytes(64)),
}


@pytest.mark.parametrize("case", LIES)
def test_headers_that_lie_cost_nothing(tmp_path, case):
    path = tmp_path / "a.npy"
    path.write_bytes(LIES[case])
    tracemalloc.start()
    with pytest.raises(VMBFileError, match=WRONG_NPY):
        map_npy(path)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", LIES[case])
    with pytest.raises(VMBFileError, match=WRONG_NPZ):
        read_npz_arrays(tmp_path / "a.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_pickles_are_never_loaded(tmp_path):
    trap = np.array([Payload(tmp_path / "trap")])
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    with pytest.raises(VMBFileError, match=r"items of object are no numbers"):
        map_npy(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", a=trap)
    with pytest.raises(VMBFileError, match=r"items of object are no numbers"):
        read_npz_arrays(tmp_path / "a.npz")
    trap.dump(tmp_path / "a.npy")
    with pytest.raises(VMBFileError, match=WRONG_NPY):
        map_npy(tmp_path / "a.npy")
    assert not (tmp_path / "trap").exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert (tmp_path / "trap").exists()  # it would have worked


def test_bombs_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(_numpy_files, "FREE", 2**20)
    bomb = np.zeros(2**24)
    np.savez_compressed(tmp_path / "a.npz", a=bomb)
    assert (tmp_path / "a.npz").stat().st_size < 2**18
    tracemalloc.start()
    with pytest.raises(VMBFileError, match=r"a\.npy would grow from \d+ to 134217856 bytes"):
        read_npz_arrays(tmp_path / "a.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
    np.savez(tmp_path / "a.npz", a=bomb)  # as large on the disk: no bomb
    assert read_npz_arrays(tmp_path / "a.npz")["a"].nbytes == bomb.nbytes


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("a.npy", saved(np.zeros(9)))
    with pytest.raises(VMBFileError, match="compressed in another way than NumPy does"):
        read_npz_arrays(tmp_path / "a.npz")


def test_damaged_archives_are_refused(tmp_path, rng):
    path = tmp_path / "a.npz"
    np.savez(path, a=rng.normal(size=9))
    whole = path.read_bytes()
    with pytest.raises(VMBFileError, match=r"no b among a"):
        read_npz_arrays(path, ["b"])
    at = whole.index(b"NUMPY") + 130
    flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    for contents in (whole[:-30], whole[:50], b"PK", flipped):
        path.write_bytes(contents)
        with pytest.raises(VMBFileError, match=WRONG_NPZ):
            read_npz_arrays(path)
    with pytest.raises(VMBFileError, match=r"is not a whole .*No such file"):
        read_npz_arrays(tmp_path / "b.npz")


def test_negative_counts_are_refused_here_and_not_in_numpy(tmp_path):
    (tmp_path / "a.npy").write_bytes(LIES["negative"])
    with pytest.raises(VMBFileError, match=r"a negative count in the shape \(-1, -8\)"):
        map_npy(tmp_path / "a.npy")
