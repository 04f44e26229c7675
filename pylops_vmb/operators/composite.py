"""Compose operators, nonlinear and linear, from right to left."""

from functools import reduce
from typing import Any

from pylops_vmb._checks import refuse
from pylops_vmb.operators.nonlinear import Composite, NonlinearOperator, as_nonlinear


def compose(*operators: Any) -> NonlinearOperator:
    r"""Compose operators: ``compose(R, F, P)(x)`` is ``R(F(P(x)))``.

    Parameters
    ----------
    *operators : `NonlinearOperator` or :obj:`pylops.LinearOperator`
        Applied from right to left.  PyLops operators must be real.

    Returns
    -------
    F : `NonlinearOperator`
        Its Jacobian is the product of those of its factors, each at its own point.

    Raises
    ------
    VMBValueError
        If there are no operators, or if their sizes do not match.
    VMBTypeError
        If something else than an operator is among them.

    Notes
    -----
    ``F @ R`` does the same where the left operator is nonlinear.  ``R @ F`` with a
    PyLops operator on the left is refused by PyLops, hence this function.

    Examples
    --------
    >>> import numpy as np, pylops
    >>> from pylops_vmb.operators import NonlinearOperator, compose
    >>> class Square(NonlinearOperator):
    ...     def _apply(self, x):
    ...         return x**2
    >>> compose(pylops.Restriction(3, [0, 2]), Square(3, 3))(np.array([1.0, 2.0, 3.0]))
    array([1., 9.])
    """
    if not operators:
        refuse("compose", "needs at least one operator", got="none", do="Pass compose(R, F)")
    return reduce(Composite, [as_nonlinear(operator) for operator in operators])
