"""Recipes of FCNVMB: the network in the wheel, and the published one at its published size."""

from dataclasses import replace
from pathlib import Path

from pylops_vmb.learned import Preprocessing
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.augmentation import (
    Augmentation,
    Compose,
    DeadTraces,
    Noise,
    RandomLowCut,
    WaveletChange,
)
from pylops_vmb.training.datasets import Simulation
from pylops_vmb.training.recipes.recipe import Recipe
from pylops_vmb.training.recipes.sources import Simulated
from pylops_vmb.training.recipes.stage import Stage
from pylops_vmb.training.settings import TrainingConfig
from pylops_vmb.velocity import (
    Mixture,
    StoredVelocities,
    VelocityGenerator,
    fcnvmb_like,
    openfwi_family,
    openfwi_like,
    seg_salt_like,
)

_PUBLISHED = TrainingConfig(
    epochs=100,
    batch=10,
    lr=1e-3,
    loss="mse",
    vp_scale=1.0,
    optimizer="adam",
    weight_decay=0.0,
    schedule="constant",
    ema=0.0,
)
_HOUSE = TrainingConfig(epochs=100, batch=10, lr=1e-3, precision="bfloat16")
_AS_PUBLISHED = Preprocessing(step=5, decimation="middle", scale="none")
_SCALED = Preprocessing(step=5, decimation="antialias", scale="rms", gain=0.02)
_UNLICENSED = (
    "not granted: trained on the models of Yang and Ma (2019), whose release has no licence in "
    "force; ask their authors before passing these weights on"
)
_LIMITS = (
    "Trained on synthetic, noise-free, acoustic data of this survey and wavelet only.",
    "A starting model for an inversion, not an inversion: compare data misfits.",
)


def fcnvmb_mini() -> Recipe:
    """Return the recipe of the embedded network: repaired FCNVMB at OpenFWI geometry."""
    simulation = Simulation(
        velocity=openfwi_like((70, 70), seed=0),
        acq=Acquisition.openfwi(),
        spacing=(10.0, 10.0),
        preprocessing=_SCALED,
    )
    config = TrainingConfig(epochs=20, batch=16, lr=2e-3, ema_warmup=False, precision="bfloat16")
    return Recipe(
        name="fcnvmb-mini",
        stages=(Stage("training", Simulated(simulation), 9000, 300, config),),
        network="fcnvmb-repaired",
        settings={"width": 16, "fit": "stem"},
        limits=(
            "Trained on synthetic, noise-free, acoustic data of this survey and wavelet only.",
            "Velocities between 1500 and 4500 m/s, layers, folds, faults and simple salt.",
            "Absolute amplitude is ignored; a wrong wavelet or geometry is not noticed by the "
            "network itself: call G.check(d).",
            "The range of the generator's folds was set after looking at pictures of "
            "OpenFWI maps; no OpenFWI or FCNVMB data took part in the training.",
            "A starting model for an inversion, not an inversion: compare data misfits.",
        ),
    )


def fcnvmb_mini_full() -> Recipe:
    """Return the recipe of the embedded network, trained on for OpenFWI's layers as well."""
    return _mini_tuned("full", "All frequencies of the wavelet must be in the data.")


def fcnvmb_mini_lowcut() -> Recipe:
    """Return the recipe of the same network for data without their low frequencies."""
    return _mini_tuned(
        "lowcut",
        "Low-cut (Chebyshev II, order 8, 40 dB, causal) with corners of 1.5 to 8.5 Hz in 85 % of "
        "the training; 15 % uncut.",
        "What lies below the corner of the data is a statistical guess from the training models.",
        augment=RandomLowCut((1.5, 8.5), dt=0.005, p=0.85),
    )


def fcnvmb_mini_robust() -> Recipe:
    """Return the recipe of the same network for damaged data: what happens in the field."""
    acq, dt = Acquisition.openfwi(), 0.005
    damage = Compose(
        (
            WaveletChange(
                acq, f0=(11.5, 18.5), phase=(-100.0, 100.0), preprocessing=_SCALED, p=0.5
            ),
            RandomLowCut((1.5, 8.5), dt=dt, p=0.4),
            Noise((0.0, 30.0), band=(2.0, 40.0), dt=dt, p=0.5),
            DeadTraces((0.0, 0.55), p=0.4),
        )
    )
    return _mini_tuned(
        "robust",
        "Half of the training with another wavelet (11.5 to 18.5 Hz, phase turned by up to 100 "
        "degrees), 40 % with a low-cut of 1.5 to 8.5 Hz, half with noise of 0 to 30 dB in the "
        "band from 2 to 40 Hz, 40 % with up to 55 % dead traces; 9 % with none of it.",
        "Less exact than fcnvmb-mini-full where data are clean.",
        trained="Trained on synthetic, acoustic data of this survey, damaged at random.",
        parent="fcnvmb-mini-full",
        augment=damage,
    )


