"""FCNVMB as published: shot gathers in, velocity out, the authors' weights load as they are."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.networks.blocks import (
    DoubleConvolution,
    Down,
    Up,
    check_gathers,
    check_size,
    join_padded,
)
from pylops_vmb.networks.registry import register

_POOLED = 16  # four 2x2 poolings


@register("fcnvmb")
class FCNVMB(nn.Module):
    r"""Fully convolutional network for velocity model building, as published.

    Four levels down (64 to 512 filters), a centre of 1024, four levels up, a crop
    and a 1x1 convolution.  Input and output are unscaled: data as recorded, m/s.

    Parameters
    ----------
    n_classes : int
        Output channels; 1 for a velocity model.
    in_channels : int
        Shots, `ns`.
    is_deconv : bool, optional
        Upsample by a transposed convolution (the published choice).  If False, a
        1x1 convolution to half the channels followed by bilinear interpolation;
        the original keeps all channels there and fails, so no weights exist for it.
    is_batchnorm : bool, optional
        Batch norm in the encoder and the centre.  The decoder always has it, as in
        the original.
    width : int, optional
        Filters of the first level, 64 as published; each level doubles them.
    out_shape : tuple of int, optional
        Cells ``(nz, nx)`` of the velocity model, for calls that do not name them, such as
        those of `LearnedInversion`.

    Notes
    -----
    Two properties of the original are kept because its weights need them.  A skip
    takes the *pooled* map :math:`s` and pads it with zeros to the size :math:`n` of
    the upsampled map, :math:`\lfloor (n - s)/2 \rfloor` before and
    :math:`\lceil (n - s)/2 \rceil` after.  The last map, of
    :math:`16 \lceil n_t / 16 \rceil \times 16 \lceil n_r / 16 \rceil` cells, is cropped
    to its rows 1 to `nz` and columns 1 to `nx`: later time samples reach the
    velocity through the deeper levels only.  `RepairedFCNVMB` has neither.

    References
    ----------
    Yang, F. and Ma, J., 2019, Deep-learning inversion: a next-generation seismic
    velocity model building method: Geophysics, 84(4), R583-R599.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     net = FCNVMB(1, 29)
    ...     vp = net(torch.empty(1, 29, 400, 301), (201, 301))
    >>> vp.shape
    torch.Size([1, 1, 201, 301])
    """

    def __init__(
        self,
        n_classes: int,
        in_channels: int,
        is_deconv: bool = True,
        is_batchnorm: bool = True,
        *,
        width: int = 64,
        out_shape: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.n_classes = check_integer("n_classes", n_classes, at_least=1)
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.is_deconv, self.is_batchnorm = bool(is_deconv), bool(is_batchnorm)
        self.width = check_integer("width", width, at_least=1)
        self.out_shape = (
            None if out_shape is None else check_size("out_shape", out_shape, axes="(nz, nx)")
        )
        n1, n2, n3, n4, n5 = (self.width * 2**level for level in range(5))
        self.down1 = Down(self.in_channels, n1, batchnorm=self.is_batchnorm)
        self.down2 = Down(n1, n2, batchnorm=self.is_batchnorm)
        self.down3 = Down(n2, n3, batchnorm=self.is_batchnorm)
        self.down4 = Down(n3, n4, batchnorm=self.is_batchnorm)
        self.center = DoubleConvolution(n4, n5, batchnorm=self.is_batchnorm)
        self.up4 = Up(n5, n4, bilinear=not self.is_deconv, join=join_padded)
        self.up3 = Up(n4, n3, bilinear=not self.is_deconv, join=join_padded)
        self.up2 = Up(n3, n2, bilinear=not self.is_deconv, join=join_padded)
        self.up1 = Up(n2, n1, bilinear=not self.is_deconv, join=join_padded)
        self.final = nn.Conv2d(n1, self.n_classes, 1)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again."""
        names = ("n_classes", "in_channels", "is_deconv", "is_batchnorm", "width")
        size = self.out_shape and list(self.out_shape)
        return {name: getattr(self, name) for name in names} | {"out_shape": size}

    def forward(self, inputs: Tensor, label_dsp_dim: Sequence[int] | None = None) -> Tensor:
        """Map gathers to velocity.

        Parameters
        ----------
        inputs : torch.Tensor
            Gathers ``(batch, ns, nt, nr)``.
        label_dsp_dim : tuple of int, optional
            Size ``(nz, nx)`` of the velocity model, cells; by default ``out_shape``.

        Returns
        -------
        torch.Tensor
            ``(batch, n_classes, nz, nx)``, m/s with the published weights.

        Raises
        ------
        VMBValueError
            If the inputs have other channels, or the crop cannot give ``(nz, nx)``.
        VMBTypeError
            If the size is neither named here nor known from ``out_shape``.
        """
        check_gathers(inputs, self.in_channels)
        size = self.out_shape if label_dsp_dim is None else label_dsp_dim
        if size is None:
            do = "Pass label_dsp_dim here, or out_shape when the network is built"
            refuse("label_dsp_dim", "must be (nz, nx)", got=None, do=do, error=VMBTypeError)
        rows, columns = _check_crop(inputs, size)
        down1 = self.down1(inputs)[1]
        down2 = self.down2(down1)[1]
        down3 = self.down3(down2)[1]
        down4 = self.down4(down3)[1]
        maps = self.up4(down4, self.center(down4))
        maps = self.up1(down1, self.up2(down2, self.up3(down3, maps)))
        velocity: Tensor = self.final(maps[..., 1 : 1 + rows, 1 : 1 + columns])
        return velocity


def _check_crop(inputs: Tensor, label_dsp_dim: Sequence[int]) -> tuple[int, int]:
    """Return ``(nz, nx)`` if the last maps can be cropped to it."""
    rows, columns = check_size("label_dsp_dim", label_dsp_dim, axes="(nz, nx)")
    have = tuple(-(-side // _POOLED) * _POOLED for side in inputs.shape[-2:])
    if have[0] <= rows or have[1] <= columns:
        refuse(
            "label_dsp_dim",
            f"({rows}, {columns}) does not fit into the network's last maps",
            got=f"maps of {have[0]} x {have[1]} for inputs (nt, nr) = {tuple(inputs.shape[-2:])}",
            do=f"Resample the gathers to more than {rows} x {columns}, or use RepairedFCNVMB",
        )
    return rows, columns
