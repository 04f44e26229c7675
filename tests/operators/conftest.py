"""Small analytic operators: their derivatives are known on paper."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from pylops_vmb.operators import NonlinearOperator

DIMS, DIMSD = (3, 4), (2, 3)


class ExpMatrix(NonlinearOperator):
    """``exp(A x)``: its Jacobian is ``diag(exp(A x)) A``."""

    def __init__(self, dims=DIMS, dimsd=DIMSD, **kwargs) -> None:
        super().__init__(dims, dimsd, **kwargs)
        self.A = 0.3 * np.random.default_rng(5).standard_normal(self.shape)
        self.calls = 0

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        A = torch.from_numpy(self.A).to(x)
        return torch.exp(A @ x.reshape(-1)).reshape(self.dimsd)

    def dense(self, x: np.ndarray) -> np.ndarray:
        """Return the Jacobian on paper."""
        return np.exp(self.A @ x.ravel())[:, None] * self.A


class Perceptron(NonlinearOperator):
    """A network of one hidden layer, from (2, 3) to 4 values."""

    def __init__(self) -> None:
        super().__init__(DIMSD, 4)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(6, 7), torch.nn.Tanh(), torch.nn.Linear(7, 4)
        ).double()
        draw = torch.Generator().manual_seed(3)
        for weights in self.net.parameters():
            torch.nn.init.normal_(weights, std=0.5, generator=draw)

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x.reshape(-1).double()).to(x)


@pytest.fixture
def F() -> ExpMatrix:
    return ExpMatrix()


@pytest.fixture
def net() -> Perceptron:
    return Perceptron()


@pytest.fixture
def make() -> Callable[..., NonlinearOperator]:
    """Return a maker of operators from a function: ``make(function, dims, dimsd)``."""

    def build(function, dims=DIMS, dimsd=DIMS, **kwargs) -> NonlinearOperator:
        made = type("Made", (NonlinearOperator,), {"_apply": lambda _, x: function(x)})
        return made(dims, dimsd, **kwargs)

    return build


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    """Return a point of shape (3, 4)."""
    return rng.standard_normal(DIMS)


@pytest.fixture
def dx(rng: np.random.Generator) -> np.ndarray:
    """Return a direction of shape (3, 4)."""
    return rng.standard_normal(DIMS)


@pytest.fixture
def dy(rng: np.random.Generator) -> np.ndarray:
    """Return data of shape (2, 3)."""
    return rng.standard_normal(DIMSD)
