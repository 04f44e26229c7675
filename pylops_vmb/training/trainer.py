"""The trainer: gathers in, velocity out, resumed to the bit after a kill at any step."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from pylops_vmb._backend import generator
from pylops_vmb._checks import check_choice, check_integer, check_number, refuse
from pylops_vmb.errors import VMBFileError, VMBRuntimeError
from pylops_vmb.io import load_checkpoint, save_checkpoint
from pylops_vmb.learned.preprocessing import Preprocessing

_LOGGER = logging.getLogger(__name__)
_LOSSES = {"l1": torch.nn.functional.l1_loss, "mse": torch.nn.functional.mse_loss}
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class Samples(Protocol):
    """Gathers ``(ns, nt, nr)`` with velocity ``(1, nz, nx)``, by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, torch.Tensor]: ...


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training; with the data set and the network they fix its result.

    Parameters
    ----------
    epochs, batch : :obj:`int`
        Passes through the data, and samples a step (the last batch may be smaller).
    lr : :obj:`float`
        Highest learning rate of the schedule.
    weight_decay : :obj:`float`
        Of the optimizer.
    optimizer : {"adamw", "adam"}
        With torch's other settings.
    schedule : {"one-cycle", "constant"}
        How the learning rate changes.
    loss : {"l1", "mse"}
        Of velocities divided by `vp_scale`.
    vp_scale : :obj:`float`
        In m/s; 1 trains on m/s as Yang and Ma (2019) did.
    ema : :obj:`float`
        Decay of the moving average of the weights, which is what training returns.
    precision : {"float32", "bfloat16"}
        Of the products inside the network; weights stay float32.
    seed : :obj:`int`
        Of the first weights and of the order of the samples.
    """

    epochs: int = 20
    batch: int = 16
    lr: float = 2e-3
    weight_decay: float = 1e-2
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    loss: str = "l1"
    vp_scale: float = 1500.0
    ema: float = 0.998
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            check_integer(name, getattr(self, name), at_least=1)
        for name in ("lr", "vp_scale"):
            check_number(name, getattr(self, name), above=0.0)
        check_number("ema", self.ema, at_least=0.0, at_most=1.0)
        check_choice("loss", self.loss, _LOSSES)
        check_choice("optimizer", self.optimizer, _OPTIMIZERS)
        check_choice("schedule", self.schedule, ("one-cycle", "constant"))
        check_choice("precision", self.precision, _PRECISIONS)


class Trainer:
    """Train a network on stored samples.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    data, validation : `Samples`
        What to train on, and what to measure on after each epoch.
    preprocessing : `Preprocessing`
        Its scaling and gain are applied to the samples.
    config : `TrainingConfig`
        The settings.
    checkpoint : :obj:`pathlib.Path`
        File that a killed training resumes from.
    device : :obj:`str`, optional
        Where to train.

    Attributes
    ----------
    history : :obj:`list`
        One dictionary an epoch: ``epoch``, ``loss``, ``mae`` (validation, m/s), ``lr``,
        ``seconds``.

    Raises
    ------
    VMBFileError
        If the checkpoint belongs to another training.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        data: Samples,
        validation: Samples,
        *,
        preprocessing: Preprocessing,
        config: TrainingConfig,
        checkpoint: Path,
        device: str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(
            self.net,
            multi_avg_fn=get_ema_multi_avg_fn(config.ema),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self.data, self.validation = data, validation
        self.preprocessing, self.config = preprocessing, config
        self.checkpoint = checkpoint
        self.steps = -(-len(data) // config.batch)
        self.optimizer = _OPTIMIZERS[config.optimizer](
            self.net.parameters(), lr=config.lr, weight_decay=config.weight_decay
        )
        self.schedule = _schedule(self.optimizer, config, config.epochs * self.steps)
        self.history: list[dict[str, float]] = []
        self._done, self._losses = 0, torch.zeros(())
        if checkpoint.exists():
            self._resume()

    def fit(self, *, every: float = 300.0) -> torch.nn.Module:
        """Train to the last epoch.

        Parameters
        ----------
        every : :obj:`float`, optional
            Seconds between checkpoints inside an epoch.

        Returns
        -------
        net : :obj:`torch.nn.Module`
            The averaged network, in evaluation mode.

        Raises
        ------
        VMBRuntimeError
            If the loss becomes NaN or infinite.
        """
        total = self.config.epochs * self.steps
        saved = started = time.monotonic()
        with tqdm(total=total, initial=self._done, unit="step", mininterval=5.0) as progress:
            while self._done < total:
                epoch, first = divmod(self._done, self.steps)
                for rows in self._batches(epoch, first):
                    self._step(rows)
                    progress.update()
                    if time.monotonic() - saved > every:
                        saved = time.monotonic()
                        self._save()
                self._close_epoch(epoch, time.monotonic() - started)
                saved = started = time.monotonic()
        return self.average.module.eval()

    def _batches(self, epoch: int, first: int) -> Iterator[list[int]]:
        order = torch.randperm(len(self.data), generator=generator(self.config.seed + epoch))
        size = self.config.batch
        for step in range(first, self.steps):
            yield order[step * size : (step + 1) * size].tolist()

    def _step(self, rows: Sequence[int]) -> None:
        self.net.train()
        loss = self._loss(self.net, rows)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.net)
        self._losses = self._losses + loss.detach().cpu()
        self._done += 1

    def _loss(self, net: torch.nn.Module, rows: Sequence[int]) -> torch.Tensor:
        inputs, vp = self._load(self.data, rows)
        with torch.autocast(
            self.device.type,
            dtype=torch.bfloat16,
            enabled=self.config.precision == "bfloat16",
        ):
            prediction = net(inputs)
        scale = self.config.vp_scale
        return _LOSSES[self.config.loss](prediction.float() / scale, vp / scale)

    def _load(self, data: Samples, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        gathers, models = zip(*(data[row] for row in rows), strict=True)
        inputs = self.preprocessing.normalise(torch.stack(gathers).to(self.device))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, torch.stack(models).to(self.device)

    @torch.no_grad()
    def evaluate(self, data: Samples) -> float:
        """Return the mean absolute error of the averaged network in m/s."""
        net = self.average.module.eval()
        total, size = 0.0, self.config.batch
        for first in range(0, len(data), size):
            inputs, vp = self._load(data, range(first, min(first + size, len(data))))
            total += float((net(inputs) - vp).abs().mean()) * len(vp)
        return total / len(data)

    def _close_epoch(self, epoch: int, seconds: float) -> None:
        loss = float(self._losses) / self.steps
        if not torch.isfinite(self._losses):
            refuse(
                "training",
                f"diverged in epoch {epoch + 1}",
                got=f"a loss of {loss}",
                do="Lower lr, and start again from the last checkpoint",
                error=VMBRuntimeError,
            )
        row = {
            "epoch": epoch + 1,
            "loss": loss,
            "mae": self.evaluate(self.validation),
            "lr": float(self.schedule.get_last_lr()[0]),
            "seconds": seconds,
        }
        self.history.append(row)
        self._losses = torch.zeros(())
        self._save()
        _LOGGER.info("epoch %(epoch)d: loss %(loss).4f, validation MAE %(mae).1f m/s", row)

    def _identity(self) -> dict[str, Any]:
        return asdict(self.config) | {"samples": len(self.data)}

    def _save(self) -> None:
        state = {
            "identity": self._identity(),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
            "done": self._done,
            "losses": self._losses,
        }
        save_checkpoint(self.checkpoint, state)

    def _resume(self) -> None:
        state = load_checkpoint(self.checkpoint)
        if state["identity"] != self._identity():
            refuse(
                str(self.checkpoint),
                "belongs to another training",
                got=state["identity"],
                do="Use the settings it was made with, or remove it to start afresh",
                error=VMBFileError,
            )
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = state["history"]
        self._done, self._losses = state["done"], state["losses"]


def _schedule(optimizer: torch.optim.Optimizer, config: TrainingConfig, total: int) -> LRScheduler:
    if config.schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(optimizer, config.lr, total_steps=total, pct_start=0.2)
