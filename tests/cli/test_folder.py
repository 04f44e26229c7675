"""A folder of shots on the command line, and words about its headers."""

import json
import shutil

import numpy as np
import pytest

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
