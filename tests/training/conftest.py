"""A tiny simulation (2 shots, 8 x 8 cells) and a tiny network that trains on it."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

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
