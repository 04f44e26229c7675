"""FCNVMB as published, in plain torch: eager, float32, channels first; nothing of this package.

Written anew from the published structure (Yang and Ma, 2019, Geophysics 84(4), R583-R599):
the peer that this package's prediction and training are measured against.  The names of its
state are those of the published weights.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Twice(nn.Module):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs)
        self.conv2 = convolution(outputs, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(maps))
        return out


class Down(nn.Module):
    """Two convolutions, then a pooling that rounds up."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Twice(inputs, outputs)
        self.down = nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.down(self.conv(maps))
        return out


class Up(nn.Module):
    """Double the sides, join with the pooled maps of the same filters, two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Twice(inputs, outputs)
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)

    def forward(self, skip: Tensor, maps: Tensor) -> Tensor:
        grown = self.up(maps)
        tall, wide = (grown.shape[axis] - skip.shape[axis] for axis in (2, 3))
        sides = [wide // 2, (wide + 1) // 2, tall // 2, (tall + 1) // 2]
        out: Tensor = self.conv(torch.cat([functional.pad(skip, sides), grown], 1))
        return out


class PlainFCNVMB(nn.Module):
    """The published network; ``width`` 64 is its own, ``size`` is ``(nz, nx)``."""

    def __init__(self, shots: int, size: tuple[int, int], width: int = 64) -> None:
        super().__init__()
        filters = [width * 2**level for level in range(5)]
        self.size = size
        self.down1 = Down(shots, filters[0])
        self.down2 = Down(filters[0], filters[1])
        self.down3 = Down(filters[1], filters[2])
        self.down4 = Down(filters[2], filters[3])
        self.center = Twice(filters[3], filters[4])
        self.up4 = Up(filters[4], filters[3])
        self.up3 = Up(filters[3], filters[2])
        self.up2 = Up(filters[2], filters[1])
        self.up1 = Up(filters[1], filters[0])
        self.final = nn.Conv2d(filters[0], 1, 1)

    def forward(self, gathers: Tensor) -> Tensor:
        """Map gathers ``(batch, shots, nt, nr)`` to velocity ``(batch, 1, nz, nx)``."""
        down1 = self.down1(gathers)
        down2 = self.down2(down1)
        down3 = self.down3(down2)
        down4 = self.down4(down3)
        maps = self.up4(down4, self.center(down4))
        maps = self.up3(down3, maps)
        maps = self.up2(down2, maps)
        maps = self.up1(down1, maps)
        nz, nx = self.size
        velocity: Tensor = self.final(maps[:, :, 1 : 1 + nz, 1 : 1 + nx])
        return velocity
