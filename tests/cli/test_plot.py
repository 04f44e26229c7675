"""``pylops-vmb plot``: every kind draws, each default is a good one, and misuse is told."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from pylops_vmb.cli._drawing import KINDS
from pylops_vmb.io import GatherFile, read_gathers, write_gathers, write_npz, write_velocity
from pylops_vmb.survey import Acquisition, Grid

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(room: Path) -> Path:
    """Add other gathers, another velocity, and the report of an inversion to the room."""
    d, acq = read_gathers(room / "field.sgy", f0=15.0)
    write_gathers(room / "half.sgy", 0.5 * d, acq)
    write_gathers(room / "few.sgy", d[:2, ::2], Acquisition(
        acq.srcs[:, :2], acq.recs[:, ::2], nt=acq.nt, dt=acq.dt, wav=acq.wav
    ))  # fmt: skip
    write_velocity(room / "vp.sgy", np.full((24, 16), 2500.0), Grid((24, 16), 10.0))
    write_npz(room / "wide.npz", np.full((12, 16), 3000.0), Grid((12, 16), 20.0))
    rows = [
        {"iteration": i, "band_hz": band, "misfit": misfit}
        for i, (band, misfit) in enumerate([(10.0, 0.9), (10.0, 0.5), (None, 0.7), (None, 0.2)])
    ]
    report = {"command": ["pylops-vmb", "invert"], "figures": [], "outputs": {}, "history": rows}
    (room / "run.json").write_text(json.dumps(report))
    (room / "none.json").write_text(json.dumps(report | {"history": None}))
    return room


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the figures that are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: object, **more: object) -> None:
        figures.append(figure)
        save(figure, *args, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def titles(figure: Figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes]


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (("field.sgy",), "gathers"),
        (("true.npz",), "velocity"),
        (("vp.sgy",), "velocity"),
        (("vp.sgy", "true.npz"), "velocity"),
        (("field.sgy", "half.sgy"), "compare"),
        (("field.sgy", "few.sgy"), "before-after"),
        (("field.sgy", "true.npz"), "geometry"),
        (("run.json",), "history"),
    ],
)
def test_default_kind(
    cli: Run, files: Path, drawn: list[Figure], argv: tuple[str, ...], kind: str
) -> None:
    code, out, err = cli("plot", *argv, "--out", "p.png", "--json")
    assert code == 0, err
    assert json.loads(out)["figures"] == [{"kind": kind, "file": "p.png"}]
    assert (files / "p.png").read_bytes().startswith(b"\x89PNG")
    assert "warning" not in err
    assert set(json.loads((files / "p.png.report.json").read_text())["inputs"]) == set(argv)
    assert len(drawn) == 1


def test_gathers_are_the_first_last_and_one_between_on_one_scale(
    cli: Run, files: Path, drawn: list[Figure]
) -> None:
    cli("plot", "field.sgy", "--out", "p.png", "--clip", "100")
    d, _ = read_gathers(files / "field.sgy", f0=15.0)
    assert titles(drawn[0])[:3] == ["shot 0", "shot 1", "shot 2"]
    for ax, gather in zip(drawn[0].axes, d, strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), gather.T)
        assert ax.images[0].get_clim()[1] == pytest.approx(np.abs(d).max())
    cli("plot", "field.sgy", "--out", "p.png", "--kind", "wiggle", "--shot", "2", "--every", "6")
    assert titles(drawn[1]) == ["shot 2"]
    assert len(drawn[1].axes[0].lines) == 4
    cli("plot", "field.sgy", "--out", "p.png", "--kind", "wiggle", "--shot", *"01210")
    assert {len(ax.lines) for ax in drawn[2].axes} == {12}
    assert drawn[2].axes[0].get_xlabel() == "receiver x (m, one in 2)"


def test_shots_of_different_receivers_are_drawn_and_only_those_asked_for_are_read(
    cli: Run, files: Path, drawn: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(files / "field.sgy", "rb") as whole:  # without the last ten traces
        (files / "odd.sgy").write_bytes(whole.read()[: -10 * (240 + 4 * 160)])
    read = []
    shot_of = GatherFile.shot

    def shot(file: GatherFile, which: int) -> object:
        read.append(which)
        return shot_of(file, which)

    monkeypatch.setattr(GatherFile, "shot", shot)
    assert cli("plot", "odd.sgy", "--shot", "2", "0", "--out", "p.png")[0] == 0
    assert read == [2, 0]
    shapes = [ax.images[0].get_array().shape for ax in drawn[0].axes[:2]]
    assert shapes == [(160, 14), (160, 24)]


def test_spectra_of_two_files_share_an_axis(cli: Run, files: Path, drawn: list[Figure]) -> None:
    cli("plot", "field.sgy", "few.sgy", "--kind", "spectra", "--db", "--out", "p.png")
    (ax,) = drawn[0].axes
    labels = [text.get_text().split(",")[0] for text in ax.get_legend().get_texts()]
    assert labels == ["field.sgy", "few.sgy"]
    assert ax.get_ylim()[0] == -60.0
    assert ax.get_title() == "field.sgy and few.sgy"


def test_predicted_is_the_second_file(cli: Run, files: Path, drawn: list[Figure]) -> None:
    for kind in ("compare", "overlay", "interleaved", "misfit"):
        shot = () if kind == "misfit" else ("--shot", "1")
        assert cli("plot", "field.sgy", "half.sgy", "--kind", kind, *shot, "--out", "p.png")[0] == 0
    assert titles(drawn[0])[2] == "predicted - observed (L2 0.500)"
    assert drawn[0].get_suptitle() == "field.sgy (observed), half.sgy (predicted), shot 1"
    observed, predicted = (drawn[1].axes[0].lines[i].get_xdata() for i in (0, 12))
    assert np.ptp(predicted) == pytest.approx(0.5 * np.ptp(observed))
    assert drawn[2].axes[0].get_legend() is not None
    np.testing.assert_allclose(drawn[3].axes[0].lines[0].get_ydata(), 0.5, rtol=1e-5)


def test_velocities_share_a_colour_scale(cli: Run, files: Path, drawn: list[Figure]) -> None:
    cli("plot", "vp.sgy", "true.npz", "--out", "p.png")
    cli("plot", "vp.sgy", "wide.npz", "--out", "p.png")
    cli("plot", "vp.sgy", "--range", "1000", "5000", "--out", "p.png")
    clims = [{ax.images[0].get_clim() for ax in figure.axes if ax.images} for figure in drawn]
    assert clims == [{(2.0, 2.6)}, {(2.5, 3.0)}, {(1.0, 5.0)}]
    assert titles(drawn[1])[:2] == ["vp.sgy", "wide.npz"]


def test_geometry_shows_the_grid_of_the_velocity(
    cli: Run, files: Path, drawn: list[Figure]
) -> None:
    cli("plot", "field.sgy", "true.npz", "--out", "p.png")
    cli("plot", "field.sgy", "--kind", "geometry", "--out", "p.png")
    assert [len(figure.axes) for figure in drawn] == [3, 3]
    assert [len(figure.axes[0].patches) for figure in drawn] == [1, 0]
    assert drawn[0].axes[2].get_xlabel() == "midpoint x (m)"


def test_history_marks_the_bands(cli: Run, files: Path, drawn: list[Figure]) -> None:
    cli("plot", "run.json", "--out", "p.png")
    curve, *bands = drawn[0].axes[0].lines
    assert curve.get_ydata().tolist() == [0.9, 0.5, 0.7, 0.2]
    assert [line.get_xdata()[0] for line in bands] == [1.5]


def test_reports_of_several_methods_and_of_trainings(
    cli: Run, files: Path, drawn: list[Figure]
) -> None:
    report = json.loads((files / "run.json").read_text())
    epochs = [{"epoch": 1, "loss": 0.5, "mae": 300.0}, {"epoch": 2, "loss": 0.2, "mae": 200.0}]
    report["history"] = {"fwi": report["history"], "learned": [], "net": epochs}
    (files / "many.json").write_text(json.dumps(report))
    assert cli("plot", "many.json", "--out", "p.png")[0] == 0
    assert titles(drawn[0])[:2] == ["fwi", "net"]
    assert drawn[0].axes[1].get_xlabel() == "epoch"


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("field.sgy", "--db"), 2, "--db is for --kind spectra, and this is gathers"),
        (("field.sgy", "--every", "2"), 2, "--every is for --kind wiggle, overlay, and this is"),
        (("true.npz", "--shot", "1"), 2, "--shot is for --kind gathers, wiggle, compare"),
        (("field.sgy", "--range", "1", "2"), 2, "--range is for --kind velocity"),
        (("field.sgy", "--kind", "misfit"), 2, "--kind misfit takes 2 files, got 1"),
        (("field.sgy", "half.sgy", "--kind", "gathers"), 2, "takes 1 files, got 2"),
        (("true.npz", "field.sgy"), 2, "no picture shows velocity and gathers together"),
        (("run.json", "run.json"), 2, "no picture shows report and report together"),
        (("true.npz", "--kind", "gathers"), 1, "true.npz: must be gathers for --kind gathers"),
        (("field.sgy", "few.sgy", "--kind", "misfit"), 1, "few.sgy: must have the survey of field"),
        (("field.sgy", "--shot", "3"), 1, "--shot: must be below 3, got 3"),
        (("field.sgy", "--clip", "0"), 2, "--clip: must be above 0 and at most 100, got '0'"),
        (("none.json",), 1, "none.json: holds no history"),
        (("net.safetensors",), 1, "net.safetensors: must end in .npz or .sgy"),
        (("none.sgy",), 1, "none.sgy"),
    ],
)
def test_refusals(cli: Run, files: Path, argv: tuple[str, ...], code: int, message: str) -> None:
    found, out, err = cli("plot", *argv, "--out", "q.png")
    assert (found, out) == (code, "")
    assert message in err
    assert not (files / "q.png").exists()


def test_every_kind_is_told_in_the_help(cli: Run) -> None:
    text = cli("plot", "--help")[1]
    assert all(name in text for name in KINDS)


def test_picture_is_drawn_again_to_the_byte(cli: Run, files: Path) -> None:
    cli("plot", "field.sgy", "--kind", "spectra", "--out", "p.png")
    assert cli("rerun", "p.png")[0] == 0
