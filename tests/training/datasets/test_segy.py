"""SEG-Y folders: surveys with and without models, paired by their names."""

import pickle
import warnings

import numpy as np
import pytest
import torch

from pylops_vmb.errors import FileWarning, VMBFileError, VMBValueError
from pylops_vmb.io import write_gathers, write_velocity
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training import SEGYGathers, SEGYSet

GRID = Grid((6, 8), 10.0)
NAMES = ("line1", "line2", "line3")


def survey(nt=30, dt=2e-3):
    return Acquisition.fixed_spread([0.0, 40.0], 10.0 * np.arange(5), nt=nt, dt=dt, f0=50.0, zs=5.0)


@pytest.fixture
def lines(tmp_path, rng):
    """Write three surveys and their models; return both arrays by name."""
    (tmp_path / "gathers").mkdir()
    (tmp_path / "models").mkdir()
    acq, written = survey(), {}
    for name, suffix in zip(NAMES, (".sgy", ".SEGY", ".npy"), strict=True):
        d = rng.normal(size=acq.dimsd).astype(np.float32)
        vp = rng.uniform(1500.0, 4500.0, GRID.dims).astype(np.float32)
        write_gathers(tmp_path / "gathers" / f"{name}.segy", d, acq)
        model = tmp_path / "models" / f"{name}{suffix}"
        if suffix == ".npy":
            np.save(model, vp)
        else:
            write_velocity(model, vp, GRID)
        written[name] = d, vp
    return written


def test_samples_are_those_of_the_files(lines, tmp_path, preprocessing):
    field = SEGYGathers(tmp_path / "gathers", preprocessing)
    data = pickle.loads(pickle.dumps(SEGYSet(field, tmp_path / "models")))
    assert len(field) == len(data) == 3
    for name, only, (d, vp) in zip(NAMES, field, data, strict=True):
        e, wp = lines[name]
        assert d.dtype == vp.dtype == torch.float32
        np.testing.assert_array_equal(d, e[..., 1::3].transpose(0, 2, 1))
        assert torch.equal(d, only)
        np.testing.assert_array_equal(vp[0], wp.T)


def test_no_wavelet_is_guessed(lines, tmp_path, preprocessing):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert SEGYGathers(tmp_path / "gathers", preprocessing)[0].abs().max() > 0


def test_folders_without_pairs_are_refused(lines, tmp_path, preprocessing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(VMBFileError, match="must hold SEG-Y files, got none"):
        SEGYGathers(tmp_path / "empty", preprocessing)
    field = SEGYGathers(tmp_path / "gathers", preprocessing)
    (tmp_path / "models" / "line3.npy").unlink()
    with pytest.raises(VMBFileError, match=r"got 1 without a partner, first '.*line3\.segy'"):
        SEGYSet(field, tmp_path / "models")
    (tmp_path / "models" / "line3.npy").write_bytes(b"text")
    with pytest.raises(VMBFileError, match=r"line3\.npy: is not a whole \.npy file"):
        SEGYSet(field, tmp_path / "models")[2]


def test_surveys_and_models_of_other_shapes_are_refused(lines, tmp_path, preprocessing):
    field = SEGYGathers(tmp_path / "gathers", preprocessing)
    data = SEGYSet(field, tmp_path / "models")
    assert data[0][0].shape == (2, 10, 5)
    np.save(tmp_path / "models" / "line3.npy", np.full((5, 8), 2000.0))
    with pytest.raises(
        VMBFileError, match=r"shape of the others, got shape \(5, 8\), after \(6, 8\)"
    ):
        data[2]
    for acq in (survey(nt=40), survey(dt=4e-3)):
        write_gathers(tmp_path / "gathers" / "line2.segy", np.ones(acq.dimsd), acq)
        with pytest.raises(VMBFileError, match=r"line2\.segy: must have the shots, receivers"):
            field[1]


def test_what_is_not_finite_or_not_m_per_s_is_refused(lines, tmp_path, preprocessing):
    d, vp = lines["line1"]
    d[0, 0, 0] = np.inf
    write_gathers(tmp_path / "gathers" / "line1.segy", d, survey())
    with pytest.raises(VMBValueError, match=r"line1\.segy: must be finite, got 1 NaN or inf"):
        SEGYGathers(tmp_path / "gathers", preprocessing)[0]
    np.save(tmp_path / "models" / "line3.npy", 1e-3 * vp)
    data = SEGYSet(SEGYGathers(tmp_path / "gathers", preprocessing), tmp_path / "models")
    with pytest.raises(VMBValueError, match=r"line3\.npy: must be in m/s"):
        data[2]


def test_a_field_line(data_dir, preprocessing):
    with pytest.warns(FileWarning):  # its headers claim other sizes and units
        (d,) = SEGYGathers(data_dir / "field_viking", preprocessing)
    assert d.shape == (4, 200, 120)
