"""Composition: the chain rule in every order, with PyLops operators on either side."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.operators import NonlinearOperator, compose, dottest, taylortest

R = pylops.Restriction(6, [0, 3])
S = pylops.FirstDerivative((3, 4), axis=0)


def test_two_nonlinear_operators(F, net, x):
    G = net @ F
    assert repr(G) == "<4x12 Perceptron @ ExpMatrix with dtype=float32>"
    np.testing.assert_allclose(G(x), net(F(x)), rtol=1e-12)
    chain = net.jacobian(F(x)).todense() @ F.dense(x)
    np.testing.assert_allclose(G.jacobian(x).todense(), chain, rtol=1e-12)


def test_pylops_on_both_sides(F, x):
    G = compose(R, F, S)
    smooth = S @ x
    np.testing.assert_allclose(G(x), F(smooth).ravel()[[0, 3]], rtol=1e-12)
    chain = F.dense(smooth)[[0, 3]] @ S.todense()
    np.testing.assert_allclose(G.jacobian(x).todense(), chain, rtol=1e-12, atol=1e-15)
    assert taylortest(G, x)
    assert dottest(G.jacobian(x))


def test_pylops_on_the_right(F, x):
    np.testing.assert_allclose((F @ S)(x), F(S @ x), rtol=1e-12)
    np.testing.assert_allclose(compose(F, S)(x), (F @ S)(x))


def test_the_order_matters(make, x):
    square, D = make(lambda v: v**2), pylops.FirstDerivative((3, 4), axis=1)
    np.testing.assert_allclose(compose(D, square)(x), D @ x**2)
    np.testing.assert_allclose(compose(square, D)(x), (D @ x) ** 2)


def test_gradient_through_a_composite(F, x):
    point = torch.tensor(x, requires_grad=True)
    G = compose(R, F, S)
    G(point).backward(torch.ones(2, dtype=torch.float64))
    np.testing.assert_allclose(point.grad, G.jacobian(x).H @ np.ones(2), rtol=1e-12)


def test_own_linearizations_are_used(make, x):
    class Wrong:
        def jvp(self, dx):
            return 5 * dx

        vjp = jvp

    class Custom(NonlinearOperator):
        def _apply(self, v):
            return 2 * v

        def _linearize(self, v):
            return self._apply(v), Wrong()

    J = compose(make(lambda v: v**2), Custom((3, 4), (3, 4))).jacobian(x)
    np.testing.assert_allclose(J @ np.ones((3, 4)), 5 * 2 * (2 * x))


def test_one_forward_pass_a_factor(F, x):
    y, J = compose(R, F).linearize(x)
    J.H @ y
    J.H @ y
    assert F.calls == 1


def test_a_jacobian_as_a_factor(F, x):
    G = compose(F.jacobian(x).H, F)
    np.testing.assert_allclose(G(x).ravel(), F.dense(x).T @ F(x).ravel(), rtol=1e-12)
    assert taylortest(G, x)


def test_kinds_pass_through(F, x):
    G = compose(R, F)
    assert G(torch.from_numpy(x).float()).dtype == torch.float32
    assert G(x.astype(np.float32)).dtype == np.float32
    assert G(x.ravel()).shape == (2,)


def test_each_factor_checks_its_input(F, make, x):
    F._check = lambda _: None
    log = make(torch.log, (2, 3), (2, 3))
    negative = make(lambda v: -v, (2, 3), (2, 3))
    with pytest.raises(VMBValueError, match="x: must be finite"):
        compose(log, log, negative, F)(x)


def test_pylops_at_sign_is_refused_with_a_remedy(F):
    for Op in (R, pylops.Identity(6), pylops.SecondDerivative((2, 3))):
        with pytest.raises(AttributeError, match=r"R @ F: PyLops .*Call compose\(R, F\)"):
            Op @ F


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ((), VMBValueError, "needs at least one operator"),
        ((pylops.Identity(5),), VMBValueError, r"takes 5 values \(5,\), got 6 values \(2, 3\)"),
        ((np.eye(6),), VMBTypeError, "joins operators, got ndarray"),
        ((pylops.Identity(6, dtype="complex128"),), VMBTypeError, "Op: must be real"),
    ],
    ids=["none", "sizes", "array", "complex"],
)
def test_refusals(F, parts, error, message):
    with pytest.raises(error, match=message):
        compose(*parts, *([F] if parts else []))
