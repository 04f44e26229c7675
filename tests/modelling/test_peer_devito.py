"""PyLops' propagator beside ours, shot by shot; run by ``make test-devito``.

The survey lies in the middle of a wide grid and the record ends before an echo from an edge
could reach a receiver, so that the absorbing layers, which differ, play no part.  The last
sample is left out: PyLops does not write it.
"""

import logging

import numpy as np
import pylops
import pytest
import torch
from pylops.utils import dottest as pylops_dottest
from pylops.waveeqprocessing import AcousticWave2D
from scipy.ndimage import gaussian_filter

import pylops_vmb as vmb
from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.devito import DevitoModelling2D
from pylops_vmb.modelling.peer import velocity_of
from pylops_vmb.operators import CheckError, Jacobian, dottest, taylortest

pytest.importorskip("devito", reason="needs Devito, in an environment of its own")
pytestmark = [
    pytest.mark.devito,
    pytest.mark.filterwarnings("ignore:Passing `SubDomain`s to `Grid`:DeprecationWarning"),
]

DIMS, ORIGIN, SHOTS = (101, 81), (500.0, -100.0), 3
ORDERS = (4, 6)


def velocity() -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(DIMS), 4)
    model = 2200.0 + 4000.0 * noise
    model[:, 45:] += 300.0
    return np.clip(model, 1900.0, 2700.0).astype(np.float32)


def make_peer(space_order: int) -> AcousticWave2D:
    ox, oz = ORIGIN
    return AcousticWave2D(
        DIMS,
        ORIGIN,
        (10.0, 10.0),
        velocity(),
        ox + np.array([450.0, 550.0, 500.0]),
        oz + np.array([400.0, 380.0, 420.0]),
        ox + 300.0 + 20.0 * np.arange(20),
        oz + 410.0,
        0.0,
        300.0,
        space_order=space_order,
        f0=18.0,
    )


@pytest.fixture(scope="module", params=ORDERS)
def peer(request: pytest.FixtureRequest) -> AcousticWave2D:
    """Return PyLops' operator, three shots over 101 x 81 cells away from the origin."""
    return make_peer(request.param)


@pytest.fixture(scope="module")
def engines(peer: AcousticWave2D) -> tuple[AcousticModelling2D, DevitoModelling2D]:
    ours, theirs = (AcousticModelling2D.from_pylops(peer, engine=e) for e in ("deepwave", "devito"))
    return ours, theirs


@pytest.fixture(scope="module")
def jacobians(engines) -> list[Jacobian]:
    """Return the Jacobians of both at the velocity of the peer."""
    return [F.jacobian(velocity()) for F in engines]


