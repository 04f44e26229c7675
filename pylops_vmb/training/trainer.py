"""The trainer: gathers in, velocity out, resumed to the bit after a kill at any step."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError, VMBRuntimeError, VMBTypeError
from pylops_vmb.inversion.processes.interrupts import Interrupts
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.training import checkpoints, identity
from pylops_vmb.training.datasets.samples import Pair, Samples
from pylops_vmb.training.distributed import Team
from pylops_vmb.training.evaluation import has_ssim, score_sums
from pylops_vmb.training.history import History, added, means
from pylops_vmb.training.loading import Augment, AugmentedSet, batches, stack
from pylops_vmb.training.methods.base import Method
from pylops_vmb.training.methods.supervised import Supervised
from pylops_vmb.training.order import Order, Part, mixed
from pylops_vmb.training.settings import TrainingConfig
from pylops_vmb.training.tally import Sums, Tally, useless

__all__ = ["Trainer", "TrainingConfig"]

_LOGGER = logging.getLogger(__name__)
_STEP = 2
"""Keeps the seeds of steps apart from others."""


class Trainer:
    """Train a network on stored samples, alone or together with other processes.

    Parameters
    ----------
    method : `Method` or :obj:`torch.nn.Module`
        How to learn.  A network, from ``(batch, ns, nt, nr)`` to ``(batch, 1, nz, nx)`` in m/s,
        is trained by `Supervised`.
    data, validation : `Samples`
        What to train on, and what to measure on after each epoch; nothing else is ever done
        with the latter.
    preprocessing : `Preprocessing`
        Its scaling and gain are applied to the samples.
    config : `TrainingConfig`
        The settings.
    checkpoint : path-like
        File that a killed training resumes from.
    augment : callable, optional
        Changes one training sample, ``augment(d, vp, generator) -> (d, vp)``; its generator is
        seeded with (seed, epoch, number of the sample).
    workers : :obj:`int`, optional
        Processes that load samples ahead; their number changes no bit of the result.
    device : :obj:`str`, optional
        Where to train; "cuda" is one GPU a process.

    Attributes
    ----------
    history : `History`
        One dictionary an epoch.

    Raises
    ------
    VMBFileError
        If the checkpoint belongs to another training, or its folder is missing.
    VMBValueError, VMBTypeError
        If a set is empty or an argument cannot be used.

    Notes
    -----
    The result is a function of settings, network and data.  A step's random numbers (dropout)
    come from torch's global generators, seeded with (seed, step, process) before the step and
    put back when `fit` ends, so that no generator's state has to be kept.

    Under ``torchrun``, or in an initialised process group, ``config.batch`` is still the batch
    of one step: each process takes its part of it, each sample weighs the same, and batch norm
    sees the whole batch, so that the loss is that of one process to rounding; in float16 only
    until the first overflow, which the smaller parts meet at another loss scale.  Sums are taken
    in another order, therefore a checkpoint is resumed with as many processes as wrote it.
    Process 0 alone reads and writes files.
    """

    def __init__(
        self,
        method: Method | nn.Module,
        data: Samples,
        validation: Samples,
        *,
        preprocessing: Preprocessing,
        config: TrainingConfig,
        checkpoint: Path,
        augment: Augment | None = None,
        workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.team = Team.joined(device)
        self.device = self.team.device
        self.method = _method(method, config)
        self.data, self.validation = data, validation
        self.preprocessing, self.config = preprocessing, config
        self.checkpoint, self.augment = Path(checkpoint), augment
        self.workers = check_integer("workers", workers)
        self._check()
        self.order = Order(len(data), config.batch, config.seed, self.team.rank, self.team.size)
        self.total = config.epochs * self.order.steps
        self._identity = self._identify()
        self.method.prepare(self.total, device=self.device, wrap=self.team.wrap)
        self.history = History()
        self._done, self._seconds = 0, 0.0
        self._tally = Tally(self.team)
        self._best: dict[str, torch.Tensor] = {}
        self._resume()

    @property
    def net(self) -> nn.Module:
        """The network, with its last weights."""
        return self.method.net

    @property
    def average(self) -> AveragedModel:
        """The moving average; ``average.module`` is what training returns."""
        return self.method.average

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or `patience` has run out."""
        best, patience = self.history.best(self.config.monitor), self.config.patience
        if best is not None and patience is not None and len(self.history) - 1 - best >= patience:
            return True
        return self._done >= self.total

    def fit(self, *, every: float = 300.0, every_steps: int | None = None) -> nn.Module:
        """Train to the last epoch, or until `patience` runs out.

        Parameters
        ----------
        every : :obj:`float`, optional
            Seconds between checkpoints inside an epoch; one is written after each epoch anyway.
        every_steps : :obj:`int`, optional
            Steps between them.

        Returns
        -------
        net : :obj:`torch.nn.Module`
            The averaged network, in evaluation mode: the best one with `patience`, else the
            last one.

        Raises
        ------
        VMBRuntimeError
            If the training diverges; the last checkpoint is from before it.
        VMBFileError
            If a checkpoint cannot be written; the one before it is kept.
        KeyboardInterrupt
            After Ctrl-C, once a checkpoint is written.
        """
        interval, interrupts = checkpoints.Interval(every, every_steps), Interrupts()
        devices = [self.device] if self.device.type == "cuda" else []
        with interrupts.held(), torch.random.fork_rng(devices), self._progress() as progress:
            if not self.finished:
                self._run(interval, interrupts, progress)
        if self._best:
            self.average.module.load_state_dict(self._best)
        return self.average.module.eval()

    def evaluate(self, data: Samples) -> dict[str, float]:
        """Measure the averaged network on a data set.

        Parameters
        ----------
        data : `Samples`
            What to measure on; in an epoch it is the validation set.

        Returns
        -------
        scores : :obj:`dict`
            ``mae`` and ``rmse`` over all cells in m/s; ``ssim``, the mean over the models, if
            these have at least 11 x 11 cells.
        """
        rows = range(self.team.rank, len(data), self.team.size)
        net = self.average.module.eval()
        with self.team.together():
            sums = score_sums(net, data, rows, batch=self.config.batch, load=self._load)
        scores = means(added(self.team.gathered(sums)), len(data))
        return {
            "mae": scores["mae"],
            "rmse": math.sqrt(scores["mse"]),
            **{name: scores[name] for name in ("ssim",) if name in scores},
        }

    def _run(self, interval: checkpoints.Interval, interrupts: Interrupts, progress: Any) -> None:
        interval.restart(self._done)
        for part, (d, vp) in self._loaded():
            started = time.monotonic()
            self._step(part, d, vp)
            progress.update()
            self._seconds += time.monotonic() - started
            closed = self._done % self.order.steps == 0
            if closed:
                self._close_epoch(part.epoch)
            due, asked = self.team.any(interval.due(self._done), interrupts.asked)
            if due or asked or closed:
                self._save()
                interval.restart(self._done)
            if asked:
                interrupts.serve()
                self._stop()
            if self.finished:
                return

    def _loaded(self) -> Iterator[tuple[Part, Pair]]:
        """Yield this process's parts of the steps to come, with their samples."""
        samples = AugmentedSet(self.data, self.augment, self.config.seed)
        ahead, now = (self.order.parts(self._done, self.total) for _ in range(2))
        pin = self.device.type == "cuda"
        loaded = batches(samples, ahead, workers=self.workers, pin=pin)
        for part in now:
            started = time.monotonic()
            with self.team.together():
                pair = next(loaded)
            self._seconds += time.monotonic() - started
            yield part, pair

    def _step(self, part: Part, d: torch.Tensor, vp: torch.Tensor) -> None:
        inputs, vp = self._prepared(d, vp)
        target = vp if self.method.teacher == "velocity" else d.to(self.device)
        torch.manual_seed(mixed(self.config.seed, _STEP, self._done, self.team.rank))
        self.team.take_part(counts=part.real > 0)
        self.method.share = self.team.size * part.real / part.batch
        self._tally.add(self.method.step(inputs, target), samples=part.real)
        self._done += 1

    def _load(self, data: Samples, rows: Sequence[int]) -> Pair:
        return self._prepared(*stack([data[row] for row in rows]))

    def _prepared(self, d: torch.Tensor, vp: torch.Tensor) -> Pair:
        """Return normalised gathers and velocities on the device."""
        inputs = self.preprocessing.normalise(d.to(self.device, non_blocking=True))
        if self.config.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, vp.to(self.device, non_blocking=True)

    def _close_epoch(self, epoch: int) -> None:
        losses = means(added(self._sums()), self.order.count)
        row = {
            "epoch": epoch + 1,
            **losses,
            **self.evaluate(self.validation),
            "lr": self.method.lr,
            "seconds": self._seconds,
        }
        self.history.append(self.team.led(row))
        self._tally.clear()
        self._seconds = 0.0
        if self.config.patience and self.history.best(self.config.monitor) == epoch:
            weights = self.average.module.state_dict()
            self._best = {name: value.detach().clone() for name, value in weights.items()}
        if self.team.leads:
            _LOGGER.info("epoch %(epoch)d: loss %(loss).4f, validation MAE %(mae).1f m/s", row)

    def _sums(self) -> list[Sums]:
        """Return the sums of the epoch, one for each process; refuse them if they are useless."""
        sums = self._tally.gathered()
        wrong = useless(added(sums))
        if wrong:
            self._diverged(wrong)
        return sums

    def _save(self) -> None:
        sums = self._sums()
        if not (checkpoints.all_finite(self.net) and checkpoints.all_finite(self.average)):
            self._diverged("weights that are NaN or infinite")
        with self.team.together():
            if self.team.leads:
                checkpoints.save(self.checkpoint, self._state(sums), identity=self._identity)

    def _state(self, sums: list[Sums]) -> dict[str, Any]:
        return {
            "method": self.method.state_dict(),
            "history": list(self.history),
            "best": self._best,
            "done": self._done,
            "seconds": self._seconds,
            "sums": sums,
        }

    def _resume(self) -> None:
        with self.team.together():
            state = None
            if self.team.leads:
                state = checkpoints.load(self.checkpoint, identity=self._identity)
        state = self.team.led(state)
        if state is None:
            return
        self.method.load_state_dict(state["method"])
        self.history = History(state["history"])
        self._best = {name: value.to(self.device) for name, value in state["best"].items()}
        self._done, self._seconds = state["done"], state["seconds"]
        self._tally.restore(state["sums"])

    def _identify(self) -> dict[str, Any]:
        """Return what must be equal for a checkpoint to be taken over."""
        return {
            **self.config.document,
            **self.method.identity,
            **identity.of_net(self.net),
            **identity.of_data("training", self.data),
            **identity.of_data("validation", self.validation),
            "preprocessing": self.preprocessing.config,
            "augmentation": identity.of_function(self.augment),
            "processes": self.team.size,
        }

    def _progress(self) -> Any:
        # Of the one that leads nothing is said, so that TQDM_DISABLE decides.
        silent = {} if self.team.leads else {"disable": True}
        return tqdm(total=self.total, initial=self._done, unit="step", mininterval=5.0, **silent)

    def _check(self) -> None:
        for name, data in (("data", self.data), ("validation", self.validation)):
            if len(data) == 0:
                refuse(name, "must hold samples", got="none", do="Check its folder")
        if self.config.monitor == "ssim" and not has_ssim(self.validation):
            refuse(
                "monitor",
                "needs models of at least 11 x 11 cells for 'ssim'",
                got=tuple(self.validation[0][1].shape),
                do="Use monitor='mae'",
            )
        if not self.checkpoint.parent.is_dir():
            refuse(
                "checkpoint",
                "its folder does not exist",
                got=f"'{self.checkpoint}'",
                do="Create the folder first",
                error=VMBFileError,
            )

    def _stop(self) -> NoReturn:
        raise KeyboardInterrupt(
            f"training: stopped after step {self._done} of {self.total}, got Ctrl-C. Start the "
            f"same training again: it goes on from '{self.checkpoint}'."
        )

    def _diverged(self, got: str) -> NoReturn:
        refuse(
            "training",
            f"diverged before step {self._done + 1}, in epoch "
            f"{(self._done - 1) // self.order.steps + 1}",
            got=got,
            do=f"Lower lr, or set clip, and start again; '{self.checkpoint}', if it is there, "
            "is from before",
            error=VMBRuntimeError,
        )


def _method(method: Any, config: TrainingConfig) -> Method:
    if isinstance(method, Method):
        if method.config != config:
            refuse(
                "config",
                "must be the one that the method was made with",
                got=f"{config}, and {method.config} there",
                do="Pass config=method.config",
            )
        return method
    if not isinstance(method, nn.Module):
        refuse(
            "method",
            "must be a network or a method",
            got=type(method).__name__,
            do="Pass a torch.nn.Module, or Supervised(net, config)",
            error=VMBTypeError,
        )
    return Supervised(method, config)
