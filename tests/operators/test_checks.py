"""The checks themselves: they pass what is right, and fail each wrong derivative."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.operators import CheckError, NonlinearOperator, dottest, taylortest

WRONG = {
    "zero": lambda g: 0 * g,
    "scaled by 10 %": lambda g: 1.1 * g,
    "shifted by a sample": lambda g: torch.roll(g, 1, dims=-1),
    "not finite": lambda g: g * float("nan"),
}


class Altered(NonlinearOperator):
    """``cumsum(x)**2`` along the last axis with an altered derivative."""

    def __init__(self, n=50, *, jvp=lambda g: g, vjp=lambda g: g) -> None:
        super().__init__((4, n), (4, n))
        self.alter = {"jvp": jvp, "vjp": vjp}

    def _apply(self, x):
        return torch.cumsum(x, -1) ** 2

    def _linearize(self, x):
        y, right = super()._linearize(x)

        class Linearization:
            jvp = staticmethod(lambda dx: self.alter["jvp"](right.jvp(dx)))
            vjp = staticmethod(lambda dy: self.alter["vjp"](right.vjp(dy)))

        return y, Linearization()


@pytest.fixture
def point(rng):
    return rng.standard_normal((4, 50))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_right_derivatives_pass(point, dtype, seed):
    F = Altered()
    result = dottest(F.jacobian(point.astype(dtype)), seed=seed)
    assert result.error < (1e-14 if dtype == np.float64 else 1e-6)
    taylor = taylortest(F, point.astype(dtype), seed=seed)
    assert taylor.slopes == pytest.approx([2.0] * len(taylor.slopes), abs=0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alter", WRONG.values(), ids=WRONG)
def test_wrong_adjoints_fail(point, alter, dtype):
    J = Altered(vjp=alter).jacobian(point.astype(dtype))
    with pytest.raises(CheckError, match=r"dot test of <200x200 Jacobian.*must agree to"):
        dottest(J)
    assert not dottest(J, raiseerror=False)


@pytest.mark.parametrize("alter", list(WRONG.values())[:3], ids=list(WRONG)[:3])
def test_wrong_adjoints_of_a_large_operator_fail(rng, alter):
    J = Altered(50_000, vjp=alter).jacobian(rng.standard_normal((4, 50_000)).astype(np.float32))
    assert dottest(J, raiseerror=False).error > 1e-3  # ten times the tolerance


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alter", WRONG.values(), ids=WRONG)
def test_wrong_derivatives_fail(point, alter, dtype):
    F = Altered(jvp=alter)
    with pytest.raises(CheckError, match="Taylor test of Altered: the remainder must be of order"):
        taylortest(F, point.astype(dtype))
    assert not taylortest(F, point.astype(dtype), raiseerror=False)


def test_wrong_forward_fails_the_dot_test(point):
    assert not dottest(Altered(jvp=WRONG["zero"]).jacobian(point), raiseerror=False)


def test_a_zero_operator_fails(point):
    J = Altered(jvp=WRONG["zero"], vjp=WRONG["zero"]).jacobian(point)
    assert dottest(J, raiseerror=False).error == np.inf


def test_linear_operators_pass_both(make, point):
    F = make(lambda v: 3 * v, (4, 50), (4, 50))
    result = taylortest(F, point)
    assert result
    assert result.slopes == ()
    assert dottest(pylops.FirstDerivative((4, 50), axis=1))


def test_steps_that_change_nothing_fail(point):
    assert not taylortest(Altered(), point, steps=[1e-18, 1e-19], raiseerror=False)


def test_a_wrong_derivative_fails_for_any_steps(point):
    F = Altered(jvp=WRONG["scaled by 10 %"])
    with pytest.raises(CheckError, match=r"got remainders from .* for a change by"):
        taylortest(F, point, steps=[1e-3, 1e-17])


def test_one_step_is_refused(point):
    with pytest.raises(VMBValueError, match="steps: must be at least two, got 1"):
        taylortest(Altered(), point, steps=[1e-3])


def test_complex_operators_are_refused():
    with pytest.raises(VMBTypeError, match="Op: must be real"):
        dottest(pylops.Identity(3, dtype="complex128"))


def test_a_given_direction_and_steps(point):
    result = taylortest(Altered(), point, dx=np.ones((4, 50)), steps=[1e-2, 1e-3])
    assert result.steps == (1e-2, 1e-3)
    assert result.slopes == pytest.approx([2.0])


def test_seeds_repeat(point):
    F = Altered()
    J = F.jacobian(point)
    assert dottest(J, seed=4) == dottest(J, seed=4)
    assert dottest(J, seed=4).forward != dottest(J, seed=5).forward
    assert taylortest(F, point, seed=4) == taylortest(F, point, seed=4)


def test_tolerance_can_be_given(point):
    J = Altered(vjp=WRONG["scaled by 10 %"]).jacobian(point)
    assert dottest(J, rtol=0.2)
    with pytest.raises(AssertionError):
        dottest(J, rtol=0.01)
