"""A tiny simulation (2 shots, 8 x 8 cells) and a tiny network that trains on it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from pylops_vmb.io import load_checkpoint
from pylops_vmb.learned import Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition
from pylops_vmb.training import ShardedSet, Simulation, Trainer, TrainingConfig, simulate
from pylops_vmb.velocity import CurvedLayers


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    acq = Acquisition.fixed_spread(
        [20.0, 80.0], 10.0 * np.arange(10), nt=100, dt=2e-3, f0=12.0, zs=10.0
    )
    return Simulation(
        velocity=CurvedLayers((10, 12), seed=4),
        acq=acq,
        spacing=(10.0, 10.0),
        preprocessing=Preprocessing(step=4, gain=0.05),
    )


@pytest.fixture(scope="session")
def stored(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> ShardedSet:
    """Return seven samples in shards of three; to be read only."""
    return simulate(tmp_path_factory.mktemp("stored"), simulation, count=7, shard=3)


@pytest.fixture
def data(stored: ShardedSet, tmp_path: Path) -> ShardedSet:
    """Return a copy of the stored samples that a test may damage."""
    return ShardedSet(shutil.copytree(stored.folder, tmp_path / "data"))


class Maker:
    """Builds trainers with the same first weights; keyword changes go to the configuration."""

    def __init__(self, data: ShardedSet, simulation: Simulation, folder: Path) -> None:
        self.data, self.simulation, self.folder = data, simulation, folder

    def __call__(self, name: str = "one", **changes) -> Trainer:
        torch.manual_seed(5)
        sizes = {"in_channels": 2, "in_shape": (25, 10), "out_shape": (12, 10)}
        net = build("fcnvmb-repaired", **sizes, width=4, depth=2)
        settings = {"epochs": 2, "batch": 3, "lr": 1e-3, "seed": 9} | changes
        return Trainer(
            net,
            self.data,
            self.data,
            preprocessing=self.simulation.preprocessing,
            config=TrainingConfig(**settings),
            checkpoint=self.folder / f"{name}.safetensors",
        )


@pytest.fixture(scope="session")
def maker(stored: ShardedSet, simulation: Simulation) -> Callable[[Path], Maker]:
    """Return what makes a `Maker` that keeps its checkpoints in a folder."""
    return partial(Maker, stored, simulation)


@pytest.fixture
def make(maker: Callable[[Path], Maker], tmp_path: Path) -> Maker:
    return maker(tmp_path)


TRAININGS = Path(__file__).with_name("trainings.py")


@pytest.fixture(scope="session")
def trainings() -> ModuleType:
    """Return the tiny trainings of ``trainings.py``, to run them in this process."""
    spec = spec_from_file_location("trainings", TRAININGS)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Ended:
    """What trainings in processes of their own ended with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.codes: list[list[int]] = json.loads((folder / "codes.json").read_text())

    def __getitem__(self, name: str) -> dict[str, Any]:
        return load_checkpoint(self.folder / f"{name}.result")

    def error(self, name: str, rank: int = 0) -> str:
        """Return the traceback with which a process ended."""
        return (self.folder / f"{name}.error{rank}").read_text()


@pytest.fixture(scope="session")
def run_trainings(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """Return what runs trainings in processes of their own, one after the other."""

    def run(*jobs: dict[str, Any]) -> Ended:
        folder = tmp_path_factory.mktemp("trainings")
        root = str(TRAININGS.parents[2])
        ended = subprocess.run(
            [sys.executable, str(TRAININGS), str(folder), json.dumps(jobs)],
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return Ended(folder)

    return run


@pytest.fixture(scope="session")
def flat() -> Callable[[Any], dict[str, Any]]:
    """Return what turns a nested state into one dictionary of its leaves by place."""

    def flat(state: Any, place: str = "") -> dict[str, Any]:
        if not isinstance(state, dict | list | tuple):
            return {place: state}
        pairs = state.items() if isinstance(state, dict) else enumerate(state)
        found: dict[str, Any] = {}
        for key, value in pairs:
            found |= flat(value, f"{place}.{key}")
        return found

    return flat


@pytest.fixture(scope="session")
def assert_same(flat) -> Callable[[Any, Any], None]:
    """Return what compares two nested states bit by bit."""

    def same(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b

    def assert_same(first: Any, second: Any) -> None:
        ours, theirs = flat(first), flat(second)
        assert ours.keys() == theirs.keys()
        assert [place for place in ours if not same(ours[place], theirs[place])] == []

    return assert_same
