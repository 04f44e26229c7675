"""The contract: kinds, shapes, devices, one forward pass, refusals."""

import re

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBRuntimeError, VMBTypeError, VMBValueError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("flat", [False, True])
def test_numpy_in_numpy_out(F, x, dtype, flat):
    given = x.astype(dtype).reshape(-1 if flat else F.dims)
    y = F(given)
    assert isinstance(y, np.ndarray)
    assert y.dtype == dtype
    assert y.shape == ((6,) if flat else (2, 3))
    np.testing.assert_allclose(y.ravel(), np.exp(F.A @ x.ravel()), rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("flat", [False, True])
def test_torch_in_torch_out(F, x, dtype, flat):
    y = F(torch.from_numpy(x).to(dtype).reshape((-1,) if flat else F.dims))
    assert y.dtype == dtype
    assert y.shape == ((6,) if flat else (2, 3))
    np.testing.assert_allclose(y.double().ravel(), np.exp(F.A @ x.ravel()), rtol=0.05)


def test_half_precision_is_computed_in_float32(make):
    seen = []
    F = make(lambda x: seen.append(x.dtype) or 2 * x, 2, 2)
    F(torch.ones(2, dtype=torch.float16))
    assert seen == [torch.float32]


def test_integers_are_computed_in_float32(F):
    whole = np.arange(12).reshape(3, 4) % 3
    assert F(whole).dtype == np.float32
    np.testing.assert_allclose(F(whole), F(whole.astype(np.float32)))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.astype(">f8"),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        np.asfortranarray,
        lambda x: x.tolist(),
    ],
    ids=["big-endian", "strided", "reversed", "fortran", "list"],
)
def test_any_layout(F, x, view):
    np.testing.assert_allclose(F(view(x)), F(x), rtol=1e-14)


def test_read_only(F, x):
    expected = F(x)
    x.flags.writeable = False
    np.testing.assert_array_equal(F(x), expected)


def test_one_axis_is_dims_and_not_flat(make):
    F = make(lambda x: x.reshape(2, 3) ** 2, 6, (2, 3))
    assert F(np.ones(6)).shape == (2, 3)
    assert F.linearize(np.ones(6))[0].shape == (2, 3)


def test_numpy_gives_no_graph_and_tensors_do(F, x):
    assert not F(torch.from_numpy(x)).requires_grad
    assert F(torch.tensor(x, requires_grad=True)).requires_grad
    assert F(torch.tensor(x, dtype=torch.float16, requires_grad=True)).requires_grad


def test_gradient_through_the_call_is_the_adjoint(F, x, dy):
    point = torch.tensor(x, requires_grad=True)
    F(point).backward(torch.from_numpy(dy))
    np.testing.assert_allclose(point.grad, F.jacobian(x).H @ dy, rtol=1e-13)
    np.testing.assert_allclose(point.grad.ravel(), F.dense(x).T @ dy.ravel(), rtol=1e-12)


def test_second_derivative_through_the_call(F, x, dy):
    def weighted(point):
        return F(point) @ torch.from_numpy(dy.ravel())

    hessian = torch.autograd.functional.hessian(weighted, torch.from_numpy(x.ravel()))
    curvature = F.A.T @ np.diag(dy.ravel() * np.exp(F.A @ x.ravel())) @ F.A
    np.testing.assert_allclose(hessian, curvature, rtol=1e-12, atol=1e-14)


def test_linearize_uses_one_forward_pass(F, x, dy):
    y, J = F.linearize(x)
    first, second = J.H @ dy, J.H @ dy
    assert F.calls == 1
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(y, F(x))


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_jacobian_survives_changes_of_point_and_data(F, x, dx, dy, library):
    point = x.copy() if library == "numpy" else torch.tensor(x)
    y, J = F.linearize(point)
    forward, adjoint = J @ dx, J.H @ dy
    point[...] = 7.0
    y[...] = 7.0
    np.testing.assert_array_equal(J @ dx, forward)
    np.testing.assert_array_equal(J.H @ dy, adjoint)


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_linearize_under_guards(F, x, dx, dy, guard):
    with guard():
        _, J = F.linearize(torch.tensor(x))
        forward, adjoint = J @ torch.tensor(dx), J.H @ torch.tensor(dy)
    np.testing.assert_allclose(forward.ravel(), F.dense(x) @ dx.ravel(), rtol=1e-12)
    np.testing.assert_allclose(adjoint.ravel(), F.dense(x).T @ dy.ravel(), rtol=1e-12)


