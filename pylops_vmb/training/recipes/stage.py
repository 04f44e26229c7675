"""One stage of a recipe: samples, a training on them, and the weights that come of it."""

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.networks import build
from pylops_vmb.training.augmentation import Augmentation
from pylops_vmb.training.datasets import Samples
from pylops_vmb.training.estimates import Need, training_need
from pylops_vmb.training.recipes.machine import Machine
from pylops_vmb.training.recipes.sources import Source
from pylops_vmb.training.record import training_record, validation_scores
from pylops_vmb.training.settings import TrainingConfig
from pylops_vmb.training.signatures import with_signature
from pylops_vmb.training.trainer import Trainer
from pylops_vmb.training.transfer import finetune

_LOGGER = logging.getLogger(__name__)
_OWN = "LGPL-3.0-or-later"


@dataclass(frozen=True)
class Stage:
    """Samples and a training on them.

    Parameters
    ----------
    name : :obj:`str`
        Name of its folder.
    source : `Source`
        Where the samples come from.
    count, validation : :obj:`int`
        Samples to train on, and to measure on.
    config : `TrainingConfig`
        How to train.
    freeze : :obj:`tuple`, optional
        What a stage that starts from weights leaves as it is; see `finetune`.
    augment : `Augmentation`, optional
        Changes the samples while they are trained on.
    """

    name: str
    source: Source
    count: int
    validation: int
    config: TrainingConfig
    freeze: tuple[str, ...] = ()
    augment: Augmentation | None = None

    def __post_init__(self) -> None:
        for name in ("count", "validation"):
            check_integer(name, getattr(self, name), at_least=1)

    @property
    def counts(self) -> tuple[int, int]:
        """Samples to train on and to measure on."""
        return self.count, self.validation

    @property
    def digests(self) -> dict[str, str]:
        """What its weights depend on beside the network and the weights of its start, in short."""
        entries = {
            "source": self.source.document,
            "counts": self.counts,
            "config": self.config.document,
            "freeze": self.freeze,
        }
        if self.augment is not None:
            entries["augment"] = self.augment.config
        return {
            name: hashlib.sha256(json.dumps(entry).encode()).hexdigest()[:16]
            for name, entry in entries.items()
        }

    def network(self, name: str, settings: dict[str, Any]) -> torch.nn.Module:
        """Return a network for the sizes of the samples, with the first weights of the seed."""
        (ns, nt, nr), out_shape = self.source.shapes
        sizes: dict[str, Any] = {"in_channels": ns, "in_shape": (nt, nr), "out_shape": out_shape}
        if name == "fcnvmb":  # as published: any gather will do, and one class is a velocity
            sizes = {"in_channels": ns, "out_shape": out_shape, "n_classes": 1}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return build(name, **sizes, **settings)

    def run(
        self,
        folder: Path,
        start: LearnedInversion | torch.nn.Module,
        machine: Machine,
        *,
        card: Card,
    ) -> LearnedInversion:
        """Simulate, train, measure and store, or read what an earlier run has stored.

        Parameters
        ----------
        folder : :obj:`pathlib.Path`
            Of the stage.
        start : `LearnedInversion` or :obj:`torch.nn.Module`
            The weights of the stage before, or a fresh network.
        machine : `Machine`
            Where to compute.
        card : `Card`
            Of the result, without its training and metrics.

        Returns
        -------
        G : `LearnedInversion`
            In float32.
        """
        path = folder / "weights.safetensors"
        if path.exists():
            return self._stored(path, start, card)
        folder.mkdir(parents=True, exist_ok=True)
        samples = self.source.samples(folder, self.counts, machine)
        if machine.leads:
            _LOGGER.info("%s: training on %d samples", self.name, self.count)
        checkpoint = folder / "checkpoint.safetensors"
        G = self._trained(
            start,
            *samples,
            card=card,
            checkpoint=checkpoint,
            device=machine.device,
            workers=machine.workers,
            augment=self.augment,
        )
        if machine.leads:
            G.save(path)
            checkpoint.unlink(missing_ok=True)
        return G

    def needs(self, net: torch.nn.Module, machine: Machine, *, timed: bool) -> list[Need]:
        """Estimate what its parts take; see `Recipe.needs`."""
        need = training_need(
            net,
            self.config,
            shapes=self.source.shapes,
            samples=self.count,
            validation=self.validation,
            device=machine.device,
            timed=timed,
        )
        if need.seconds is not None:
            need = replace(need, seconds=need.seconds / machine.ranks)
        made = self.source.needs(self.counts, machine, timed=timed)
        return [replace(need, task=f"{self.name}: {need.task}") for need in (*made, need)]

    def _trained(
        self,
        start: LearnedInversion | torch.nn.Module,
        data: Samples,
        held_out: Samples,
        *,
        card: Card,
        **where: Any,
    ) -> LearnedInversion:
        F = self.source.modelling(where["device"])
        if isinstance(start, LearnedInversion):
            G = finetune(
                start,
                data,
                validation=held_out,
                freeze=self.freeze,
                config=self.config,
                F=F,
                **where,
            )
            net, training, metrics = G.net, G.card.training, G.card.metrics
            licence = _both(start.card.licence, card.licence)
            card = replace(card, limits=(*card.limits, G.card.limits[-1]), licence=licence)
        else:
            scaling = self.source.preprocessing
            trainer = Trainer(
                start, data, held_out, preprocessing=scaling, config=self.config, **where
            )
            net = trainer.fit()
            metrics = validation_scores(net, held_out, preprocessing=scaling, device=trainer.device)
            net = net.cpu()
            training = training_record(net, self.config, data=data, history=trainer.history)
            made = LearnedInversion(net, card)
            G = with_signature(made, data, held_out, augment=self.augment, F=F)
        training = training | {"stage": self.digests}
        signature = G.card.signature
        card = replace(card, training=training, metrics=metrics, signature=signature)
        return LearnedInversion(net, card)

    def _stored(
        self, path: Path, start: LearnedInversion | torch.nn.Module, card: Card
    ) -> LearnedInversion:
        """Return what an earlier run stored, or refuse that of another recipe."""
        G = LearnedInversion.load(path)
        found, expected = G.card.training.get("stage", {}), self.digests
        keys = dict.fromkeys([*expected, *found])
        other = [key for key in keys if found.get(key) != expected.get(key)]
        other += ["network"] * (G.card.network != card.network)
        parent = G.card.training.get("parent", {}).get("sha256")
        other += ["start"] * (parent != _digest(start))
        if other:
            refuse(
                str(path),
                "belongs to another training",
                got=f"another {', '.join(other)}",
                do="Use the entries that it was made with, or another folder",
                error=VMBFileError,
            )
        mae = G.card.metrics["validation_mae_m_s"]
        _LOGGER.info("%s: done before, validation MAE %.1f m/s", self.name, mae)
        return G


def _digest(start: LearnedInversion | torch.nn.Module) -> str | None:
    """Return the digest of the weights that a stage starts from, None if they are fresh."""
    if not isinstance(start, LearnedInversion):
        return None
    return weights_digest(start.net.state_dict())


def _both(first: str, second: str) -> str:
    """Return the licence of weights that two data sets have gone into."""
    return first if second in (_OWN, first) else second if first == _OWN else f"{first}; {second}"
