"""A recipe: everything that makes one set of weights, from the models to the card."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.training.estimates import Need, check_room
from pylops_vmb.training.recipes.machine import Machine
from pylops_vmb.training.recipes.stage import Stage

_DTYPES = {"float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Recipe:
    """How a set of weights is made: stages, each started from the weights of the one before.

    Parameters
    ----------
    name : :obj:`str`
        Name of the weights.
    stages : :obj:`tuple`
        One or more `Stage`, of one survey, grid and preprocessing.
    network : :obj:`str`
        Name for `pylops_vmb.networks.build`.
    settings : :obj:`dict`, optional
        Its settings beyond the sizes, which follow from the samples.
    limits : :obj:`tuple`, optional
        Sentences for the card.
    stored : {"float16", "float32"}, optional
        Precision of the weights file.
    parent : :obj:`str`, optional
        Network of `pylops_vmb.learned.available` that the first stage starts from; by default
        it starts from fresh weights.
    """

    name: str
    stages: tuple[Stage, ...]
    network: str
    settings: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    stored: str = "float16"
    parent: str | None = None

    def __post_init__(self) -> None:
        first = self.stages[0].source
        for stage in self.stages[1:]:
            for part in ("grid", "acq", "preprocessing"):
                if getattr(stage.source, part) != getattr(first, part):
                    refuse(
                        stage.name,
                        f"must have the {part} of the first stage",
                        got=getattr(stage.source, part),
                        do="Make both stages for one survey, grid and preprocessing",
                    )

    def run(
        self,
        folder: str | os.PathLike[str],
        *,
        processes: int = 1,
        workers: int = 0,
        device: str = "cpu",
        check: bool = True,
    ) -> LearnedInversion:
        """Simulate, train, measure, and write ``<name>.safetensors``; resumes what it finds.

        Parameters
        ----------
        folder : path-like
            Where data, checkpoints and weights go, one folder a stage.
        processes : :obj:`int`, optional
            That simulate.
        workers : :obj:`int`, optional
            Processes that load samples ahead while one trains.
        device : :obj:`str`, optional
            Where to train, and to simulate; "cuda" simulates on all CUDA devices.
        check : :obj:`bool`, optional
            Refuse before the start what the memory or the disk has no room for.

        Returns
        -------
        G : `LearnedInversion`
            The trained inversion, as written.

        Raises
        ------
        VMBMemoryError
            If a stage needs more memory than is free.
        VMBFileError
            If the disk is too small, or the folder holds another training.
        VMBValueError
            If the parent is a network of other sizes or of another survey.
        """
        folder, machine = Path(folder), Machine(device, processes, workers)
        if check and machine.leads:
            check_room(self.needs(machine, timed=False), folder)
        start: LearnedInversion | torch.nn.Module = self._start()
        for stage in self.stages:
            start = stage.run(folder / stage.name, start, machine, card=self._card(stage))
        assert isinstance(start, LearnedInversion)
        return self._written(folder, start, machine)

    def needs(self, machine: Machine, *, timed: bool = True) -> list[Need]:
        """Estimate time, memory and disk of all parts, before anything is made.

        Parameters
        ----------
        machine : `Machine`
            Where it will run.
        timed : :obj:`bool`, optional
            Simulate some shots and train one step to tell the time.

        Returns
        -------
        needs : :obj:`list`
            One `Need` a simulation and a training.
        """
        net = self._fresh()
        return [need for stage in self.stages for need in stage.needs(net, machine, timed=timed)]

    def _fresh(self) -> torch.nn.Module:
        return self.stages[0].network(self.network, self.settings)

    def _start(self) -> LearnedInversion | torch.nn.Module:
        """Return the parent if there is one, or a fresh network."""
        if self.parent is None:
            return self._fresh()
        G, card = LearnedInversion.from_pretrained(self.parent), self._card(self.stages[0])
        entries = ("network", "grid", "acq", "preprocessing")
        if other := [name for name in entries if getattr(G.card, name) != getattr(card, name)]:
            refuse(
                "parent",
                f"must be a network of the sizes and the survey of {self.name}",
                got=f"{self.parent} with another {', '.join(other)}",
                do="Leave network and settings as those of the parent, or choose another recipe",
            )
        return G

    def _card(self, stage: Stage) -> Card:
        last = stage is self.stages[-1]
        source = stage.source
        card = Card(
            name=self.name if last else f"{self.name}-{stage.name}",
            network={"name": self.network, "config": self._fresh().config},
            grid=source.grid,
            acq=source.acq,
            preprocessing=source.preprocessing,
            limits=self.limits,
        )
        return card if source.licence is None else replace(card, licence=source.licence)

    def _written(self, folder: Path, G: LearnedInversion, machine: Machine) -> LearnedInversion:
        """Write the weights in the precision of the recipe, and return them as written."""
        dtype = _DTYPES[self.stored]
        if machine.leads:
            G.save(folder / f"{self.name}.safetensors", dtype=dtype)
        net = G.net if dtype == torch.float32 else G.net.to(dtype)
        return LearnedInversion(net, G.card)
