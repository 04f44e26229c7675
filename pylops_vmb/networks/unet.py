"""U-Net of Ronneberger and others: without padding as published, or padded to keep the size."""

from typing import Any

from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.networks.blocks import check_channels, initialise_he, levels, through_levels
from pylops_vmb.networks.registry import register


@register("unet")
class UNet(nn.Module):
    r"""U-Net: levels down and up, joined by copy and crop.

    Parameters
    ----------
    in_channels : int, optional
        Input channels.
    n_classes : int, optional
        Output channels; 1 for a velocity model (see `DenseVelocity`).
    width : int, optional
        Filters of the first level, 64 as published; each level down doubles them.
    depth : int, optional
        Levels down, 4 as published.
    padded : bool, optional
        Pad the convolutions, so that any size is accepted and kept.  Not in the publication.
    batchnorm : bool, optional
        Batch norm after each convolution (not in the publication).

    Notes
    -----
    Without padding every 3x3 convolution costs two rows and columns, and every pooling
    needs an even side.  With depth :math:`D` and :math:`m` cells behind the last pooling, a
    side must be :math:`2^D m + 4 (2^D - 1)`, of which :math:`2^D (m - 4) - 4 (2^D - 1)` remain
    (572 and 388).  The skip's middle is copied.  Weights begin as in the publication:
    normal with variance :math:`2 / N` for :math:`N` incoming nodes.  Its dropout at the end
    of the contracting path, of no stated rate, is left out.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T., 2015, U-Net: convolutional networks for
    biomedical image segmentation: MICCAI, 234-241, arXiv 1505.04597.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     net = UNet()
    ...     scores = net(torch.empty(1, 1, 572, 572))
    >>> sum(p.numel() for p in net.parameters()), scores.shape
    (31030658, torch.Size([1, 2, 388, 388]))
    """

    def __init__(
        self,
        in_channels: int = 1,
        n_classes: int = 2,
        *,
        width: int = 64,
        depth: int = 4,
        padded: bool = False,
        batchnorm: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.n_classes = check_integer("n_classes", n_classes, at_least=1)
        self.width = check_integer("width", width, at_least=1)
        self.depth = check_integer("depth", depth, at_least=1)
        self.padded, self.batchnorm = bool(padded), bool(batchnorm)
        self.downs, self.center, self.ups = levels(
            self.in_channels,
            self.width,
            self.depth,
            batchnorm=self.batchnorm,
            padded=self.padded,
        )
        self.final = nn.Conv2d(self.width, self.n_classes, 1)
        initialise_he(self)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        names = ("in_channels", "n_classes", "width", "depth", "padded", "batchnorm")
        return {name: getattr(self, name) for name in names}

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores ``(batch, n_classes, rows, columns)``, padded of the inputs' size.

        Raises
        ------
        VMBValueError
            If the inputs have other channels, or, without padding, a side that leaves an
            odd map before a pooling.
        """
        check_channels(inputs, self.in_channels)
        if not self.padded:
            self._check_sides(inputs)
        scores: Tensor = self.final(through_levels(self.downs, self.center, self.ups, inputs))
        return scores

    def _check_sides(self, inputs: Tensor) -> None:
        """Refuse sides that leave an odd map before a pooling, or nothing at the end."""
        step = 2**self.depth
        border = 4 * (step - 1)
        smallest = 5 + border // step
        for side in inputs.shape[-2:]:
            cells, rest = divmod(side - border, step)
            if rest or cells < smallest:
                fit = border + step * max(smallest, cells + 1)
                refuse(
                    "inputs",
                    f"must have sides {step} m + {border} with m >= {smallest} without padding",
                    got=tuple(inputs.shape[-2:]),
                    do=f"Extend the side of {side} to {fit}, or build the network with padded=True",
                )
