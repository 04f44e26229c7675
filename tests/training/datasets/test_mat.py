"""FCNVMB folders: the authors' names, keys and axes, and other ones on request."""

import pickle

import numpy as np
import pytest
import scipy.io
import torch

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.training import MatLayout, MatSet

NT, NR, NS, NZ = 30, 5, 2, 8


@pytest.fixture
def write(tmp_path, rng):
    """Return a writer of sample ``number`` in the authors' form."""

    def write(number, *, key="vmodel", nr=NR):
        rec = rng.normal(size=(NT, nr, NS)).astype(np.float32)
        vmodel = rng.integers(1500, 4500, (NZ, nr)).astype(np.uint16)
        for folder, name, array in (("georec", "Rec", rec), ("vmodel", key, vmodel)):
            (tmp_path / f"{folder}_train").mkdir(exist_ok=True)
            stem = "georec" if name == "Rec" else key
            scipy.io.savemat(tmp_path / f"{folder}_train" / f"{stem}{number}.mat", {name: array})
        return rec, vmodel

    return write


@pytest.mark.parametrize("key", ["vmodel", "svmodel"])
def test_samples_are_those_of_the_files_by_number(write, tmp_path, preprocessing, key):
    stored = [write(number, key=key) for number in (1, 2, 10)]
    data = pickle.loads(pickle.dumps(MatSet(tmp_path, preprocessing)))
    assert [path.stem for path, _ in data.files] == ["georec1", "georec2", "georec10"]
    assert len(data) == 3
    for (d, vp), (rec, vmodel) in zip(data, stored, strict=True):
        assert (d.shape, d.dtype) == ((NS, NT // 3, NR), torch.float32)
        assert (vp.shape, vp.dtype) == ((1, NZ, NR), torch.float32)
        np.testing.assert_array_equal(d, rec.transpose(2, 0, 1)[:, 1::3])
        np.testing.assert_array_equal(vp[0], vmodel)


@pytest.mark.parametrize("axes", ["trs", "srt", "tsr", "rts"])
def test_names_keys_and_axes_can_be_others(tmp_path, rng, preprocessing, axes):
    d = rng.normal(size=(NS, NR, NT)).astype(np.float32)
    vp = rng.uniform(1500.0, 4500.0, (NR, NZ)).astype(np.float32)
    stored = d.transpose(["srt".index(axis) for axis in axes])
    scipy.io.savemat(tmp_path / "shots_7.mat", {"p": stored, "t": np.arange(NT)})
    scipy.io.savemat(tmp_path / "model_7.mat", {"v": vp})
    layout = MatLayout(
        gathers=("shots",),
        velocities=("model",),
        gathers_keys=("p",),
        velocity_keys=("v",),
        gathers_axes=axes,
        velocity_axes="xz",
    )
    ((e, wp),) = MatSet(tmp_path, preprocessing, layout=layout)
    np.testing.assert_array_equal(e, d.transpose(0, 2, 1)[:, 1::3])
    np.testing.assert_array_equal(wp[0], vp.T)


def test_version_73(write, tmp_path, preprocessing):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    rec, _ = write(1)
    file = tmp_path / "georec_train" / "georec1.mat"
    with h5py.File(file, "w", userblock_size=512) as stored:
        stored["P"] = rec.T  # MATLAB stores its columns first
    raw = bytearray(file.read_bytes())
    raw[:10] = b"MATLAB 7.3"
    file.write_bytes(raw)
    data = MatSet(tmp_path, preprocessing, layout=MatLayout(gathers_keys=("P",)))
    np.testing.assert_array_equal(data[0][0], rec.transpose(2, 0, 1)[:, 1::3])


def test_incomplete_and_mixed_folders_are_refused(write, tmp_path, preprocessing):
    with pytest.raises(VMBFileError, match=r"must hold georec<number>\.mat with vmodel<number>"):
        MatSet(tmp_path, preprocessing)
    write(1)
    write(2, nr=6)
    data = MatSet(tmp_path, preprocessing)
    assert data[0][0].shape[-1] == NR
    with pytest.raises(VMBFileError, match=r"georec2\.mat: must have the shapes of the pairs"):
        data[1]
    scipy.io.savemat(tmp_path / "vmodel_train" / "svmodel1.mat", {"svmodel": np.ones((2, 2))})
    with pytest.raises(VMBFileError, match="cannot be told from another file"):
        MatSet(tmp_path, preprocessing)
    (tmp_path / "vmodel_train" / "svmodel1.mat").unlink()
    (tmp_path / "vmodel_train" / "vmodel1.mat").unlink()
    with pytest.raises(VMBFileError, match=r"got 1 without a partner, first '.*georec1\.mat'"):
        MatSet(tmp_path, preprocessing)


def test_other_variables_and_axes_are_refused(write, tmp_path, preprocessing):
    write(1)
    layout = MatLayout(gathers_keys=("P", "Q"))
    with pytest.raises(
        VMBFileError, match=r"georec1\.mat: does not hold P with 3 axes or Q .*, got Rec \(30, 5, 2"
    ):
        MatSet(tmp_path, preprocessing, layout=layout)[0]
    with pytest.raises(VMBValueError, match="gathers_axes: must name the 3 axes, got 'txs'"):
        MatLayout(gathers_axes="txs")


def test_published_models(data_dir, tmp_path, preprocessing):
    models = data_dir / "fcnvmb" / "simulate_train" / "mat"
    for number in (1, 2):
        (tmp_path / f"vmodel{number}.mat").symlink_to(models / f"vmodel{number}.mat")
        scipy.io.savemat(tmp_path / f"georec{number}.mat", {"Rec": np.ones((NT, 301, NS))})
    _, vp = MatSet(tmp_path, preprocessing)[1]
    assert vp.shape == (1, 201, 301)
    assert 2000.0 <= vp.min() < vp.max() <= 4500.0
