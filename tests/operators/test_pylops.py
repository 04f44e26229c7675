"""All that PyLops does with an operator, done with the Jacobian of the wave equation.

Every number is compared with dense algebra on the columns ``J @ e_i``.
"""

import copy
import warnings

import numpy as np
import pylops
import pytest
import torch
from pylops.optimization.basic import cg, cgls, lsqr
from pylops.optimization.callback import (
    CostNanInfCallback,
    CostToDataCallback,
    CostToInitialCallback,
    MetricsCallback,
)
from pylops.optimization.cls_basic import CGLS
from pylops.optimization.leastsquares import normal_equations_inversion, regularized_inversion
from pylops.utils.describe import describe
from scipy.sparse.linalg import lsqr as scipy_lsqr

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import Jacobian
from pylops_vmb.survey import Acquisition, Grid

DIMS = (9, 7)
CELLS = 63


@pytest.fixture(scope="module")
def J() -> Jacobian:
    """Return the Jacobian of a shot into 5 receivers over two layers."""
    acq = Acquisition.fixed_spread([40.0], 20.0 * np.arange(5), nt=60, dt=2e-3, f0=20.0)
    vp = np.full(DIMS, 2000.0)
    vp[:, 4:] = 2400.0
    return AcousticModelling2D(Grid(DIMS, 10.0), acq, nbl=5).jacobian(vp)


@pytest.fixture(scope="module")
def A(J) -> np.ndarray:
    """Return the Jacobian's columns, one by one."""
    return np.stack([J.matvec(unit) for unit in np.eye(CELLS)], axis=1)


@pytest.fixture(scope="module")
def norm(A) -> float:
    """Return the largest singular value; problems damped by it converge fast."""
    return float(np.linalg.norm(A, 2))


@pytest.fixture
def d(A, rng) -> np.ndarray:
    return A @ rng.standard_normal(CELLS)


@pytest.fixture
def D() -> pylops.LinearOperator:
    return 0.1 * pylops.Laplacian(DIMS, axes=(0, 1), dtype="float64")


def equal(got, want, rtol=1e-9) -> None:
    """Compare two arrays relative to the norm of the second."""
    got, want = np.asarray(got, dtype=float).ravel(), np.asarray(want).ravel()
    assert np.linalg.norm(got - want) <= rtol * np.linalg.norm(want)


def test_dense_sparse_and_adjoint(J, A, rng):
    y = rng.standard_normal(len(A))
    equal(J.todense(), A, 1e-14)
    equal(J.tosparse().toarray(), A, 1e-14)
    equal(J.H.matvec(y), A.T @ y, 1e-12)
    equal(J.T.matvec(y), A.T @ y, 1e-12)


@pytest.mark.parametrize("name", ["J", "J.H", "J.H @ J", "VStack", "Restriction @ J"])
def test_dot_test(J, D, name):
    Op = {
        "J": J,
        "J.H": J.H,
        "J.H @ J": J.H @ J,
        "VStack": pylops.VStack([J, D]),
        "Restriction @ J": pylops.Restriction(J.dimsd, [1, 4], axis=1) @ J,
    }[name]
    assert pylops.utils.dottest(Op, rtol=1e-10, atol=1e-14)


def test_algebra(J, A, D, rng):
    weights, traces = rng.random(DIMS), [1, 4]
    R = pylops.Restriction(J.dimsd, traces, axis=1)
    few = A.reshape(1, 5, 60, -1)[:, traces].reshape(-1, CELLS)
    dense = D.todense()
    for Op, want in {
        J.H @ J: A.T @ A,
        (J.H @ J) ** 2: A.T @ A @ A.T @ A,
        2.5 * J: 2.5 * A,
        J * 2.5: 2.5 * A,
        -J: -A,
        J + 3 * J: 4 * A,
        J - 0.5 * J: 0.5 * A,
        J.conj(): A,
        J.toreal(): A,
        R @ J: few,
        J @ pylops.Diagonal(weights): A * weights.ravel(),
        J @ D: A @ dense,
        J.apply_columns([3, 50]): A[:, [3, 50]],
    }.items():
        x, y = rng.standard_normal(want.shape[1]), rng.standard_normal(want.shape[0])
        equal(Op.matvec(x), want @ x)
        equal(Op.rmatvec(y), want.T @ y)


