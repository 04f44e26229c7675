"""Building blocks of the networks: convolutions, levels down and up, initial weights.

All maps are ``(batch, channels, rows, columns)``.  The attribute names (``conv``,
``conv1``, ``conv2``, ``up``) are those of the published FCNVMB checkpoints, so
that these load without renaming.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBTypeError

Join = Callable[[Tensor, Tensor], Tensor]


def convolution(
    inputs: int,
    outputs: int,
    *,
    stride: tuple[int, int] = (1, 1),
    batchnorm: bool = True,
    padded: bool = True,
) -> nn.Sequential:
    """Return convolution, batch norm (optional) and ReLU in a row.

    The kernel has an odd side of at least 3 that covers the stride, so that no
    sample is skipped; padded, a side of ``n`` samples becomes ``ceil(n / stride)``.
    """
    kernel = (max(3, stride[0] | 1), max(3, stride[1] | 1))
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, padding)]
    if batchnorm:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, nn.ReLU())


def upsampler(inputs: int, outputs: int, *, bilinear: bool) -> nn.Module:
    """Return a layer that doubles rows and columns and changes the channels.

    The bilinear one takes its 1x1 convolution first: the two commute (the weights
    of the interpolation sum to one) and the small map costs a quarter.
    """
    if not bilinear:
        return nn.ConvTranspose2d(inputs, outputs, 2, 2)
    grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), grow)


def join_padded(skip: Tensor, up: Tensor) -> Tensor:
    """Concatenate ``[skip, up]`` with the skip zero-padded, centred, to the size of ``up``."""
    tall, wide = (up.shape[axis] - skip.shape[axis] for axis in (-2, -1))
    sides = (wide // 2, (wide + 1) // 2, tall // 2, (tall + 1) // 2)
    return torch.cat([nn.functional.pad(skip, sides), up], dim=1)


def join_cropped(skip: Tensor, up: Tensor) -> Tensor:
    """Concatenate ``[skip, up]`` without the rows and columns that ceil pooling added."""
    rows, columns = skip.shape[-2:]
    return torch.cat([skip, up[..., :rows, :columns]], dim=1)


def join_middle(skip: Tensor, up: Tensor) -> Tensor:
    """Concatenate ``[skip, up]`` with the middle of the skip, of the size of ``up``."""
    rows, columns = up.shape[-2:]
    top, left = (skip.shape[-2] - rows) // 2, (skip.shape[-1] - columns) // 2
    return torch.cat([skip[..., top : top + rows, left : left + columns], up], dim=1)


class DoubleConvolution(nn.Module):
    """Two 3x3 convolutions, each with batch norm (optional) and ReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, batchnorm: bool = True, padded: bool = True
    ) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs, batchnorm=batchnorm, padded=padded)
        self.conv2 = convolution(outputs, outputs, batchnorm=batchnorm, padded=padded)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same rows and columns; four fewer of each if not padded."""
        out: Tensor = self.conv2(self.conv1(maps))
        return out


class Down(nn.Module):
    """One level of the encoder: double convolution, then 2x2 max pooling (ceil)."""

    def __init__(
        self, inputs: int, outputs: int, *, batchnorm: bool = True, padded: bool = True
    ) -> None:
        super().__init__()
        self.conv = DoubleConvolution(inputs, outputs, batchnorm=batchnorm, padded=padded)
        self.down = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps before and after the pooling."""
        full = self.conv(maps)
        return full, self.down(full)


class Up(nn.Module):
    """One level of the decoder: upsample, join with the skip, double convolution."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        join: Join,
        bilinear: bool = False,
        batchnorm: bool = True,
        padded: bool = True,
    ) -> None:
        super().__init__()
        self.up = upsampler(inputs, outputs, bilinear=bilinear)
        self.conv = DoubleConvolution(2 * outputs, outputs, batchnorm=batchnorm, padded=padded)
        self.join = join

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        """Return maps made of the skip and of the deeper level."""
        out: Tensor = self.conv(self.join(skip, self.up(deep)))
        return out


def levels(
    inputs: int,
    width: int,
    depth: int,
    *,
    bilinear: bool = False,
    batchnorm: bool = True,
    padded: bool = True,
) -> tuple[nn.ModuleList, nn.Module, nn.ModuleList]:
    """Return the parts of a letter U: levels down, centre, levels up.

    The first level has ``width`` filters, and each level down doubles them.
    """
    widths = [width * 2**level for level in range(depth + 1)]
    pairs = list(pairwise(widths))
    join = join_cropped if padded else join_middle
    downs = nn.ModuleList(
        Down(n, m, batchnorm=batchnorm, padded=padded) for n, m in pairwise([inputs, *widths[:-1]])
    )
    center = DoubleConvolution(*pairs[-1], batchnorm=batchnorm, padded=padded)
    ups = nn.ModuleList(
        Up(deep, skip, join=join, bilinear=bilinear, batchnorm=batchnorm, padded=padded)
        for skip, deep in reversed(pairs)
    )
    return downs, center, ups


def through_levels(
    downs: nn.ModuleList, center: nn.Module, ups: nn.ModuleList, maps: Tensor
) -> Tensor:
    """Return the last maps of `levels`; the skips are taken before the pooling."""
    skips = []
    for down in downs:
        full, maps = down(maps)
        skips.append(full)
    maps = center(maps)
    for up, skip in zip(ups, reversed(skips), strict=True):
        maps = up(skip, maps)
    return maps


@torch.no_grad()
def draw(weight: Tensor, *, std: float, mean: float = 0.0) -> None:
    """Draw a weight from a normal distribution, in place; without memory nothing is drawn."""
    if not weight.is_meta:  # there torch loads its compiler for this, for seconds
        weight.normal_(mean, std)


def initialise_he(net: nn.Module) -> None:
    """Draw all convolutions from ``N(0, 2 / N)``, `N` the incoming nodes; clear their biases.

    He, K. et al., 2015, Delving deep into rectifiers: ICCV, arXiv 1502.01852.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            incoming = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            if isinstance(layer, nn.ConvTranspose2d):  # each output cell sees kernel / stride
                incoming //= layer.stride[0] * layer.stride[1]
            draw(layer.weight, std=(2 / incoming) ** 0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def check_gathers(inputs: Tensor, channels: int) -> None:
    """Refuse inputs that are not ``(batch, channels, nt, nr)``."""
    if inputs.ndim != 4 or inputs.shape[1] != channels:
        refuse(
            "inputs",
            f"must be (batch, ns, nt, nr) with ns = {channels} shots",
            got=tuple(inputs.shape),
            do="Put the shots on axis 1, or build the network with in_channels = ns",
        )


def check_channels(inputs: Tensor, channels: int, *, smallest: int = 1) -> None:
    """Refuse inputs that are not ``(batch, channels, rows, columns)`` of a minimum size."""
    if inputs.ndim != 4 or inputs.shape[1] != channels or min(inputs.shape[2:]) < smallest:
        refuse(
            "inputs",
            f"must be (batch, {channels}, rows, columns) of at least {smallest} x {smallest}",
            got=tuple(inputs.shape),
            do="Change the inputs, or build the network for other channels",
        )


def check_size(name: str, value: Sequence[int], *, axes: str) -> tuple[int, int]:
    """Return ``value`` as two positive ints."""
    if not isinstance(value, Sequence) or len(value) != 2:
        refuse(name, "must be two integers", got=repr(value), do=f"Pass {axes}", error=VMBTypeError)
    first, second = (check_integer(name, side, at_least=1) for side in value)
    return first, second
