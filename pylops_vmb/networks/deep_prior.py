"""A small convolutional decoder: a velocity model as the output of a network that sees noise."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from pylops_vmb._backend import generator
from pylops_vmb._checks import check_integer, check_range, refuse
from pylops_vmb.networks.blocks import check_channels, check_size, initialise_he
from pylops_vmb.networks.registry import register


@register("deep-prior")
class DeepPrior(nn.Module):
    r"""Decoder from fixed noise to one velocity model in m/s.

    Parameters
    ----------
    out_shape : tuple of int
        Cells ``(nz, nx)`` of the velocity model.
    latent : int, optional
        Channels of the noise.
    width : int, optional
        Channels of all maps.
    depth : int, optional
        Levels up, each doubles rows and columns.
    vp_range : tuple of float, optional
        Velocities in m/s of the labels -1 and 1.  Not a bound.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Notes
    -----
    Its weights are the unknowns of an inversion (see `pylops_vmb.network_fwi`): what
    convolutions and interpolation draw easily is found first, noise last.  There is no batch
    norm, whose statistics of one model would hide its mean.

    References
    ----------
    D. Ulyanov, A. Vedaldi and V. Lempitsky, Deep image prior, CVPR, 2018, arXiv 1711.10925.

    Examples
    --------
    >>> net = DeepPrior((16, 24), width=4, depth=2)
    >>> net(net.noise(seed=0)).shape
    torch.Size([1, 1, 16, 24])
    """

    def __init__(
        self,
        out_shape: Sequence[int],
        *,
        latent: int = 16,
        width: int = 32,
        depth: int = 3,
        vp_range: Sequence[float] = (1500.0, 4500.0),
    ) -> None:
        super().__init__()
        self.out_shape = check_size("out_shape", out_shape, axes="(nz, nx)")
        self.latent = check_integer("latent", latent, at_least=1)
        self.width = check_integer("width", width, at_least=1)
        self.depth = check_integer("depth", depth, at_least=1)
        low, high = check_range("vp_range", vp_range, at_least=0.0, unit="m/s")
        if low == high:
            do = "Pass (lowest, highest) in m/s"
            refuse("vp_range", "must increase", got=(low, high), do=do)
        self._range = (low, high)
        widths = [self.latent, *[self.width] * self.depth]
        self.levels = nn.ModuleList(_level(n, m) for n, m in pairwise(widths))
        self.final = nn.Conv2d(self.width, 1, 3, padding=1, padding_mode="replicate")
        initialise_he(self)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return {
            "out_shape": list(self.out_shape),
            "latent": self.latent,
            "width": self.width,
            "depth": self.depth,
            "vp_range": list(self._range),
        }

    def noise(self, *, seed: int) -> Tensor:
        """Return noise ``(1, latent, rows, columns)`` to begin with, the same for one seed."""
        rows, columns = (-(-side // 2**self.depth) for side in self.out_shape)
        shape = (1, self.latent, rows, columns)
        return torch.randn(shape, generator=generator(seed)).to(next(self.parameters()))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map noise ``(batch, latent, rows, columns)`` to velocity ``(batch, 1, nz, nx)`` (m/s).

        Raises
        ------
        VMBValueError
            If the input has other channels.
        """
        check_channels(inputs, self.latent)
        maps, (low, high) = inputs, self._range
        for level in self.levels:
            maps = level(maps)
        maps = nn.functional.interpolate(maps, self.out_shape, mode="bilinear", align_corners=False)
        label: Tensor = self.final(maps)
        return (high + low) / 2 + (high - low) / 2 * label


def _level(inputs: int, outputs: int) -> nn.Module:
    grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    layers: list[nn.Module] = [grow]
    for channels in (inputs, outputs):
        side = nn.Conv2d(channels, outputs, 3, padding=1, padding_mode="replicate")
        layers += [side, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
