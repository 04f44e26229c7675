"""How many iterations a run needs to a misfit."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def first_below(curve: Mapping[str, Any], target: float) -> float:
    """Return the first iteration of a curve whose misfit is at most a target; infinite if none.

    Examples
    --------
    >>> curve = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.2]}
    >>> first_below(curve, 0.5), first_below(curve, 0.1)
    (2.0, inf)
    """
    reached = np.flatnonzero(np.asarray(curve["misfit"]) <= target)
    return float(np.asarray(curve["iteration"])[reached[0]]) if len(reached) else math.inf


def against(curve: Mapping[str, Any], reference: Mapping[str, Any]) -> float:
    """Return the iterations to where another run ended, over those of that run.

    Examples
    --------
    >>> linear = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.2]}
    >>> against({"iteration": [0, 2, 4], "misfit": [0.4, 0.2, 0.1]}, linear)
    0.5
    """
    return first_below(curve, float(reference["misfit"][-1])) / float(reference["iteration"][-1])


def gradients_against(curve: Mapping[str, Any], reference: Mapping[str, Any], total: int) -> float:
    """Return the same of gradients, of which that other run took a total.

    Examples
    --------
    >>> linear = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.2]}
    >>> curve = {"iteration": [0, 2, 4], "misfit": [0.4, 0.2, 0.1], "gradients": [9, 12, 15]}
    >>> gradients_against(curve, linear, 10)
    1.2
    """
    count = dict(zip(curve["iteration"], curve["gradients"], strict=True))
    return float(count.get(first_below(curve, float(reference["misfit"][-1])), math.inf)) / total
