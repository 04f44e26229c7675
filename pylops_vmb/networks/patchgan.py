"""PatchGAN: the discriminator that judges a picture by its patches of 70 x 70."""

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_choice, check_integer
from pylops_vmb.networks.blocks import check_channels
from pylops_vmb.networks.dcgan import initialise_dcgan
from pylops_vmb.networks.registry import register

_SMALLEST = 24


@register("patchgan")
class PatchDiscriminator(nn.Module):
    """PatchGAN discriminator: a picture in, one logit for each patch of 70 x 70 out.

    Parameters
    ----------
    in_channels : int, optional
        Channels; for a conditional discriminator those of condition and picture together.
    width : int, optional
        Filters of the first layer, 64 as published.
    norm : {"batch", "instance", "none"}, optional
        Normalisation of the three middle layers.  A gradient penalty (WGAN-GP) needs one
        that does not mix the samples of a batch: not ``"batch"``.

    References
    ----------
    Isola, P., Zhu, J.-Y., Zhou, T. and Efros, A., 2017, Image-to-image translation with
    conditional adversarial networks: CVPR, 1125-1134, arXiv 1611.07004.

    Examples
    --------
    >>> import torch
    >>> PatchDiscriminator(2, width=2)(torch.zeros(1, 2, 256, 256)).shape
    torch.Size([1, 1, 30, 30])
    """

    def __init__(self, in_channels: int = 2, *, width: int = 64, norm: str = "batch") -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.width = check_integer("width", width, at_least=1)
        self.norm = check_choice("norm", norm, ("batch", "instance", "none"))
        widths = [self.width * 2**level for level in range(4)]
        layers: list[nn.Module] = [nn.Conv2d(self.in_channels, widths[0], 4, 2, 1)]
        for (inputs, outputs), stride in zip(pairwise(widths), (2, 2, 1), strict=True):
            convolution = nn.Conv2d(inputs, outputs, 4, stride, 1, bias=self.norm != "batch")
            layers += [nn.LeakyReLU(0.2), convolution, _norm(self.norm, outputs)]
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(widths[-1], 1, 4, 1, 1)]
        self.model = nn.Sequential(*layers)
        initialise_dcgan(self)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return {"in_channels": self.in_channels, "width": self.width, "norm": self.norm}

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits ``(batch, 1, rows // 8 - 2, columns // 8 - 2)``.

        Raises
        ------
        VMBValueError
            If the inputs have other channels or are smaller than 24 x 24.
        """
        check_channels(inputs, self.in_channels, smallest=_SMALLEST)
        logits: Tensor = self.model(inputs)
        return logits


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if kind == "instance" else nn.Identity()
