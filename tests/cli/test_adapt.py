"""``pylops-vmb adapt``: a field survey on its way to a network, or the reasons against it."""

import json

import numpy as np
import pytest

from pylops_vmb.io import read_gathers, write_gathers
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid

GRID = Grid((24, 16), 10.0)


@pytest.fixture
def other(room) -> Acquisition:
    """Return a survey of the same ground with finer receivers and time, written as other.sgy."""
    vp = np.full(GRID.dims, 2000.0, np.float32)
    vp[:, 8:] = 2600.0
    xr = [0.0, *np.arange(40.0, 191.0, 7.5), *np.arange(200.0, 231.0, 10.0)]
    xs = [40.0, 80.0, 120.0, 160.0, 200.0]
    acq = Acquisition.fixed_spread(xs, xr, nt=340, dt=1e-3, f0=18.0, zs=40.0, zr=40.0)
    write_gathers(room / "other.sgy", AcousticModelling2D(GRID, acq)(vp), acq)
    return acq


ARGV = ("adapt", "other.sgy", "--weights", "net.safetensors", "--out", "fit.sgy")


def test_refuses_with_numbers_and_writes_nothing(cli, room, other) -> None:
    code, out, err = cli(*ARGV, "--f0", "18")
    assert (code, out) == (1, "")
    assert "error: acq: cannot be adapted to tiny-net without inventing data" in err
    assert "depth: sources lie at another depth (30 m, limit 10)" in err
    assert not (room / "fit.sgy").exists()


def test_adapts_and_predict_knows_the_wavelet(cli, room, survey) -> None:
    vp = np.full(GRID.dims, 2000.0, np.float32)
    vp[:, 8:] = 2600.0
    F = AcousticModelling2D(GRID, survey)
    field = Acquisition(
        survey.srcs[:, ::-1], survey.recs, nt=170, dt=2e-3, wav=survey.wav, wavc=survey.wavc
    )
    write_gathers(room / "other.sgy", AcousticModelling2D(GRID, field)(vp), field)
    np.save(room / "wav.npy", survey.wav)
    code, out, err = cli(*ARGV, "--wavelet", "wav.npy", "--json", "--amplitude", "none")
    assert code == 0, err
    assert "sorting: 3 of 3 shots" in err
    report = json.loads(out)
    assert [step["name"] for step in report["steps"]][:2] == ["sorting", "reciprocity"]
    assert report["acquisition"] == survey.to_dict()
    assert set(report["inputs"]) == {"other.sgy", "wav.npy"}
    data, acq = read_gathers(room / "fit.sgy", wav=survey.wav, wavc=survey.wavc, f0=survey.f0)
    assert acq.dimsd == survey.dimsd
    exact = F(vp)
    assert np.linalg.norm(data - exact) < 0.02 * np.linalg.norm(exact)
    code, _, err = cli("predict", "fit.sgy", "--weights", "net.safetensors", "--out", "p.npz")
    assert code == 0
    assert "wavelet of the report" in err


def test_a_wavelet_that_is_none_is_refused(cli, room, other) -> None:
    (room / "bad.npy").write_bytes(b"no wavelet")
    code, _, err = cli(*ARGV, "--wavelet", "bad.npy")
    assert code == 1
    assert "bad.npy: is not a wavelet in a .npy file" in err