def test_index_assignment_is_differentiated(make, x, dx):
    def scatter(v):
        out = torch.zeros_like(v)
        out[1:] = v[:-1] ** 2
        return out

    J = make(scatter).jacobian(x)
    expected = np.zeros_like(x)
    expected[1:] = 2 * x[:-1] * dx[:-1]
    np.testing.assert_allclose(J @ dx, expected)


def test_repr_and_attributes(F):
    assert repr(F) == "<6x12 ExpMatrix with dtype=float32>"
    assert (F.dims, F.dimsd, F.shape) == ((3, 4), (2, 3), (6, 12))
    assert F.dtype == np.float32
    assert F.device == torch.device("cpu")


@pytest.mark.parametrize("left", [np.eye(6), 2.0, torch.eye(6)], ids=["array", "number", "tensor"])
def test_arrays_on_the_left_are_refused(F, left):
    with pytest.raises(VMBTypeError, match=r"joins operators, got .* call F\(x\)"):
        left @ F


def test_arrays_on_the_right_are_refused(F, x):
    with pytest.raises(VMBTypeError, match=r"@: joins operators, got ndarray.*call F\(x\)"):
        F @ x


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (np.ones((4, 3)), VMBValueError, "The axes seem to be swapped"),
        (np.ones(5), VMBValueError, r"x: must have shape dims = (3, 4), got (5,)"),
        (np.full((3, 4), np.nan), VMBValueError, "x: must be finite, got 12 NaN"),
        (np.ones((3, 4), complex), VMBTypeError, "x: must be real"),
        (torch.ones(3, 4, dtype=torch.complex64), VMBTypeError, "x: must be real"),
    ],
    ids=["swapped", "size", "nan", "complex", "complex tensor"],
)
def test_input_is_refused(F, given, error, message):
    for use in (F, F.linearize):
        with pytest.raises(error, match=re.escape(message)):
            use(given)


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ((), {}, "dims: must have at least one axis"),
        ((3, 0), {}, "dims: must be at least 1, got 0"),
        (3, {"dtype": "int32"}, "dtype: must be float32 or float64, got int32"),
        (3, {"dtype": "complex64"}, "dtype: must be float32 or float64, got complex64"),
        (3, {"device": "gpu"}, "device: is not known to torch, got 'gpu'"),
    ],
)
def test_construction_is_refused(make, dims, options, message):
    with pytest.raises(VMBValueError, match=message):
        make(lambda x: x, dims, 3, **options)


def test_a_missing_cuda_device_is_refused(make, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(VMBValueError, match=r"got cuda, and torch sees no CUDA.*device='cpu'"):
        make(lambda x: x, device="cuda")


def test_a_wrong_shape_from_a_subclass_is_refused(make, x):
    with pytest.raises(VMBRuntimeError, match=r"must return data of shape dimsd = \(3, 4\)"):
        make(lambda v: v[:2])(x)


def test_an_output_without_a_graph_is_refused(make, x):
    with pytest.raises(VMBRuntimeError, match="does not depend on the input"):
        make(lambda v: v.detach() ** 2).jacobian(x)


def test_missing_attributes_are_reported_as_usual(F):
    assert not hasattr(F, "ndim")
    with pytest.raises(AttributeError, match="'ExpMatrix' object has no attribute 'frequency'"):
        _ = F.frequency


@pytest.mark.cuda
def test_cuda_stays_on_cuda(F, x, dx, dy):
    point, dx, dy = (torch.from_numpy(values).cuda() for values in (x, dx, dy))
    y, J = F.linearize(point)
    for made in (F(point), y, J @ dx, J.H @ dy):
        assert made.is_cuda
    np.testing.assert_allclose(y.cpu(), F(x), rtol=1e-12)


@pytest.mark.cuda
def test_numpy_is_computed_on_the_device_of_the_operator(make, x):
    seen = []
    F = make(lambda v: seen.append(v.device.type) or v**2, device="cuda")
    y, J = F.linearize(x)
    assert isinstance(y, np.ndarray)
    assert isinstance(J @ x, np.ndarray)
    assert set(seen) == {"cuda"}


@pytest.mark.cuda
def test_cupy_in_cupy_out(F, x, dx):
    cupy = pytest.importorskip("cupy", reason="needs CuPy")
    y, J = F.linearize(cupy.asarray(x))
    assert isinstance(y, cupy.ndarray)
    assert isinstance(J @ cupy.asarray(dx), cupy.ndarray)
    np.testing.assert_allclose(y.get(), F(x), rtol=1e-12)
