"""The Laplace posterior against the dense one, in float64, on a tiny survey."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.inversion import posterior_std, posterior_std_of
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition

PRIOR = 150.0
NOISE = 0.3  # of the standard deviation of the data


@pytest.fixture(scope="module")
def case(grid, true):
    """Return modelling, velocity in float64, its dense Jacobian, noise and posterior."""
    acq = Acquisition.fixed_spread([120.0], 20.0 * np.arange(12), nt=100, dt=0.0015, f0=20.0)
    F = AcousticModelling2D(grid, acq, nbl=8)
    vp = true.astype(np.float64)
    J = F.jacobian(vp)
    eye = np.eye(J.shape[1])
    dense = np.stack([J.matvec(column) for column in eye], axis=1)
    noise = NOISE * float(F(vp).std())
    precision = dense.T @ dense / noise**2 + eye / PRIOR**2
    return F, vp, dense, noise, np.sqrt(np.diag(np.linalg.inv(precision))).reshape(vp.shape)


def distance(std, exact):
    return np.linalg.norm(std - exact) / np.linalg.norm(exact)


def test_the_dense_answer_is_not_trivial(case):
    exact = case[-1]
    assert exact.min() < 0.5 * PRIOR
    assert exact.max() > 0.95 * PRIOR


def test_low_rank_sinks_to_the_dense_answer(case):
    F, vp, dense, noise, exact = case
    J = pylops.MatrixMult(dense)
    errors = []
    for probes in (8, 32, 128, 384):
        std = posterior_std_of(J, noise_std=noise, prior_std=PRIOR, probes=probes)
        std = std.reshape(exact.shape)
        assert (std >= exact * (1.0 - 1e-5)).all()  # an upper bound
        errors.append(distance(std, exact))
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] < 0.02
    assert errors[3] < 1e-5
    through = posterior_std(F, vp, noise_std=noise, prior_std=PRIOR, probes=8)
    np.testing.assert_allclose(
        through.ravel(), posterior_std_of(J, noise_std=noise, prior_std=PRIOR, probes=8), rtol=1e-6
    )


def test_diagonal_finds_the_inverse_of_the_diagonal(case):
    F, vp, dense, noise, exact = case
    J = pylops.MatrixMult(dense)
    wanted = 1.0 / np.sqrt(np.square(dense).sum(0) / noise**2 + PRIOR**-2)
    assert (wanted <= exact.ravel() * (1.0 + 1e-9)).all()  # a lower bound
    settings = {"noise_std": noise, "prior_std": PRIOR, "method": "diagonal"}
    errors = [distance(posterior_std_of(J, probes=n, **settings), wanted) for n in (8, 64, 2048)]
    assert errors[0] > 1.8 * errors[1] > 3.0 * errors[2]
    assert errors[2] < 0.03
    through = posterior_std(F, vp, probes=8, **settings)
    np.testing.assert_allclose(through.ravel(), posterior_std_of(J, probes=8, **settings))


@pytest.mark.parametrize("method", ["lowrank", "diagonal"])
def test_noise_and_prior_have_their_units(method, rng):
    A = rng.standard_normal((30, 6))
    wanted = None
    for factor in (1.0, 100.0):  # other units of the data: the same deviation
        J = pylops.MatrixMult(factor * A)
        std = posterior_std_of(J, noise_std=2.0 * factor, prior_std=0.5, method=method, probes=6)
        wanted = std if wanted is None else wanted
        np.testing.assert_allclose(std, wanted)
    J = pylops.MatrixMult(1e-3 * A)  # other units of the model
    std = posterior_std_of(J, noise_std=2.0, prior_std=500.0, method=method, probes=6)
    np.testing.assert_allclose(std, 1e3 * wanted)


def test_prior_a_cell_and_mask(rng):
    A, prior = rng.standard_normal((30, 6)), np.linspace(1.0, 2.0, 6)
    J, mask = pylops.MatrixMult(A), np.array([0.0, 1, 1, 1, 1, 1])
    std = posterior_std_of(J, noise_std=3.0, prior_std=prior, mask=mask, probes=6)
    inside = np.linalg.inv(A[:, 1:].T @ A[:, 1:] / 9.0 + np.diag(prior[1:] ** -2.0))
    np.testing.assert_allclose(std, [0.0, *np.sqrt(np.diag(inside))], atol=1e-12)


@pytest.mark.parametrize("method", ["lowrank", "diagonal"])
def test_kinds_seeds_and_shapes(paper, method):
    settings = {"noise_std": 0.01, "prior_std": 100.0, "method": method, "probes": 3}
    vp = np.full((4, 3), 1500.0)
    std = posterior_std(paper, vp, **settings)
    assert (type(std), std.dtype, std.shape) == (np.ndarray, np.float64, (4, 3))
    tensor = posterior_std(paper, torch.from_numpy(vp).float().ravel(), **settings)
    assert (tensor.dtype, tensor.shape) == (torch.float32, (12,))
    np.testing.assert_allclose(tensor, std.ravel(), rtol=1e-3)
    assert np.array_equal(std, posterior_std(paper, vp, **settings))
    assert not np.array_equal(std, posterior_std(paper, vp, seed=1, **settings))
    prior = torch.full((4, 3), 100.0, dtype=torch.float64)
    of = posterior_std_of(paper.jacobian(vp), **(settings | {"prior_std": prior}))
    assert isinstance(of, torch.Tensor)
    np.testing.assert_allclose(of, std)


@pytest.mark.cuda
@pytest.mark.parametrize("method", ["lowrank", "diagonal"])
def test_tensors_on_a_device_stay_there(paper, method):
    vp = torch.full((4, 3), 1500.0, dtype=torch.float64)
    settings = {"noise_std": 0.01, "prior_std": 100.0, "method": method, "probes": 3}
    std = posterior_std(paper, vp.cuda(), **settings)
    assert std.is_cuda
    np.testing.assert_allclose(std.cpu(), posterior_std(paper, vp, **settings), rtol=1e-6)


def test_data_that_see_nothing_leave_the_prior():
    J = pylops.MatrixMult(np.zeros((5, 4)))
    for method in ("lowrank", "diagonal"):
        std = posterior_std_of(J, noise_std=1.0, prior_std=7.0, method=method)
        np.testing.assert_array_equal(std, np.full(4, 7.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise_std": 0.0}, "noise_std: must be above 0"),
        ({"prior_std": -1.0}, "prior_std: must be above 0.0 m/s"),
        ({"prior_std": np.ones(5)}, "prior_std: must have shape"),
        ({"prior_std": np.nan}, "prior_std: must be finite"),
        ({"probes": 0}, "probes: must be at least 1"),
        ({"method": "exact"}, "Use one of 'lowrank', 'diagonal'"),
        ({"mask": 2.0 * np.ones(4)}, "mask: must be at most 1"),
        ({"mask": np.ones(3)}, "mask: must have shape"),
    ],
)
def test_refusals(settings, message):
    J = pylops.MatrixMult(np.eye(4))
    with pytest.raises(VMBValueError, match=message):
        posterior_std_of(J, **({"noise_std": 1.0, "prior_std": 1.0} | settings))


def test_a_complex_operator_is_refused():
    J = pylops.MatrixMult(1j * np.eye(4), dtype="complex128")
    with pytest.raises(VMBTypeError, match="Op: must be real"):
        posterior_std_of(J, noise_std=1.0, prior_std=1.0)
