"""MATLAB files that lie, and HDF5 files that its library does not come back from."""

import io
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from pylops_vmb.errors import VMBFileError, VMBImportError
from pylops_vmb.io import _mat73, read_fcnvmb

WRONG = r"a\.mat: is not a MATLAB file that can be read, got .*{}.*\. Check its name"
WRONG73 = r"a\.mat: is damaged, or not as MATLAB writes it, got .*{}.*\. Check its name"


def saved(compressed=False, **variables):
    stream = io.BytesIO()
    scipy.io.savemat(stream, variables, do_compression=compressed)
    return bytearray(stream.getvalue())


def refused(path, raw, message, wrong=WRONG):
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(VMBFileError, match=wrong.format(message)):
        read_fcnvmb(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mat"


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (132, 2**31 - 1, r"type 14 and 2147483647 bytes at byte 128 of"),
        (132, 8, "a header that ends too early"),
        (160, 2**30, r"vmodel claims the shape \(1073741824, 3\)"),
        (160, -2, r"vmodel claims the shape \(-2, 3\)"),
        (188, 2**31 - 1, r"vmodel claims the shape .* and holds 2147483647"),
        (144, 1, "vmodel is no array of real numbers"),
        (144, 2, "vmodel is no array of real numbers"),
        (144, 0x0806, "vmodel is no array of real numbers"),
        (156, 2**31 - 8, "longer than any is"),
        (128, 7, "type 7"),
    ],
)
def test_headers_that_lie_cost_nothing(path, at, value, message):
    raw = saved(vmodel=np.ones((2, 3)))
    assert raw[144] == 6
    struct.pack_into("<i", raw, at, value)
    refused(path, raw, message)


def test_bytes_that_make_scipy_take_it_for_version_4(path):
    """SciPy looks for zeros at the start, and then read 1.7 GB for a file of 300 bytes."""
    raw = saved(vmodel=np.ones((2, 3)))
    raw[:4] = b"\x00\x10\xa5\xd4"
    refused(path, raw, "no mark of version 5; save it in MATLAB with -v7")


def test_version_4_is_refused_with_the_remedy(path):
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"vmodel": np.ones((20, 30))}, format="4")
    refused(path, stream.getvalue(), "save it in MATLAB with -v7")


def test_a_bomb_is_not_unpacked(path):
    """A variable of few numbers and much beside them, packed to a thousandth."""
    raw = saved(compressed=True, vmodel=np.ones((2, 3)))
    inner = zlib.decompress(raw[136:]) + bytes(2**25)
    inner = inner[:4] + struct.pack("<I", len(inner) - 8) + inner[8:]
    packed = zlib.compress(inner)
    refused(path, raw[:128] + struct.pack("<II", 15, len(packed)) + packed, "vmodel claims the sh")


def test_what_is_not_wanted_does_not_reach_scipy(path):
    """An unpacked bomb under another name, cells and text beside the model."""
    raw = saved(compressed=True, other=np.zeros(2**22), text="a", cells=np.array([{}, "b"], object))
    raw += saved(compressed=True, vmodel=np.full((2, 3), 7.0))[128:]
    path.write_bytes(raw)
    tracemalloc.start()
    assert (read_fcnvmb(path) == 7.0).all()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def test_numbers_beyond_float32_are_refused(path):
    path.write_bytes(saved(vmodel=np.array([[1.0, np.inf], [1e300, np.nan]])))
    with pytest.raises(
        VMBFileError, match=r"a\.mat: holds numbers in vmodel beyond those of float3"
    ):
        read_fcnvmb(path)
    path.write_bytes(saved(vmodel=np.array([[1.0, np.inf], [1e30, np.nan]])))
    assert np.isinf(read_fcnvmb(path)).sum() == 1


def test_without_h5py_version_73_is_refused_with_the_remedy(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(600))
    with pytest.raises(VMBImportError, match=r"reading MATLAB 7\.3 files: .*pylops-vmb\[mat73\]"):
        read_fcnvmb(path)


class TestVersion73:
    @pytest.fixture(autouse=True)
    def _h5py(self):
        self.h5py = pytest.importorskip("h5py", reason="needs h5py")

    def _write(self, path, make):
        with self.h5py.File(path, "w", userblock_size=512) as file:
            make(file)
        raw = bytearray(path.read_bytes())
        raw[:10] = b"MATLAB 7.3"
        return raw

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"shape": (10**6, 10**6), "dtype": "f8", "chunks": (10, 10)}, "claims the shape"),
            ({"shape": (2**14, 2**14), "dtype": "f8", "chunks": (2**14, 2**14)}, "claims the shap"),
            (
                {"shape": (4, 4), "dtype": "u1", "external": [("/etc/hostname", 0, 16)]},
                "other files",
            ),
            ({"data": "text"}, "vmodel is no array of real numbers"),
            ({"data": np.ones((2, 3), complex)}, "vmodel is no array of real numbers"),
        ],
    )
    def test_data_sets_that_lie_cost_nothing(self, path, options, message):
        raw = self._write(path, lambda file: file.create_dataset("vmodel", **options))
        refused(path, raw, message, WRONG73)

    def test_data_of_other_files_are_not_read(self, path, tmp_path):
        other = tmp_path / "other.h5"
        with self.h5py.File(other, "w") as file:
            file["a"] = np.ones((2, 3))

        def virtual(file):
            layout = self.h5py.VirtualLayout((2, 3), "f8")
            layout[:] = self.h5py.VirtualSource(other, "a", (2, 3))
            file.create_virtual_dataset("vmodel", layout)

        refused(path, self._write(path, virtual), "vmodel lies in other files", WRONG73)

        def linked(file):
            file["vmodel"] = self.h5py.ExternalLink(str(other), "/a")

        path.write_bytes(self._write(path, linked))
        with pytest.raises(VMBFileError, match=r"holds neither Rec .* got vmodel"):
            read_fcnvmb(path)

    def test_names_that_are_no_text(self, path):
        raw = self._write(path, lambda file: file.create_dataset(b"\xff\xfe", data=np.ones(2)))
        path.write_bytes(raw)
        with pytest.raises(VMBFileError, match=r"holds neither Rec .* got b'"):
            read_fcnvmb(path)

    def test_a_group_is_no_array(self, path):
        raw = self._write(path, lambda file: file.create_group("vmodel"))
        refused(path, raw, "vmodel is no array of real numbers", WRONG73)

    def test_a_library_that_does_not_come_back(self, path, monkeypatch, tmp_path):
        raw = self._write(path, lambda file: file.create_dataset("vmodel", data=np.ones((2, 3))))
        path.write_bytes(raw)
        script = tmp_path / "script.py"
        text = Path(_mat73.__file__).read_text(encoding="utf-8")
        for fault, number in (("while True: pass", 9), ("os.abort()", 6)):
            script.write_text(
                text.replace("_SECONDS = 3", "_SECONDS = 1").replace(
                    "    import h5py", f"    import os\n    {fault}", 1
                )
            )
            monkeypatch.setattr(_mat73, "__file__", str(script))
            _mat73.try_first.cache_clear()
            with pytest.raises(VMBFileError, match=f"was ended by signal {number}"):
                read_fcnvmb(path)
        _mat73.try_first.cache_clear()

    def test_a_good_file_is_tried_once(self, path, monkeypatch):
        raw = self._write(path, lambda file: file.create_dataset("vmodel", data=np.ones((2, 3))))
        path.write_bytes(raw)
        assert read_fcnvmb(path).shape == (2, 3)
        monkeypatch.setattr(_mat73.subprocess, "run", None)
        assert read_fcnvmb(path).shape == (2, 3)
