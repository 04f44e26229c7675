"""The Jacobian as a PyLops operator: products, algebra, stacks and solvers."""

import subprocess
import sys

import numpy as np
import pylops
import pytest
import torch
from pylops.optimization.basic import cgls
from scipy.sparse.linalg import lsqr

from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators import Jacobian, dottest


@pytest.fixture
def J(F, x):
    return F.jacobian(x)


def test_is_a_pylops_operator(J):
    assert isinstance(J, pylops.LinearOperator)
    assert repr(J) == "<6x12 Jacobian with dtype=float64>"
    assert (J.dims, J.dimsd, J.name) == ((3, 4), (2, 3), "ExpMatrix")


def test_dtype_is_that_of_the_point(F, x):
    assert F.jacobian(x.astype(np.float32)).dtype == np.float32
    assert F.jacobian(torch.from_numpy(x).half()).dtype == np.float32
    assert F.jacobian(x).dtype == np.float64


def test_todense_equals_paper_and_jacrev(F, J, x):
    reverse = torch.func.jacrev(F._apply)(torch.from_numpy(x)).reshape(6, 12)
    for dense in (J.todense(), J.H.todense().T, J.T.todense().T):
        np.testing.assert_allclose(dense, F.dense(x), rtol=1e-12)
        np.testing.assert_allclose(dense, reverse, rtol=1e-12)


def test_todense_of_a_tall_one(make, x):
    J = make(lambda v: torch.cat([v, v**2]), (3, 4), (6, 4)).jacobian(x)
    expected = np.vstack([np.eye(12), np.diag(2 * x.ravel())])
    np.testing.assert_allclose(J.todense(), expected)