def _mini_tuned(
    kind: str,
    *limits: str,
    trained: str = _LIMITS[0],
    parent: str = "fcnvmb-mini",
    augment: Augmentation | None = None,
) -> Recipe:
    """Return a recipe that trains the embedded network on, with models of three generators."""
    (mini,) = fcnvmb_mini().stages
    dims = mini.source.grid.dims
    assert isinstance(mini.source, Simulated)
    models = [
        (0.5, openfwi_like(dims)),
        (0.2, openfwi_family("flatvel_a", dims)),
        (0.3, openfwi_family("curvevel_a", dims)),
    ]
    source = Simulated(replace(mini.source.simulation, velocity=Mixture(models, seed=1)))
    config = TrainingConfig(epochs=10, batch=16, lr=1e-3, precision="bfloat16", seed=1)
    return replace(
        fcnvmb_mini(),
        name=f"fcnvmb-mini-{kind}",
        stages=(Stage("training", source, 9000, 300, config, augment=augment),),
        parent=parent,
        limits=(
            trained,
            "Velocities between 1500 and 4500 m/s: 50 % layers, folds, faults and simple salt "
            "(openfwi_like), 20 % flat layers (flatvel_a), 30 % curved layers (curvevel_a).",
            "The distributions of the generators flatvel_a and curvevel_a were set after OpenFWI's "
            "FlatVel-A and CurveVel-A maps, none of which was trained on.",
            *limits,
            "Absolute amplitude is ignored; a wrong wavelet or geometry is not noticed by the "
            "network itself: call G.check(d).",
            "A starting model for an inversion, not an inversion: compare data misfits.",
        ),
    )


def fcnvmb_paper(data: Path | None = None) -> Recipe:
    r"""Return the published protocol: 1600 models, 100 epochs; then 130 of salt, 50 epochs.

    Parameters
    ----------
    data : path-like, optional
        The authors' models, a NumPy file of ``(n, nz, nx)`` in m/s; by default models of
        `fcnvmb_like`.

    Notes
    -----
    Yang and Ma (2019): 29 shots, 201 x 301 cells, mean squares of m/s, Adam at
    :math:`10^{-3}` in batches of ten, nothing normalised.  Their ten models of salt to
    measure on, and the 130 to train on, are drawn from `seg_salt_like` here.
    """
    return _paper("fcnvmb-paper", data, network="fcnvmb", scaling=_AS_PUBLISHED, config=_PUBLISHED)


def fcnvmb_paper_repaired(data: Path | None = None) -> Recipe:
    """Return the same data and sizes for the repaired network, trained as this package does.

    Parameters
    ----------
    data : path-like, optional
        As in `fcnvmb_paper`.
    """
    return _paper(
        "fcnvmb-paper-repaired", data, network="fcnvmb-repaired", scaling=_SCALED, config=_HOUSE
    )


def _paper(
    name: str, data: Path | None, *, network: str, scaling: Preprocessing, config: TrainingConfig
) -> Recipe:
    grid = Grid.fcnvmb()
    models = fcnvmb_like(grid.dims) if data is None else StoredVelocities(data, order="zx")
    salt = seg_salt_like(grid.dims)
    shorter = replace(config, epochs=50)
    return Recipe(
        name=name,
        stages=(
            Stage("simulated", _simulated(models, grid, scaling), 1600, 100, config),
            Stage("salt", _simulated(salt, grid, scaling), 130, 10, shorter),
        ),
        network=network,
        limits=_LIMITS,
        stored="float32",
    )


def _simulated(velocity: VelocityGenerator, grid: Grid, scaling: Preprocessing) -> Simulated:
    simulation = Simulation(velocity, Acquisition.fcnvmb(), grid.spacing, scaling)
    licence = _UNLICENSED if isinstance(velocity, StoredVelocities) else None
    return Simulated(simulation, shard=10, licence=licence)
