"""Simulate-and-store: equal bytes whoever makes them, resumed after a kill, refused when mixed."""

import importlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pylops_vmb.errors import (
    DataWarning,
    VMBFileError,
    VMBRuntimeError,
    VMBTypeError,
    VMBValueError,
)
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.training import Simulation, simulate
from pylops_vmb.velocity import StoredVelocities

MODELS = {"count": 7, "shard": 3}
KILLED = {"count": 40, "shard": 8}
JOB = """
import pickle, sys
from pylops_vmb.training import simulate

if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        simulation = pickle.load(file)
    simulate(sys.argv[2], simulation, count=40, shard=8, processes=int(sys.argv[3]))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_the_samples_do_not_depend_on_the_shards(data, simulation, tmp_path):
    other = simulate(tmp_path / "other", simulation, count=7, shard=2)
    for (d, vp), (e, wp) in zip(data, other, strict=True):
        assert torch.equal(d, e)
        assert torch.equal(vp, wp)


def test_a_later_start_continues_the_sequence(data, simulation, tmp_path):
    later = simulate(tmp_path / "later", simulation, count=2, start=5)
    assert torch.equal(later[0][1], data[5][1])


@pytest.mark.parametrize("lost", [["vp-00001.npy"], ["d-00001.npy", "scale-00001.npy"]])
def test_lost_files_are_made_again(data, simulation, lost):
    before = contents(data.folder)
    for name in lost:
        (data.folder / name).unlink()
    simulate(data.folder, simulation, **MODELS)
    assert contents(data.folder) == before


def test_shards_that_are_there_are_not_made_again(data, simulation, monkeypatch):
    monkeypatch.setattr(Simulation, "samples", lambda *_: pytest.fail("made again"))
    simulate(data.folder, simulation, **MODELS)


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_to_the_same_bytes(simulation, tmp_path, processes):
    """SIGKILL while a shard is being written; two processes end with their parent."""
    job, settings, folder = tmp_path / "job.py", tmp_path / "simulation", tmp_path / "killed"
    job.write_text(JOB)
    settings.write_bytes(pickle.dumps(simulation))
    command = [sys.executable, str(job), str(settings), str(folder), str(processes)]
    run = subprocess.Popen(
        command,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        wait_for(lambda: any(folder.glob("sha256-*")) and any(folder.glob(".d-*.part")), run)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    wait_for(lambda: not alive(run.pid))
    assert 0 < len(list(folder.glob("sha256-*"))) < 5
    assert any(folder.glob(".*.part"))
    resumed = simulate(folder, simulation, **KILLED)
    whole = simulate(tmp_path / "whole", simulation, **KILLED)
    assert contents(resumed.folder) == contents(whole.folder)


def wait_for(condition, run=None) -> None:
    deadline = time.monotonic() + 300.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        assert run is None or run.poll() is None, "the run ended before it was killed"
        time.sleep(1e-3)


def alive(session: int) -> list[str]:
    """Return the processes of a session that still run, by Linux' account of them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.slow
def test_two_processes_make_the_same_bytes(data, simulation, tmp_path):
    simulate(tmp_path / "two", simulation, processes=2, **MODELS)
    assert contents(tmp_path / "two") == contents(data.folder)


@pytest.mark.slow
def test_a_lost_process_is_told(simulation, tmp_path):
    with pytest.raises(
        VMBRuntimeError, match=r"lost one of its processes, got .*pending\. Check that"
    ):
        simulate(
            tmp_path / "lost", replace(simulation, velocity=Deadly((10, 12))), processes=2, **MODELS
        )


class Deadly(StoredVelocities):
    """Models whose drawing kills the process, as a machine without memory does."""

    def __init__(self, dims):
        self._set(dims=dims, seed=0, vp_range=(1500.0, 4500.0))

    @property
    def config(self):
        return {}

    def sample(self, _):
        os.kill(os.getpid(), signal.SIGKILL)


