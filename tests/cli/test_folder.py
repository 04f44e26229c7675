"""A folder of shots on the command line, and words about its headers."""

import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pylops_vmb.cli._reading import read_shots
from pylops_vmb.io import open_gathers, read_gathers, read_npz, write_gathers
from pylops_vmb.survey import Acquisition


@pytest.fixture(scope="module")
def shots(room, survey):
    """Return a folder with a file for each shot of the room's gathers."""
    folder = room / "shots"
    folder.mkdir()
    for i, (d, acq) in enumerate(open_gathers(room / "field.sgy", f0=15.0)):
        write_gathers(folder / f"{i}.sgy", d, acq)
    return folder


@pytest.mark.parametrize("name", ["shots", "shots/"])
def test_a_folder_predicts_as_its_file_does(cli, room, shots, name):
    for gathers, out in ((name, "one.npz"), ("field.sgy", "two.npz")):
        code, _, err = cli("predict", gathers, "--weights", "net.safetensors", "--out", out)
        assert code == 0
        assert "wavelet of the network" in err
    assert np.array_equal(read_npz(room / "one.npz")[0], read_npz(room / "two.npz")[0])


def test_a_folder_is_told_drawn_and_converted(cli, room, shots):
    assert "shots: 3 files" in cli("info", "shots")[1]
    assert cli("plot", "shots", "--out", "shots.png")[0] == 0
    assert cli("convert", "shots", "--out", "joined.sgy", "--f0", "15")[0] == 0
    joined, _ = read_gathers(room / "joined.sgy", f0=15.0)
    assert np.array_equal(joined, read_gathers(room / "field.sgy", f0=15.0)[0])


def test_a_folder_without_seg_y_is_refused(cli, room):
    (room / "nothing").mkdir()
    code, out, err = cli("info", "nothing")
    assert (code, out) == (1, "")
    assert "nothing: holds no SEG-Y files" in err


def test_a_run_on_a_folder_is_done_again_unless_a_shot_changed(cli, room, shots):
    copy = room / "copy"
    shutil.copytree(shots, copy)
    cli("predict", "copy", "--weights", "net.safetensors", "--out", "v.npz")
    assert cli("rerun", "v.npz")[0] == 0
    (copy / "1.sgy").write_bytes((copy / "0.sgy").read_bytes())
    code, _, err = cli("rerun", "v.npz")
    assert code == 1
    assert "copy has changed" in err
    shutil.rmtree(copy)
    assert "copy is missing" in cli("rerun", "v.npz")[2]


def test_headers_are_explained_by_options(cli, room, survey):
    folder = room / "gaps"
    folder.mkdir()
    for i, (d, acq) in enumerate(open_gathers(room / "field.sgy", f0=15.0)):
        keep = slice(1, None) if i else slice(None)
        part = Acquisition(acq.srcs, acq.recs[:, keep], nt=acq.nt, dt=acq.dt, wav=acq.wav, f0=15.0)
        write_gathers(folder / f"{i}.sgy", d[:, keep], part)
    code, _, err = cli("convert", "gaps", "--out", "g.npz", "--f0", "15")
    assert code == 1
    assert "different numbers of receivers" in err
    words = ["--missing", "fill", "--shot-key", "sx", "--delays", "ignore", "--crooked", "3"]
    code, out, err = cli(
        *("convert", "gaps", "--out", "g.npz", "--f0", "15", "--dt", "0.004", "--json"), *words
    )
    assert code == 0
    figures = json.loads(out)["figures"][0]
    assert (figures["shots"], figures["receivers"], figures["dt_s"]) == (3, 24, 0.004)
    assert cli("plot", "gaps", "--missing", "fill", "--out", "gaps.png")[0] == 0
    assert "3 shots by sx" in cli("info", "gaps", "--shot-key", "sx")[1]


def test_words_about_headers_need_headers(cli):
    code, _, err = cli("info", "true.npz", "--missing", "fill")
    assert code == 2
    assert "--missing: for SEG-Y, and true.npz is none" in err


def test_a_survey_beyond_the_grid_gets_the_options_of_one_that_holds_it(cli, room):
    acq = Acquisition.fixed_spread(
        np.linspace(0.0, 500.0, 3), np.arange(0.0, 501.0, 20.0), nt=120, dt=4e-3, f0=8.0, zs=6.0
    )
    write_gathers(room / "long.sgy", np.random.default_rng(0).normal(size=acq.dimsd), acq)
    words = ("--f0", "8", "--out", "long.npz", "--niter", "1", "--bands", "full")
    code, _, err = cli(
        "invert", "long.sgy", "--method", "hybrid", "--weights", "net.safetensors", *words
    )
    assert code == 1
    assert "long.sgy: reaches beyond the grid of tiny-net, x 0 to 230 m" in err
    assert "sources and receivers at x 0 to 500 m" in err
    ready = err.partition("such as ")[2].partition(", or bring")[0].split()
    assert ready[:2] == ["--method", "fwi"]
    assert "pylops-vmb adapt" in err
    code, _, err = cli("invert", "long.sgy", *ready, *words)
    assert code == 0, err
    _, grid = read_npz(room / "long.npz")
    assert grid.spacing == (10.0, 10.0)
    assert grid.extent[0] == -50.0
    assert grid.extent[1] == 550.0
    assert grid.extent[3] == pytest.approx(250.0, abs=10.0)
    code, _, err = cli(
        *("invert", "long.sgy", "--method", "fwi", "--dims", "24", "16", "--spacing", "10", "10"),
        *words,
    )
    assert code == 1
    assert "reaches beyond the grid, x 0 to 230 m" in err
    assert "such as --dims" in err


def test_filled_gathers_are_drawn_filled(room):
    gathers = read_shots(room / "gaps", "gathers", {"missing": "fill"})
    assert [d.shape[1] for d, _ in (gathers[0], gathers[1])] == [24, 24]


def test_a_single_velocity_fills_its_picture(cli, room):
    assert cli("plot", "true.npz", "--out", "v.png")[0] == 0
    picture = plt.imread(room / "v.png")[..., :3]
    inked = np.flatnonzero((picture < 1.0).any(axis=(0, 2)))
    assert inked[0] < 0.08 * picture.shape[1]
    assert inked[-1] > 0.92 * picture.shape[1]
