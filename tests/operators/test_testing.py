"""The shipped conformance test: passes good operators, names what a bad one breaks."""

import numpy as np
import pylops
import pytest
import torch

from pylops_vmb.operators import CheckError, NonlinearOperator, compose
from pylops_vmb.testing import check_nonlinear_operator


def test_good_operators_pass(F, net, x, dy):
    check_nonlinear_operator(F, x)
    check_nonlinear_operator(net, dy)
    check_nonlinear_operator(net @ F, x.ravel())
    check_nonlinear_operator(compose(pylops.Restriction(6, [0, 3]), F), x, devices=["cpu"])


class Honest(NonlinearOperator):
    def _apply(self, x):
        return torch.exp(x)


class Promoting(Honest):
    def __call__(self, x):
        return np.asarray(super().__call__(x)).astype(np.float64)


class Flattening(Honest):
    def linearize(self, x):
        y, J = super().linearize(x)
        return y.reshape(-1), J


class Sharing(Honest):
    def linearize(self, x):
        y, J = super().linearize(x)
        J._forward = lambda v: v * torch.from_numpy(np.asarray(x)).to(v).reshape(-1)
        return y, J


class Drifting(Honest):
    def linearize(self, x):
        y, J = super().linearize(x)
        return y + 1e-6, J


class Detaching(Honest):
    def __call__(self, x):
        y = super().__call__(x)
        return y.detach() if isinstance(y, torch.Tensor) else y


class Straight(Honest):
    def _apply(self, x):
        return x + (torch.exp(x) - x).detach()


class Bent(Honest):
    def _linearize(self, x):
        y, right = super()._linearize(x)

        class Linearization:
            jvp = staticmethod(lambda dx: 1.1 * right.jvp(dx))
            vjp = right.vjp

        return y, Linearization()


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Promoting, "promises Kind"),
        (Flattening, r"promises shape \(2, 3\)"),
        (Sharing, "after a change of x and y"),
        (Drifting, r"promises linearize\(x\)\[0\] to agree"),
        (Detaching, "promises a graph"),
        (Straight, "Taylor test"),
        (Bent, "Taylor test"),
    ],
)
def test_broken_promises_are_named(operator, message):
    with pytest.raises(CheckError, match=message):
        check_nonlinear_operator(operator((2, 3), (2, 3)), np.linspace(0.5, 1.0, 6))
