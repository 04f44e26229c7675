"""Where the samples of a recipe come from: simulated, or in a folder that is there."""

import json
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from torch.utils.data import Subset

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.datasets import OpenFWISet, Samples, ShardedSet, Simulation, simulate
from pylops_vmb.training.datasets.manifest import portable
from pylops_vmb.training.estimates import Need, simulation_need
from pylops_vmb.training.recipes.machine import Machine
from pylops_vmb.velocity import StoredVelocities, VelocityGenerator

_HELD_OUT = 1_000_000
"""Number of the first validation model of a generator: no training set reaches it."""
_WAIT = 2.0
"""Seconds between two looks at what another process simulates."""

Shapes = tuple[tuple[int, int, int], tuple[int, int]]


class Source(ABC):
    """What a recipe must know of its samples.

    Attributes
    ----------
    grid : `Grid`
        Where the velocities live.
    acq : `Acquisition`
        What was shot.
    preprocessing : `Preprocessing`
        From gathers to the input of the network.
    licence : :obj:`str` or :obj:`None`
        Terms of the data that go over to weights trained on them; None if there are none.
    """

    grid: Grid
    acq: Acquisition
    preprocessing: Preprocessing
    licence: str | None

    @property
    def shapes(self) -> Shapes:
        """Shapes of a sample: gathers ``(ns, nt, nr)`` and velocity ``(nz, nx)``."""
        nt = self.preprocessing.samples(self.acq.nt)
        return (self.acq.ns, nt, self.acq.nr), (self.grid.dims[1], self.grid.dims[0])

    @property
    @abstractmethod
    def document(self) -> dict[str, Any]:
        """What the samples are, for the card, ready for JSON."""

    def modelling(self, device: str) -> NonlinearOperator | None:  # noqa: ARG002
        """Return the operator that the samples were made with; None if it is not known."""
        return None

    @abstractmethod
    def samples(
        self, folder: Path, counts: tuple[int, int], machine: Machine
    ) -> tuple[Samples, Samples]:
        """Return samples to train on and samples to measure on, made if they are not there.

        Parameters
        ----------
        folder : :obj:`pathlib.Path`
            Of the stage.
        counts : :obj:`tuple`
            How many of each.
        machine : `Machine`
            Where to simulate.
        """

    @abstractmethod
    def needs(self, counts: tuple[int, int], machine: Machine, *, timed: bool) -> list[Need]:
        """Estimate what making the samples takes, and refuse numbers that are not there.

        Parameters
        ----------
        counts, machine
            As in `samples`.
        timed : :obj:`bool`
            Simulate some shots to tell the time.
        """


