"""Batch norm over the samples of all processes, on any backend (torch's own needs a GPU)."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


class SharedBatchNorm(nn.Module):
    r"""Batch norm whose statistics are those of the batch on all processes.

    It takes over the weights and running statistics of a layer, under the same names.

    Parameters
    ----------
    layer : :obj:`torch.nn.BatchNorm2d`
        Or of one or three dimensions.

    Attributes
    ----------
    counts : :obj:`bool`
        Whether the samples of this process count; false where it only keeps in step.

    Notes
    -----
    With :math:`N` values of a channel in all processes, two sums travel, one after the other:
    :math:`\mu = \frac{1}{N} \sum x` and :math:`\sigma^2 = \frac{1}{N} \sum (x - \mu)^2`; the
    second form loses no digits where the mean is large.  Gradients travel the same way back.
    """

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, layer: _Norm) -> None:
        super().__init__()
        self.eps, self.momentum = layer.eps, layer.momentum
        self.tracks = layer.track_running_stats
        for name in ("weight", "bias"):
            self.register_parameter(name, getattr(layer, name))
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(layer, name))
        self.train(layer.training)
        self.counts = True

    def forward(self, maps: Tensor) -> Tensor:
        """Return normalised maps ``(batch, channels, ...)``."""
        if not self.training and self.tracks:
            mean, variance = self.running_mean, self.running_var
            return nn.functional.batch_norm(
                maps, mean, variance, self.weight, self.bias, training=False, eps=self.eps
            )
        values = maps.float()
        mean, variance, count = self._statistics(values)
        if self.tracks:
            self._follow(mean, variance * (count / (count - 1)))
        scale = torch.rsqrt(variance + self.eps)
        scale = scale if self.weight is None else scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        spread = (-1, *(1,) * (maps.ndim - 2))
        return (values * scale.view(spread) + shift.view(spread)).to(maps.dtype)

    def _statistics(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        axes = (0, *range(2, values.ndim))
        weight = float(self.counts)
        number = values.new_tensor(weight * values.numel() / values.shape[1]).expand(1)
        sums = total(torch.cat([weight * values.sum(axes), number]))
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        centred = values - mean.view(-1, *(1,) * (values.ndim - 2))
        return mean, total(weight * centred.square().sum(axes)) / count, count

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics as torch does."""
        self.num_batches_tracked += 1
        step = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), step)
        self.running_var.lerp_(variance.to(self.running_var), step)


def share_batchnorm(net: nn.Module) -> nn.Module:
    """Replace the batch norms inside a network, in place; state keys do not change."""
    if isinstance(net, _Norm):
        return SharedBatchNorm(net)
    for name, child in net.named_children():
        setattr(net, name, share_batchnorm(child))
    return net


class _Total(torch.autograd.Function):
    """The sum over all processes; its adjoint is the same sum."""

    @staticmethod
    def forward(_ctx: Any, values: Tensor) -> Tensor:
        """Return the sum."""
        summed = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        """Return the sum of the gradients, differentiable itself."""
        return total(gradient)


def total(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes, differentiable; itself where one is alone."""
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return values
    summed: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
    return summed
