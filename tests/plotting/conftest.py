"""A survey of three shots with seeded data, and figures closed after each test."""

import numpy as np
import pytest

from pylops_vmb.survey import Acquisition

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def acq() -> Acquisition:
    """Return three shots into six receivers, 4 ms."""
    x = 25.0 * np.arange(6)
    return Acquisition.fixed_spread([0.0, 50.0, 125.0], x, nt=80, dt=0.004, f0=20.0, zs=5.0)


@pytest.fixture
def dobs(acq, rng) -> np.ndarray:
    """Return noise."""
    return rng.normal(size=acq.dimsd)
