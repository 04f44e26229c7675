"""Data sets on disk: equal bytes whoever makes them, resumed after a kill, refused when mixed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.training import ShardedSet, shards, simulate

MODELS = {"count": 7, "shard": 3}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_shards_cover_the_samples_in_order(data, simulation):
    assert len(data) == 7
    assert sorted(contents(data.folder)) == sorted(
        ["manifest.json", *(f"{kind}-0000{i}.npy" for kind in ("d", "vp") for i in range(3))]
    )
    for index, (d, vp) in enumerate(data):
        assert (d.shape, d.dtype) == ((2, 25, 10), torch.float32)
        assert (vp.shape, vp.dtype) == ((1, 12, 10), torch.float32)
        np.testing.assert_array_equal(vp[0].T, simulation.velocity.sample(index))


def test_gathers_are_those_of_the_operator(data, simulation):
    d, vp = data[4]
    gathers = simulation.operator()(torch.from_numpy(vp[0].numpy().T.copy()))
    expected = simulation.preprocessing.decimate(gathers)
    torch.testing.assert_close(d, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    assert d.abs().max() > 0.01


def test_the_samples_do_not_depend_on_the_shards(data, simulation, tmp_path):
    other = simulate(tmp_path / "other", simulation, count=7, shard=2)
    for (d, vp), (e, wp) in zip(data, other, strict=True):
        assert torch.equal(d, e)
        assert torch.equal(vp, wp)


def test_a_later_start_continues_the_sequence(data, simulation, tmp_path):
    later = simulate(tmp_path / "later", simulation, count=2, start=5)
    assert torch.equal(later[0][1], data[5][1])


@pytest.mark.parametrize("lost", [["vp-00001.npy"], ["d-00001.npy", "vp-00001.npy"]])
def test_a_killed_run_goes_on_to_the_same_bytes(data, simulation, lost):
    before = contents(data.folder)
    for name in lost:
        (data.folder / name).unlink()
    with pytest.raises(VMBFileError, match=r"is unfinished, got 1 shards missing, first d-00001"):
        ShardedSet(data.folder)
    simulate(data.folder, simulation, **MODELS)
    assert contents(data.folder) == before


def test_shards_that_are_there_are_not_made_again(data, simulation, monkeypatch):
    monkeypatch.setattr(shards, "_make_shard", lambda task: pytest.fail(f"made {task} again"))
    simulate(data.folder, simulation, **MODELS)


def test_a_kill_in_the_middle_leaves_nothing_half_written(simulation, tmp_path, monkeypatch):
    folder, calls, real = tmp_path / "killed", [], np.save

    def save(*args, **kwargs):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(shards.np, "save", save)
        with pytest.raises(KeyboardInterrupt):
            simulate(folder, simulation, **MODELS)
    assert sorted(contents(folder)) == [
        "d-00000.npy",
        "d-00001.npy",
        "manifest.json",
        "vp-00000.npy",
    ]
    made, whole = simulate(folder, simulation, **MODELS), tmp_path / "whole"
    simulate(whole, simulation, **MODELS)
    assert contents(made.folder) == contents(whole)


@pytest.mark.slow
def test_two_processes_make_the_same_bytes(data, simulation, tmp_path):
    simulate(tmp_path / "two", simulation, processes=2, **MODELS)
    assert contents(tmp_path / "two") == contents(data.folder)


@pytest.mark.parametrize("change", ["seed", "survey", "spacing", "preprocessing", "count"])
def test_a_set_that_was_made_differently_is_refused(data, simulation, change):
    other, models = simulation, dict(MODELS)
    if change == "seed":
        other = replace(simulation, velocity=replace(simulation.velocity, seed=5))
    elif change == "survey":
        other = replace(simulation, acq=simulation.acq._replace(wav=2 * simulation.acq.wav))
    elif change == "spacing":
        other = replace(simulation, spacing=(10.0, 9.0))
    elif change == "preprocessing":
        other = replace(simulation, preprocessing=replace(simulation.preprocessing, step=5))
    else:
        models["count"] = 8
    with pytest.raises(VMBFileError, match="holds a data set that was made differently"):
        simulate(data.folder, other, **models)


def test_the_manifest_says_how_it_was_made(data, simulation):
    manifest = json.loads((data.folder / "manifest.json").read_text())
    assert manifest["velocity"] == json.loads(json.dumps(simulation.velocity.config))
    assert (manifest["count"], manifest["shard"], manifest["start"]) == (7, 3, 0)


def test_a_folder_without_a_set_is_refused(tmp_path):
    with pytest.raises(VMBFileError, match=r"holds no data set, got no readable manifest\.json"):
        ShardedSet(tmp_path)


def test_counts_are_checked(simulation, tmp_path):
    with pytest.raises(VMBValueError, match="count: must be at least 1, got 0"):
        simulate(tmp_path / "a", simulation, count=0)
    with pytest.raises(VMBValueError, match="shard: must be at least 1, got 0"):
        simulate(tmp_path / "b", simulation, count=2, shard=0)
    with pytest.raises(VMBTypeError, match="processes: must be an integer"):
        simulate(tmp_path / "c", simulation, count=2, processes=1.5)
    assert not list(tmp_path.iterdir())


def test_rows_beyond_the_set_are_refused(data):
    with pytest.raises(IndexError):
        data[7]
