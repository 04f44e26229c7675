"""A small survey over a model with layers and a bump, and makers of both."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid

DIMS = (26, 22)


@pytest.fixture
def grid() -> Grid:
    return Grid(DIMS, 10.0)


@pytest.fixture
def acq() -> Acquisition:
    """Return three shots into thirteen receivers, 200 samples of 1 ms."""
    return Acquisition.fixed_spread(
        [50.0, 120.0, 200.0], 20.0 * np.arange(13), nt=200, dt=1e-3, f0=15.0, zs=20.0, zr=10.0
    )


@pytest.fixture
def vp() -> np.ndarray:
    """Return a heterogeneous velocity model, 1960 to 3050 m/s."""
    noise = gaussian_filter(np.random.default_rng(7).standard_normal(DIMS), 2)
    model = 2200.0 + 1500.0 * noise
    model[:, 12:] += 500.0
    return np.clip(model, 1960.0, 3050.0)


@pytest.fixture
def F(grid: Grid, acq: Acquisition) -> AcousticModelling2D:
    return AcousticModelling2D(grid, acq, space_order=4, nbl=10)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Let torch use one thread, whatever the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def relative() -> Callable[..., float]:
    """Return the L2 distance of two arrays relative to the second."""

    def distance(a, b) -> float:
        return float(np.linalg.norm(a - b) / np.linalg.norm(b))

    return distance
