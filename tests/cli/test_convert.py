"""Conversions: what a format can hold comes through, what it cannot is refused or said."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pylops_vmb.io import (
    read_fcnvmb,
    read_gathers,
    read_npz,
    read_npz_gathers,
    read_openfwi,
    read_velocity,
    write_npz,
    write_npz_gathers,
)
from pylops_vmb.survey import Acquisition, Grid

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(room: Path) -> Path:
    """Add gathers with numbers of their own, and a model of float64, to the room."""
    rng = np.random.default_rng(5)
    acq = Acquisition.streamer([100.0, 140.0], [10.0, 20.0, 30.0], nt=50, dt=0.004, f0=22.0)
    write_npz_gathers(room / "own.npz", rng.normal(size=acq.dimsd).astype("float32"), acq)
    write_npz(room / "vp.npz", rng.uniform(1500.0, 4000.0, (24, 16)), Grid((24, 16), 10.0))
    return room


@pytest.mark.parametrize("suffix", ["sgy", "npz"])
def test_gathers_keep_geometry_and_wavelet(cli: Run, files: Path, suffix: str) -> None:
    code, out, err = cli("convert", "own.npz", "--out", f"there.{suffix}", "--json")
    assert code == 0, err
    assert json.loads(out)["figures"][0]["shots"] == 2
    assert cli("convert", f"there.{suffix}", "--out", "back.npz")[0] == 0
    d, acq = read_npz_gathers(files / "own.npz")
    again, same = read_npz_gathers(files / "back.npz")
    np.testing.assert_array_equal(again, d)
    assert same == acq  # SEG-Y holds no wavelet: it is found in the report beside it
    assert ("SEG-Y holds no wavelet" in err) == (suffix == "sgy")


@pytest.mark.parametrize("suffix", ["npy", "mat", "bin"])
def test_gathers_through_bare_numbers(cli: Run, files: Path, suffix: str) -> None:
    bare = f"bare.{suffix}"
    code, out, err = cli("convert", "own.npz", "--out", bare)
    assert (code, out) == (1, "")
    assert f"bare.{suffix}: would lose geometry: .{suffix} holds numbers alone" in err
    assert "the positions of 2 sources and 3 receivers, dt and the wavelet" in err
    assert not (files / bare).exists()
    assert cli("convert", "own.npz", "--out", bare, "--drop-geometry")[0] == 0
    report = json.loads((files / f"{bare}.report.json").read_text())
    assert Acquisition.from_dict(report["acquisition"]) == read_npz_gathers(files / "own.npz")[1]
    shape = ("--shape", "2", "3", "50") if suffix == "bin" else ()
    code, _, err = cli("convert", bare, *shape, "--out", "back.npz")
    assert code == 1
    assert f"{bare}: holds numbers without a survey, got no option" in err
    assert cli("convert", bare, *shape, "--like", "own.npz", "--out", "back.npz")[0] == 0
    first, second = (read_npz_gathers(files / name) for name in ("own.npz", "back.npz"))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]


@pytest.mark.parametrize("suffix", ["sgy", "npy", "mat", "bin"])
def test_velocity_through_every_format(cli: Run, files: Path, suffix: str) -> None:
    drop = () if suffix == "sgy" else ("--drop-geometry",)
    code, _, err = cli("convert", "true.npz", *drop, "--out", f"v.{suffix}")
    assert code == 0, err
    shape = ("--shape", "24", "16") if suffix == "bin" else ()
    cells = () if suffix == "sgy" else ("--spacing", "10", "10")
    argv = ("convert", f"v.{suffix}", *shape, *cells, "--out", "back.npz")
    assert cli(*argv)[0] == 0
    vp, grid = read_npz(files / "back.npz")
    np.testing.assert_array_equal(vp, read_npz(files / "true.npz")[0])
    assert grid == Grid((24, 16), 10.0)


def test_axes_of_the_formats_are_theirs(cli: Run, files: Path) -> None:
    for name in ("o.npy", "o.mat"):
        cli("convert", "own.npz", "--out", name, "--drop-geometry")
    d, _ = read_npz_gathers(files / "own.npz")
    assert np.load(files / "o.npy").shape == (1, 2, 50, 3)
    np.testing.assert_array_equal(read_openfwi(files / "o.npy", kind="gathers")[0], d)
    np.testing.assert_array_equal(read_fcnvmb(files / "o.mat"), d)
    cli("convert", "true.npz", "--out", "o.bin", "--drop-geometry", "--axes", "zx",
        "--dtype", "int16", "--byte-order", "big")  # fmt: skip
    stored = np.fromfile(files / "o.bin", ">i2").reshape(16, 24)
    np.testing.assert_array_equal(stored.T, read_npz(files / "true.npz")[0])


def test_lost_digits_and_positions_are_said(cli: Run, files: Path) -> None:
    code, _, err = cli("convert", "vp.npz", "--out", "v.sgy", "--quiet")
    assert code == 0
    assert "warning: vp.npz: loses digits: .sgy is written in float32, got float64. Write" in err
    np.testing.assert_allclose(read_velocity(files / "v.sgy")[0], read_npz(files / "vp.npz")[0])
    d, acq = read_npz_gathers(files / "own.npz")
    fine = Acquisition(acq.srcs + 0.00123, acq.recs, nt=50, dt=0.004, wav=acq.wav, f0=22.0)
    write_npz_gathers(files / "fine.npz", d, fine)
    _, _, err = cli("convert", "fine.npz", "--out", "fine.sgy")
    assert "fine.npz: loses digits of its positions, which are rounded, got 0.00123 m. Write" in err
    assert "written in float32" not in err
    assert "rounded" not in cli("convert", "own.npz", "--out", "fine.sgy")[2]


def test_digits_that_bare_numbers_would_lose_are_refused(cli: Run, files: Path) -> None:
    argv = ("convert", "vp.npz", "--out", "v.bin", "--drop-geometry", "--dtype")
    code, _, err = cli(*argv, "int16")
    assert code == 1
    assert "--dtype: cannot hold the values of vp.npz, got int16" in err
    assert cli(*argv, "float64")[0] == 0
    assert "loses digits: .bin is written in float32" in cli(*argv, "float32")[2]


def test_samples_and_presets(cli: Run, files: Path) -> None:
    many = np.arange(3 * 70 * 70, dtype="float32").reshape(3, 1, 70, 70)
    np.save(files / "maps.npy", many)
    code, _, err = cli("convert", "maps.npy", "--preset", "openfwi", "--out", "m.npz")
    assert code == 1
    assert "--sample: must choose one of 3 samples of maps.npy, got no choice" in err
    argv = ("convert", "maps.npy", "--preset", "openfwi", "--out", "m.npz", "--sample")
    assert "got 3" in cli(*argv, "3")[2]
    assert cli(*argv, "2")[0] == 0
    vp, grid = read_npz(files / "m.npz")
    np.testing.assert_array_equal(vp, many[2, 0].T)
    assert grid == Grid.openfwi()
    code, _, err = cli(*argv, "2", "--kind", "gathers")
    assert code == 1


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("own.npz", "--out", "x.txt"), 2, "must end in .sgy or .segy or .npz or .npy"),
        (("own.npz", "--out", "own.npz"), 2, "--out must be another file"),
        (("own.npz", "--out", "x.sgy", "--preset", "openfwi"), 2, ".npz holds its geometry"),
        (("b.bin", "--out", "x.sgy", "--origin", "0", "0"), 2, "--origin needs --spacing"),
        (("own.npz", "--out", "x.sgy", "--shape", "3"), 2, "--shape is for raw binary, .bin"),
        (("own.npz", "--out", "x.sgy", "--sample", "0"), 2, "--sample is for .npy"),
        (("b.bin", "--out", "x.sgy"), 1, "b.bin: is raw binary, whose form must be told"),
        (("b.bin", "--shape", "24", "15", "--out", "x.sgy"), 1, "b.bin"),
        (("b.bin", "--shape", "24", "16", "--out", "x.sgy"), 1, "numbers without a grid"),
        (
            ("b.bin", "--shape", "24", "16", "--preset", "openfwi", "--out", "x.sgy"),
            1,
            "b.bin: must have the shape of --preset openfwi, (70, 70), got (24, 16)",
        ),
        (
            ("b.bin", "--shape", "24", "16", "--kind", "gathers", "--out", "x.sgy"),
            1,
            "b.bin: must hold gathers, got velocity",
        ),
        (("own.npz", "--kind", "velocity", "--out", "x.sgy"), 1, "own.npz: must hold velocity"),
    ],
)
def test_refusals(cli: Run, files: Path, argv: tuple[str, ...], code: int, message: str) -> None:
    np.zeros((24, 16), "float32").tofile(files / "b.bin")
    found, out, err = cli("convert", *argv)
    assert (found, out) == (code, "")
    assert message in err
    assert not (files / "x.sgy").exists()


def test_conversion_is_done_again_to_the_byte(cli: Run, files: Path) -> None:
    cli("convert", "field.sgy", "--f0", "15", "--out", "f.npz")
    assert cli("rerun", "f.npz")[0] == 0
    d, acq = read_npz_gathers(files / "f.npz")
    np.testing.assert_array_equal(d, read_gathers(files / "field.sgy", f0=15.0)[0])
    assert acq.f0 == 15.0


def test_npz_gathers_are_inverted_with_their_own_wavelet(cli: Run, files: Path) -> None:
    cli("convert", "field.sgy", "--f0", "15", "--out", "f.npz")
    argv = ("predict", "f.npz", "--weights", "net.safetensors", "--out", "p.npz")
    code, _, err = cli(*argv)
    assert (code, "its own wavelet, 15 Hz" in err) == (0, True)
    code, _, err = cli(*argv, "--f0", "17")
    assert (code, "Ricker wavelet of 17 Hz" in err) == (0, True)


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("own.npz", None, "own.npz: gathers, Acquisition(2 shots x 3 receivers, receivers by shot"),
        ("i.mat", "own.npz", "i.mat: FCNVMB gathers, (ns, nr, nt) = (2, 3, 50)"),
        ("i.mat", "true.npz", "i.mat: FCNVMB velocity, (nx, nz) = (24, 16)"),
    ],
)
def test_info_of_arrays(
    cli: Run, files: Path, name: str, source: str | None, expected: str
) -> None:
    if source:
        assert cli("convert", source, "--out", name, "--drop-geometry")[0] == 0
    code, out, err = cli("info", name)
    assert (code, err) == (0, "")
    assert out.startswith(expected)
    assert json.loads(cli("info", name, "--json")[1])["name"] == name
