"""The command ``pylops-vmb``, end to end on a survey of seconds."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pylops_vmb.cli import main
from pylops_vmb.cli._gathers import load_gathers
from pylops_vmb.cli._report import table
from pylops_vmb.io import read_gathers, read_npz, read_velocity, write_gathers
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid, LowCut

GRID = Grid((24, 16), 10.0)
TWO_BANDS = ("--niter", "2", "--bands", "15,full")
FWI = ("--dims", "24", "16", "--spacing", "10", "10", *TWO_BANDS)


Run = Callable[..., tuple[int, str, str]]


def rows(out: str) -> list[dict[str, Any]]:
    """Return the figures of a JSON outcome."""
    figures = json.loads(out)["figures"]
    assert isinstance(figures, list)
    return figures


def test_help_lists_the_commands_and_imports_no_torch() -> None:
    code = "import sys; from pylops_vmb.cli import main; c = main(['-h']); "
    code += "sys.exit(c or 10 * ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("demo", "simulate", "predict", "invert", "report"))


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("explode",),
        ("predict", "field.sgy"),
        ("predict", "field.sgy", "--out", "vp.txt"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "magic"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "fwi"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "fwi", "--dims", "24", "16"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "fwi", "--bands", "4,low"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "learned", "--niter", "3"),
        ("invert", "field.sgy", "--out", "vp.npz", "--method", "fwi", *FWI, "--smooth-start", "2"),
        ("simulate", "true.npz", "--out", "g.sgy", "--preset", "openfwi", "--f0", "20"),
        ("predict", "field.sgy", "--out", "vp.npz", "--device", "gpu"),
        ("train", "tiny", "--out", "weights", "--processes", "0"),
    ],
)
def test_wrong_usage_is_code_2(cli: Run, room: Path, argv: tuple[str, ...]) -> None:
    code, out, err = cli(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("usage: pylops-vmb")
    assert not (room / "vp.npz").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("info", "missing.sgy"), "missing.sgy"),
        (("info", "notes.doc"), "notes.doc: must end in"),
        (("report", "true.npz"), "is not the report of a run"),
        (("predict", "missing.sgy", "--weights", "net.safetensors", "--out", "vp.npz"), "missing"),
        (("predict", "field.sgy", "--weights", "none", "--out", "vp.npz"), "not a known choice"),
        (("predict", "field.sgy", "--out", "no/vp.npz"), "folder to write to does not exist"),
        (("simulate", "true.npz", "--out", "g.sgy", "--depth", "900"), "lies outside the grid"),
        (("train", "secret", "--out", "weights"), "recipe: is not a known choice"),
    ],
)
def test_failure_is_code_1_with_a_message(cli: Run, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli(*argv)
    assert (code, out) == (1, "")
    (last,) = err.splitlines()[-1:]
    assert last.startswith("pylops-vmb: error: ")
    assert message in last
    assert "Traceback" not in err


def test_failure_leaves_the_earlier_output_alone(cli: Run, room: Path) -> None:
    target = room / "kept.npz"
    target.write_bytes(b"earlier work")
    before = sorted(room.iterdir())
    data, acq = read_gathers(room / "field.sgy", f0=15.0)
    write_gathers(room / "silent.sgy", 0.0 * data, acq)
    code, _, err = cli("invert", "silent.sgy", "--f0", "15", "--method", "fwi", *FWI,
                       "--out", "kept.npz")  # fmt: skip
    assert code == 1
    assert "no signal" in err
    assert target.read_bytes() == b"earlier work"
    (room / "silent.sgy").unlink()
    assert sorted(room.iterdir()) == before


def test_half_written_output_is_not_left(
    cli: Run, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    before = sorted(room.iterdir())
    code, out, err = cli("predict", "field.sgy", "--weights", "net.safetensors",
                         "--out", "vp.npz")  # fmt: skip
    assert (code, out) == (1, "")
    assert "No space left" in err
    assert sorted(room.iterdir()) == before


def test_interruption_is_a_failure(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pylops_vmb.cli.predict.load_gathers", interrupt)
    code, _, err = cli("predict", "field.sgy", "--weights", "net.safetensors", "--out", "vp.npz")
    assert (code, err) == (1, "pylops-vmb: error: interrupted\n")


def test_simulate_and_invert_know_the_wavelet(cli: Run, room: Path) -> None:
    survey = ("--shots", "3", "--nt", "160", "--dt", "0.002", "--f0", "18")
    code, out, err = cli("simulate", "true.npz", "--out", "g.sgy", *survey)
    assert code == 0
    assert "g.sgy" in out
    assert "wrote g.sgy" in err
    code, out, err = cli("invert", "g.sgy", "--method", "fwi", "--start", "true.npz",
                         *TWO_BANDS, "--true", "true.npz", "--out", "vp.npz", "--json")  # fmt: skip
    assert code == 0
    assert "wavelet of the report, 18 Hz" in err
    report = json.loads(out)
    # started at the truth with the right wavelet, there is nothing to explain
    assert report["history"][0]["misfit"] < 1e-5
    assert report["history"][-1]["band_hz"] is None
    assert len(report["history"]) == 4


def test_report_of_other_gathers_is_not_believed(cli: Run, room: Path) -> None:
    short = ("--shots", "3", "--nt", "160", "--dt", "0.002", "--f0", "18")
    cli("simulate", "true.npz", "--out", "g2.sgy", *short)
    (room / "g2.sgy").write_bytes((room / "field.sgy").read_bytes())
    _, _, err = cli("predict", "g2.sgy", "--weights", "net.safetensors", "--out", "p.npz")
    assert "wavelet of the network, 15 Hz" in err


@pytest.mark.parametrize(
    ("f0", "expected"),
    [
        ((), "wavelet of the network, 15 Hz"),
        (("--f0", "15"), "wavelet of the network, 15 Hz"),
        (("--f0", "17"), "Ricker wavelet of 17 Hz"),
    ],
)
def test_network_wavelet_is_taken_where_it_fits(
    cli: Run, f0: tuple[str, ...], expected: str
) -> None:
    code, _, err = cli("predict", "field.sgy", *f0, "--weights", "net.safetensors",
                       "--out", "p.npz")  # fmt: skip
    assert code == 0
    assert expected in err
    assert ("warning: tiny-net: the survey is not the one of the training" in err) == (
        "--f0 17" in " ".join(f0)
    )


def test_network_wavelet_is_not_taken_for_data_of_another_band(cli: Run, room: Path) -> None:
    acq = Acquisition.fixed_spread([40.0, 120.0, 200.0], GRID.x, nt=160, dt=2e-3, f0=40.0)
    wav = np.pad(acq.wav, (0, 160 - acq.wav.size)).astype("float32")
    write_gathers(room / "high.sgy", np.broadcast_to(wav, acq.dimsd).copy(), acq)
    code, _, err = cli("predict", "high.sgy", "--weights", "net.safetensors", "--out", "p.npz")
    assert code == 0
    assert "warning: high.sgy: holds no source wavelet" in err


def test_predict_writes_segy_and_quiet_is_quiet(cli: Run, room: Path) -> None:
    code, out, err = cli("predict", "field.sgy", "--weights", "net.safetensors",
                         "--out", "p.sgy", "--json", "--quiet")  # fmt: skip
    assert (code, err) == (0, "")
    vp, grid = read_velocity(room / "p.sgy")
    assert grid == GRID
    (figures,) = rows(out)
    assert figures["vp_max_m_s"] == pytest.approx(vp.max())
    report = json.loads((room / "p.sgy.report.json").read_text())
    assert report == json.loads(out)
    assert report["outputs"]["p.sgy"] == hashlib.sha256((room / "p.sgy").read_bytes()).hexdigest()
    assert report["settings"]["weights"] == "net.safetensors"
    assert {"torch", "pylops_vmb", "deepwave"} <= set(report["versions"])


@pytest.mark.parametrize("command", ["predict", "invert"])
def test_what_speaks_against_a_network_is_said_on_stderr(
    cli: Run, room: Path, survey: Acquisition, command: str
) -> None:
    acq = survey
    cut = LowCut(10.0)(AcousticModelling2D(GRID, acq)(np.full(GRID.dims, 2000.0)), acq.dt)
    write_gathers(room / "cut.sgy", cut, acq)
    method = ("--method", "learned") if command == "invert" else ()
    code, _, err = cli(command, "cut.sgy", "--f0", "15", "--weights", "net.safetensors",
                       *method, "--out", "cut.npz")  # fmt: skip
    assert code == 0
    assert err.count("warning: tiny-net: low frequencies are missing, got nothing below") == 1


@pytest.mark.parametrize("method", ["learned", "fwi", "hybrid"])
def test_invert_by_each_method(cli: Run, room: Path, method: str) -> None:
    grid = FWI if method == "fwi" else TWO_BANDS if method == "hybrid" else ()
    argv = ("field.sgy", "--f0", "15", "--weights", "net.safetensors", "--true", "true.npz")
    code, out, err = cli("invert", *argv, "--method", method, *grid, "--out", f"{method}.npz")
    assert code == 0
    heading, line = out.splitlines()
    assert heading.split()[:2] == ["method", "started"] or method == "learned"
    assert line.startswith(method)
    assert f"wrote {method}.npz" in err
    vp, found = read_npz(room / f"{method}.npz")
    assert found == GRID
    true, _ = read_npz(room / "true.npz")
    (figures,) = json.loads((room / f"{method}.npz.report.json").read_text())["figures"]
    assert figures["mae_m_s"] == pytest.approx(np.abs(vp - true).mean(), rel=1e-5)


def test_fwi_resumes_from_its_checkpoint(cli: Run) -> None:
    argv = ("invert", "field.sgy", "--f0", "15", "--method", "fwi", *FWI, "--json",
            "--checkpoint", "state.safetensors", "--out", "c.npz")  # fmt: skip
    first, second = (json.loads(cli(*argv)[1])["history"] for _ in range(2))
    assert first == second  # seconds included: nothing was run again


def test_start_on_another_grid_is_refused(cli: Run) -> None:
    code, _, err = cli("invert", "field.sgy", "--f0", "15", "--method", "fwi", "--dims", "24", "16",
                       "--spacing", "5", "5", "--start", "true.npz", "--out", "vp.npz")  # fmt: skip
    assert code == 1
    assert "--start: must lie on the grid of the inversion" in err


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("field.sgy", "72 traces of 160 samples"),
        ("true.npz", "velocity 2000 to 2600 m/s on Grid(24 x 16"),
        ("net.safetensors", "limit   Untrained."),
        ("maps.npy", "OpenFWI velocity, (n, nx, nz) = (3, 24, 16)"),
    ],
)
def test_info(cli: Run, room: Path, file: str, expected: str) -> None:
    np.save(room / "maps.npy", np.zeros((3, 1, 16, 24), np.float32))
    code, out, err = cli("info", file)
    assert (code, err) == (0, "")
    assert expected in out
    assert isinstance(json.loads(cli("info", file, "--json")[1]), dict)


@pytest.fixture(scope="module")
def demo(room: Path) -> Path:
    """Return the folder of a quick demo with the tiny network."""
    folder = room / "demo"
    argv = ["demo", "--quick", "--quiet", "--weights", str(room / "net.safetensors")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pylops_vmb.cli.demo._QUICK", 1)
        assert main([*argv, "--out", str(folder)]) == 0
    return folder


def test_demo_writes_everything(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    assert [row["method"] for row in report["figures"]] == [
        "linear start", "learned", "fwi", "hybrid"
    ]  # fmt: skip
    for row in report["figures"]:
        assert {"mae_m_s", "rmse_m_s", "ssim", "data_misfit"} <= set(row)
    expected = {"gathers.sgy", "demo.png", "report.json"}
    expected |= {f"{n}{s}" for n in ("true", "learned", "fwi", "hybrid") for s in (".npz", ".sgy")}
    assert {path.name for path in demo.iterdir()} == expected
    assert report["seeds"]["model"] >= 2_000_000
    vp, grid = read_velocity(demo / "hybrid.sgy")
    assert grid == GRID
    np.testing.assert_array_equal(vp, read_npz(demo / "hybrid.npz")[0])
    assert (demo / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_report_prints_table_and_draws_again(cli: Run, demo: Path) -> None:
    figures = json.loads((demo / "report.json").read_text())["figures"]
    (demo / "demo.png").unlink()
    code, out, err = cli("report", "demo")
    assert (code, out) == (0, table(figures) + "\n")
    assert "wrote demo/demo.png" in err
    assert (demo / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_report_of_a_file(cli: Run, room: Path) -> None:
    cli("predict", "field.sgy", "--weights", "net.safetensors", "--out", "p.npz")
    code, out, _ = cli("report", "p.npz", "--png", "p.png", "--json")
    assert (code, rows(out)[0]["method"]) == (0, "tiny-net")
    assert (room / "p.png").read_bytes().startswith(b"\x89PNG")


def test_report_without_models_cannot_draw(cli: Run, room: Path) -> None:
    cli("simulate", "true.npz", "--out", "g3.sgy", "--nt", "160", "--dt", "0.002", "--shots", "2")
    code, _, err = cli("report", "g3.sgy", "--png", "p3.png")
    assert code == 1
    assert "names no velocity models to draw" in err


def test_simulate_presets_and_generators(cli: Run, room: Path) -> None:
    code, out, _ = cli("simulate", "openfwi:7", "--seed", "3", "--out", "o.sgy",
                       "--out-model", "o.npz", "--json")  # fmt: skip
    assert code == 0
    assert read_gathers(room / "o.sgy", f0=15.0)[0].shape == (5, 70, 1000)
    assert json.loads(out)["acquisition"] == Acquisition.openfwi().to_dict()
    assert load_gathers(room / "o.sgy")[1] == Acquisition.openfwi()
    assert read_npz(room / "o.npz")[1] == Grid.openfwi()


@pytest.mark.slow
def test_demo_with_the_embedded_network(tmp_path: Path) -> None:
    assert main(["demo", "--quick", "--quiet", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "report.json").read_text())["figures"]
    misfit = {row["method"]: row["data_misfit"] for row in figures}
    assert misfit["hybrid"] < misfit["linear start"]
