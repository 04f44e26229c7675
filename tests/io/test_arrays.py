"""OpenFWI, FCNVMB and .npz files: axes turned, bits kept, wrong files refused."""

import numpy as np
import pytest
import scipy.io
import torch

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.io import read_fcnvmb, read_npz, read_openfwi, write_npz
from pylops_vmb.survey import Grid


@pytest.fixture
def grid():
    return Grid((4, 3), (12.5, 10.0), (-3.0, 0.1))


def test_openfwi_gathers_are_a_view_in_pylops_order(tmp_path, rng):
    stored = rng.normal(size=(2, 5, 11, 3)).astype(np.float32)
    np.save(tmp_path / "data.npy", stored)
    got = read_openfwi(tmp_path / "data.npy")
    assert isinstance(got, np.memmap)
    assert got.shape == (2, 5, 3, 11)
    assert got[1, 4, 2, 10] == stored[1, 4, 10, 2]
    assert np.array_equal(got, stored.swapaxes(2, 3))


def test_openfwi_velocities_and_the_choice_of_kind(tmp_path, rng):
    stored = rng.normal(size=(2, 1, 5, 3)).astype(np.float32)
    np.save(tmp_path / "model.npy", stored)
    got = read_openfwi(tmp_path / "model.npy")
    assert got.shape == (2, 3, 5)
    assert got[1, 2, 4] == stored[1, 0, 4, 2]
    assert read_openfwi(tmp_path / "model.npy", kind="gathers").shape == (2, 1, 3, 5)


def test_other_npy_files_are_refused(tmp_path):
    file = tmp_path / "a.npy"
    np.save(file, np.zeros((2, 5, 4, 3)))
    with pytest.raises(
        VMBFileError, match=r"velocities \(n, 1, nz, nx\), got shape \(2, 5, 4, 3\)"
    ):
        read_openfwi(file, kind="velocity")
    whole = file.read_bytes()
    np.save(file, np.zeros((2, 3)))
    with pytest.raises(VMBFileError, match=r"four axes of OpenFWI, got shape \(2, 3\)"):
        read_openfwi(file)
    np.save(file, np.array([{}]), allow_pickle=True)
    with pytest.raises(VMBFileError, match=r"not a whole \.npy file of numbers"):
        read_openfwi(file)
    for contents in (whole[:-8], whole[:20], b"text"):
        file.write_bytes(contents)
        with pytest.raises(VMBFileError, match=r"not a whole \.npy file of numbers"):
            read_openfwi(file)
    with pytest.raises(VMBFileError, match="does not exist"):
        read_openfwi(tmp_path / "b.npy")


@pytest.mark.parametrize(
    ("key", "shape"), [("Rec", (7, 4, 3)), ("vmodel", (5, 4)), ("svmodel", (5, 4))]
)
def test_fcnvmb_axes(tmp_path, rng, key, shape):
    stored = rng.integers(1500, 4500, shape).astype(np.uint16)
    scipy.io.savemat(tmp_path / "a.mat", {key: stored, "other": np.ones(2)})
    got = read_fcnvmb(tmp_path / "a.mat")
    assert (got.dtype, got.shape) == (np.float32, shape[::-1])
    assert np.array_equal(got, stored.T)


def test_fcnvmb_version_73(tmp_path, rng):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    stored = rng.normal(size=(7, 4, 3)).astype(np.float32)
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["Rec"] = stored.T  # MATLAB stores its columns first
    raw = bytearray((tmp_path / "a.mat").read_bytes())
    raw[:10] = b"MATLAB 7.3"
    (tmp_path / "a.mat").write_bytes(raw)
    assert np.array_equal(read_fcnvmb(tmp_path / "a.mat"), stored.T)
    (tmp_path / "a.mat").write_bytes(raw[:600])
    with pytest.raises(VMBFileError, match="is damaged"):
        read_fcnvmb(tmp_path / "a.mat")


def test_other_mat_files_are_refused(tmp_path):
    file = tmp_path / "a.mat"
    scipy.io.savemat(file, {"vp": np.ones((2, 3))})
    with pytest.raises(VMBFileError, match=r"holds neither Rec .*, got vp \(2, 3\)"):
        read_fcnvmb(file)
    whole = file.read_bytes()
    for contents in (whole[:150], b"not a MATLAB file" * 20, b"short"):
        file.write_bytes(contents)
        with pytest.raises(VMBFileError, match="not a MATLAB file that can be read"):
            read_fcnvmb(file)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_npz_round_trip(tmp_path, rng, grid, dtype):
    vp = rng.normal(size=grid.dims).astype(dtype)
    write_npz(tmp_path / "vp.npz", torch.from_numpy(vp), grid)
    got, found = read_npz(tmp_path / "vp.npz")
    assert got.dtype == dtype
    assert got.tobytes() == vp.tobytes()
    assert found == grid


def test_npz_keeps_the_old_file_when_a_write_fails(tmp_path, grid, monkeypatch):
    write_npz(tmp_path / "vp.npz", np.ones(grid.dims), grid)

    def half(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        write_npz(tmp_path / "vp.npz", np.zeros(grid.dims), grid)
    assert read_npz(tmp_path / "vp.npz")[0].all()
    assert list(tmp_path.iterdir()) == [tmp_path / "vp.npz"]


def test_other_npz_files_are_refused(tmp_path, grid):
    file = tmp_path / "vp.npz"
    with pytest.raises(VMBValueError, match="vp: must have shape"):
        write_npz(file, np.ones((5, 5)), grid)
    np.savez(file, vp=np.ones(3), spacing=[1.0, 1.0], origin=[0.0, 0.0])
    with pytest.raises(VMBFileError, match=r"does not hold a model .* got vp of shape \(3,\)"):
        read_npz(file)
    write_npz(file, np.ones(grid.dims), grid)
    whole = file.read_bytes()
    np.savez(file, model=np.ones(3))
    without = file.read_bytes()
    np.savez(file, vp=np.array([{}]), spacing=[1.0, 1.0], origin=[0.0, 0.0])
    for contents in (whole[:-30], b"text", without, file.read_bytes()):
        file.write_bytes(contents)
        with pytest.raises(VMBFileError, match=r"not a whole \.npz archive of numbers"):
            read_npz(file)


def test_real_files(data_dir):
    gathers = read_openfwi(data_dir / "openfwi" / "CF_sample0_seismic.npy")
    assert gathers.shape == (1, 5, 70, 1000)
    assert not gathers[..., -1].any()  # the last time sample of the published files is zero
    vp = read_openfwi(data_dir / "openfwi" / "CF_sample0_velocity.npy")[0]
    assert vp.shape == (70, 70)
    salt = read_fcnvmb(data_dir / "fcnvmb" / "segsalt" / "saltv1.mat")
    assert salt.shape == (301, 201)
    assert (salt.min(), salt.max()) == (1500.0, 4482.0)
