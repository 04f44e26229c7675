"""The stack that keeps tensors: PyLops' numbers, its kinds, its derivatives, its refusals."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators import VStack, compose, dottest, to_module
from pylops_vmb.operators.autograd import is_polyglot

D = pylops.SecondDerivative((3, 4), axis=1)


@pytest.fixture
def J(F, x):
    return F.jacobian(x)


@pytest.fixture
def A(J):
    return VStack([J, 0.5 * D])


def test_numpy_is_that_of_pylops(A, J):
    own = pylops.VStack([J, 0.5 * D])
    assert isinstance(A, pylops.VStack)
    assert (A.dims, A.dimsd, A.dtype) == (own.dims, own.dimsd, own.dtype)
    np.testing.assert_array_equal(A.todense(), own.todense())
    np.testing.assert_array_equal(A.H.todense(), own.H.todense())
    assert dottest(A)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_stay_tensors(A, x, dtype, rng):
    dense = A.todense()
    for Op, matrix in ((A, dense), (A.H, dense.T), (A.T, dense.T), (A.H @ A, dense.T @ dense)):
        given = torch.from_numpy(rng.standard_normal(Op.shape[1])).to(dtype)
        for vector in (given, torch.stack([given, 2 * given], dim=1)):
            made = Op @ vector
            assert made.dtype == dtype
            np.testing.assert_allclose(
                made.reshape(-1, *vector.shape[1:]),
                matrix @ vector.double().numpy(),
                rtol=1e-4,
                atol=1e-4,
            )
    assert (A @ torch.from_numpy(x)).shape == (18,)


def test_the_output_never_shares_memory_with_the_input():
    given = torch.ones(4)
    made = VStack([pylops.Identity(4, dtype="float32")]) @ given
    made += 1
    assert given.tolist() == [1.0] * 4


def test_derivatives(A, x):
    point = torch.tensor(x, requires_grad=True)
    (to_module(A)(point) ** 2).sum().backward()
    np.testing.assert_allclose(point.grad.ravel(), (2 * A.H @ (A @ x)).ravel(), rtol=1e-10)
    assert is_polyglot(A)
    assert is_polyglot(A.H @ A)


def test_a_stack_of_one_lets_a_numpy_operator_take_tensors(F, J, x, dx):
    R = VStack([pylops.Restriction(6, [0, 3])])
    made = (R @ J) @ torch.from_numpy(dx.ravel())
    assert isinstance(made, torch.Tensor)
    np.testing.assert_allclose(made, (F.dense(x) @ dx.ravel())[[0, 3]], rtol=1e-12)
    np.testing.assert_allclose(compose(R, F)(x), F(x).ravel()[[0, 3]])


def test_other_devices_are_refused_by_the_operator_that_cannot(A):
    for vector, product in ((torch.ones(12, device="meta"), A.matvec),):
        with pytest.raises(VMBTypeError, match=r"must be where the Jacobian is \(cpu\)"):
            product(vector)
    with pytest.raises(
        VMBTypeError, match=r"x: must be on the CPU, because .*got a tensor on meta"
    ):
        VStack([D, D]).matvec(torch.ones(12, device="meta"))
    with pytest.raises(
        VMBTypeError, match=r"x: must be on the CPU, because .*got a tensor on meta"
    ):
        VStack([D, D]).rmatvec(torch.ones(24, device="meta"))


def test_complex_operators_are_refused():
    with pytest.raises(VMBTypeError, match="Op: must be real"):
        VStack([pylops.Identity(3, dtype="complex128")])


@pytest.mark.cuda
def test_cuda(F, x, J):
    point = torch.tensor(x, device="cuda")
    A = VStack([F.jacobian(point), 2 * F.jacobian(point)])
    assert (A.H @ (A @ point)).is_cuda
    with pytest.raises(VMBTypeError, match=r"got a tensor on cuda:0\. Move x with x\.cpu"):
        VStack([F.jacobian(point), D]) @ point
