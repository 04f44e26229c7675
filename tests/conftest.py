"""Fixtures shared by all tests: seeded numbers, outside data, and the CUDA marker."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with its seed set."""
    return np.random.default_rng(1234)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of outside data (``VMB_DATA``), or skip."""
    folder = os.environ.get("VMB_DATA")
    if not folder:
        pytest.skip("needs outside data: set VMB_DATA to its folder")
    if not Path(folder).is_dir():
        pytest.fail(f"VMB_DATA is set to {folder!r}, which is not a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def raising():
    """Return a maker of callbacks that raise an error once so many steps are done."""
    from pylops.optimization.callback import Callbacks  # noqa: PLC0415 - only where it is used

    class Raising(Callbacks):
        def __init__(self, after: int, error: type[BaseException] = ZeroDivisionError) -> None:
            self.after, self.error = after, error

        def on_step_end(self, solver, _x) -> None:
            if solver.iiter == self.after:
                raise self.error

    return Raising


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests marked ``cuda`` where there is no CUDA device."""
    if item.get_closest_marker("cuda") is None:
        return
    import torch  # noqa: PLC0415 (only when such a test runs)

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
