"""Recipes: everything that makes one set of weights, from the models to the card."""

import logging
import os
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import check_choice, refuse
from pylops_vmb._version import __version__
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.shards import ShardedSet, Simulation, simulate
from pylops_vmb.training.trainer import Trainer, TrainingConfig
from pylops_vmb.velocity import openfwi_like

_LOGGER = logging.getLogger(__name__)
_HELD_OUT = 1_000_000
"""Number of the first validation model: no training set reaches it."""


@dataclass(frozen=True)
class Recipe:
    """How a set of weights is made.

    Parameters
    ----------
    name : :obj:`str`
        Name of the weights.
    simulation : `Simulation`
        Models, survey and decimation.
    count, validation : :obj:`int`
        Samples to train on, and to measure on.
    network : :obj:`str`
        Name for `pylops_vmb.networks.build`.
    settings : :obj:`dict`
        Its settings beyond the sizes, which follow from the simulation.
    config : `TrainingConfig`
        How to train.
    limits : :obj:`tuple`
        Sentences for the card.
    """

    name: str
    simulation: Simulation
    count: int
    validation: int
    network: str
    settings: dict[str, Any]
    config: TrainingConfig
    limits: tuple[str, ...] = ()

    def run(
        self,
        folder: str | os.PathLike[str],
        *,
        processes: int = 1,
        device: str = "cpu",
    ) -> LearnedInversion:
        """Simulate, train, measure, and write ``<name>.safetensors``; resumes what it finds.

        Parameters
        ----------
        folder : path-like
            Where data, checkpoint and weights go.
        processes : :obj:`int`, optional
            Processes that simulate.
        device : :obj:`str`, optional
            Where to train.

        Returns
        -------
        G : `LearnedInversion`
            The trained inversion, as written (float16).
        """
        folder, started = Path(folder), time.monotonic()
        data = simulate(folder / "data", self.simulation, count=self.count, processes=processes)
        held_out = simulate(
            folder / "validation",
            self.simulation,
            count=self.validation,
            start=_HELD_OUT,
            processes=processes,
        )
        trainer = self._trainer(folder, data, held_out, device)
        _LOGGER.info("training %s on %d samples", self.name, self.count)
        net = trainer.fit().cpu()
        path = folder / f"{self.name}.safetensors"
        card = self._card(trainer, seconds=time.monotonic() - started)
        LearnedInversion(net, card).save(path, dtype=torch.float16)
        return LearnedInversion.load(path)

    def _trainer(
        self, folder: Path, data: ShardedSet, held_out: ShardedSet, device: str
    ) -> Trainer:
        torch.manual_seed(self.config.seed)
        return Trainer(
            build(self.network, **self._sizes(), **self.settings),
            data,
            held_out,
            preprocessing=self.simulation.preprocessing,
            config=self.config,
            checkpoint=folder / "checkpoint.safetensors",
            device=device,
        )

    def _sizes(self) -> dict[str, Any]:
        acq, (nx, nz) = self.simulation.acq, self.simulation.velocity.dims
        nt = self.simulation.preprocessing.samples(acq.nt)
        return {"in_channels": acq.ns, "in_shape": (nt, acq.nr), "out_shape": (nz, nx)}

    def _card(self, trainer: Trainer, seconds: float) -> Card:
        sim = self.simulation
        return Card(
            name=self.name,
            network={"name": self.network, "config": trainer.net.config},
            grid=Grid(sim.velocity.dims, sim.spacing),
            acq=sim.acq,
            preprocessing=sim.preprocessing,
            training={
                "velocity": sim.velocity.config,
                "samples": self.count,
                "config": asdict(self.config),
                "history": trainer.history,
                "seconds_of_last_run": round(seconds),
                "version": __version__,
                "torch": torch.__version__,
                "sha256_float32": weights_digest(trainer.average.module.cpu().state_dict()),
            },
            metrics={
                "validation_mae_m_s": trainer.history[-1]["mae"],
                "validation_models": self.validation,
            },
            limits=self.limits,
        )


def fcnvmb_mini() -> Recipe:
    """Return the recipe of the embedded network: repaired FCNVMB at OpenFWI geometry."""
    simulation = Simulation(
        velocity=openfwi_like((70, 70), seed=0),
        acq=Acquisition.openfwi(),
        spacing=(10.0, 10.0),
        preprocessing=Preprocessing(step=5, decimation="antialias", scale="rms", gain=0.02),
    )
    return Recipe(
        name="fcnvmb-mini",
        simulation=simulation,
        count=9000,
        validation=300,
        network="fcnvmb-repaired",
        settings={"width": 16, "fit": "stem"},
        config=TrainingConfig(epochs=20, batch=16, lr=2e-3, precision="bfloat16"),
        limits=(
            "Trained on synthetic, noise-free, acoustic data of this survey and wavelet only.",
            "Velocities between 1500 and 4500 m/s, layers, folds, faults and simple salt.",
            "Absolute amplitude is ignored; a wrong wavelet or geometry is not recognised.",
            "The range of the generator's folds was set after looking at pictures of "
            "OpenFWI maps; no OpenFWI or FCNVMB data took part in the training.",
            "A starting model for an inversion, not an inversion: compare data misfits.",
        ),
    )


def tiny() -> Recipe:
    """Return a recipe that runs in seconds: for tests, and to try the machinery."""
    acq = Acquisition.fixed_spread(
        [40.0, 120.0, 200.0], [20.0 * i for i in range(12)], nt=200, dt=2e-3, f0=15.0, zs=10.0
    )
    simulation = Simulation(
        velocity=openfwi_like((24, 16), seed=0),
        acq=acq,
        spacing=(10.0, 10.0),
        preprocessing=Preprocessing(step=2, gain=0.02),
    )
    return Recipe(
        name="tiny",
        simulation=simulation,
        count=8,
        validation=4,
        network="fcnvmb-repaired",
        settings={"width": 4, "depth": 2},
        config=TrainingConfig(epochs=2, batch=3),
        limits=("Good for nothing but tests.",),
    )


_RECIPES = {"fcnvmb-mini": fcnvmb_mini, "tiny": tiny}


def recipe(name: str, **changes: Any) -> Recipe:
    """Return a recipe by name, with some of its entries changed.

    Parameters
    ----------
    name : {"fcnvmb-mini", "tiny"}
        Which one.
    **changes
        Entries of `Recipe` or of its `TrainingConfig`: ``count=200, epochs=2``.

    Returns
    -------
    recipe : `Recipe`

    Raises
    ------
    VMBValueError
        If the name or an entry is unknown.
    """
    found = _RECIPES[check_choice("recipe", name, _RECIPES)]()
    known = {entry.name for part in (found, found.config) for entry in fields(part)}
    if set(changes) - known:
        refuse(
            name,
            "has no such entries",
            got=sorted(set(changes) - known),
            do=f"Use some of {', '.join(sorted(known))}",
        )
    settings = {key: changes.pop(key) for key in list(changes) if hasattr(found.config, key)}
    return replace(found, config=replace(found.config, **settings), **changes)
