"""The tensor-native conjugate gradients: against PyLops', against dense algebra, refusals."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.operators import VStack, cgls

LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}


@pytest.fixture
def J(F, x):
    return F.jacobian(x)


def damped(A: np.ndarray, y: np.ndarray, damp: float) -> np.ndarray:
    """Return the solution by dense algebra."""
    return np.linalg.solve(A.T @ A + damp**2 * np.eye(A.shape[1]), A.T @ y)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("start", "damp"), [(False, 0.0), (False, 0.3), (True, 0.0), (True, 1.0)])
def test_iterates_are_those_of_pylops(J, x, dy, library, start, damp):
    y, x0 = dy.ravel(), x.ravel() if start else None
    make = LIBRARIES[library]
    for niter in (1, 4):
        expected = pylops.cgls(J, y, x0=x0, niter=niter, damp=damp, tol=0)
        given = None if x0 is None else make(x0)
        got, count, cost = cgls(J, make(y), given, niter=niter, damp=damp, tol=0)
        assert type(got) is type(make(y))
        np.testing.assert_allclose(got, expected[0].ravel(), rtol=1e-7)
        np.testing.assert_allclose(cost, expected[5], rtol=1e-7)
        assert count == expected[2] == niter


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("damp", [0.3, 3.0])
def test_a_damped_problem_from_any_start(F, J, x, dy, library, damp):
    make = LIBRARIES[library]
    got = cgls(J, make(dy), make(x), niter=40, damp=damp, tol=1e-14)[0]
    assert got.shape == (3, 4)
    np.testing.assert_allclose(got.ravel(), damped(F.dense(x), dy.ravel(), damp), rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_on_a_stack(F, J, x, dy, dtype):
    D = 0.5 * pylops.SecondDerivative((3, 4), axis=1)
    y = torch.cat([torch.from_numpy(dy.ravel()), torch.zeros(12)]).to(dtype)
    got, count, _ = cgls(
        VStack([J, D, pylops.Identity(12)]), torch.cat([y, y[-12:]]), niter=30, tol=1e-7
    )
    A = np.vstack([F.dense(x), D.todense(), np.eye(12)])
    expected = np.linalg.lstsq(A, np.r_[dy.ravel(), np.zeros(24)], rcond=None)[0]
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, atol=1e-4 if dtype == torch.float32 else 1e-6)
    assert count < 30


def test_flat_stays_flat_and_dims_stay_dims(J, dy):
    assert cgls(J, dy)[0].shape == (3, 4)
    assert cgls(J, torch.from_numpy(dy.ravel()))[0].shape == (12,)


def test_the_tolerance_has_no_unit(J, dy):
    big, small = (cgls(scale * J, scale * dy, tol=1e-3) for scale in (1e6, 1e-6))
    assert big[1] == small[1] < 10
    np.testing.assert_allclose(big[0], small[0], rtol=1e-8)


def test_squares_of_small_numbers_do_not_vanish(J, dy):
    tiny = cgls(J, (1e-25 * dy).astype(np.float32), niter=5, tol=0)
    assert tiny[1] == 5
    usual = cgls(J, dy.astype(np.float32), niter=5, tol=0)
    np.testing.assert_allclose(1e25 * tiny[0], usual[0], rtol=1e-2)


def test_nothing_to_do(J, x):
    got, count, cost = cgls(J, np.zeros((2, 3)))
    assert (count, cost.tolist(), float(abs(got).max())) == (0, [0.0], 0.0)
    start = torch.from_numpy(x)
    same, count, _ = cgls(J, torch.zeros(2, 3), start, niter=0)
    assert count == 0
    assert same.data_ptr() != start.data_ptr()
    torch.testing.assert_close(same, start)


def test_arguments_are_left_alone_and_no_graph_comes_out(J, x, dy):
    y, x0 = torch.tensor(dy, requires_grad=True), torch.tensor(x, requires_grad=True)
    assert not cgls(J, y, x0)[0].requires_grad
    np.testing.assert_array_equal(y.detach(), dy)
    np.testing.assert_array_equal(x0.detach(), x)


def test_division(J, dy):
    flat = dy.ravel()
    got = J / torch.from_numpy(flat)
    assert isinstance(got, torch.Tensor)
    np.testing.assert_allclose(got, J / flat, atol=1e-6)
    two = cgls(J, flat, niter=2)[0]
    np.testing.assert_allclose(J.div(torch.from_numpy(flat), niter=2), two, rtol=1e-12)


def test_a_wrong_adjoint_is_refused(J, dy):
    class Wrong(pylops.LinearOperator):
        def _matvec(self, x):
            return 0 * x[:6]

        def _rmatvec(self, y):
            return np.r_[y, y]

    Op = Wrong(dtype="float64", dims=(12,), dimsd=(6,))
    with pytest.raises(VMBValueError, match=r"cgls: <6x12 Wrong .*Check the adjoint with dottest"):
        cgls(Op, dy.ravel())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("broken", ["forward", "adjoint"])
def test_values_that_are_not_finite_are_refused(library, calls, broken):
    class Breaking(pylops.LinearOperator):
        """Gives NaN in the second or the first call of one of its sides."""

        count = 0

        def _matvec(self, x):
            return self._maybe(x, "forward")

        def _rmatvec(self, y):
            return self._maybe(y, "adjoint")

        def _maybe(self, v, side):
            self.count += side == broken
            return np.array([1.0, 2.0]) * v * (np.nan if self.count == calls else 1.0)

    y = np.array([1.0, -2.0])
    Op = VStack([Breaking(dtype="float64", dims=(2,), dimsd=(2,))])
    with pytest.raises(VMBValueError, match=r"cgls: .*must give finite values, got NaN.*Check Op"):
        cgls(Op, LIBRARIES[library](y), tol=0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.ones((3, 2))}, "y: must have shape dimsd = .*axes seem to be swapped"),
        ({"y": np.full((2, 3), np.nan)}, "y: must be finite"),
        ({"x0": np.full(12, np.inf)}, "x0: must be finite"),
        ({"x0": np.ones(5)}, "x0: must have shape dims"),
        ({"niter": -1}, "niter: must be at least 0"),
        ({"damp": -1.0}, "damp: must be at least 0"),
        ({"tol": np.nan}, "tol: "),
    ],
)
def test_refusals(J, dy, changes, message):
    with pytest.raises(VMBValueError, match=message):
        cgls(J, **({"y": dy} | changes))


def test_operators_that_know_only_numpy_need_a_stack(dy):
    D = pylops.FirstDerivative(6)
    with pytest.raises(VMBTypeError, match="computes with NumPy"):
        VStack([D]).matvec(torch.ones(6, device="meta"))
    y = torch.from_numpy(dy.ravel())
    np.testing.assert_allclose(cgls(VStack([D]), y)[0], cgls(D, dy.ravel())[0], rtol=1e-12)
