"""Named sets of settings for the hybrid; keywords of a call override them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pylops_vmb._checks import check_choice

RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "openfwi": {
            "niter": (15, 15, 130),
            "misfit": ("l2", "l2", "agc"),
            "optimiser": "lbfgs",
            "tv": 0.01,
        },
    }
)
"""By name.

``"openfwi"``: predict, simulate, refine, as the winning entries of the 2025 competition on
OpenFWI data: quasi-Newton FWI with total variation from the prediction.  Least squares first,
in few iterations, because the low bands soon fit what modelling has wrong; then many more with
the gain that lets count what the depths reflect.
"""


def with_recipe(recipe: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe, overridden by those that are given.

    Parameters
    ----------
    recipe : :obj:`str` or None
        One of `RECIPES`; None adds nothing.
    settings : :obj:`dict`
        What is given.

    Returns
    -------
    settings : :obj:`dict`
        For `HybridSettings`.

    Raises
    ------
    VMBValueError
        If the name is unknown.

    Examples
    --------
    >>> with_recipe("openfwi", {"niter": 5})["niter"]
    5
    """
    if recipe is None:
        return dict(settings)
    return {**RECIPES[check_choice("recipe", recipe, tuple(RECIPES))], **settings}
