"""Nonlinear operators, their Jacobians, composition, and the bridge into torch autograd."""

from pylops_vmb.operators.checks import CheckError, DotResult, TaylorResult, dottest, taylortest
from pylops_vmb.operators.composite import compose
from pylops_vmb.operators.jacobian import Jacobian
from pylops_vmb.operators.linearization import Linearization
from pylops_vmb.operators.module import to_module
from pylops_vmb.operators.nonlinear import NonlinearOperator
from pylops_vmb.operators.solvers import cgls
from pylops_vmb.operators.stack import VStack

__all__ = [
    "CheckError",
    "DotResult",
    "Jacobian",
    "Linearization",
    "NonlinearOperator",
    "TaylorResult",
    "VStack",
    "cgls",
    "compose",
    "dottest",
    "taylortest",
    "to_module",
]
