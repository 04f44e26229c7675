"""A run is done again from its report: the same bytes, or which input changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pylops_vmb.io import read_npz, write_npz
from pylops_vmb.learned import LearnedInversion

Run = Callable[..., tuple[int, str, str]]
LINES = {
    "simulate": "simulate true.npz --shots 2 --nt 160 --dt 0.002 --f0 18 --out s.sgy"
    " --out-model m.npz",
    "predict": "predict field.sgy --weights net.safetensors --out s.npz",
    "invert": "invert field.sgy --f0 15 --method hybrid --weights net.safetensors --niter 2"
    " --bands 15,full --out s.sgy",
}


@pytest.mark.parametrize("name", LINES)
def test_same_bytes_come_out(cli: Run, room: Path, tmp_path: Path, name: str) -> None:
    assert cli(*LINES[name].split())[0] == 0
    out = LINES[name].split()[LINES[name].split().index("--out") + 1]
    before = (room / out).read_bytes()
    there = sorted(room.iterdir())
    code, text, err = cli("rerun", out, "--out", str(tmp_path / "again"))
    assert code == 0
    assert (tmp_path / "again" / out).read_bytes() == before
    assert text.count("same") == (2 if name == "simulate" else 1)
    assert "again, in " in err
    assert sorted(room.iterdir()) == there  # nothing beside the first ones
    # and what it wrote can be run again, from anywhere
    assert cli("rerun", str(tmp_path / "again" / out), "--quiet")[0] == 0


def test_without_out_nothing_stays(cli: Run, room: Path) -> None:
    cli(*LINES["predict"].split())
    there = {path: path.stat().st_mtime_ns for path in room.iterdir()}
    code, out, _ = cli("rerun", "s.npz.report.json", "--json")
    assert code == 0
    assert json.loads(out)["figures"] == [{"file": "s.npz", "again": "same"}]
    assert {path: path.stat().st_mtime_ns for path in room.iterdir()} == there


def test_run_in_another_folder_finds_its_files(
    cli: Run, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(*LINES["predict"].split())
    monkeypatch.chdir(tmp_path)
    assert cli("rerun", str(room / "s.npz"))[0] == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gone", [False, True])
def test_changed_input_is_named_with_its_hashes(cli: Run, room: Path, gone: bool) -> None:
    vp, grid = read_npz(room / "true.npz")
    write_npz(room / "model.npz", vp, grid)
    line = LINES["simulate"].replace("true.npz", "model.npz")
    cli(*line.split())
    old = json.loads((room / "s.sgy.report.json").read_text())["inputs"]["model.npz"]
    write_npz(room / "model.npz", vp + 1.0, grid)
    if gone:
        (room / "model.npz").unlink()
    code, out, err = cli("rerun", "s.sgy")
    assert (code, out) == (1, "")
    assert "s.sgy.report.json: cannot be run again, got model.npz" in err
    assert ("is missing" if gone else "has changed, SHA-256") in err
    assert old in err


def test_other_wavelet_beside_the_same_gathers_is_named(cli: Run, room: Path) -> None:
    cli(*LINES["simulate"].replace("--out s.sgy", "--out w.sgy").split())
    line = "invert w.sgy --method fwi --start true.npz --niter 1 --bands full --out w.npz"
    assert cli(*line.split())[0] == 0
    beside = room / "w.sgy.report.json"
    report = json.loads(beside.read_text())
    report["acquisition"]["wav"] = [2.0 * sample for sample in report["acquisition"]["wav"]]
    beside.write_text(json.dumps(report))
    code, _, err = cli("rerun", "w.npz")
    assert code == 1
    assert "w.npz.report.json: gives other bytes now: w.npz, got wavelet {'f0_hz': 18" in err
    assert "Traceback" not in err


def test_other_network_under_the_same_name_is_named(cli: Run, room: Path) -> None:
    G = LearnedInversion.load(room / "net.safetensors")
    G.save(room / "mine.safetensors")
    cli("predict", "field.sgy", "--weights", "mine.safetensors", "--out", "n.npz")
    old = json.loads((room / "n.npz.report.json").read_text())["networks"]
    with torch.no_grad():
        next(G.net.parameters()).mul_(0.5)
    G.save(room / "mine.safetensors")
    code, _, err = cli("rerun", "n.npz")
    assert code == 1
    assert "gives other bytes now: n.npz, got networks {'mine.safetensors': " in err
    assert f"and were {old}" in err


def test_checkpoint_of_a_run_is_left_alone(cli: Run, room: Path) -> None:
    line = "invert field.sgy --f0 15 --method fwi --dims 24 16 --spacing 10 10 --niter 1"
    line += " --bands full --checkpoint state.safetensors --out k.npz"
    assert cli(*line.split())[0] == 0
    before = (room / "state.safetensors").read_bytes()
    code, _, err = cli("rerun", "k.npz")
    assert code == 0, err
    assert (room / "state.safetensors").read_bytes() == before


def test_threads_are_those_of_the_run_and_given_back(
    cli: Run, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(*LINES["predict"].split())
    path = room / "s.npz.report.json"
    report = json.loads(path.read_text())
    report["versions"]["threads"] = 3
    path.write_text(json.dumps(report))
    asked: list[int] = []
    mine = torch.get_num_threads()
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert cli("rerun", "s.npz")[0] == 0
    assert asked == [3, mine]


def test_refusals(cli: Run, room: Path, tmp_path: Path) -> None:
    assert "is not the report of a run" in cli("rerun", "true.npz")[2]
    cli(*LINES["predict"].split())
    moved = tmp_path / "far" / "s.npz.report.json"
    moved.parent.mkdir()
    shutil.copy(room / "s.npz.report.json", moved)
    code, _, err = cli("rerun", str(moved))
    assert code == 1
    assert "field.sgy is missing" in err
    report = json.loads(moved.read_text())
    moved.write_text(json.dumps(report | {"folder": "../nowhere"}))
    assert "names a folder that is not there" in cli("rerun", str(moved))[2]
    moved.write_text(json.dumps(report | {"command": ["pylops-vmb", "explode"], "inputs": {}}))
    assert "report: is of an unknown command, got explode" in cli("rerun", str(moved))[2]
