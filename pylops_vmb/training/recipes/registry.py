"""Recipes by name, with some of their entries changed."""

import inspect
import os
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pylops_vmb._checks import check_choice, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.training.recipes.fcnvmb import (
    fcnvmb_mini,
    fcnvmb_mini_full,
    fcnvmb_mini_lowcut,
    fcnvmb_mini_robust,
    fcnvmb_paper,
    fcnvmb_paper_repaired,
)
from pylops_vmb.training.recipes.openfwi import OPENFWI
from pylops_vmb.training.recipes.recipe import Recipe
from pylops_vmb.training.recipes.stage import Stage
from pylops_vmb.training.recipes.tiny import tiny, tiny_salt
from pylops_vmb.training.settings import TrainingConfig

_RECIPES: dict[str, Callable[..., Recipe]] = {
    "fcnvmb-mini": fcnvmb_mini,
    "fcnvmb-mini-full": fcnvmb_mini_full,
    "fcnvmb-mini-lowcut": fcnvmb_mini_lowcut,
    "fcnvmb-mini-robust": fcnvmb_mini_robust,
    "fcnvmb-paper": fcnvmb_paper,
    "fcnvmb-paper-repaired": fcnvmb_paper_repaired,
    **OPENFWI,
    "tiny": tiny,
    "tiny-salt": tiny_salt,
}
_OF_RECIPE = ("network", "settings", "stored")
_OF_STAGE = ("count", "validation", "freeze")


def available() -> tuple[str, ...]:
    """Return the names of the recipes.

    Examples
    --------
    >>> from pylops_vmb.training import recipes
    >>> "fcnvmb-paper" in recipes.available()
    True
    """
    return tuple(_RECIPES)


def recipe(name: str, *, data: str | os.PathLike[str] | None = None, **changes: Any) -> Recipe:
    """Return a recipe by name, with some of its entries changed.

    Parameters
    ----------
    name : :obj:`str`
        One of `available`.
    data : path-like, optional
        Data in the place of generated ones: for ``openfwi-*`` the folder of the family, for
        ``fcnvmb-paper*`` a NumPy file of velocity models.
    **changes
        ``network``, ``settings``, ``stored`` of the recipe; ``count``, ``validation``,
        ``freeze`` and all entries of `TrainingConfig` for every stage, or for one of them
        with its name in front: ``epochs=2``, ``**{"salt.count": 20}``.

    Returns
    -------
    recipe : `Recipe`

    Raises
    ------
    VMBValueError
        If the name or an entry is unknown, or the recipe takes no data.
    VMBFileError
        If the data are missing.

    Examples
    --------
    >>> from pylops_vmb.training import recipe
    >>> recipe("fcnvmb-mini", epochs=5).stages[0].config.epochs
    5
    """
    make = _RECIPES[check_choice("recipe", name, _RECIPES)]
    found = make() if data is None else _with_data(name, make, Path(data))
    own = {key: changes.pop(key) for key in _OF_RECIPE if key in changes}
    _check_known(found, changes)
    stages = tuple(_changed(stage, changes) for stage in found.stages)
    return replace(found, stages=stages, **own)


def _with_data(name: str, make: Callable[..., Recipe], data: Path) -> Recipe:
    if "data" not in inspect.signature(make).parameters:
        refuse(name, "is made of generated models only", got=f"data={data}", do="Leave data out")
    if not data.exists():
        do = "Check the path"
        refuse(str(data), "cannot be read", got="nothing", do=do, error=VMBFileError)
    return make(data=data)


def _check_known(found: Recipe, changes: Iterable[str]) -> None:
    entries = [*_OF_STAGE, *(entry.name for entry in fields(TrainingConfig))]
    names = [stage.name for stage in found.stages]
    known = {*entries, *(f"{name}.{entry}" for name in names for entry in entries)}
    if unknown := sorted(set(changes) - known):
        refuse(
            found.name,
            "has no such entries",
            got=unknown,
            do=f"Use some of {', '.join((*_OF_RECIPE, *entries))}; for one stage put its name in "
            f"front ({', '.join(f'{name}.epochs' for name in names)})",
        )


def _changed(stage: Stage, changes: dict[str, Any]) -> Stage:
    prefix = f"{stage.name}."
    mine = {key: value for key, value in changes.items() if "." not in key}
    mine |= {k.removeprefix(prefix): v for k, v in changes.items() if k.startswith(prefix)}
    own = {key: mine.pop(key) for key in _OF_STAGE if key in mine}
    if isinstance(own.get("freeze"), str):
        own["freeze"] = (own["freeze"],)
    return replace(stage, config=replace(stage.config, **mine), **own)
