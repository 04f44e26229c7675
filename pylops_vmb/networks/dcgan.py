"""DCGAN: the generator and the discriminator of pictures of 64 x 64."""

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.networks.blocks import check_channels, draw
from pylops_vmb.networks.registry import register

_SIDE = 64


def initialise_dcgan(net: nn.Module) -> None:
    """Draw convolutions from ``N(0, 0.02^2)``, batch norm scales from ``N(1, 0.02^2)``."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            mean = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
            draw(layer.weight, std=0.02, mean=mean)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class _Sized(nn.Module):
    """What the two halves of DCGAN share: their settings."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.channels = check_integer("channels", channels, at_least=1)
        self.width = check_integer("width", width, at_least=1)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return {"channels": self.channels, "width": self.width}


@register("dcgan-generator")
class DCGANGenerator(_Sized):
    """Generator of DCGAN: a random vector in, a picture of 64 x 64 in [-1, 1] out.

    Parameters
    ----------
    channels : int, optional
        Channels of the picture; 1 for a velocity label.
    latent : int, optional
        Length of the vector.
    width : int, optional
        Filters before the last layer, 64 as published; each layer before has twice as many.

    References
    ----------
    Radford, A., Metz, L. and Chintala, S., 2016, Unsupervised representation learning with
    deep convolutional generative adversarial networks: ICLR, arXiv 1511.06434.  It trains
    with Adam, 2e-4 and a first moment of 0.5.

    Examples
    --------
    >>> import torch
    >>> DCGANGenerator(1, width=2)(torch.randn(3, 100, 1, 1)).shape
    torch.Size([3, 1, 64, 64])
    """

    def __init__(self, channels: int = 3, *, latent: int = 100, width: int = 64) -> None:
        super().__init__(channels, width)
        self.latent = check_integer("latent", latent, at_least=1)
        widths = [8 * self.width, 4 * self.width, 2 * self.width, self.width]
        layers: list[nn.Module] = [nn.ConvTranspose2d(self.latent, widths[0], 4, 1, 0, bias=False)]
        for inputs, outputs in pairwise([*widths, self.channels]):
            layers += [nn.BatchNorm2d(inputs), nn.ReLU()]
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False))
        self.main = nn.Sequential(*layers, nn.Tanh())
        initialise_dcgan(self)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return super().config | {"latent": self.latent}

    def forward(self, inputs: Tensor) -> Tensor:
        """Return pictures ``(batch, channels, 64, 64)`` of vectors ``(batch, latent, 1, 1)``.

        Raises
        ------
        VMBValueError
            If the vectors have another shape.
        """
        if inputs.ndim != 4 or tuple(inputs.shape[1:]) != (self.latent, 1, 1):
            want = f"must be (batch, {self.latent}, 1, 1)"
            refuse("inputs", want, got=tuple(inputs.shape), do="Draw them with torch.randn")
        pictures: Tensor = self.main(inputs)
        return pictures


@register("dcgan-discriminator")
class DCGANDiscriminator(_Sized):
    """Discriminator of DCGAN: a picture of 64 x 64 in, one logit out.

    Parameters
    ----------
    channels : int, optional
        Channels of the picture.
    width : int, optional
        Filters of the first layer, 64 as published.

    Notes
    -----
    The publication's sigmoid belongs to the loss here (``BCEWithLogitsLoss``), where it is
    exact for large logits too.

    References
    ----------
    As in `DCGANGenerator`.

    Examples
    --------
    >>> import torch
    >>> DCGANDiscriminator(1, width=2)(torch.zeros(3, 1, 64, 64)).shape
    torch.Size([3, 1])
    """

    def __init__(self, channels: int = 3, *, width: int = 64) -> None:
        super().__init__(channels, width)
        widths = [self.width * 2**level for level in range(4)]
        layers = [nn.Conv2d(self.channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for inputs, outputs in pairwise(widths):
            layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False))
            layers += [nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False))
        initialise_dcgan(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits ``(batch, 1)`` of pictures ``(batch, channels, 64, 64)``.

        Raises
        ------
        VMBValueError
            If the pictures have another size.
        """
        check_channels(inputs, self.channels, smallest=_SIDE)
        if tuple(inputs.shape[2:]) != (_SIDE, _SIDE):
            want = f"must have {_SIDE} x {_SIDE} cells"
            do = "Resample the pictures, or use PatchDiscriminator"
            refuse("inputs", want, got=tuple(inputs.shape[2:]), do=do)
        logits: Tensor = self.main(inputs)
        return logits.flatten(1)
