"""Argument checks of the generators: grid sizes and ranges."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.errors import VMBTypeError


def check_dims(dims: Any) -> tuple[int, int]:
    """Return ``dims`` as two integers of at least 8 cells."""
    if not isinstance(dims, Sequence) or len(dims) != 2:
        do = "Pass (nx, nz)"
        refuse("dims", "must be two integers", got=repr(dims), do=do, error=VMBTypeError)
    return check_integer("nx", dims[0], at_least=8), check_integer("nz", dims[1], at_least=8)


def check_numbers(name: str, values: Any, count: int) -> tuple[float, ...]:
    """Return ``values`` as ``count`` finite floats that never fall."""
    do = "Pass the least value first, the largest last"
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        refuse(name, f"must be {count} numbers", got=repr(values), do=do, error=VMBTypeError)
    numbers = tuple(check_number(name, value) for value in values)
    if any(after < before for before, after in pairwise(numbers)):
        refuse(name, "must not fall", got=numbers, do=do)
    return numbers


def check_range(
    name: str,
    values: Any,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> tuple[float, float]:
    """Return ``values`` as ``(least, most)`` within the bounds."""
    least, most = check_numbers(name, values, 2)
    check_number(name, least, at_least=at_least, unit=unit)
    check_number(name, most, at_most=at_most, unit=unit)
    return least, most


def check_counts(name: str, values: Any, *, at_least: int = 1) -> tuple[int, int]:
    """Return ``values`` as two integers ``(least, most)``."""
    check_numbers(name, values, 2)
    least, most = (check_integer(name, value, at_least=at_least) for value in values)
    return least, most


def check_share(name: str, value: Any) -> float:
    """Return ``value`` as a share of the models, 0 to 1."""
    return check_number(name, value, at_least=0.0, at_most=1.0)
