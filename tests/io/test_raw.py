"""Bare numbers, and what is written for OpenFWI and FCNVMB: the same bits come back."""

import itertools

import numpy as np
import pytest
import scipy.io
import torch

from pylops_vmb.errors import VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.io import (
    read_fcnvmb,
    read_npz_gathers,
    read_openfwi,
    read_raw,
    write_fcnvmb,
    write_npz_gathers,
    write_openfwi,
    write_raw,
)
from pylops_vmb.survey import Acquisition

SHAPES = {"n": 2, "s": 3, "r": 4, "t": 5, "x": 6, "z": 7}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint8"])
@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("order", ["srt", "nxz"])
def test_bare_numbers_come_back_to_the_bit(tmp_path, rng, dtype, byte_order, order):
    array = rng.integers(0, 100, [SHAPES[axis] for axis in order]).astype(dtype)
    for axes in map("".join, itertools.permutations(order)):
        path = tmp_path / "a.bin"
        write_raw(path, array, axes=axes, byte_order=byte_order)
        assert path.stat().st_size == array.nbytes
        shape = tuple(SHAPES[axis] for axis in axes)
        got = read_raw(path, shape, axes=axes, dtype=dtype, byte_order=byte_order)
        assert got.dtype == array.dtype
        assert got.dtype.isnative
        assert got.tobytes() == array.tobytes()


def test_bare_numbers_lie_in_the_file_as_the_axes_say(tmp_path):
    path = tmp_path / "vp.bin"
    path.write_bytes(np.arange(6, dtype=">i2").tobytes())
    got = read_raw(path, (2, 3), axes="zx", dtype="int16", byte_order="big")
    assert got.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert isinstance(read_raw(path, (2, 3), axes="zx", dtype="<i2"), np.memmap)


def test_bare_numbers_that_do_not_fit(tmp_path):
    path = tmp_path / "vp.bin"
    path.write_bytes(bytes(26))
    wrong = r"is not as large as float32 \(2, 3\), which takes 24, got 26 bytes.*shape or dtype"
    with pytest.raises(VMBFileError, match=wrong):
        read_raw(path, (2, 3), axes="xz")
    huge = (
        r"is not as large as float32 \(4294967296, 4294967296\), which takes 73786976294838206464"
    )
    with pytest.raises(VMBFileError, match=huge):
        read_raw(path, (2**32, 2**32), axes="xz")
    with pytest.raises(VMBValueError, match=r"axes: must name the axes .* got 'xy'\. Order the"):
        read_raw(path, (2, 3), axes="xy")
    with pytest.raises(
        VMBValueError, match=r"shape: must have the axes 'xz', got \(2,\)\. Pass as"
    ):
        read_raw(path, (2,), axes="xz")
    with pytest.raises(VMBValueError, match="shape: must be at least 1, got -2"):
        read_raw(path, (-2, -3), axes="xz")
    for dtype in ("object", "U4", "nothing", "f4,f4"):
        with pytest.raises(VMBValueError, match=r"dtype: must be a float or an integer, got "):
            read_raw(path, (2, 3), axes="xz", dtype=dtype)
    with pytest.raises(VMBValueError, match="byte_order: is not a known choice, got 'native'"):
        read_raw(path, (2, 3), axes="xz", byte_order="native")
    with pytest.raises(VMBValueError, match=r"array: must have 2 axes, got shape \(3,\)"):
        write_raw(path, np.ones(3), axes="xz")
    with pytest.raises(VMBTypeError, match="must be real and numeric"):
        write_raw(path, np.array([["a"]]), axes="xz")
    assert path.read_bytes() == bytes(26)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 6, 7)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_openfwi_comes_back_to_the_bit(tmp_path, rng, shape, dtype):
    array = (100 * rng.normal(size=shape)).astype(dtype)
    write_openfwi(tmp_path / "a.npy", torch.from_numpy(array))
    got = read_openfwi(tmp_path / "a.npy")
    assert got.dtype == dtype
    assert got.tobytes() == array.tobytes()


def test_openfwi_needs_the_axis_of_samples(tmp_path):
    with pytest.raises(VMBValueError, match=r"must be gathers .* got shape \(6, 7\)\. Add an axis"):
        write_openfwi(tmp_path / "a.npy", np.ones((6, 7)))


def test_openfwi_of_the_other_byte_order_is_fit_for_torch(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(2, 1, 3, 4).astype(">f4"))
    got = read_openfwi(tmp_path / "a.npy")
    assert got.dtype.isnative
    assert got[1, 3, 2] == 23.0


@pytest.mark.parametrize("shape", [(3, 4, 5), (6, 7)])
def test_fcnvmb_comes_back_to_the_bit(tmp_path, rng, shape):
    array = rng.normal(size=shape).astype(np.float32)
    write_fcnvmb(tmp_path / "a.mat", array)
    got = read_fcnvmb(tmp_path / "a.mat")
    assert got.shape == shape
    assert got.tobytes() == array.tobytes()
    key = {3: "Rec", 2: "vmodel"}[len(shape)]
    assert scipy.io.loadmat(tmp_path / "a.mat")[key].shape == shape[::-1]


def test_fcnvmb_refuses_other_axes(tmp_path):
    with pytest.raises(VMBValueError, match=r"at most 2 GiB, got shape \(3,\), .* one sample a fi"):
        write_fcnvmb(tmp_path / "a.mat", np.ones(3))


@pytest.mark.parametrize("spread", ["fixed", "moving", "wavelets by shot"])
def test_gathers_and_survey_come_back_to_the_bit(tmp_path, rng, spread):
    acq = Acquisition.fixed_spread([0.0, 0.1], [0.3, 7.0, 8.1], nt=80, dt=1.7e-3, f0=30.1)
    if spread == "moving":
        acq = Acquisition.streamer([0.0, 0.1], [1.0, 2.0, 4.0], nt=80, dt=1.7e-3, f0=30.1)
    if spread == "wavelets by shot":
        acq = acq.with_wavelet(rng.normal(size=(2, 9)), 3)
    d = rng.normal(size=acq.dimsd)
    write_npz_gathers(tmp_path / "d.npz", d, acq)
    got, found = read_npz_gathers(tmp_path / "d.npz")
    assert got.tobytes() == d.tobytes()
    assert found == acq


def test_other_gathers_are_refused(tmp_path, rng):
    acq = Acquisition.fixed_spread([0.0, 0.1], [0.3, 7.0, 8.1], nt=80, dt=1.7e-3, f0=30.1)
    with pytest.raises(VMBValueError, match="d: must have shape"):
        write_npz_gathers(tmp_path / "d.npz", np.ones((2, 3, 4)), acq)
    path = tmp_path / "d.npz"
    good = {name: getattr(acq, name) for name in ("srcs", "recs", "dt", "wav", "wavc", "f0")}
    good["d"] = np.ones(acq.dimsd)
    for wrong in (
        {"d": np.ones((2, 3))},
        {"dt": np.nan},
        {"srcs": [1.0]},
        {"srcs": ["a", "b"]},
        {"d": np.ones((2, 4, 80))},
        {"wavc": -1},
        {"f0": "a"},
    ):
        np.savez(path, **(good | wrong))
        with pytest.raises(
            VMBFileError, match=r"d.npz: does not hold gathers .* got .*Write it wi"
        ):
            read_npz_gathers(path)