CHANGES = {
    "velocity": lambda s: replace(s, velocity=replace(s.velocity, seed=5)),
    "acquisition": lambda s: replace(s, acq=s.acq._replace(wav=2 * s.acq.wav)),
    "spacing": lambda s: replace(s, spacing=(10.0, 5.0)),
    "preprocessing": lambda s: replace(s, preprocessing=replace(s.preprocessing, step=5)),
    "dtype": lambda s: replace(s, dtype="float32"),
    "modelling": lambda s: replace(s, modelling={"space_order": 8}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_set_that_was_made_differently_is_refused(data, simulation, change):
    before = contents(data.folder)
    with pytest.raises(VMBFileError, match=f"was made differently, got another .*{change}.* in"):
        simulate(data.folder, CHANGES[change](simulation), **MODELS)
    assert contents(data.folder) == before


@pytest.mark.parametrize("change", [{"count": 8}, {"start": 1}, {"shard": 4}])
def test_another_division_is_refused(data, simulation, change):
    with pytest.raises(VMBFileError, match=f"got another {next(iter(change))} in"):
        simulate(data.folder, simulation, **MODELS | change)


def test_changed_defaults_of_the_modelling_are_refused(data, simulation, monkeypatch):
    """The fingerprint knows what the manifest does not spell out."""
    monkeypatch.setattr(AcousticModelling2D, "fingerprint", lambda _: "of another version")
    with pytest.raises(VMBFileError, match="got another fingerprint in"):
        simulate(data.folder, simulation, **MODELS)


def test_settings_of_the_modelling_reach_it(data, simulation, tmp_path):
    surface = replace(simulation, modelling={"free_surface": True})
    other = simulate(tmp_path / "surface", surface, **MODELS)
    assert not torch.allclose(other[0][0], data[0][0], rtol=0.1)


def test_the_manifest_says_how_it_was_made(data, simulation):
    manifest = manifest_of(data.folder)
    assert manifest["velocity"] == json.loads(json.dumps(simulation.velocity.config))
    assert (manifest["count"], manifest["shard"], manifest["start"]) == (7, 3, 0)
    assert manifest["fingerprint"] == simulation.operator().fingerprint()
    (made_with,) = manifest["made_with"]
    assert made_with["torch"] == torch.__version__
    assert made_with["numpy"] == np.__version__
    assert made_with["devices"][0].startswith("cpu ")


def test_a_mixture_of_versions_is_told_and_noted(data, simulation):
    file = data.folder / "manifest.json"
    older = manifest_of(data.folder)
    older["made_with"][0]["torch"] = "1.0"
    file.write_text(json.dumps(older))
    with warnings.catch_warnings():  # a finished set may be opened with any version
        warnings.simplefilter("error")
        simulate(data.folder, simulation, **MODELS)
    (data.folder / "vp-00000.npy").unlink()
    with pytest.warns(DataWarning, match=r"got torch \S+ after 1\.0\. Shards may"):
        simulate(data.folder, simulation, **MODELS)
    noted = [entry["torch"] for entry in manifest_of(data.folder)["made_with"]]
    assert noted == ["1.0", torch.__version__]


def test_models_of_a_file_are_simulated(simulation, tmp_path, rng):
    models = rng.uniform(1500.0, 3000.0, (3, 10, 12)).astype(np.float32)
    np.save(tmp_path / "vp.npy", models)
    stored = StoredVelocities(tmp_path / "vp.npy")
    data = simulate(tmp_path / "set", replace(simulation, velocity=stored), count=3)
    for (_, vp), model in zip(data, models, strict=True):
        np.testing.assert_array_equal(vp[0].T, model)
    assert data.manifest["velocity"]["sha256"] == stored.sha256


def test_arguments_are_checked(simulation, tmp_path):
    with pytest.raises(VMBValueError, match="count: must be at least 1, got 0"):
        simulate(tmp_path / "a", simulation, count=0)
    with pytest.raises(VMBValueError, match="shard: must be at least 1, got 0"):
        simulate(tmp_path / "b", simulation, count=2, shard=0)
    with pytest.raises(VMBValueError, match="start: must be at least 0, got -1"):
        simulate(tmp_path / "b", simulation, count=2, start=-1)
    with pytest.raises(VMBTypeError, match="processes: must be an integer"):
        simulate(tmp_path / "c", simulation, count=2, processes=1.5)
    with pytest.raises(VMBValueError, match="devices: must be names of devices, got 'gpu9'"):
        simulate(tmp_path / "d", simulation, count=2, devices=("gpu9",))
    with pytest.raises(VMBValueError, match=r"devices: must be there, got cuda:99 of \d+ CUDA"):
        simulate(tmp_path / "d", simulation, count=2, devices=("cpu", "cuda:99"))
    with pytest.raises(VMBValueError, match="devices: must name at least one"):
        simulate(tmp_path / "d", simulation, count=2, devices=())
    with pytest.raises(VMBValueError, match="dtype: is not a known choice, got 'bfloat16'"):
        replace(simulation, dtype="bfloat16")
    with pytest.raises(VMBValueError, match="modelling: has no such settings, got device, order"):
        replace(simulation, modelling={"device": "cpu", "order": 4, "nbl": 20})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("processes", "taken"), [(1, "01"), (3, "010"), (9, "0101")])
def test_processes_take_the_devices_in_turn(simulation, tmp_path, monkeypatch, processes, taken):
    """At least one process a device, and none more than there are shards."""
    places = []
    module = importlib.import_module("pylops_vmb.training.datasets.simulate")
    monkeypatch.setattr(module, "_make", lambda *args, **_: places.extend(args[2]))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a card")
    devices = ("cuda:0", "cuda:1")
    with pytest.raises(VMBFileError, match="is unfinished, got 4 of 4 shards"):
        simulate(tmp_path, simulation, count=4, shard=1, processes=processes, devices=devices)
    assert places == [f"cuda:{number}" for number in taken]
    assert manifest_of(tmp_path)["made_with"][0]["devices"] == ["a card"]


@pytest.mark.cuda
def test_a_cuda_device_makes_the_same_gathers(data, simulation, tmp_path):
    other = simulate(tmp_path / "cuda", simulation, devices=("cuda:0",), **MODELS)
    for (d, _), (e, _) in zip(data, other, strict=True):
        torch.testing.assert_close(d, e, rtol=2e-3, atol=1e-4 * float(d.abs().max()))
