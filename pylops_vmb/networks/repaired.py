"""FCNVMB repaired: full-size skips, scaling inside, any gather size to any model size."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_choice, check_integer, refuse
from pylops_vmb.networks.blocks import levels, through_levels
from pylops_vmb.networks.registry import register
from pylops_vmb.networks.regression import VelocityNetwork


@register("fcnvmb-repaired")
class RepairedFCNVMB(VelocityNetwork):
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
    they join.  Scaling of gathers and labels is inside: see `VelocityNetwork`.

    Examples
    --------
    >>> import torch
    >>> net = RepairedFCNVMB(5, (200, 70), (70, 70), width=8)
    >>> net.eval()(torch.zeros(1, 5, 200, 70)).shape
    torch.Size([1, 1, 70, 70])
    """

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
        super().__init__(in_channels, in_shape, out_shape, data_scale=data_scale, vp_range=vp_range)
        self.width = check_integer("width", width, at_least=1)
        self.depth = check_integer("depth", depth, at_least=1)
        self.fit = check_choice("fit", fit, ("stem", "resample", "crop"))
        self.upsampling = check_choice("upsampling", upsampling, ("deconv", "bilinear"))
        _check_crop(self.fit, self.in_shape, self.out_shape)
        strided = self.fit == "stem"
        self.stem = self._strided_stem(self.width) if strided else nn.Identity()
        first = self.width if strided else self.in_channels
        bilinear = self.upsampling == "bilinear"
        self.downs, self.center, self.ups = levels(first, self.width, self.depth, bilinear=bilinear)
        self.final = nn.Conv2d(self.width, 1, 1)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        names = ("width", "depth", "fit", "upsampling")
        return super().config | {name: getattr(self, name) for name in names}

    def _label(self, gathers: Tensor) -> Tensor:
        maps = through_levels(self.downs, self.center, self.ups, self.stem(gathers))
        label: Tensor = self.final(self._fitted(maps))
        return label

    def _fitted(self, maps: Tensor) -> Tensor:
        """Return the maps at ``(nz, nx)``."""
        nz, nx = self.out_shape
        if self.fit == "crop":
            left = (maps.shape[-1] - nx) // 2
            return maps[..., :nz, left : left + nx]
        return self._resampled(maps)


def _check_crop(fit: str, in_shape: tuple[int, int], out_shape: tuple[int, int]) -> None:
    if fit == "crop" and any(n < m for n, m in zip(in_shape, out_shape, strict=True)):
        refuse(
            "fit",
            f"'crop' needs gathers of at least (nz, nx) = {out_shape}",
            got=f"(nt, nr) = {in_shape}",
            do="Use fit='stem' or fit='resample'",
        )
