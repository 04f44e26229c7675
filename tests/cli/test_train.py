"""The commands that train: `train`, `dataset`, `finetune`."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pylops_vmb.cli import main
from pylops_vmb.io import read_weights, weights_digest
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.training import ShardedSet
from pylops_vmb.training.methods import Supervised

FEW = ("--set", "count=3", "validation=2", "epochs=1")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what `train tiny-salt` leaves."""
    folder = tmp_path_factory.mktemp("train")
    argv = ["train", "tiny-salt", "--quiet", "--out", str(folder / "trained"), *FEW]
    assert main([*argv, "salt.epochs=2"]) == 0
    return folder


@pytest.fixture
def cli(room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in the room and gives code, stdout and stderr."""
    monkeypatch.chdir(room)

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        streams = capsys.readouterr()
        return code, streams.out, streams.err

    return run


def test_the_report_has_a_line_for_each_stage(cli: Run, room: Path) -> None:
    report: dict[str, Any] = json.loads((room / "trained" / "report.json").read_text())
    first, last = report["figures"]
    assert (first["method"], last["method"]) == ("tiny-salt-training", "tiny-salt")
    assert (first["models"], first["epochs"], last["epochs"]) == (3, 1, 2)
    card = LearnedInversion.load(room / "trained" / last["file"]).card
    for name in ("validation_mae_m_s", "validation_rmse_m_s", "validation_ssim"):
        assert last[name] == pytest.approx(card.metrics[name])
    assert list(report["outputs"]) == ["tiny-salt.safetensors"]
    assert report["seeds"] == {"training": 0, "salt": 0}
    assert report["data"]["salt"]["velocity"]["family"] == "SaltBasin"
    code, out, _ = cli("info", "trained/tiny-salt.safetensors")
    assert (code, "Good for nothing but tests." in out) == (0, True)


def test_a_finished_recipe_is_reported_again(cli: Run) -> None:
    code, out, err = cli("train", "tiny-salt", "--out", "trained", *FEW, "salt.epochs=2")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["tiny-salt-training", "tiny-salt"]
    assert "salt: done before" in err


def test_an_estimate_starts_nothing(cli: Run, room: Path) -> None:
    code, out, _ = cli("train", "tiny-salt", "--out", "nothing", "--estimate", "--json")
    assert code == 0
    estimate = json.loads(out)
    tasks = [row["task"] for row in estimate["figures"]]
    assert tasks == [
        "training: simulate 12 models",
        "training: train 2 epochs on 8 samples",
        "salt: simulate 6 models",
        "salt: train 2 epochs on 4 samples",
        "in all",
    ]
    *parts, total = estimate["figures"]
    assert all(row["hours"] > 0 for row in parts)
    assert total["hours"] == pytest.approx(sum(row["hours"] for row in parts))
    assert total["memory_gib"] == max(row["memory_gib"] for row in parts)
    assert total["disk_gib"] == pytest.approx(sum(row["disk_gib"] for row in parts))
    assert estimate["fits"]
    assert not (room / "nothing").exists()


def test_too_large_a_run_is_refused_unless_one_insists(
    cli: Run, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pylops_vmb.training.estimates._free_disk", lambda _: 1000)
    code, out, err = cli("train", "tiny", "--out", "small", *FEW)
    assert (code, out) == (1, "")
    assert "small: must have room for" in err
    assert "--yes" in err
    assert not (room / "small").exists()
    code, out, err = cli("train", "tiny", "--out", "small", "--estimate", "--json")
    assert (code, json.loads(out)["fits"]) == (0, False)
    assert "this run would be refused: small: must have room" in err
    assert cli("train", "tiny", "--out", "small", "--yes", *FEW)[0] == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("tiny", "--set", "epoch=2"), r"tiny: has no such entries, got ['epoch']"),
        (("tiny", "--set", "epochs=two"), "epochs: must be an integer, got 'two'"),
        (("openfwi-flatvel-a", "--data", "nowhere"), "nowhere: cannot be read"),
        (("tiny", "--workers", "-1"), "workers: must be at least 0"),
        (("tiny", "--device", "cuda"), "--device: needs a CUDA device"),
    ],
)
def test_failures_are_code_1_with_a_message(cli: Run, argv: tuple[str, ...], message: str) -> None:
    if "cuda" in argv and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    code, out, err = cli("train", *argv, "--out", "failed")
    assert (code, out) == (1, "")
    assert message in err.splitlines()[-1]


@pytest.mark.parametrize("text", ["epochs", "=2", "epochs="])
def test_settings_that_are_none_are_wrong_usage(cli: Run, text: str) -> None:
    code, _, err = cli("train", "tiny", "--out", "failed", "--set", text)
    assert code == 2
    assert "must be NAME=VALUE such as epochs=2" in err


def test_an_interruption_says_how_to_go_on(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    step, calls = Supervised.step, [0]

    def interrupted(self: Supervised, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
        calls[0] += 1
        if calls[0] == 2:  # the first one is the probe of the estimate
            signal.raise_signal(signal.SIGINT)
        return step(self, *batch)

    monkeypatch.setattr(Supervised, "step", interrupted)
    code, out, err = cli("train", "tiny", "--out", "stopped", "--yes", *FEW[:3], "epochs=3")
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("pylops-vmb: error: ")
    assert "The same command again goes on from what is in 'stopped'." in last
    monkeypatch.setattr(Supervised, "step", step)
    assert cli("train", "tiny", "--out", "stopped", *FEW[:3], "epochs=3")[0] == 0


def test_a_data_set_for_the_survey_of_a_network(cli: Run, room: Path) -> None:
    weights = "trained/tiny-salt.safetensors"
    code, out, _ = cli("dataset", "salt", "--count", "3", "--seed", "5", "--weights", weights,
                       "--out", "salt", "--json")  # fmt: skip
    assert code == 0
    assert json.loads(out)["figures"][0]["models"] == 3
    data, card = ShardedSet(room / "salt"), LearnedInversion.load(room / weights).card
    assert data.manifest["acquisition"] == card.acq.to_dict()
    assert data.manifest["velocity"]["seed"] == 5
    assert data[0][1].shape == (1, 16, 24)


def test_a_data_set_of_given_models(cli: Run, room: Path) -> None:
    vp = np.linspace(1500, 4000, 2 * 16 * 24).reshape(2, 16, 24)
    np.save(room / "vp.npy", vp)
    argv = ("--weights", "trained/tiny-salt.safetensors", "--count", "2")
    assert cli("dataset", "vp.npy", *argv, "--out", "given")[0] == 0
    np.testing.assert_allclose(ShardedSet(room / "given")[1][1][0], vp[1], rtol=1e-6)
    code, _, err = cli("dataset", "vp.npy", *argv, "--out", "turned", "--order", "xz")
    assert code == 1
    assert "must hold models of the grid of tiny-salt, (nx, nz) = (24, 16)" in err
    code, _, err = cli("dataset", "granite", *argv, "--out", "none")
    assert (code, "MODELS: is not a known choice, got 'granite'" in err) == (1, True)


def test_finetune_compares_before_and_after(cli: Run, room: Path) -> None:
    argv = ("--weights", "trained/tiny-salt.safetensors", "--data", "trained/salt/data",
            "--validation", "trained/salt/validation")  # fmt: skip
    code, out, _ = cli("finetune", *argv, "--freeze", "encoder", "--set", "epochs=1",
                       "--out", "tuned.safetensors", "--json")  # fmt: skip
    assert code == 0
    before, after = json.loads(out)["figures"]
    card = LearnedInversion.load(room / "tuned.safetensors").card
    assert (before["method"], after["method"]) == ("tiny-salt", "tuned")
    assert before["validation_mae_m_s"] == card.metrics["validation_mae_m_s_before"]
    assert after["validation_mae_m_s"] == card.metrics["validation_mae_m_s"]
    assert card.training["freeze"] == ["encoder"]
    assert not list(room.glob("tuned*checkpoint"))
    code, _, err = cli("finetune", *argv, "--freeze", "*", "--out", "none.safetensors")
    assert (code, "freeze: leaves nothing to train" in err) == (1, True)
    code, _, err = cli("finetune", *argv[:2], "--data", ".", "--out", "none.safetensors",
                       "--set", "epoch=1")  # fmt: skip
    assert code == 1


def test_card_measures_and_leaves_the_numbers_alone(cli: Run, room: Path) -> None:
    weights = room / "trained" / "tiny-salt.safetensors"
    folder = ("--data", "trained/salt/data", "--validation", "trained/salt/validation")
    argv = ("card", str(weights), *folder, "--out", "new.safetensors")
    assert cli(*argv)[0] == 0
    (before, old), (after, new) = (read_weights(f) for f in (weights, room / "new.safetensors"))
    assert weights_digest(before) == weights_digest(after)
    assert new["signature"]["samples"] == 3
    assert new | {"signature": None} == old | {"signature": None}
    code, _, err = cli(*argv, "--recipe", "tiny")
    assert (code, "--recipe: must be the recipe that made tiny-salt, got another" in err) == (
        1,
        True,
    )


def test_a_folder_without_data_is_refused(cli: Run, room: Path) -> None:
    (room / "empty").mkdir()
    argv = ("--weights", "trained/tiny-salt.safetensors", "--data", "empty")
    code, _, err = cli("finetune", *argv, "--out", "none.safetensors")
    assert code == 1
    assert "empty: holds no data set, got neither manifest.json" in err


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for folder, start in zip(folders, ([sys.executable], launch), strict=True):
        argv = [*start, "-m", "pylops_vmb.cli", "train", "tiny", "--out", str(folder), "--quiet"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
        assert done.stdout.count("validation MAE") == 1
    cards = [LearnedInversion.load(folder / "tiny.safetensors").card for folder in folders]
    ours, theirs = (card.training["history"] for card in cards)
    for row, other in zip(ours, theirs, strict=True):
        for name in ("loss", "mae", "rmse", "ssim"):
            # sums in another order, which Adam's first steps amplify
            assert row[name] == pytest.approx(other[name], rel=5e-3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_of_a_process_is_answered_in_words(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pylops_vmb.cli", "train", "tiny", "--out", str(tmp_path / "run"),
            "--set", "epochs=100000"]  # fmt: skip
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    checkpoint = tmp_path / "run" / "training" / "checkpoint.safetensors"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The same command again goes on" in err.splitlines()[-1]


def test_training_is_done_again_to_the_same_numbers(
    cli: Run, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = cli("rerun", "trained", "--out", str(tmp_path / "again"))
    assert code == 0, err
    assert out.splitlines()[1].split() == ["tiny-salt.safetensors", "same"]
    files = [folder / "tiny-salt.safetensors" for folder in (room / "trained", tmp_path / "again")]
    first, second = (read_weights(file)[0] for file in files)
    assert weights_digest(first) == weights_digest(second)
    step = Supervised.step
    monkeypatch.setattr(Supervised, "step", lambda self, d, vp: step(self, d, 1.01 * vp))
    code, _, err = cli("rerun", "trained")
    assert code == 1
    assert "gives other bytes now: tiny-salt.safetensors" in err
