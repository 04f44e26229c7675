"""Supervised learning: gathers with their velocity, a loss between prediction and truth."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pylops_vmb.training.losses import velocity_loss
from pylops_vmb.training.methods.base import Descent, Method, Wrap, autocast, averaged, place
from pylops_vmb.training.settings import TrainingConfig


class Supervised(Method):
    """Learn velocity from gathers of known velocity.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    config : `TrainingConfig`
        The settings.
    """

    descent: Descent

    def __init__(self, net: nn.Module, config: TrainingConfig) -> None:
        self.net, self.config = net, config
        self.loss = velocity_loss(config.loss, vp_scale=config.vp_scale)

    def prepare(self, steps: int, *, device: torch.device, wrap: Wrap) -> None:
        """Move the network, and make average, optimiser and schedule."""
        self.device = device
        self.net = place(self.net, self.config, device)
        self.average = averaged(self.net, self.config)
        self.called = wrap(self.net)
        if self.config.compile:
            self.called.compile()
        self.descent = Descent(self.net.parameters(), self.config, steps=steps, device=device)

    def step(self, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take one step; see `Method.step`."""
        self.net.train()
        total = torch.zeros((), device=target.device)
        parts = self._parts(len(target))
        chunks = zip(inputs.tensor_split(parts), target.tensor_split(parts), strict=True)
        for number, (part, true) in enumerate(chunks, start=1):
            with self._alone(number < parts):
                loss = self.loss_of(part, true) * (len(true) / len(target))
                self.descent.backward(self.share * loss)
            total += loss.detach()
        self.descent.update()
        self.average.update_parameters(self.net)
        return {"loss": total}

    def loss_of(self, inputs: Tensor, target: Tensor) -> Tensor:
        """Return the loss of normalised gathers and their velocity in m/s."""
        with autocast(self.config, self.device):
            prediction = self.called(inputs)
        return self.loss(prediction.float(), target)

    def _parts(self, count: int) -> int:
        """Return how many parts to take: as many on each process, whose batch norms wait for all.

        The smallest share is the batch over the number of processes, which is count over share.
        """
        smallest = int(count / self.share) if self.share else 1
        return min(self.config.accumulate, max(1, smallest))

    def _alone(self, more: bool) -> AbstractContextManager[None]:
        """Return a context in which gradients stay in this process, if more will follow."""
        if more and isinstance(self.called, DistributedDataParallel):
            return self.called.no_sync()
        return nullcontext()

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return self.descent.lr

    def state_dict(self) -> dict[str, Any]:
        """Return network, average and descent."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "descent": self.descent.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.descent.load_state_dict(state["descent"])
