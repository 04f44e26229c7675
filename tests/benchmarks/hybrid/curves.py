"""What a run has reached by when: iterations and gradients to a level, errors at a cost."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Curve = Mapping[str, Any]
"""Columns by name: ``iteration``, ``misfit``, ``mae`` (m/s) and ``gradients``."""


def first_below(curve: Curve, target: float, *, of: str = "misfit", by: str = "iteration") -> float:
    """Return where a curve is first at or below a target; infinite if nowhere.

    Examples
    --------
    >>> curve = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.2], "gradients": [8, 11, 14]}
    >>> first_below(curve, 0.5), first_below(curve, 0.5, by="gradients"), first_below(curve, 0.1)
    (2.0, 11.0, inf)
    """
    reached = np.flatnonzero(np.asarray(curve[of]) <= target)
    return float(np.asarray(curve[by])[reached[0]]) if len(reached) else math.inf


def compare(curve: Curve, reference: Curve, gradients: float) -> dict[str, float]:
    """Compare a run with another one that took so many gradients.

    Returns
    -------
    found : :obj:`dict`
        Where it has the last misfit, and the last error, of the other run, over all
        iterations of that run; if gradients were counted along the curve, the same of the
        misfit by gradients, and the error in m/s when as many gradients were spent.

    Examples
    --------
    >>> linear = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.2], "mae": [300, 250, 200]}
    >>> curve = {"iteration": [0, 2, 4], "misfit": [0.4, 0.2, 0.1], "mae": [200, 150, 100]}
    >>> found = compare(curve | {"gradients": [9, 12, 15]}, linear, 14)
    >>> found["misfit_iterations"], found["mae_iterations"], found["mae_equal_gradients"]
    (0.5, 0.0, 150.0)
    """
    misfit, mae, last = (reference[key][-1] for key in ("misfit", "mae", "iteration"))
    found = {
        "misfit_iterations": first_below(curve, misfit) / last,
        "mae_iterations": first_below(curve, mae, of="mae") / last,
    }
    if "gradients" in curve:
        found["misfit_gradients"] = first_below(curve, misfit, by="gradients") / gradients
        spent = np.searchsorted(np.asarray(curve["gradients"]), gradients, side="right")
        found["mae_equal_gradients"] = float(curve["mae"][max(int(spent) - 1, 0)])
    return {key: float(value) for key, value in found.items()}
