"""Transfer learning: a trained network learns other data, as a whole or in parts."""

import copy
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import Card, LearnedInversion
from pylops_vmb.networks import build, parts
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition
from pylops_vmb.training.datasets import Samples, split
from pylops_vmb.training.identity import of_function
from pylops_vmb.training.methods import Supervised, Wrap
from pylops_vmb.training.record import training_record, validation_scores
from pylops_vmb.training.schedules import schedule
from pylops_vmb.training.settings import TrainingConfig, optimizer_of
from pylops_vmb.training.signatures import with_signature
from pylops_vmb.training.trainer import Trainer

GENTLE = TrainingConfig(epochs=10, lr=5e-4)
"""How `finetune` trains by default: a quarter of the usual learning rate, half the epochs."""
_HELD_OUT = 0.1


def finetune(
    G: LearnedInversion,
    data: Samples,
    *,
    validation: Samples | None = None,
    freeze: str | Sequence[str] = (),
    lr: Mapping[str, float] | None = None,
    config: TrainingConfig = GENTLE,
    checkpoint: str | os.PathLike[str] | None = None,
    replay: Samples | None = None,
    augment: Callable[..., Any] | None = None,
    workers: int = 0,
    device: str = "cpu",
    F: NonlinearOperator | None = None,
    name: str | None = None,
    licence: str | None = None,
) -> LearnedInversion:
    """Train a copy of a learned inversion on other data.

    Parameters
    ----------
    G : `LearnedInversion`
        The parent, of any registered velocity network; it stays as it is.
    data : `Samples`
        Gathers ``(ns, nt, nr)``, decimated as the card of `G` says, with velocities
        ``(1, nz, nx)`` in m/s, on the survey and grid of that card.
    validation : `Samples`, optional
        What to measure on, before and after; by default a tenth of the data, drawn with the
        seed of `config` and kept out of the training.
    freeze : :obj:`str` or sequence of :obj:`str`, optional
        What stays as it is: "encoder", "decoder", "last", "all but last", names of layers,
        or patterns of names such as ``"*.bias"``; see `pylops_vmb.networks.parts.parts`.
        Frozen batch norm keeps its running statistics.
    lr : :obj:`dict`, optional
        Learning rates of some parts, named as in `freeze`; all others have that of `config`.
    config : `TrainingConfig`, optional
        How to train.
    checkpoint : path-like, optional
        File that a killed run resumes from.
    replay : `Samples`, optional
        Samples of the earlier training to repeat along with the data, so that they are not
        forgotten.
    augment, workers : optional
        As in `Trainer`.
    device : :obj:`str`, optional
        Where to train.
    F : `NonlinearOperator`, optional
        The modelling of the data: with it the card also tells how well the predictions
        explain them, see `LearnedInversion.check`.
    name, licence : :obj:`str`, optional
        For the card; by default those of the parent, with "-finetuned" behind the name.

    Returns
    -------
    tuned : `LearnedInversion`
        The trained copy.  Its card tells its parent and the data, and has the metrics of
        both on `validation`.

    Raises
    ------
    VMBValueError
        If the samples do not have the sizes of the network, there are none, or nothing is
        left to train.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.learned import LearnedInversion
    >>> from pylops_vmb.training import finetune
    >>> G = LearnedInversion.from_pretrained()
    >>> finetune(G, [(torch.zeros(5, 200, 70), torch.zeros(1, 60, 70))])
    Traceback (most recent call last):
        ...
    pylops_vmb.errors.VMBValueError: data: must have the sizes of fcnvmb-mini, gathers ...
    """
    for role, samples in (("data", data), ("validation", validation), ("replay", replay)):
        if samples is not None:
            check_samples(samples, G.card, name=role)
    train, held_out = (data, validation) if validation is not None else _divided(data, config)
    method = FineTuning(G, config, freeze=freeze, lr=lr or {})
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            method,
            train if replay is None else _joined(train, replay),
            held_out,
            preprocessing=G.card.preprocessing,
            config=config,
            checkpoint=Path(checkpoint or Path(folder) / "checkpoint.safetensors"),
            augment=augment,
            workers=workers,
            device=device,
        )
        net = _plain(trainer.fit(), G.card)
    record = training_record(net, config, data=train, history=trainer.history)
    more = {
        "replayed": 0 if replay is None else len(replay),
        "augmentation": of_function(augment),
    }
    scores = _before_and_after(G, net, held_out, trainer.device)
    card = replace(
        G.card,
        name=name or f"{G.card.name}-finetuned",
        training=method.identity["transfer"] | {"parent": _parent(G)} | record | more,
        metrics=scores,
        limits=(*G.card.limits, f"Fine-tuned: what {G.card.name} had learned may be forgotten."),
        licence=licence or G.card.licence,
        signature=None,
    )
    tuned = LearnedInversion(net, card, device=G.device)
    return with_signature(tuned, train, held_out, augment=augment, F=F)


