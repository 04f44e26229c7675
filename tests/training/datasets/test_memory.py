"""Memory while a set is read does not grow with the set: measured in processes of their own."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' account of memory")

JOB = """
import random, re, sys
import numpy as np
from pathlib import Path
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training import OpenFWISet, ShardedSet

kind, folder = sys.argv[1], Path(sys.argv[2])

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

data = OpenFWISet(folder, Preprocessing(step=5)) if kind == "openfwi" else ShardedSet(folder)
for index in range(4):
    data[index]
before = peak()
for index in random.Random(0).choices(range(len(data)), k=300):
    data[index]
print(len(data), round(peak() - before, 1))
"""


def growth(kind, folder):
    """Return the number of samples, and how much memory 300 random ones took at most, in MB."""
    command = [sys.executable, "-c", JOB, kind, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    count, megabytes = done.stdout.split()
    return int(count), float(megabytes)


def sparse(path, shape, dtype):
    """Write a `.npy` file of zeros that takes no room on the disk."""
    path.parent.mkdir(exist_ok=True)
    np.lib.format.open_memmap(path, "w+", dtype, shape)
    assert path.stat().st_blocks * 512 < 1e6


@pytest.mark.slow
def test_openfwi_files_of_two_gigabytes(tmp_path):
    for number in (1, 2, 3):
        sparse(tmp_path / "data" / f"data{number}.npy", (500, 5, 1000, 70), "float32")
        models = tmp_path / "model" / f"model{number}.npy"
        models.parent.mkdir(exist_ok=True)
        np.save(models, np.full((500, 1, 70, 70), 2000.0, np.float32))
    count, megabytes = growth("openfwi", tmp_path)
    assert count == 1500
    assert megabytes < 10.0


@pytest.mark.slow
def test_a_thousand_shards(tmp_path, stored):
    manifest = (stored.folder / "manifest.json").read_text()
    manifest = manifest.replace('"count": 7', '"count": 4000').replace('"shard": 3', '"shard": 4')
    (tmp_path / "manifest.json").write_text(manifest)
    for number in range(1000):
        sparse(tmp_path / f"d-{number:05d}.npy", (4, 5, 200, 70), "float16")
        sparse(tmp_path / f"vp-{number:05d}.npy", (4, 70, 70), "float32")
        sparse(tmp_path / f"scale-{number:05d}.npy", (4,), "float32")
        (tmp_path / f"sha256-{number:05d}.txt").touch()
    count, megabytes = growth("shards", tmp_path)
    assert count == 4000
    assert megabytes < 10.0