def test_stacks(J, A, D, rng):
    dense, zero = D.todense(), np.zeros
    for Op, want in {
        pylops.VStack([J, D]): np.vstack([A, dense]),
        pylops.HStack([J, 2 * J]): np.hstack([A, 2 * A]),
        pylops.BlockDiag([J, D]): np.block(
            [[A, zero((len(A), CELLS))], [zero((CELLS, CELLS)), dense]]
        ),
        pylops.Block([[J, 2 * J], [D, D]]): np.block([[A, 2 * A], [dense, dense]]),
    }.items():
        x, y = rng.standard_normal(want.shape[1]), rng.standard_normal(want.shape[0])
        equal(Op.matvec(x), want @ x)
        equal(Op.rmatvec(y), want.T @ y)


def test_matrices_and_dims(J, A, rng):
    X, Y = rng.standard_normal((CELLS, 3)), rng.standard_normal((len(A), 3))
    equal(J.matmat(X), A @ X)
    equal(J.rmatmat(Y), A.T @ Y)
    assert (J @ X.reshape(*DIMS, 3)).shape == (1, 5, 60, 3)
    assert (J @ X[:, 0].reshape(DIMS)).shape == (1, 5, 60)


def test_spectrum(J, A, F, x):
    singular = np.linalg.svd(A, compute_uv=False)
    largest = (J.H @ J).eigs(neigs=3, symmetric=True)
    equal(np.sort(largest)[::-1], singular[:3] ** 2, 1e-8)
    cheap = F.jacobian(x)  # the smallest eigenvalue of the other one takes minutes
    singular = np.linalg.svd(F.dense(x), compute_uv=False)
    equal((cheap @ cheap.H).cond().real, singular[0] ** 2 / singular[-1] ** 2, 1e-6)


def test_trace(J, A, F, x):
    equal((J.H @ J).trace(method="explicit"), np.sum(A**2))
    cheap = F.jacobian(x)
    equal((cheap.H @ cheap).trace(method="hutch++", neval=36), np.sum(F.dense(x) ** 2), 1e-8)


def test_solvers(J, A, d, norm):
    want = np.linalg.solve(A.T @ A + norm**2 * np.eye(CELLS), A.T @ d)
    normal = J.H @ J + norm**2 * pylops.Identity(CELLS)
    exact = {"niter": 15, "damp": norm}
    equal(cgls(J, d, **exact, tol=0)[0], want, 1e-8)
    equal(lsqr(J, d, **exact, atol=0, btol=0)[0], want, 1e-8)
    equal(scipy_lsqr(J, d, damp=norm, atol=0, btol=0, iter_lim=15)[0], want, 1e-8)
    equal(cg(normal, A.T @ d, niter=15, tol=0)[0], want, 1e-8)


def test_regularised_solvers(J, A, D, d, norm):
    Regs, epsRs = [D, pylops.Identity(CELLS)], [norm, norm]
    stacked = np.vstack([A, norm * D.todense(), norm * np.eye(CELLS)])
    data = np.r_[d, np.zeros(2 * CELLS)]
    want = np.linalg.lstsq(stacked, data, rcond=None)[0]
    stop = {"iter_lim": 25, "atol": 0, "btol": 0}
    equal(regularized_inversion(J, d, Regs, epsRs=epsRs, **stop)[0], want, 1e-8)
    stop = {"maxiter": 25, "rtol": 0}
    equal(normal_equations_inversion(J, d, Regs, epsRs=epsRs, **stop)[0], want, 1e-8)
    both = pylops.VStack([J, norm * D, norm * Regs[1]])
    equal(cgls(both, data, niter=25, tol=0)[0], want, 1e-8)


