"""Shards: what is stored is what was simulated, in any unit; damage is found and named."""

import json
import pickle
import resource
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.training import ShardedSet, simulate
from pylops_vmb.training.datasets.shards import encode

MODELS = {"count": 7, "shard": 3}


def rewrite(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_shards_cover_the_samples_in_order(data, simulation):
    assert len(data) == 7
    kinds = (("d", "npy"), ("scale", "npy"), ("vp", "npy"), ("sha256", "txt"))
    names = [f"{kind}-0000{i}.{suffix}" for kind, suffix in kinds for i in range(3)]
    assert sorted(p.name for p in data.folder.iterdir()) == sorted(["manifest.json", *names])
    for index, (d, vp) in enumerate(data):
        assert (d.shape, d.dtype) == ((2, 25, 10), torch.float32)
        assert (vp.shape, vp.dtype) == ((1, 12, 10), torch.float32)
        np.testing.assert_array_equal(vp[0].T, simulation.velocity.sample(index))


def test_numbers_are_those_of_a_sequence(data):
    assert torch.equal(data[-1][1], data[6][1])
    for index in (7, -8):
        with pytest.raises(IndexError):
            data[index]


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2.0**-11), ("float32", 0.0)])
def test_gathers_are_those_of_the_operator(simulation, tmp_path, dtype, error):
    simulation = replace(simulation, dtype=dtype)
    d, vp = simulate(tmp_path, simulation, count=2)[1]
    gathers = simulation.operator()(torch.from_numpy(vp[0].numpy().T.copy()))
    expected = simulation.preprocessing.decimate(gathers)
    torch.testing.assert_close(d, expected, rtol=error, atol=1e-10 * float(expected.abs().max()))
    assert d.abs().max() > 0.01
    assert np.load(tmp_path / "d-00000.npy").dtype == dtype


@pytest.mark.parametrize("peak", [1e-36, 1e-6, 0.7, 1.0, 1e6, 3e38])
def test_float16_keeps_any_unit_of_amplitude(rng, peak):
    d = np.float32(peak) * np.geomspace(1.0, 4e-9, 1000).astype(np.float32)
    d *= rng.choice(np.array([-1, 1], np.float32), d.size)
    stored, scale = encode(d, "float16")
    assert stored.dtype == np.float16
    back = np.multiply(stored, np.float32(scale), dtype=np.float32)
    np.testing.assert_allclose(back, d, rtol=2.0**-11, atol=0.0)


def test_gathers_of_zeros_and_of_no_number():
    stored, scale = encode(np.zeros((2, 3), np.float32), "float16")
    assert not stored.any()
    assert np.isfinite(scale)
    for dtype in ("float16", "float32"):
        with pytest.raises(VMBValueError, match="gathers: must be finite, got 1 NaN"):
            encode(np.array([1.0, np.inf], np.float32), dtype)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_gathers_may_have_any_unit(data, simulation, tmp_path, unit):
    other = replace(simulation, acq=simulation.acq._replace(wav=unit * simulation.acq.wav))
    for (d, _), (e, _) in zip(data, simulate(tmp_path / "u", other, **MODELS), strict=True):
        torch.testing.assert_close(e / unit, d, rtol=1.1e-3, atol=1e-6 * float(d.abs().max()))


def test_nothing_is_held_between_reads(data):
    before = len(pickle.dumps(data))
    assert [d.shape for d, _ in data] == [(2, 25, 10)] * 7
    assert len(pickle.dumps(data)) == before


def test_verify_names_the_damaged_shard(data, simulation):
    data.verify()
    file = data.folder / "vp-00001.npy"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(
        VMBFileError,
        match=r"d-00001\.npy: belongs to a damaged shard, got another SHA-256 of vp-00001\.npy\. "
        r"Remove sha256-00001\.txt and call simulate again",
    ):
        data.verify()
    (data.folder / "sha256-00001.txt").unlink()
    simulate(data.folder, simulation, **MODELS).verify()


def test_a_cut_shard_is_refused_when_it_is_read(data):
    file = data.folder / "d-00002.npy"
    file.write_bytes(file.read_bytes()[:-10])
    assert data[5][0].isfinite().all()
    with pytest.raises(VMBFileError, match=r"d-00002\.npy: belongs to a damaged shard, got"):
        data[6]


def test_the_digests_are_those_of_sha256sum(data):
    command = ["sha256sum", "--check", "--strict", "sha256-00002.txt"]
    done = subprocess.run(command, cwd=data.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{kind}-00002.npy: OK" for kind in ("d", "scale", "vp")]


def test_an_unfinished_set_is_refused(data):
    (data.folder / "sha256-00001.txt").unlink()
    with pytest.raises(
        VMBFileError, match=r"is unfinished, got 1 of 3 shards missing, first d-00001\.npy\. Call"
    ):
        ShardedSet(data.folder)


def test_folders_without_a_set_are_refused(data, tmp_path):
    with pytest.raises(VMBFileError, match=r"holds no data set, got no readable manifest\.json"):
        ShardedSet(tmp_path)
    rewrite(data.folder / "manifest.json", format=1)
    with pytest.raises(VMBFileError, match="must hold a data set of format 2, got format 1"):
        ShardedSet(data.folder)
    for text in ("[]", "{"):
        (data.folder / "manifest.json").write_text(text)
        with pytest.raises(VMBFileError, match="holds no data set"):
            ShardedSet(data.folder)


@contextmanager
def small_files():
    """Let no file grow beyond 4 kB, as on a full disk; not longer, or the log would not either."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_half_written(simulation, tmp_path):
    refused = pytest.raises(
        VMBFileError, match=r"cannot be written to, got .*\. Make room on the disk"
    )
    with small_files(), refused:
        simulate(tmp_path / "full", simulation, count=5, shard=5)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["manifest.json"]
