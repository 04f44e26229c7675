"""Scores of a velocity model, and its data misfit, as the metrics give them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pylops_vmb.io import read_gathers, read_npz, write_gathers, write_npz
from pylops_vmb.metrics import scores
from pylops_vmb.survey import Acquisition, Grid

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def guess(room: Path, rng: np.random.Generator) -> str:
    """Write a model that is wrong everywhere, and return its name."""
    vp, grid = read_npz(room / "true.npz")
    write_npz(room / "guess.npz", vp + rng.normal(0.0, 100.0, vp.shape), grid)
    return "guess.npz"


def test_velocity_against_truth(cli: Run, room: Path, guess: str) -> None:
    code, out, err = cli("score", guess, "--true", "true.npz", "--json")
    assert (code, err) == (0, "")
    (row,) = json.loads(out)["figures"]
    vp, true = (read_npz(room / name)[0] for name in (guess, "true.npz"))
    expected = scores(vp, true)
    assert row["mae_m_s"] == pytest.approx(expected["mae"])
    assert row["rmse_m_s"] == pytest.approx(np.sqrt(np.mean((vp - true) ** 2)))
    assert row["mae_normalised"] == pytest.approx(expected["mae"] / 1500.0)
    assert row["rmse_normalised"] == pytest.approx(expected["rmse"] / 1500.0)
    assert row["ssim"] == pytest.approx(expected["ssim"])
    assert row["psnr_db"] == pytest.approx(expected["psnr"])
    heading, line = cli("score", guess, "--true", "true.npz")[1].splitlines()
    assert heading.split()[:3] == ["method", "MAE", "m/s"]
    assert line.startswith("guess.npz")


def test_range_scales_errors_and_peak(cli: Run, room: Path, guess: str) -> None:
    argv = ("score", guess, "--true", "true.npz", "--range", "1000", "2000", "--json")
    (row,) = json.loads(cli(*argv)[1])["figures"]
    assert row["mae_normalised"] == pytest.approx(row["mae_m_s"] / 500.0)
    assert row["psnr_db"] == pytest.approx(20.0 * np.log10(1000.0 / row["rmse_m_s"]))


def test_equal_models_have_no_ratio(cli: Run) -> None:
    (row,) = json.loads(cli("score", "true.npz", "--true", "true.npz", "--json")[1])["figures"]
    assert (row["mae_m_s"], row["ssim"], row["psnr_db"]) == (0.0, 1.0, None)


def test_data_misfit_with_the_wavelet_of_the_report(cli: Run, room: Path) -> None:
    cli("simulate", "true.npz", "--like", "field.sgy", "--f0", "18", "--out", "like.sgy")
    code, out, err = cli("score", "true.npz", "--gathers", "like.sgy", "--json")
    assert code == 0
    assert "wavelet of the report, 18 Hz" in err
    report = json.loads(out)
    assert report["figures"][0]["data_misfit"] < 1e-5
    assert len(report["data_misfit_by_shot"]) == 3


def test_shot_without_signal_has_no_misfit_and_scale_is_found(cli: Run, room: Path) -> None:
    line = ("simulate", "true.npz", "--like", "field.sgy", "--f0", "18", "--out", "like.sgy")
    cli(*line)
    d, acq = read_gathers(room / "like.sgy", f0=18.0)
    d = 250.0 * d
    d[1] = 0.0
    write_gathers(room / "counts.sgy", d, acq)
    argv = ("score", "true.npz", "--gathers", "counts.sgy", "--f0", "18", "--scale", "--json")
    report = json.loads(cli(*argv)[1])
    assert [value is None for value in report["data_misfit_by_shot"]] == [False, True, False]
    assert report["figures"][0]["scale"] == pytest.approx(250.0, rel=1e-5)
    assert report["figures"][0]["data_misfit"] < 1e-5


def test_like_takes_the_survey_of_other_gathers(cli: Run, room: Path) -> None:
    code, _, err = cli("simulate", "true.npz", "--like", "field.sgy", "--f0", "18",
                       "--out", "like.sgy")  # fmt: skip
    assert code == 0, err
    there, mine = (read_gathers(room / n, f0=18.0)[1] for n in ("field.sgy", "like.sgy"))
    assert there == mine
    assert "field.sgy" in json.loads((room / "like.sgy.report.json").read_text())["inputs"]
    code, _, err = cli("simulate", "true.npz", "--like", "field.sgy", "--nt", "9", "--out", "x.sgy")
    assert code == 2
    assert "--like brings the whole survey" in err


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        ((), 2, "nothing to compare with: give --true, --gathers or both"),
        (("--true", "true.npz", "--scale"), 2, "--f0, --preset and --scale go with --gathers"),
        (("--true", "wide.npz"), 1, "wide.npz: must lie on the grid of true.npz"),
        (("--true", "true.npz", "--range", "3000", "2000"), 1, "vp_range: must rise"),
        (("--gathers", "wide.npz"), 1, "wide.npz"),
    ],
)
def test_refusals(cli: Run, room: Path, argv: tuple[str, ...], code: int, message: str) -> None:
    write_npz(room / "wide.npz", read_npz(room / "true.npz")[0], Grid((24, 16), 20.0))
    found, out, err = cli("score", "true.npz", *argv)
    assert (found, out) == (code, "")
    assert message in err


def test_survey_outside_the_grid_is_refused(cli: Run, room: Path) -> None:
    acq = Acquisition.fixed_spread([0.0, 900.0], [0.0, 10.0], nt=60, dt=0.004, f0=15.0)
    write_gathers(room / "far.sgy", np.ones(acq.dimsd), acq)
    code, _, err = cli("score", "true.npz", "--gathers", "far.sgy", "--f0", "15")
    assert code == 1
    assert "acq: source 1 lies outside the grid" in err
