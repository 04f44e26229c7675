"""Argument checks: the one place where their messages are worded.

Every message has three parts: what is wrong, what was got, what to do.  A check
returns the clean value, so that callers validate and convert in one line.
"""

import math
import sys
import warnings
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from pylops_vmb.errors import VMBError, VMBTypeError, VMBValueError, VMBWarning

_INSIDE = (__name__.split(".")[0], "pylops.")
"""Packages whose lines tell a user nothing: this one, and PyLops, whose solvers call ours."""


def sentence(subject: str, wrong: str, got: object, do: str) -> str:
    """Word a message in three parts: what is wrong, what was got, what to do."""
    return f"{subject}: {wrong}, got {got}. {do.rstrip('.')}."


def refuse(
    subject: str,
    wrong: str,
    *,
    got: object,
    do: str,
    error: type[VMBError] = VMBValueError,
    cause: BaseException | None = None,
) -> NoReturn:
    """Raise ``error`` with a message in three parts."""
    raise error(sentence(subject, wrong, got, do)) from cause


def warn(subject: str, wrong: str, *, got: object, do: str, category: type[VMBWarning]) -> None:
    """Warn in three parts; the reported line is the first one outside this package and PyLops."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence(subject, wrong, got, do), category, stacklevel=level)


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> float:
    """Return ``value`` as a finite float within the bounds."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        refuse(name, "must be one number", got=repr(value), do="Pass a float", error=VMBTypeError)
    bounds = [
        (above is not None and not number > above, f"must be above {above}"),
        (at_least is not None and not number >= at_least, f"must be at least {at_least}"),
        (at_most is not None and not number <= at_most, f"must be at most {at_most}"),
        (not math.isfinite(number), "must be finite"),
    ]
    for broken, wrong in bounds:
        if broken:
            refuse(
                name,
                f"{wrong} {unit}".rstrip(),
                got=f"{number:g}",
                do=f"Choose another value{f' in {unit}' if unit else ''}",
            )
    return number


def check_integer(name: str, value: Any, *, at_least: int = 0) -> int:
    """Return ``value`` as an int that is at least ``at_least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        refuse(name, "must be an integer", got=repr(value), do="Pass an int", error=VMBTypeError)
    number = int(value)
    if number < at_least:
        refuse(name, f"must be at least {at_least}", got=number, do="Choose a larger value")
    return number


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Return ``value`` if it is one of ``choices``."""
    if value not in choices:
        options = ", ".join(repr(choice) for choice in choices)
        refuse(name, "is not a known choice", got=repr(value), do=f"Use one of {options}")
    return value


def check_pair(name: str, value: Any, *, of: str = "numbers") -> tuple[float, float]:
    """Return ``value`` as two floats (one number is taken twice)."""
    if np.ndim(value) == 0:
        value = (value, value)
    if len(value) != 2:
        refuse(name, f"must be two {of}", got=f"{len(value)}", do="Pass one for x and one for z")
    return check_number(name, value[0]), check_number(name, value[1])


def check_range(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> tuple[float, float]:
    """Return ``value`` as ``(least, largest)`` within the bounds (one number is taken twice)."""
    if np.ndim(value) == 0:
        value = (value, value)
    do = "Pass the least value first and the largest last, or one number"
    if len(value) != 2:
        refuse(name, "must be two numbers", got=repr(value), do=do)
    least, largest = (
        check_number(name, number, at_least=at_least, at_most=at_most, unit=unit)
        for number in value
    )
    if least > largest:
        refuse(name, "must not fall", got=(least, largest), do=do)
    return least, largest


def check_shape(
    name: str, shape: Iterable[int], expected: Sequence[int], *, axes: str, hint: str = ""
) -> tuple[int, ...]:
    """Return ``expected`` if ``shape`` equals it or is its flat form."""
    got, want = tuple(shape), tuple(expected)
    if got != want and got != (math.prod(want),):
        swapped = sorted(got) == sorted(want)
        do = hint or f"Pass {axes} = {want}, or a flat array of {math.prod(want)} values"
        if swapped:
            do = f"The axes seem to be swapped: transpose to {axes} = {want}"
        refuse(name, f"must have shape {axes} = {want}", got=got, do=do)
    return want


def _has_finite_sum(values: Any) -> bool:
    """Say whether all values are surely finite, from one pass that takes no memory.

    NaN and infinity survive every sum; that of finite values may overflow, which says nothing.
    """
    if hasattr(values, "isfinite"):
        return bool(values.detach().sum().isfinite())
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.sum(values)))


def check_finite(name: str, values: Any, *, do: str = "Mask or repair these values first") -> None:
    """Refuse an array or tensor that holds NaN or infinity."""
    if _has_finite_sum(values):
        return
    finite = values.isfinite() if hasattr(values, "isfinite") else np.isfinite(values)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        refuse(name, "must be finite", got=f"{bad} NaN or infinite values", do=do)
