"""A two-layer model under 24 receivers, and an operator known on paper."""

import numpy as np
import pytest
import torch

from pylops_vmb.inversion.objective import Value
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition, Grid


class Saturating(NonlinearOperator):
    """``tanh(A v / 1000)``: smooth, nonlinear, and without a survey."""

    def __init__(self) -> None:
        super().__init__((4, 3), (2, 2, 5), dtype="float64")
        self.A = torch.from_numpy(0.3 * np.random.default_rng(7).standard_normal((20, 12)))

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.A.to(x) @ x.reshape(-1) / 1000.0).reshape(self.dimsd)


@pytest.fixture(scope="session")
def grid() -> Grid:
    return Grid((24, 16), 10.0)


@pytest.fixture(scope="session")
def acq() -> Acquisition:
    return Acquisition.fixed_spread([50.0, 180.0], 10.0 * np.arange(24), nt=160, dt=0.001, f0=20.0)


@pytest.fixture(scope="session")
def F(grid, acq) -> AcousticModelling2D:
    return AcousticModelling2D(grid, acq)


@pytest.fixture(scope="session")
def true(grid) -> np.ndarray:
    """Return 2000 m/s over 2500 m/s."""
    vp = np.full(grid.dims, 2000.0, dtype="float32")
    vp[:, 8:] = 2500.0
    return vp


@pytest.fixture(scope="session")
def dobs(F, true) -> np.ndarray:
    return F(true)


@pytest.fixture(scope="session")
def x0(grid) -> np.ndarray:
    return np.full(grid.dims, 2200.0, dtype="float32")


@pytest.fixture
def paper() -> Saturating:
    return Saturating()


@pytest.fixture(scope="session")
def differentiable():
    """Return a maker of objectives from functions of one tensor."""

    def wrap(function):
        def objective(x: torch.Tensor) -> Value:
            x = x.detach().requires_grad_()
            total = function(x)
            return Value(
                float(total.detach()), float(total.detach()), *torch.autograd.grad(total, x)
            )

        return objective

    return wrap