@dataclass(frozen=True)
class Simulated(Source):
    """Samples that are simulated and stored, resumed where a killed run stopped.

    Parameters
    ----------
    simulation : `Simulation`
        How they are made.
    shard : :obj:`int`, optional
        Samples a shard, what a killed run loses at most in each process.
    licence : :obj:`str`, optional
        Terms of the velocity models.
    """

    simulation: Simulation
    shard: int = 100
    licence: str | None = None

    @property
    def grid(self) -> Grid:  # type: ignore[override]
        """Where the velocities live."""
        return Grid(self.simulation.velocity.dims, self.simulation.spacing)

    @property
    def acq(self) -> Acquisition:  # type: ignore[override]
        """What is shot."""
        return self.simulation.acq

    @property
    def preprocessing(self) -> Preprocessing:  # type: ignore[override]
        """From gathers to the input of the network."""
        return self.simulation.preprocessing

    @property
    def document(self) -> dict[str, Any]:
        """Generator, spacing and stencil."""
        return {
            "velocity": portable(self.simulation.velocity.config),
            "spacing": list(self.simulation.spacing),
            "modelling": dict(self.simulation.modelling),
        }

    def modelling(self, device: str) -> NonlinearOperator:
        """Return the operator of the simulation."""
        return self.simulation.operator(device)

    def samples(
        self, folder: Path, counts: tuple[int, int], machine: Machine
    ) -> tuple[Samples, Samples]:
        """Simulate both sets, or wait for them where this is not the first process."""
        starts = (0, self._held_out(counts))
        made = []
        for part, count, start in zip(("data", "validation"), counts, starts, strict=True):
            if machine.leads:
                simulate(
                    folder / part,
                    self.simulation,
                    count=count,
                    start=start,
                    shard=self.shard,
                    processes=machine.processes,
                    devices=machine.devices,
                )
            made.append(_finished(folder / part, machine))
        return made[0], made[1]

    def needs(self, counts: tuple[int, int], machine: Machine, *, timed: bool) -> list[Need]:
        """Estimate the simulation of both sets."""
        self._held_out(counts)
        devices = machine.devices
        need = simulation_need(
            self.simulation,
            sum(counts),
            processes=machine.processes,
            device=devices[0],
            timed=timed,
        )
        if need.seconds is not None:
            need = replace(need, seconds=need.seconds / len(devices))
        return [need]

    def _held_out(self, counts: tuple[int, int]) -> int:
        """Return the number of the first model to measure on."""
        velocity = self.simulation.velocity
        if not isinstance(velocity, StoredVelocities):
            _check_drawn(velocity)
            return _HELD_OUT
        _check_count(velocity.path, len(velocity), counts)
        return counts[0]


@dataclass(frozen=True)
class OpenFWIFolder(Source):
    """Samples of a folder of OpenFWI; the last ones are measured on, as in its own split.

    Parameters
    ----------
    folder : :obj:`str`
        Searched with those inside it.
    preprocessing : `Preprocessing`
        From gathers to the input of the network.
    """

    folder: str
    preprocessing: Preprocessing
    licence: str | None = "CC BY-NC-SA 4.0, the terms of the OpenFWI data it was trained on"
    grid: Grid = field(default_factory=Grid.openfwi)
    acq: Acquisition = field(default_factory=Acquisition.openfwi)

    @property
    def document(self) -> dict[str, Any]:
        """The name of the folder."""
        return {"openfwi": Path(self.folder).name}

    def samples(
        self,
        folder: Path,  # noqa: ARG002
        counts: tuple[int, int],
        machine: Machine,  # noqa: ARG002
    ) -> tuple[Samples, Samples]:
        """Return the first and the last samples of the folder; nothing is copied."""
        found = OpenFWISet(self.folder, self.preprocessing)
        _check_count(self.folder, len(found), counts)
        first, last = range(counts[0]), range(len(found) - counts[1], len(found))
        return cast("Samples", Subset(found, first)), cast("Samples", Subset(found, last))

    def needs(
        self,
        counts: tuple[int, int],
        machine: Machine,  # noqa: ARG002
        *,
        timed: bool,  # noqa: ARG002
    ) -> list[Need]:
        """Refuse a folder that does not hold the samples; there is nothing to make."""
        _check_count(self.folder, len(OpenFWISet(self.folder, self.preprocessing)), counts)
        return []


def _finished(folder: Path, machine: Machine) -> ShardedSet:
    """Return a set, once the first process has made it."""
    while True:
        try:
            return ShardedSet(folder)
        except VMBFileError:
            if machine.leads:
                raise
            time.sleep(_WAIT)


def _check_count(name: str, there: int, counts: tuple[int, int]) -> None:
    if sum(counts) > there:
        refuse(
            name,
            f"must hold {counts[0]} + {counts[1]} models, to train and to measure on",
            got=there,
            do="Ask for fewer: set count and validation of the stage",
        )


def _check_drawn(velocity: VelocityGenerator) -> None:
    """Refuse a generator that draws from a file: the sets would share its models."""
    if "StoredVelocities" in json.dumps(velocity.config):
        refuse(
            "velocity",
            "must not draw from a file of models, of which both sets would hold parts",
            got=type(velocity).__name__,
            do="Split the file, and train on a set made of one part with Trainer",
        )
