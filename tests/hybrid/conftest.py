"""Networks that always answer with one stored model, for a survey of two shots."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid


class Stored(torch.nn.Module):
    """Returns one velocity ``(nx, nz)``, whatever it sees."""

    def __init__(self, vp: np.ndarray) -> None:
        super().__init__()
        self.vp = torch.nn.Parameter(torch.tensor(vp, dtype=torch.float32))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.vp.T[None, None] + 0.0 * inputs.sum()


@pytest.fixture(scope="session")
def case() -> SimpleNamespace:
    """Return grid, survey, modelling, truth, data and a fallback of one velocity."""
    grid = Grid((24, 16), 10.0)
    xr = 10.0 * np.arange(24)
    acq = Acquisition.fixed_spread([50.0, 180.0], xr, nt=160, dt=0.001, f0=20.0)
    F = AcousticModelling2D(grid, acq)
    true = np.full(grid.dims, 2000.0, dtype="float32")
    true[:, 8:] = 2500.0
    fallback = np.full(grid.dims, 2300.0, dtype="float32")
    return SimpleNamespace(grid=grid, acq=acq, F=F, true=true, d=F(true), fallback=fallback)


@pytest.fixture
def counted(case, monkeypatch):
    """Return the modelling, counting the simulations of its survey."""
    F, lock = AcousticModelling2D(case.grid, case.acq), threading.Lock()
    F.simulations = 0.0
    apply = AcousticModelling2D._apply

    def counting(self, x):
        with lock:
            F.simulations += self.acq.ns / case.acq.ns
        return apply(self, x)

    monkeypatch.setattr(AcousticModelling2D, "_apply", counting)
    return F


@pytest.fixture(scope="session")
def network(case):
    """Return a maker of learned inversions from a velocity model."""

    def make(vp: np.ndarray, *, grid=None, acq=None) -> LearnedInversion:
        stub = {"name": "stub", "config": {}}
        card = Card("stub", stub, grid or case.grid, acq or case.acq, Preprocessing())
        return LearnedInversion(Stored(vp), card)

    return make


@pytest.fixture(scope="session")
def tiny(case):
    """Return a maker of an untrained learned inversion that predicts about 2300 m/s."""
    config = {"in_channels": 2, "in_shape": [160, 24], "out_shape": [16, 24], "width": 4}
    config |= {"depth": 2, "vp_range": [2000.0, 2600.0]}

    def make() -> LearnedInversion:
        torch.manual_seed(3)
        net = build("fcnvmb-repaired", **config)
        network = {"name": "fcnvmb-repaired", "config": net.config}
        return LearnedInversion(net, Card("tiny", network, case.grid, case.acq, Preprocessing()))

    return make
