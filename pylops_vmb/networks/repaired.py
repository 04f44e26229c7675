"""FCNVMB repaired: full-size skips, scaling inside, any gather size to any model size."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn, tensor

from pylops_vmb._checks import check_choice, check_integer, check_number, refuse
from pylops_vmb.networks.blocks import (
    DoubleConvolution,
    Down,
    Up,
    check_gathers,
    check_size,
    convolution,
    join_cropped,
)
from pylops_vmb.networks.registry import register


@register("fcnvmb-repaired")
class RepairedFCNVMB(nn.Module):
    r"""U-shaped network from shot gathers to velocity in m/s.

    Parameters
    ----------
    in_channels : int
        Shots, `ns`.
    in_shape : tuple of int
        Samples and receivers ``(nt, nr)`` of a gather.
    out_shape : tuple of int
        Cells ``(nz, nx)`` of the velocity model.
    width : int, optional
        Filters of the first level; each level doubles them.
    depth : int, optional
        Levels down, each a pooling by two.
    fit : {"stem", "resample", "crop"}, optional
        How the maps reach the size of the model.  ``"stem"``: a first convolution
        with the strides ``max(1, nt // nz)`` and ``max(1, nr // nx)``, then bilinear
        resampling of the last maps.  ``"resample"``: the resampling only; costs more.
        ``"crop"``: the first `nz` rows and the middle `nx` columns, as the original;
        samples below row `nz` reach the velocity through the deeper levels only.
    upsampling : {"deconv", "bilinear"}, optional
        Transposed convolution, or 1x1 convolution and bilinear interpolation.
    data_scale : float, optional
        Amplitude by which the gathers are divided, in their unit.
    vp_range : tuple of float, optional
        Velocities in m/s that the last layer gives as -1 and 1.  Not a bound.

    Raises
    ------
    VMBValueError
        If a value is out of range, or a crop is asked from gathers that are smaller
        than the model.

    Notes
    -----
    The skips are taken before the pooling, so that they have the size of the maps
    they join.  With gathers :math:`d`, layers :math:`N` and the range
    :math:`(v_0, v_1)` the network computes

    .. math:: v_p = \frac{v_1 + v_0}{2} + \frac{v_1 - v_0}{2} N(d / s)

    with :math:`s` the ``data_scale``.  These three numbers belong to `config`, not to
    the state: rounding the weights to half precision leaves them exact.

    Examples
    --------
    >>> import torch
    >>> net = RepairedFCNVMB(5, (200, 70), (70, 70), width=8)
    >>> net.eval()(torch.zeros(1, 5, 200, 70)).shape
    torch.Size([1, 1, 70, 70])
    """

    data_scale: Tensor
    vp_mid: Tensor
    vp_half: Tensor

    def __init__(
        self,
        in_channels: int,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        *,
        width: int = 64,
        depth: int = 4,
        fit: str = "stem",
        upsampling: str = "deconv",
        data_scale: float = 1.0,
        vp_range: Sequence[float] = (1500.0, 4500.0),
    ) -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.in_shape = check_size("in_shape", in_shape, axes="(nt, nr)")
        self.out_shape = check_size("out_shape", out_shape, axes="(nz, nx)")
        self.width = check_integer("width", width, at_least=1)
        self.depth = check_integer("depth", depth, at_least=1)
        self.fit = check_choice("fit", fit, ("stem", "resample", "crop"))
        self.upsampling = check_choice("upsampling", upsampling, ("deconv", "bilinear"))
        self._scale = check_number("data_scale", data_scale, above=0.0)
        self._range = _check_range(vp_range)
        _check_crop(self.fit, self.in_shape, self.out_shape)
        self._add_scaling()
        self._add_layers()

    def _add_scaling(self) -> None:
        low, high = self._range
        # One axis, not none: such a tensor lifts labels of lower precision (autocast) to its own.
        self.register_buffer("data_scale", tensor(self._scale), persistent=False)
        self.register_buffer("vp_mid", tensor([(high + low) / 2]), persistent=False)
        self.register_buffer("vp_half", tensor([(high - low) / 2]), persistent=False)

    def _add_layers(self) -> None:
        widths = [self.width * 2**level for level in range(self.depth + 1)]
        pairs = list(pairwise(widths))
        bilinear = self.upsampling == "bilinear"
        self.stem = self._make_stem()
        first = self.width if self.fit == "stem" else self.in_channels
        entries = [first, *widths[:-2]]
        self.downs = nn.ModuleList(
            Down(inputs, outputs) for inputs, outputs in zip(entries, widths[:-1], strict=True)
        )
        self.center = DoubleConvolution(*pairs[-1])
        self.ups = nn.ModuleList(
            Up(deep, skip, bilinear=bilinear, join=join_cropped) for skip, deep in reversed(pairs)
        )
        self.final = nn.Conv2d(self.width, 1, 1)

    def _make_stem(self) -> nn.Module:
        if self.fit != "stem":
            return nn.Identity()
        (nt, nr), (nz, nx) = self.in_shape, self.out_shape
        return convolution(
            self.in_channels, self.width, stride=(max(1, nt // nz), max(1, nr // nx))
        )

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        names = ("in_channels", "width", "depth", "fit", "upsampling")
        return {
            **{name: getattr(self, name) for name in names},
            "in_shape": list(self.in_shape),
            "out_shape": list(self.out_shape),
            "data_scale": self._scale,
            "vp_range": list(self._range),
        }

    def normalise(self, vp: Tensor) -> Tensor:
        """Return the label of `vp` (m/s): -1 and 1 at the ends of ``vp_range``."""
        return (vp - self.vp_mid) / self.vp_half

    def denormalise(self, r: Tensor) -> Tensor:
        """Return the velocity in m/s of the label `r`."""
        return self.vp_mid + self.vp_half * r

    def forward(self, inputs: Tensor) -> Tensor:
        """Map gathers ``(batch, ns, nt, nr)`` to velocity ``(batch, 1, nz, nx)`` in m/s.

        Raises
        ------
        VMBValueError
            If the gathers are not ``ns`` shots of ``in_shape``.
        """
        check_gathers(inputs, self.in_channels)
        self._check_in_shape(inputs)
        maps = self.stem(inputs / self.data_scale)
        skips = []
        for down in self.downs:
            full, maps = down(maps)
            skips.append(full)
        maps = self.center(maps)
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            maps = up(skip, maps)
        return self.denormalise(self.final(self._fitted(maps)))

    def _fitted(self, maps: Tensor) -> Tensor:
        """Return the maps at ``(nz, nx)``."""
        nz, nx = self.out_shape
        if self.fit == "crop":
            left = (maps.shape[-1] - nx) // 2
            return maps[..., :nz, left : left + nx]
        if tuple(maps.shape[-2:]) == self.out_shape:
            return maps
        return nn.functional.interpolate(maps, (nz, nx), mode="bilinear", align_corners=False)

    def _check_in_shape(self, inputs: Tensor) -> None:
        if tuple(inputs.shape[-2:]) != self.in_shape:
            refuse(
                "inputs",
                f"must have (nt, nr) = {self.in_shape}",
                got=tuple(inputs.shape[-2:]),
                do="Resample the gathers, or build the network with this in_shape",
            )


def _check_range(vp_range: Sequence[float]) -> tuple[float, float]:
    if len(vp_range) != 2:
        refuse(
            "vp_range", "must be two velocities", got=vp_range, do="Pass (lowest, highest) in m/s"
        )
    low, high = (check_number("vp_range", vp, above=0.0, unit="m/s") for vp in vp_range)
    if not low < high:
        refuse("vp_range", "must increase", got=(low, high), do="Pass (lowest, highest) in m/s")
    return low, high


def _check_crop(fit: str, in_shape: tuple[int, int], out_shape: tuple[int, int]) -> None:
    if fit == "crop" and any(n < m for n, m in zip(in_shape, out_shape, strict=True)):
        refuse(
            "fit",
            f"'crop' needs gathers of at least (nz, nx) = {out_shape}",
            got=f"(nt, nr) = {in_shape}",
            do="Use fit='stem' or fit='resample'",
        )