def relative(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Return the L2 distances along the first axis, relative to the second."""
    return np.array(
        [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(these, those, strict=True)]
    )


def worst(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest relative distance of a shot, the last sample left out."""
    return float(relative(ours[..., :-1], theirs[..., :-1]).max())


def shown(what: str, error: float) -> float:
    """Log a figure (``make test-devito`` shows it) and return it."""
    logging.getLogger(__name__).info("%s: %.1e", what, error)
    return error


def perturbation() -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(DIMS)
    return gaussian_filter(100.0 * noise, 1).astype(np.float32)


def test_velocity_and_grid_are_those_of_the_peer(peer, engines) -> None:
    np.testing.assert_allclose(velocity_of(peer), velocity(), rtol=2e-7)
    assert engines[0].grid.origin == ORIGIN
    assert engines[0].dimsd == engines[1].dimsd == tuple(peer.dimsd)


def test_data_agree(engines) -> None:
    ours, theirs = (F(velocity()) for F in engines)
    assert shown("data", worst(ours, theirs)) < 1e-4


def test_born_modelling_agrees(peer, jacobians) -> None:
    dv = perturbation()
    ours, theirs = (J @ dv for J in jacobians)
    itself = peer @ (-2e6 * dv / velocity().astype(float) ** 3)
    assert shown("Born, between the engines", worst(ours, theirs)) < 1e-4
    assert shown("Born, ours and AcousticWave2D itself", worst(ours, itself)) < 1e-4


def test_adjoint_agrees_for_each_shot(peer, jacobians) -> None:
    noise = np.random.default_rng(2).standard_normal(peer.dimsd).astype(np.float32)
    noise[..., -1] = 0.0
    shots = [np.where(np.arange(SHOTS)[:, None, None] == i, noise, 0.0) for i in range(SHOTS)]
    ours, theirs = (np.stack([J.H @ shot for shot in shots]) for J in jacobians)
    itself = -2e6 / velocity().astype(float) ** 3 * (peer.H @ noise)
    assert shown("adjoint, between the engines", relative(ours, theirs).max()) < 1e-4
    alone = relative(ours.sum(0, keepdims=True), itself[None])
    assert shown("adjoint, ours and AcousticWave2D itself", alone.max()) < 1e-4


def test_adjoint_of_both_is_their_adjoint(jacobians) -> None:
    for J in jacobians:
        assert shown(f"dot test of {J.name}", dottest(J).error) < 1e-5


class ZeroAdjoint(pylops.LinearOperator):
    """The forward of another operator in other units, with an adjoint that is zero."""

    def __init__(self, Op: pylops.LinearOperator, scale: float) -> None:
        self._Op, self._scale = Op, scale
        super().__init__(dtype=Op.dtype, dims=Op.dims, dimsd=Op.dimsd)

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._scale * self._Op.matvec(x)

    def _rmatvec(self, y: np.ndarray) -> np.ndarray:
        return np.zeros(self.shape[1], y.dtype)


@pytest.fixture(scope="module")
def small() -> DevitoModelling2D:
    """Return two shots over 30 x 24 cells, by Devito."""
    xr = 10.0 * np.arange(30)
    acq = vmb.Acquisition.fixed_spread([90.0, 200.0], xr, nt=150, dt=2e-3, f0=15.0)
    return DevitoModelling2D(vmb.Grid((30, 24), 10.0), acq)


@pytest.fixture
def layers(small) -> np.ndarray:
    """Return a velocity with a step."""
    vp = np.full(small.dims, 2000.0, np.float32)
    vp[:, 12:] += 300.0
    return vp


def test_our_dot_test_fails_where_that_of_pylops_passes(small, layers) -> None:
    wrong = ZeroAdjoint(small.jacobian(layers), scale=1e-6)
    assert pylops_dottest(wrong, atol=0.1, raiseerror=False)  # the tolerance of PyLops' own tests
    with pytest.raises(CheckError, match="dot test"):
        dottest(wrong)


def test_jacobian_is_the_derivative(small, layers) -> None:
    inside = np.zeros(small.dims, np.float32)  # Born modelling leaves the absorbing zone alone
    inside[6:-6, 6:-6] = 60.0
    taylortest(small, layers, dx=inside, steps=[1.0, 0.5])


def test_autograd_goes_through_the_engine(small, layers) -> None:
    x = torch.from_numpy(layers).requires_grad_()
    d = small(x)
    (gradient,) = torch.autograd.grad(0.5 * d.square().sum(), x)
    np.testing.assert_array_equal(gradient, small.jacobian(layers).H @ d.detach().numpy())


def test_fwi_runs_on_the_engine(small, layers) -> None:
    dobs, x0 = small(layers), np.full(small.dims, 2100.0, np.float32)
    vp, niter, cost = vmb.fwi(small, dobs, x0=x0, niter=2, bands=(15.0,), bounds=(1500.0, 2600.0))
    assert niter == 2
    assert cost[-1] < cost[0]
    assert np.isfinite(vp).all()


def test_what_the_engine_cannot_do_is_refused(small, layers) -> None:
    with pytest.raises(VMBValueError, match="not exceed 2878 m/s, where steps of 2 ms"):
        small(layers + 600.0)
    with pytest.raises(VMBTypeError, match="must be on the CPU for Devito"):
        small(torch.empty(small.dims, device="meta"))
    moving = vmb.Acquisition.streamer([60.0], [0.0, 200.0], nt=100, dt=2e-3, f0=15)
    with pytest.raises(VMBValueError, match="one spread for all shots, got receivers by shot"):
        DevitoModelling2D(small.grid, moving)
