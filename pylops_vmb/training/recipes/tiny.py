"""A recipe that runs in seconds: for tests, and to try the machinery."""

from pylops_vmb.learned import Preprocessing
from pylops_vmb.survey import Acquisition
from pylops_vmb.training.datasets import Simulation
from pylops_vmb.training.recipes.recipe import Recipe
from pylops_vmb.training.recipes.sources import Simulated
from pylops_vmb.training.recipes.stage import Stage
from pylops_vmb.training.settings import TrainingConfig
from pylops_vmb.velocity import VelocityGenerator, openfwi_like, seg_salt_like

_DIMS = (24, 16)


def tiny() -> Recipe:
    """Return a recipe of one stage."""
    config = TrainingConfig(epochs=2, batch=3)
    return _recipe("tiny", Stage("training", _simulated(openfwi_like(_DIMS)), 8, 4, config))


def tiny_salt() -> Recipe:
    """Return a recipe of two stages: all models, then salt with a frozen encoder."""
    config = TrainingConfig(epochs=2, batch=3)
    salt = _simulated(seg_salt_like(_DIMS))
    return _recipe(
        "tiny-salt", *tiny().stages, Stage("salt", salt, 4, 2, config, freeze=("encoder",))
    )


def _recipe(name: str, *stages: Stage) -> Recipe:
    return Recipe(
        name=name,
        stages=stages,
        network="fcnvmb-repaired",
        settings={"width": 4, "depth": 2},
        limits=("Good for nothing but tests.",),
    )


def _simulated(velocity: VelocityGenerator) -> Simulated:
    acq = Acquisition.fixed_spread(
        [40.0, 120.0, 200.0], [20.0 * i for i in range(12)], nt=200, dt=2e-3, f0=15.0, zs=10.0
    )
    return Simulated(Simulation(velocity, acq, (10.0, 10.0), Preprocessing(step=2, gain=0.02)))
