"""Networks for pictures made into networks from gathers to velocity: FCN and U-Net."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_choice, check_integer, refuse
from pylops_vmb.networks.registry import build, register
from pylops_vmb.networks.regression import VelocityNetwork

# What each body needs so that its maps keep their size.
_BODIES: dict[str, dict[str, Any]] = {
    "fcn-32s": {},
    "fcn-16s": {},
    "fcn-8s": {},
    "unet": {"padded": True},
}


@register("dense-velocity")
class DenseVelocity(VelocityNetwork):
    """An FCN or a U-Net with a regression head: one output channel, velocity in m/s.

    Parameters
    ----------
    in_channels : int
        Shots, `ns`.
    in_shape : tuple of int
        Samples and receivers ``(nt, nr)`` of a gather.
    out_shape : tuple of int
        Cells ``(nz, nx)`` of the velocity model.
    body : {"fcn-8s", "fcn-16s", "fcn-32s", "unet"}, optional
        The network for pictures, kept as the attribute ``body``; the U-Net is padded.
    width : int, optional
        Filters of the body's first level, 64 as published.
    settings : dict, optional
        More keywords of the body, such as ``{"batchnorm": True}``.
    fit : {"stem", "resample"}, optional
        As in `RepairedFCNVMB`: a strided convolution to ``width`` channels before the
        body, or the body on the gathers as they are (for VGG16's weights); after it the
        maps are resampled to the model, bilinearly.
    data_scale, vp_range
        As in `VelocityNetwork`.

    Raises
    ------
    VMBValueError
        If a value is out of range, or ``settings`` holds what the head sets itself.

    Notes
    -----
    The scores of the FCN family begin at zero, as published: the first prediction is the
    middle of ``vp_range`` everywhere.  With ``fit="resample"`` its trunk can start from
    pictures: ``net.body.load_vgg16(VGG16.load_torchvision(path, in_channels=ns))``.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.networks import DenseVelocity
    >>> net = DenseVelocity(5, (200, 70), (70, 70), body="unet", width=4).eval()
    >>> net(torch.zeros(1, 5, 200, 70)).shape
    torch.Size([1, 1, 70, 70])
    """

    def __init__(
        self,
        in_channels: int,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        *,
        body: str = "fcn-8s",
        width: int = 64,
        settings: Mapping[str, Any] | None = None,
        fit: str = "stem",
        data_scale: float = 1.0,
        vp_range: Sequence[float] = (1500.0, 4500.0),
    ) -> None:
        super().__init__(in_channels, in_shape, out_shape, data_scale=data_scale, vp_range=vp_range)
        self.width = check_integer("width", width, at_least=1)
        self.fit = check_choice("fit", fit, ("stem", "resample"))
        self._body, self._settings = check_choice("body", body, _BODIES), dict(settings or {})
        strided = self.fit == "stem"
        self.stem = self._strided_stem(self.width) if strided else nn.Identity()
        fixed = {
            "in_channels": self.width if strided else self.in_channels,
            "n_classes": 1,
            "width": self.width,
            **_BODIES[body],
        }
        _check_settings(self._settings, fixed)
        self.body = build(body, **fixed, **self._settings)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        own = {"width": self.width, "fit": self.fit}
        return super().config | own | {"body": self._body, "settings": dict(self._settings)}

    def _label(self, gathers: Tensor) -> Tensor:
        return self._resampled(self.body(self.stem(gathers)))


def _check_settings(settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    if taken := sorted(set(settings) & set(fixed)):
        refuse(
            "settings",
            "must not hold what the head sets",
            got=taken,
            do="Remove these; width is a keyword of the network itself",
        )
