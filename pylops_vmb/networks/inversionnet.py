"""InversionNet: the field's baseline, an encoder to one vector and a decoder to velocity."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.networks.registry import register
from pylops_vmb.networks.regression import VelocityNetwork

_TALL, _SQUARE = (3, 1), (3, 3)
_TIME, _BOTH, _KEEP = (2, 1), (2, 2), (1, 1)  # strides

# Name, filters / width, kernel, stride; padding is half the kernel.
_ENCODER = (
    ("convblock1", 1, (7, 1), _TIME),
    ("convblock2_1", 2, _TALL, _TIME),
    ("convblock2_2", 2, _TALL, _KEEP),
    ("convblock3_1", 2, _TALL, _TIME),
    ("convblock3_2", 2, _TALL, _KEEP),
    ("convblock4_1", 4, _TALL, _TIME),
    ("convblock4_2", 4, _TALL, _KEEP),
    ("convblock5_1", 4, _SQUARE, _BOTH),
    ("convblock5_2", 4, _SQUARE, _KEEP),
    ("convblock6_1", 8, _SQUARE, _BOTH),
    ("convblock6_2", 8, _SQUARE, _KEEP),
    ("convblock7_1", 8, _SQUARE, _BOTH),
    ("convblock7_2", 8, _SQUARE, _KEEP),
)
_DECODER = (16, 8, 4, 2, 1)  # filters / width of each level up, the first from one cell
_DOUBLINGS = 16  # the four levels up behind it


class _Block(nn.Module):
    """A convolution of either kind, batch norm, and what bends them."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, bend: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), bend)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.layers(maps)
        return out


@register("inversionnet")
class InversionNet(VelocityNetwork):
    r"""InversionNet of Wu and Lin in the form of OpenFWI.

    Parameters
    ----------
    in_channels, in_shape, out_shape
        Shots, ``(nt, nr)`` and ``(nz, nx)``; OpenFWI has 5, (1000, 70) and (70, 70).
    width : int, optional
        Filters of the first layer, 32 as published; the vector has ``16 * width`` numbers.
    data_scale, vp_range
        As in `VelocityNetwork`.  The last layer is a hyperbolic tangent: here
        ``vp_range`` *is* a bound.

    Notes
    -----
    Seven strided convolutions, the first four in time only, then a kernel of the size of
    what is left: one vector for the whole survey.  A transposed convolution of
    :math:`\lceil n_z / 16 \rceil \times \lceil n_x / 16 \rceil` opens it, four more double it,
    and the middle :math:`n_z \times n_x` goes to the last convolution.  At the size of OpenFWI
    this is the published network, 24,409,123 parameters, and the state has its keys.

    References
    ----------
    Wu, Y. and Lin, Y., 2019, InversionNet: an efficient and accurate data-driven full
    waveform inversion: IEEE Trans. Computational Imaging, 6, 419-433.

    Deng, C. et al., 2022, OpenFWI: large-scale multi-structural benchmark datasets for full
    waveform inversion: NeurIPS Datasets and Benchmarks, arXiv 2111.02926.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     net = InversionNet(5, (1000, 70), (70, 70))
    ...     vp = net(torch.empty(2, 5, 1000, 70))
    >>> sum(p.numel() for p in net.parameters()), vp.shape
    (24409123, torch.Size([2, 1, 70, 70]))
    """

    def __init__(
        self,
        in_channels: int,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        *,
        width: int = 32,
        data_scale: float = 1.0,
        vp_range: Sequence[float] = (1500.0, 4500.0),
    ) -> None:
        super().__init__(in_channels, in_shape, out_shape, data_scale=data_scale, vp_range=vp_range)
        self.width = check_integer("width", width, at_least=1)
        self._add_encoder()
        self._add_decoder()

    def _add_encoder(self) -> None:
        inputs, (rows, columns) = self.in_channels, self.in_shape
        for name, factor, kernel, stride in _ENCODER:
            padding = (kernel[0] // 2, kernel[1] // 2)
            outputs = factor * self.width
            self._add(name, nn.Conv2d(inputs, outputs, kernel, stride, padding))
            inputs, rows, columns = outputs, -(-rows // stride[0]), -(-columns // stride[1])
        self._add("convblock8", nn.Conv2d(inputs, 16 * self.width, (rows, columns)))

    def _add_decoder(self) -> None:
        inputs = 16 * self.width
        nz, nx = (-(-side // _DOUBLINGS) for side in self.out_shape)
        for level, factor in enumerate(_DECODER, start=1):
            outputs = factor * self.width
            kernel, stride, padding = ((nz, nx), 1, 0) if level == 1 else ((4, 4), 2, 1)
            grow = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding)
            self._add(f"deconv{level}_1", grow)
            self._add(f"deconv{level}_2", nn.Conv2d(outputs, outputs, 3, padding=1))
            inputs = outputs
        self.deconv6 = _Block(nn.Conv2d(inputs, 1, 3, padding=1), nn.Tanh())

    def _add(self, name: str, convolution: nn.Conv2d | nn.ConvTranspose2d) -> None:
        self.add_module(name, _Block(convolution, nn.LeakyReLU(0.2)))

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return super().config | {"width": self.width}

    def _label(self, gathers: Tensor) -> Tensor:
        if self.training and len(gathers) == 1:
            refuse(
                "inputs",
                "must be at least two surveys in training: batch norm of one vector is undefined",
                got="a batch of 1",
                do="Use larger batches and drop a last one of 1, or call eval() first",
            )
        maps = gathers
        for name, block in self.named_children():
            maps = self._middle(maps) if name == "deconv6" else maps
            maps = block(maps)
        return maps

    def _middle(self, maps: Tensor) -> Tensor:
        """Return the middle ``(nz, nx)`` of the maps."""
        nz, nx = self.out_shape
        top, left = (maps.shape[-2] - nz) // 2, (maps.shape[-1] - nx) // 2
        return maps[..., top : top + nz, left : left + nx]