@pytest.mark.parametrize("make_vector", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_come_back_as_given(F, J, x, dx, dy, make_vector, dtype):
    dx, dy = make_vector(dx.astype(dtype)), make_vector(dy.astype(dtype))
    expected = F.dense(x) @ np.asarray(dx, np.float64).ravel()
    for made, shape in [
        (J @ dx, (2, 3)),
        (J @ dx.reshape(-1), (6,)),
        (J.matvec(dx.reshape(-1)), (6,)),
        (J.H @ dy, (3, 4)),
        (J.H @ dy.reshape(-1), (12,)),
        (J.T @ dy, (3, 4)),
        (J.rmatvec(dy.reshape(-1)), (12,)),
        ((2.0 * J) @ dx, (2, 3)),
        ((J + J) @ dx, (2, 3)),
        ((J.H @ J) @ dx, (3, 4)),
    ]:
        assert type(made) is type(dx)
        assert made.dtype == dx.dtype
        assert tuple(made.shape) == shape
    np.testing.assert_allclose(np.asarray(J @ dx).ravel(), expected, rtol=1e-5, atol=1e-6)


def test_matrices(F, J, x, rng):
    X, Y = rng.standard_normal((12, 2)), rng.standard_normal((6, 2))
    for library in (np.asarray, torch.from_numpy):
        forward, adjoint = J @ library(X), J.H @ library(Y)
        assert type(forward) is type(adjoint) is type(library(X))
        np.testing.assert_allclose(forward, F.dense(x) @ X, rtol=1e-12)
        np.testing.assert_allclose(adjoint, F.dense(x).T @ Y, rtol=1e-12)


def test_half_and_integer_vectors(J, dx):
    assert (J @ torch.from_numpy(dx).half()).dtype == torch.float16
    assert (J @ np.ones((3, 4), int)).dtype == np.float64


def test_the_first_product_of_a_process_warns_of_nothing():
    script = (
        "import numpy as np; from pylops_vmb.operators import NonlinearOperator as N;"
        "S = type('S', (N,), {'_apply': lambda self, x: x**2});"
        "assert (S(2, 2).jacobian(np.ones(2)) @ np.ones(2)).tolist() == [2, 2]"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:torch.jit._script", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_pylops_dottest(J):
    assert pylops.utils.dottest(J, rtol=1e-10, atol=1e-12)


def test_network_jacobian(net, dy):
    J = net.jacobian(dy)
    reverse = torch.func.jacrev(net._apply)(torch.from_numpy(dy)).reshape(4, 6)
    np.testing.assert_allclose(J.todense(), reverse.detach(), rtol=1e-12)
    assert not (J @ torch.from_numpy(dy)).requires_grad


def test_cgls_and_lsqr(F, J, x, dx):
    data, dense = J @ dx, F.dense(x)
    expected = np.linalg.lstsq(dense, data.ravel(), rcond=None)[0]
    np.testing.assert_allclose(cgls(J, data, niter=60, tol=0)[0].ravel(), expected, atol=1e-8)
    np.testing.assert_allclose(lsqr(J, data.ravel(), atol=0, btol=0)[0], expected, atol=1e-8)
    np.testing.assert_allclose(J / data.ravel(), expected, atol=1e-6)


def test_eigs(F, J, x):
    singular = np.linalg.svd(F.dense(x), compute_uv=False)
    largest = (J @ J.H).eigs(neigs=2, symmetric=True)
    np.testing.assert_allclose(np.sort(largest)[::-1], singular[:2] ** 2, rtol=1e-8)


def test_inside_stacks(F, J, x, dx, rng):
    D = pylops.SecondDerivative((3, 4), axis=1)
    L = pylops.Laplacian((3, 4), axes=(0, 1))
    R = pylops.Restriction(6, [0, 3])
    parts = np.vstack([F.dense(x), D.todense(), L.todense()])
    np.testing.assert_allclose(pylops.VStack([J, D, L]).todense(), parts, atol=1e-12)
    block = pylops.BlockDiag([J, D])
    assert block.shape == (18, 24)
    np.testing.assert_allclose((block @ np.tile(dx.ravel(), 2))[:6], F.dense(x) @ dx.ravel())
    np.testing.assert_allclose((R @ J).todense(), F.dense(x)[[0, 3]], rtol=1e-12)
    for Op in (pylops.VStack([J, D, L]), block, R @ J):
        assert dottest(Op)


def test_regularized_solution(F, J, x, dx):
    D = pylops.SecondDerivative((3, 4), axis=1)
    data = np.concatenate([(J @ dx).ravel(), np.zeros(12)])
    stacked = np.vstack([F.dense(x), D.todense()])
    expected = np.linalg.lstsq(stacked, data, rcond=None)[0]
    solution = cgls(pylops.VStack([J, D]), data, x0=np.zeros(12), niter=200, tol=0)[0]
    np.testing.assert_allclose(stacked @ solution, stacked @ expected, atol=1e-8)


def test_products_are_differentiable(F, J, x, dx, dy):
    vector = torch.tensor(dx, requires_grad=True)
    (J @ vector).backward(torch.from_numpy(dy))
    np.testing.assert_allclose(vector.grad.ravel(), F.dense(x).T @ dy.ravel(), rtol=1e-12)


def test_complex_vectors_are_refused(J):
    with pytest.raises(VMBTypeError, match=r"x: must be real .*, got dtype complex128"):
        J @ np.ones(12, complex)
    with pytest.raises(VMBTypeError, match=r"x: must be real, got torch\.complex128"):
        J.H @ torch.ones(6, dtype=torch.complex128)


def test_another_linearization():
    class Double:
        def jvp(self, dx):
            return 2 * dx

        def vjp(self, dy):
            return 2 * dy

    J = Jacobian(Double(), dims=(2, 2), dimsd=(2, 2), point=torch.zeros(2, 2))
    np.testing.assert_array_equal(J @ np.ones((2, 2)), 2 * np.ones((2, 2)))


@pytest.mark.cuda
def test_devices_do_not_mix_silently(F, J, x, dx):
    with pytest.raises(VMBTypeError, match=r"must be where the Jacobian is \(cpu\)"):
        J @ torch.from_numpy(dx).cuda()
    on_cuda = F.jacobian(torch.from_numpy(x).cuda())
    assert isinstance(on_cuda @ dx, np.ndarray)
    assert ((2.0 * on_cuda) @ torch.from_numpy(dx).cuda()).is_cuda
