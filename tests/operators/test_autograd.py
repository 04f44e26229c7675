"""The bridge into torch autograd: first and second derivatives, both modes, refusals."""

import numpy as np
import pylops
import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators import to_module
from pylops_vmb.operators.autograd import apply_linear, is_polyglot

# torch warns about its own torch.jit.script on the first use of forward mode
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")

S = pylops.FirstDerivative((3, 4), axis=0)


@pytest.fixture
def point(x) -> torch.Tensor:
    return torch.tensor(x, requires_grad=True)


def test_forward_and_backward(point, dx):
    y = to_module(S)(point)
    np.testing.assert_allclose(y.detach(), S @ point.detach().numpy())
    y.backward(torch.from_numpy(dx))
    np.testing.assert_allclose(point.grad, S.H @ dx)


@pytest.mark.parametrize("case", ["pylops", "jacobian", "nonlinear", "composite"])
def test_first_and_second_derivatives(case, F, x, point):
    layer = to_module(
        {"pylops": S, "jacobian": F.jacobian(x), "nonlinear": F, "composite": F @ S}[case]
    )

    def energy(v):
        return (layer(v) ** 2).sum()

    assert gradcheck(energy, (point,), check_forward_ad=case != "jacobian")
    assert gradgradcheck(energy, (point,))


def test_forward_mode(dx, x):
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.from_numpy(x), torch.from_numpy(dx))
        tangent = forward_ad.unpack_dual(to_module(S)(dual)).tangent
    np.testing.assert_allclose(tangent, S @ dx)


@pytest.mark.parametrize("case", ["pylops", "jacobian", "composite"])
def test_functional_forward_mode(case, F, x, dx):
    layer = to_module({"pylops": S, "jacobian": F.jacobian(x), "composite": F @ S}[case])
    dense = {
        "pylops": S.todense(),
        "jacobian": F.dense(x),
        "composite": F.dense(S @ x) @ S.todense(),
    }
    tangent = torch.func.jvp(layer, (torch.from_numpy(x),), (torch.from_numpy(dx),))[1]
    np.testing.assert_allclose(tangent.ravel(), dense[case] @ dx.ravel(), rtol=1e-12)


def test_flat_and_dims(x):
    layer = to_module(S)
    assert layer(torch.from_numpy(x)).shape == (3, 4)
    assert layer(torch.from_numpy(x.ravel())).shape == (12,)
    assert apply_linear(S, torch.from_numpy(x)).shape == (3, 4)
    assert apply_linear(S, torch.from_numpy(x.ravel())).shape == (12,)


def test_dtype_is_kept(x):
    point = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    y = to_module(S)(point)
    assert y.dtype == torch.float32
    y.sum().backward()
    assert point.grad.dtype == torch.float32


def test_the_dtype_of_the_vector_wins_over_that_of_the_operator():
    double = pylops.MatrixMult(np.eye(3), dtype="float64")
    for dtype in (torch.float32, torch.float64):
        assert apply_linear(double, torch.ones(3, dtype=dtype)).dtype == dtype


def test_the_output_never_shares_memory_with_the_input():
    given = torch.ones(4)
    made = to_module(pylops.Identity(4, dtype="float32"))(given)
    made += 1
    assert given.tolist() == [1.0] * 4


def test_inside_a_network(x):
    net = torch.nn.Sequential(torch.nn.Linear(4, 4).double(), to_module(S))
    net(torch.from_numpy(x)).square().sum().backward()
    assert float(net[0].weight.grad.norm()) > 0
    assert "FirstDerivative" in repr(net) or "<12x12" in repr(net)


def test_polyglot(F, x):
    J = F.jacobian(x)
    for Op in (J, J.H, 2 * J, J + J, J.H @ J):
        assert is_polyglot(Op)
    for Op in (S, J @ S, J**0 if J.shape[0] == J.shape[1] else S.H, pylops.VStack([J, S])):
        assert not is_polyglot(Op)


def test_a_nonlinear_operator_is_not_taken_for_linear(F, x, dy):
    point = torch.tensor(x, requires_grad=True)
    to_module(F)(point).backward(torch.from_numpy(dy))
    np.testing.assert_allclose(point.grad.ravel(), F.dense(x).T @ dy.ravel(), rtol=1e-12)


def test_complex_operators_are_refused():
    with pytest.raises(VMBTypeError, match=r"Op: must be real, got <4x4 Identity"):
        to_module(pylops.Identity(4, dtype="complex64"))
    with pytest.raises(VMBTypeError, match=r"Op: must be real, got <5x8 _FFT"):
        to_module(pylops.signalprocessing.FFT(8, real=True))


def test_other_things_are_refused():
    with pytest.raises(VMBTypeError, match="joins operators, got Tensor"):
        to_module(torch.eye(3))


def test_numpy_operators_refuse_other_devices():
    with pytest.raises(VMBTypeError, match=r"must be on the CPU, because .* computes with NumPy"):
        apply_linear(S, torch.ones(12, device="meta"))


@pytest.mark.cuda
def test_cuda(F, x):
    point = torch.tensor(x, device="cuda", requires_grad=True)
    J = F.jacobian(point)
    y = to_module(J)(point)
    assert y.is_cuda
    y.sum().backward()
    assert point.grad.is_cuda
    with pytest.raises(VMBTypeError, match=r"got a tensor on cuda:0\. Move x with x\.cpu"):
        to_module(S)(point)
