"""Estimates: counted exactly where they can be, and near what a real process takes."""

import math
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pylops_vmb.errors import VMBFileError, VMBMemoryError
from pylops_vmb.io import save_checkpoint
from pylops_vmb.networks import build
from pylops_vmb.training import TrainingConfig, estimates
from pylops_vmb.training.estimates import (
    Need,
    check_room,
    simulation_need,
    stored_maps,
    training_need,
)
from pylops_vmb.training.methods import Supervised

SHAPES = ((2, 25, 10), (12, 10))
SIZES = {"in_channels": 2, "in_shape": (25, 10), "out_shape": (12, 10)}

PROGRAM = """
import sys
import torch
from pylops_vmb.networks import build
from pylops_vmb.training import TrainingConfig
from pylops_vmb.training.estimates import training_need
from pylops_vmb.training.methods import Supervised

def peak():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return 1024 * int(status["VmHWM"].split()[0])

def step(side, batch, width, precision):
    shapes = ((2, side, side), (side, side))
    (ns, nt, nr), out = shapes
    sizes = {"in_channels": ns, "in_shape": (nt, nr), "out_shape": out}
    net = build("fcnvmb-repaired", **sizes, width=width, depth=3)
    config = TrainingConfig(batch=batch, precision=precision)
    method = Supervised(net, config)
    method.prepare(2, device=torch.device("cpu"), wrap=lambda part: part)
    for _ in range(2):
        method.step(torch.randn(batch, ns, nt, nr), torch.full((batch, 1, *out), 2500.0))
    return net, config, shapes

torch.set_num_threads(1)
step(32, 2, 2, sys.argv[1])  # loads the code
before = peak()
net, config, shapes = step(112, 6, 24, sys.argv[1])
need = training_need(net, config, shapes=shapes, samples=6, timed=False)
print(peak() - before, need.memory)
"""


@pytest.fixture
def small():
    return build("fcnvmb-repaired", **SIZES, width=4, depth=2)


def test_what_autograd_keeps_is_counted_to_the_byte():
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    inputs, hidden, outputs = (4 * 3 * channels * 8 * 8 for channels in (2, 4, 1))
    assert stored_maps(net, 3, (2, 8, 8)) == (inputs + hidden + outputs, hidden)
    assert stored_maps(net, 6, (2, 8, 8))[0] == 2 * (inputs + hidden + outputs)
    assert next(net.parameters()).device.type == "cpu"


def test_the_memory_is_the_formula_of_its_notes(small):
    weights = sum(t.numel() * t.element_size() for t in small.state_dict().values())
    kept, largest = stored_maps(small, 4, SHAPES[0])
    full, half, parts = (
        training_need(small, config, shapes=SHAPES, samples=100, timed=False)
        for config in (
            TrainingConfig(batch=4),
            TrainingConfig(batch=4, precision="bfloat16"),
            TrainingConfig(batch=8, accumulate=2),
        )
    )
    assert full.memory == parts.memory == round(1.2 * (5 * weights + kept + 3 * largest))
    assert half.memory == round(1.2 * (6 * weights + (kept + 3 * largest) // 2))
    assert full.seconds is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_memory_is_near_that_of_a_real_process(precision):
    arguments = [sys.executable, "-c", PROGRAM, precision]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    measured, estimated = map(int, ran.stdout.split())
    assert measured > 50 * 2**20
    assert 0.9 < estimated / measured < 1.3


def test_the_disk_of_a_set_is_that_of_its_arrays(simulation, stored):
    arrays = [np.load(path, mmap_mode="r") for path in stored.folder.glob("*.npy")]
    there = sum(array.nbytes for array in arrays if array.ndim > 1)
    assert simulation_need(simulation, 7, timed=False).disk == there


def test_the_disk_of_a_training_is_two_checkpoints(tmp_path):
    net = build("fcnvmb-repaired", **SIZES, width=24, depth=2)
    config = TrainingConfig()
    need = training_need(net, config, shapes=SHAPES, samples=2, timed=False)
    method = Supervised(net, config)
    method.prepare(1, device=torch.device("cpu"), wrap=lambda part: part)
    method.step(torch.randn(2, *SHAPES[0]), torch.full((2, 1, *SHAPES[1]), 2500.0))
    save_checkpoint(tmp_path / "checkpoint", method.state_dict())
    assert 2 * (tmp_path / "checkpoint").stat().st_size == pytest.approx(need.disk, rel=0.05)


def test_the_memory_of_a_simulation_grows_with_what_runs_side_by_side(simulation, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    one, three = (
        simulation_need(simulation, 7, processes=processes, timed=False).memory
        for processes in (1, 3)
    )
    assert three == 3 * one
    cells = math.prod(n + 44 for n in simulation.velocity.dims)
    assert one == 4 * (12 * cells + 4 * math.prod(simulation.acq.dimsd))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert simulation_need(simulation, 7, timed=False).memory == one + 4 * 12 * cells


def test_times_are_those_of_a_probe_scaled(small, simulation, monkeypatch):
    monkeypatch.setattr(estimates, "_seconds_a_model", lambda *_: 2.0)
    monkeypatch.setattr(estimates, "_seconds_a_sample", lambda *_: 0.5)
    monkeypatch.setattr(estimates.os, "cpu_count", lambda: 4)
    assert simulation_need(simulation, 10).seconds == 20.0
    assert simulation_need(simulation, 10, processes=2).seconds == 10.0
    assert simulation_need(simulation, 10, processes=8).seconds == 5.0  # no more than there are
    config = TrainingConfig(epochs=3)
    need = training_need(small, config, shapes=SHAPES, samples=10, validation=6)
    assert need.seconds == 3 * (10 + 2) * 0.5


def test_probes_take_time_and_change_nothing(small, simulation):
    torch.manual_seed(0)
    before = {name: value.clone() for name, value in small.state_dict().items()}
    chance = torch.get_rng_state()
    need = training_need(small, TrainingConfig(), shapes=SHAPES, samples=10)
    assert need.seconds > 0
    assert simulation_need(simulation, 5).seconds > 0
    assert all(torch.equal(before[name], value) for name, value in small.state_dict().items())
    assert torch.equal(chance, torch.get_rng_state())


def test_too_little_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(estimates, "free_memory", lambda _: 3 * 2**30)
    check_room([Need("train", 3 * 2**30, 0)], tmp_path)
    message = r"salt: takes about 4\.00 GiB of memory on cpu, got 3\.00 GiB free\. Take smaller"
    with pytest.raises(VMBMemoryError, match=message):
        check_room([Need("train", 1, 0), Need("salt", 4 * 2**30, 0)], tmp_path)


def test_too_small_a_disk_is_refused_but_for_what_is_there(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    needs = [Need("one", 0, 700), Need("two", 0, 500)]
    with pytest.raises(VMBFileError, match=r"must have room for 0 MiB, got 0 MiB free"):
        check_room(needs, tmp_path / "not" / "yet")
    (tmp_path / "earlier").write_bytes(bytes(200))
    check_room(needs, tmp_path)