class FineTuning(Supervised):
    """Supervised learning of a copy, with frozen parts and learning rates by part.

    Parameters
    ----------
    G : `LearnedInversion`
        The parent.
    config : `TrainingConfig`
        The settings.
    freeze, lr
        As in `finetune`.
    """

    def __init__(
        self,
        G: LearnedInversion,
        config: TrainingConfig,
        *,
        freeze: str | Sequence[str],
        lr: Mapping[str, float],
    ) -> None:
        net = copy.deepcopy(G.net)
        parts.freeze(net, parts.select(net, freeze, name="freeze"))
        if not any(parameter.requires_grad for parameter in net.parameters()):
            do = "Freeze less"
            refuse("freeze", "leaves nothing to train", got=repr(freeze), do=do)
        super().__init__(net, config)
        self._rates = _rates(net, lr)
        self._transfer = {
            "parent": {"name": G.card.name, "sha256": weights_digest(G.net.state_dict())},
            "freeze": [freeze] if isinstance(freeze, str) else list(freeze),
            "lr": dict(lr),
            "trained_parameters": sum(p.numel() for p in net.parameters() if p.requires_grad),
        }

    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Make ready, with one group of parameters a learning rate."""
        super().prepare(steps, device=device, wrap=wrap)
        parts.hold_still(self.net)  # not before: sharing batch norm replaces layers
        if not self._rates:
            return
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.net.named_parameters():
            if parameter.requires_grad:
                groups.setdefault(self._rates.get(name, self.config.lr), []).append(parameter)
        self.descent.optimizer = optimizer_of(
            [{"params": members, "lr": rate} for rate, members in groups.items()], self.config
        )
        self.descent.schedule = schedule(
            self.config.schedule,
            self.descent.optimizer,
            lr=cast("float", list(groups)),  # torch's schedules take one for each group
            steps=steps,
            warmup=self.config.warmup,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint must share with this training: also parent, frozen parts, rates."""
        return super().identity | {"transfer": self._transfer}


def check_samples(samples: Samples, card: Card, *, name: str) -> None:
    """Refuse samples that are none, or do not have the sizes of a network.

    Parameters
    ----------
    samples : `Samples`
        Gathers and velocities; the first pair is looked at.
    card : `Card`
        Of the network.
    name : :obj:`str`
        Name of the argument, for the message.

    Raises
    ------
    VMBValueError
        If they do not fit.
    """
    if len(samples) == 0:
        refuse(name, "must hold samples", got="none", do="Pass at least one")
    d, vp = samples[0]
    nt, (nx, nz) = card.preprocessing.samples(card.acq.nt), card.grid.dims
    expected = ((card.acq.ns, nt, card.acq.nr), (1, nz, nx))
    if (tuple(d.shape), tuple(vp.shape)) != expected:
        refuse(
            name,
            f"must have the sizes of {card.name}, gathers (ns, nt, nr) = {expected[0]} and "
            f"velocity (1, nz, nx) = {expected[1]}",
            got=f"{tuple(d.shape)} and {tuple(vp.shape)}",
            do="Simulate or resample the data for the survey of its card, or train anew",
        )
    _check_survey(samples, card, name)


def _check_survey(samples: Any, card: Card, name: str) -> None:
    """Refuse simulated samples of another survey, grid or decimation than those of the card."""
    if isinstance(samples, Subset):
        return _check_survey(samples.dataset, card, name)
    made = getattr(samples, "manifest", {})
    scaling, known = made.get("preprocessing", {}), card.preprocessing.config
    others = {
        "survey": "acquisition" in made and Acquisition.from_dict(made["acquisition"]) != card.acq,
        "spacing": tuple(made.get("spacing", card.grid.spacing)) != tuple(card.grid.spacing),
        "decimation": any(scaling.get(k, known[k]) != known[k] for k in ("step", "decimation")),
    }
    if any(others.values()):
        refuse(
            name,
            f"must be made for the survey of {card.name}",
            got=f"another {', '.join(key for key, differs in others.items() if differs)}",
            do="Simulate them with the acq, the grid and the preprocessing of its card",
        )
    return None


def _divided(data: Samples, config: TrainingConfig) -> tuple[Samples, Samples]:
    """Return the part to train on and the part to measure on."""
    if len(data) < 2:
        do = "Pass more samples, or validation"
        refuse("data", "cannot be divided for a validation", got=f"{len(data)} sample", do=do)
    return split(cast("Dataset[Any]", data), _HELD_OUT, seed=config.seed)


def _joined(data: Samples, replay: Samples) -> Samples:
    both = [cast("Dataset[Any]", part) for part in (data, replay)]
    return cast("Samples", ConcatDataset(both))


def _rates(net: nn.Module, lr: Mapping[str, float]) -> dict[str, float]:
    """Return learning rates by parameter; where two entries meet, the later one counts."""
    return {
        parameter: check_number(f"lr[{part!r}]", rate, above=0.0)
        for part, rate in lr.items()
        for parameter in parts.select(net, part, name="lr")
    }


def _plain(net: nn.Module, card: Card) -> nn.Module:
    """Return the network as it is built, without what training added to its layers."""
    plain = build(card.network["name"], **card.network["config"])
    plain.load_state_dict(net.state_dict())
    return plain.eval()


def _parent(G: LearnedInversion) -> dict[str, Any]:
    return {
        "name": G.card.name,
        "sha256": weights_digest(G.net.state_dict()),
        "training": G.card.training,
        "metrics": G.card.metrics,
    }


def _before_and_after(
    G: LearnedInversion, net: nn.Module, data: Samples, device: torch.device
) -> dict[str, float]:
    scores: dict[str, float] = {}
    for suffix, one in (("_before", G.net), ("", net)):
        found = validation_scores(
            copy.deepcopy(one).to(device), data, preprocessing=G.card.preprocessing, device=device
        )
        scores |= {key + suffix: value for key, value in found.items()}
    del scores["validation_models_before"]
    return scores
