"""Small files in the form of the published data sets."""

from pathlib import Path

import numpy as np
import pytest

from pylops_vmb.learned import Preprocessing


@pytest.fixture
def preprocessing() -> Preprocessing:
    return Preprocessing(step=3, decimation="middle")


@pytest.fixture
def write_openfwi(rng):
    """Return a writer of pairs of files: gathers ``(n, 2, 30, 5)``, velocities ``(n, 1, 8, 5)``."""

    def write(gathers: Path, velocities: Path, n: int = 2, nr: int = 5):
        d = rng.normal(size=(n, 2, 30, nr)).astype(np.float32)
        vp = rng.uniform(1500.0, 4500.0, (n, 1, 8, nr)).astype(np.float32)
        for path, array in ((gathers, d), (velocities, vp)):
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
        return d, vp

    return write
