"""Recipes of OpenFWI's families: from a folder of its data, or from models drawn anew."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pylops_vmb.learned import Preprocessing
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.datasets import Simulation
from pylops_vmb.training.recipes.recipe import Recipe
from pylops_vmb.training.recipes.sources import OpenFWIFolder, Simulated, Source
from pylops_vmb.training.recipes.stage import Stage
from pylops_vmb.training.settings import TrainingConfig
from pylops_vmb.velocity import OPENFWI_FAMILIES, openfwi_family

_SPLITS = {"vel": (24_000, 6_000), "fault": (48_000, 6_000), "style": (60_000, 7_000)}
"""Samples to train on and to measure on, as OpenFWI splits its families."""
_SCALED = Preprocessing(step=5, decimation="antialias", scale="rms", gain=0.02)
_CONFIG = TrainingConfig(epochs=60, batch=64, lr=2e-3, precision="bfloat16")


def openfwi(family: str, data: Path | None = None) -> Recipe:
    """Return the recipe of one family.

    Parameters
    ----------
    family : :obj:`str`
        One of `pylops_vmb.velocity.OPENFWI_FAMILIES`, such as "flatvel_a".
    data : path-like, optional
        The folder of the family's files; by default models are drawn from `openfwi_family`
        and simulated.
    """
    count, validation = next(split for kind, split in _SPLITS.items() if kind in family)
    source = _drawn(family) if data is None else OpenFWIFolder(str(data), _SCALED)
    return Recipe(
        name=_name(family),
        stages=(Stage("training", source, count, validation, _CONFIG),),
        network="fcnvmb-repaired",
        settings={"width": 32},
        limits=(
            f"Trained on one family of models ({family}): others are far outside of it.",
            "Noise-free, acoustic data of this survey and wavelet only.",
            "A starting model for an inversion, not an inversion: compare data misfits.",
        ),
    )


def _drawn(family: str) -> Source:
    grid = Grid.openfwi()
    models = openfwi_family(family, grid.dims)
    return Simulated(Simulation(models, Acquisition.openfwi(), grid.spacing, _SCALED))


def _name(family: str) -> str:
    return f"openfwi-{family.replace('_', '-')}"


OPENFWI: dict[str, Callable[..., Recipe]] = {
    _name(family): partial(openfwi, family) for family in OPENFWI_FAMILIES
}
"""Makers of the recipes by name."""
