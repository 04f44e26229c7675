"""OpenFWI folders: every published naming, pairs checked, samples as in the files."""

import pickle

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training import OpenFWISet

NAMINGS = {
    "Vel and Style": [
        ("data/data1.npy", "model/model1.npy"),
        ("data/data2.npy", "model/model2.npy"),
        ("data/data10.npy", "model/model10.npy"),
    ],
    "Vel and Style, flat": [("data1.npy", "model1.npy"), ("data2.npy", "model2.npy")],
    "Fault": [
        ("seis2_1_0.npy", "vel2_1_0.npy"),
        ("seis2_1_9.npy", "vel2_1_9.npy"),
        ("seis2_1_10.npy", "vel2_1_10.npy"),
        ("seis3_1_0.npy", "vel3_1_0.npy"),
    ],
    "Kaggle": [
        ("CurveVel_A/data/data1.npy", "CurveVel_A/model/model1.npy"),
        ("FlatFault_A/seis2_1_0.npy", "FlatFault_A/vel2_1_0.npy"),
    ],
    "one file": [("data.npy", "model.npy")],
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_samples_are_those_of_the_files_in_their_order(
    naming, write_openfwi, tmp_path, preprocessing
):
    pairs = NAMINGS[naming]
    stored = [
        write_openfwi(tmp_path / d, tmp_path / vp, n=2 + number)
        for number, (d, vp) in enumerate(pairs)
    ]
    np.save(tmp_path / "mean.npy", np.zeros(3))  # other files are left alone
    data = OpenFWISet(tmp_path, preprocessing)
    assert data.files == [(tmp_path / d, tmp_path / vp) for d, vp in pairs]
    gathers = np.concatenate([d for d, _ in stored])
    velocities = np.concatenate([vp for _, vp in stored])
    assert len(data) == len(gathers)
    for (d, vp), e, wp in zip(data, gathers, velocities, strict=True):
        assert d.dtype == vp.dtype == torch.float32
        np.testing.assert_array_equal(d, e[:, 1::3])
        np.testing.assert_array_equal(vp, wp)
    assert torch.equal(data[-1][1], data[len(data) - 1][1])
    with pytest.raises(IndexError):
        data[len(data)]


def test_pairs_of_files_may_have_any_name(write_openfwi, tmp_path, preprocessing):
    files = (tmp_path / "a.npy", tmp_path / "b.npy")
    d, vp = write_openfwi(*files)
    data = pickle.loads(pickle.dumps(OpenFWISet([files], preprocessing)))
    np.testing.assert_array_equal(data[1][0], d[1][:, 1::3])
    np.testing.assert_array_equal(data[1][1], vp[1])
    with pytest.raises(VMBValueError, match="source: must hold pairs of files, got none"):
        OpenFWISet([], preprocessing)


def test_files_without_a_partner_are_named(write_openfwi, tmp_path, preprocessing):
    write_openfwi(tmp_path / "data" / "data1.npy", tmp_path / "model" / "model1.npy")
    (tmp_path / "model" / "model1.npy").rename(tmp_path / "model" / "model2.npy")
    with pytest.raises(VMBFileError, match=r"got 2 without a partner, first '.*data1\.npy'"):
        OpenFWISet(tmp_path, preprocessing)
    (tmp_path / "data" / "data1.npy").unlink()
    with pytest.raises(VMBFileError, match=r"got 1 without a partner, first '.*model2\.npy'"):
        OpenFWISet(tmp_path, preprocessing)
    (tmp_path / "model" / "model2.npy").unlink()
    with pytest.raises(VMBFileError, match=r"must hold data\*\.npy with model\*\.npy, or seis"):
        OpenFWISet(tmp_path, preprocessing)
    with pytest.raises(VMBFileError, match="is not a folder"):
        OpenFWISet(tmp_path / "nowhere", preprocessing)


def test_two_files_of_one_number_are_refused(write_openfwi, tmp_path, preprocessing):
    write_openfwi(tmp_path / "data" / "data1.npy", tmp_path / "model" / "model1.npy")
    write_openfwi(tmp_path / "data1.npy", tmp_path / "model1.npy")
    with pytest.raises(VMBFileError, match="cannot be told from another file of the set"):
        OpenFWISet(tmp_path, preprocessing)


def test_counts_and_shapes_are_compared(write_openfwi, tmp_path, preprocessing):
    write_openfwi(tmp_path / "data1.npy", tmp_path / "model1.npy", n=2)
    write_openfwi(tmp_path / "data2.npy", tmp_path / "model2.npy", n=3)
    d, vp = tmp_path / "data1.npy", tmp_path / "model2.npy"
    with pytest.raises(
        VMBFileError, match=r"data1\.npy: must hold as many samples as model2\.npy, got 2 and 3"
    ):
        OpenFWISet([(d, vp)], preprocessing)
    write_openfwi(tmp_path / "data2.npy", tmp_path / "model2.npy", nr=6)
    with pytest.raises(VMBFileError, match=r"data2\.npy: must have the shapes of the other files"):
        OpenFWISet(tmp_path, preprocessing)
    with pytest.raises(VMBFileError, match=r"does not hold velocities \(n, 1, nz, nx\)"):
        OpenFWISet([(d, d)], preprocessing)


def test_samples_are_checked_when_they_are_read(write_openfwi, tmp_path, preprocessing):
    files = (tmp_path / "data1.npy", tmp_path / "model1.npy")
    d, vp = write_openfwi(*files)
    d[1, 0, 0, 0] = np.nan
    np.save(files[0], d)
    data = OpenFWISet(tmp_path, preprocessing)
    assert data[0][0].isfinite().all()
    with pytest.raises(VMBValueError, match=r"data1\.npy, sample 1: must be finite, got 1 NaN"):
        data[1]
    np.save(files[1], 1e-3 * vp)
    with pytest.raises(VMBValueError, match=r"model1\.npy, sample 0: must be in m/s"):
        data[0]
    files[0].write_bytes(files[0].read_bytes()[:-4])
    with pytest.raises(VMBFileError, match=r"data1\.npy: is not a whole \.npy file"):
        OpenFWISet(tmp_path, preprocessing)


def test_a_published_sample(data_dir):
    folder = data_dir / "openfwi"
    files = [(folder / "CF_sample0_seismic.npy", folder / "CF_sample0_velocity.npy")]
    d, vp = OpenFWISet(files, Preprocessing(step=5))[0]
    assert (d.shape, vp.shape) == ((5, 200, 70), (1, 70, 70))
    assert 1500.0 <= vp.min() < vp.max() <= 4500.0
