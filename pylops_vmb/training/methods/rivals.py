"""What generator and discriminator play for: cross entropy, or the Wasserstein distance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus

Judge = Callable[[Tensor], Tensor]
"""From labels ``(batch, 1, nz, nx)`` to scores of any shape ``(batch, ...)``, high for real."""


class Rivalry(Protocol):
    """The losses of the two sides."""

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the discriminator lowers, and the mean score of real over fake labels."""

    def generator(self, scores: Tensor) -> Tensor:
        """Return what the generator lowers, given the scores of its labels."""


@dataclass(frozen=True)
class CrossEntropy:
    r"""The original game, as in pix2pix.

    Notes
    -----
    With :math:`s(x) = 1 / (1 + e^{-x})` the discriminator lowers half of
    :math:`-\log s(D(v)) - \log(1 - s(D(\hat v)))`, the generator :math:`-\log s(D(\hat v))`.

    References
    ----------
    Isola, P., Zhu, J.-Y., Zhou, T. and Efros, A., 2017, Image-to-image translation with
    conditional adversarial networks: CVPR, arXiv 1611.07004.
    """

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the discriminator lowers, and the mean score of real over fake labels."""
        given, made = judge(real), judge(fake)
        loss = 0.5 * (softplus(-given).mean() + softplus(made).mean())
        return loss, (given.mean() - made.mean()).detach()

    def generator(self, scores: Tensor) -> Tensor:
        """Return what the generator lowers, given the scores of its labels."""
        return softplus(-scores).mean()


@dataclass(frozen=True)
class Wasserstein:
    r"""The Wasserstein distance with a gradient penalty, as in VelocityGAN.

    Parameters
    ----------
    penalty : :obj:`float`, optional
        Weight of the penalty.

    Notes
    -----
    The critic lowers :math:`\overline{D(\hat v)} - \overline{D(v)} + \lambda P` with the
    `gradient_penalty` :math:`P`, the generator :math:`-\overline{D(\hat v)}`.

    References
    ----------
    Gulrajani, I., Ahmed, F., Arjovsky, M., Dumoulin, V. and Courville, A., 2017, Improved
    training of Wasserstein GANs: NeurIPS, arXiv 1704.00028.
    """

    penalty: float = 10.0

    def discriminator(self, judge: Judge, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the critic lowers, and the mean score of real over fake labels."""
        gap = judge(real).mean() - judge(fake).mean()
        return self.penalty * gradient_penalty(judge, real, fake) - gap, gap.detach()

    def generator(self, scores: Tensor) -> Tensor:
        """Return what the generator lowers, given the scores of its labels."""
        return -scores.mean()


def gradient_penalty(judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
    r"""Return how far a critic's slope is from one, between real and fake labels.

    Parameters
    ----------
    judge : callable
        The critic; it must not mix the samples of a batch.
    real, fake : :obj:`torch.Tensor`
        Labels ``(batch, 1, nz, nx)``.

    Returns
    -------
    penalty : :obj:`torch.Tensor`
        The mean over the batch of :math:`(\|\nabla D(u)\|_2 - 1)^2` at
        :math:`u = \epsilon v + (1 - \epsilon) \hat v`, one uniform random number
        :math:`\epsilon` a sample.  Where the critic gives several scores, :math:`D` is
        their mean.
    """
    mixture = torch.rand(len(real), 1, 1, 1, dtype=real.dtype, device=real.device)
    between = (mixture * real + (1.0 - mixture) * fake).detach().requires_grad_()
    total = judge(between).flatten(1).mean(1).sum()
    (slope,) = torch.autograd.grad(total, between, create_graph=True)
    lengths: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return (lengths - 1.0).square().mean()
