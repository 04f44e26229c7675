"""Models of a file in the place of a generator."""

import os

import numpy as np
import pytest

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.velocity import StoredVelocities, VelocityGenerator


@pytest.fixture
def models():
    return np.random.default_rng(0).uniform(1500.0, 4500.0, (4, 18, 24)).astype(np.float32)


@pytest.fixture
def path(models, tmp_path):
    np.save(tmp_path / "vp.npy", models)
    return tmp_path / "vp.npy"


def test_model_i_is_that_of_the_file(path, models):
    stored = StoredVelocities(path, order="zx", every=2)
    assert len(stored) == 4
    assert stored.dims == (12, 9)
    np.testing.assert_array_equal(stored[3], models[3, ::2, ::2].T)
    assert stored[3].flags.c_contiguous
    np.testing.assert_array_equal(StoredVelocities(path)[1], models[1])
    assert stored.vp_range == (models[:, ::2, ::2].min(), models[:, ::2, ::2].max())


def test_openfwi_files_and_archives(models, tmp_path):
    np.save(tmp_path / "model.npy", models[:, None])
    np.savez(tmp_path / "vp.npz", vp=models, other=models[:2] + 1.0)
    np.testing.assert_array_equal(StoredVelocities(tmp_path / "model.npy")[2], models[2])
    other = StoredVelocities(tmp_path / "vp.npz", key="other")
    np.testing.assert_array_equal(other[1], models[1] + 1.0)
    with pytest.raises(VMBFileError, match=r"cannot be read, got .*vp\|other"):
        StoredVelocities(tmp_path / "vp.npz")


def test_the_config_rebuilds_it_and_knows_the_file(path, models):
    config = StoredVelocities(path, every=2, seed=2).config
    again = VelocityGenerator.from_config(config)
    assert again.config == config
    np.save(path, models + 1.0)
    with pytest.raises(VMBFileError, match="has changed"):
        VelocityGenerator.from_config(config)


@pytest.mark.parametrize("name", ["vp.npy", "vp.npz"])
def test_a_file_written_anew_is_read_anew(models, tmp_path, name):
    save = np.save if name.endswith("npy") else np.savez
    save(tmp_path / name, models)
    before = StoredVelocities(tmp_path / name)
    digest, first = before.sha256, before[0]
    save(tmp_path / name, models[::-1] + 1.0)
    os.utime(tmp_path / name, ns=(1, 1))
    after = StoredVelocities(tmp_path / name)
    assert after.sha256 != digest
    np.testing.assert_array_equal(after[3], first + 1.0)


def test_draws_come_from_the_file(path, models):
    drawn = StoredVelocities(path).draw(np.random.default_rng(3))
    assert any((drawn == model).all() for model in models)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 4)), "does not hold velocity models"),
        (np.ones((0, 9, 9)), "does not hold velocity models"),
        (np.ones((2, 0, 9)), "does not hold velocity models"),
        (np.full((2, 9, 9), np.nan), "does not hold velocity models"),
        (np.full((2, 9, 9), "a"), "does not hold velocity models"),
    ],
)
def test_other_files_are_refused(array, message, tmp_path):
    np.save(tmp_path / "other.npy", array)
    with pytest.raises(VMBFileError, match=message):
        StoredVelocities(tmp_path / "other.npy")
    with pytest.raises(VMBFileError, match="cannot be read, got no such file"):
        StoredVelocities(tmp_path / "absent.npy")


def test_a_number_beyond_the_file_is_refused(path):
    with pytest.raises(VMBValueError, match=r"holds no such model, got 4\. Use 0 to 3"):
        StoredVelocities(path)[4]