def test_division(F, x, dy):
    J, dense = F.jacobian(x), F.dense(x)
    for got in (J / dy.ravel(), J.div(dy.ravel(), niter=100)):
        equal(got, np.linalg.lstsq(dense, dy.ravel(), rcond=None)[0], 1e-5)


def test_callbacks_stop_and_measure(J, d, F, x, rng):
    true = rng.standard_normal(CELLS)
    for callback in (CostToDataCallback(0.2), CostToInitialCallback(0.2)):
        cost = CGLS(J, callbacks=[callback]).solve(d, niter=40, tol=0)[5]
        assert callback.stop
        assert cost[-1] < 0.2 * np.linalg.norm(d) <= cost[-2]
    watch, measure = CostNanInfCallback(), MetricsCallback(true, which=("mae", "mse"))
    image, _, count, *_ = CGLS(J, callbacks=[watch, measure]).solve(d, niter=5, tol=0)
    assert not watch.stop
    assert len(measure.metrics["mse"]) == count == 5
    equal(measure.metrics["mse"][-1], np.mean((image.ravel() - true) ** 2))
    with np.errstate(all="ignore"):
        CGLS(F.jacobian(x), callbacks=[watch]).solve(np.full(6, 1e200), niter=5)
    assert watch.stop


def test_describe(J, capsys):
    describe(pylops.VStack([J.H @ J, pylops.Laplacian(DIMS)]))
    text = capsys.readouterr().out
    assert "Adjoint(AcousticModelling2D)*AcousticModelling2D" in text
    assert "'AcousticModelling2D': 'Jacobian'" in text


def test_counts_and_repr(J, rng):
    J.reset_count()
    J.H.matvec(J.matvec(rng.standard_normal(CELLS)))
    J.matmat(rng.standard_normal((CELLS, 3)))
    assert (J.matvec_count, J.matmat_count) == (1, 1)
    assert repr(J) == "<300x63 Jacobian with dtype=float64>"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies(J, A, rng, duplicate):
    x = rng.standard_normal(CELLS)
    twin = duplicate(J)
    equal(twin @ x, A @ x)
    equal(twin.H @ (A @ x), A.T @ A @ x)


KEPT = {
    "J": lambda J: J,
    "J.H": lambda J: J.H,
    "J.T": lambda J: J.T,
    "2 * J": lambda J: 2 * J,
    "-J": lambda J: -J,
    "J + J": lambda J: J + J,
    "J.H @ J": lambda J: J.H @ J,
}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_stay_tensors(J, rng, name, dtype):
    Op = KEPT[name](J)
    for count, product in ((Op.shape[1], Op.matvec), (Op.shape[0], Op.rmatvec)):
        x = rng.standard_normal(count)
        made = product(torch.from_numpy(x).to(dtype))
        assert made.dtype == dtype
        equal(made, product(x), 1e-6)


@pytest.mark.parametrize("name", KEPT)
def test_tensors_elsewhere_are_refused_in_three_parts(J, name):
    Op = KEPT[name](J)
    for count, product in ((Op.shape[1], Op.matvec), (Op.shape[0], Op.rmatvec)):
        with pytest.raises(
            TypeError, match=r"must be where the Jacobian is \(cpu\), got .* Move x"
        ):
            product(torch.ones(count, device="meta"))


def test_what_pylops_does_with_tensors(J, D):
    """The reason for `pylops_vmb.operators.VStack`; fails when PyLops learns better."""
    x = torch.ones(CELLS, dtype=torch.float64)
    for Op in (pylops.VStack([J, J]), pylops.BlockDiag([J]), J @ D, J.apply_columns(range(CELLS))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert isinstance(Op.matvec(x), np.ndarray)
    with pytest.raises(TypeError, match="Cannot interpret 'torch"):
        pylops.cgls(J, torch.ones(J.shape[0]))
    with pytest.raises(TypeError, match="can't convert meta device type tensor to numpy"):
        pylops.VStack([D, D]).matvec(x.to("meta"))
