"""FCN-32s, FCN-16s and FCN-8s: VGG16 turned into a network from maps to maps of the same size."""

from typing import Any

import torch
from torch import Tensor, nn

from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.networks.blocks import check_channels, initialise_he
from pylops_vmb.networks.registry import register
from pylops_vmb.networks.vgg import VGG16, vgg16_features

_FIRST_PADDING = 100
_AT_ONCE = (0.01, 0.0001)  # scales of the fourth and third pooling


def bilinear_upsampler(channels: int, factor: int) -> nn.ConvTranspose2d:
    r"""Return a transposed convolution that begins as a bilinear interpolation.

    The kernel of side :math:`k = 2f` holds, between each channel and itself,
    :math:`(1 - |i - c|/f)(1 - |j - c|/f)` with :math:`c = f - 1/2`, and zeros elsewhere.
    """
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, factor, bias=False)
    line = 1 - (torch.arange(2.0 * factor) - factor + 0.5).abs() / factor
    with torch.no_grad():
        layer.weight.copy_(torch.eye(channels)[:, :, None, None] * (line[:, None] * line))
    return layer


class _FCN(nn.Module):
    """The trunk of the family: VGG16, its classifier as convolutions, the coarsest scores."""

    def __init__(
        self,
        in_channels: int = 3,
        n_classes: int = 21,
        *,
        width: int = 64,
        batchnorm: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.n_classes = check_integer("n_classes", n_classes, at_least=1)
        self.width = check_integer("width", width, at_least=1)
        self.batchnorm = bool(batchnorm)
        self.dropout = check_number("dropout", dropout, at_least=0.0, at_most=1.0)
        self.features = vgg16_features(
            self.in_channels,
            width=self.width,
            batchnorm=self.batchnorm,
            first_padding=_FIRST_PADDING,
            ceil_mode=True,
        )
        hidden = 64 * self.width
        self.fc6 = nn.Conv2d(8 * self.width, hidden, 7)
        self.fc7 = nn.Conv2d(hidden, hidden, 1)
        initialise_he(self)
        self.score_fr = self._score(hidden)
        self._add_upsampling()

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        names = ("in_channels", "n_classes", "width", "batchnorm", "dropout")
        return {name: getattr(self, name) for name in names}

    def load_vgg16(self, vgg: VGG16) -> None:
        """Take the weights of a VGG16 of the same channels and width.

        Its first two linear layers become the convolutions ``fc6`` (7 x 7) and ``fc7``;
        the encoder alone gives the convolutions below them.

        Raises
        ------
        VMBValueError
            If channels, width or batch norm differ.
        """
        _check_same(self, vgg, ("in_channels", "width", "batchnorm"))
        self.features.load_state_dict(vgg.features.state_dict())
        if vgg.n_classes is None:
            return
        state = vgg.classifier.state_dict()
        for name, number in (("fc6", 0), ("fc7", 3)):
            layer = getattr(self, name)
            weight = state[f"{number}.weight"].reshape(layer.weight.shape)
            layer.load_state_dict({"weight": weight, "bias": state[f"{number}.bias"]})

    def load_coarser(self, coarser: "_FCN") -> None:
        """Take all weights shared with a coarser network of the family: 32s, then 16s, then 8s.

        What the coarser one lacks stays as it is: zero scores and bilinear upsampling in a
        fresh network, which so begins where the coarser one has come to.

        Raises
        ------
        VMBValueError
            If channels, classes, width or batch norm differ, or it is not coarser.
        """
        _check_same(self, coarser, ("in_channels", "n_classes", "width", "batchnorm"))
        mine, theirs = self.state_dict(), coarser.state_dict()
        if len(theirs) >= len(mine):
            refuse(
                "coarser",
                f"must be coarser than {type(self).__name__}",
                got=type(coarser).__name__,
                do="Copy from 32s to 16s, and from 16s to 8s",
            )
        self.load_state_dict(mine | {key: theirs[key] for key in mine if key in theirs})

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores ``(batch, n_classes, rows, columns)`` of inputs of the same size.

        Raises
        ------
        VMBValueError
            If the inputs are not ``(batch, in_channels, rows, columns)``.
        """
        check_channels(inputs, self.in_channels)
        pooled, maps = [], inputs
        for layer in self.features:
            maps = layer(maps)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(maps)
        for layer in (self.fc6, self.fc7):
            maps = nn.functional.dropout(layer(maps).relu(), self.dropout, self.training)
        return self._upscored(self.score_fr(maps), pooled, inputs)

    def _add_upsampling(self) -> None:
        """Add the upsampling layers, and the scores of the poolings that join them."""
        raise NotImplementedError

    def _upscored(self, scores: Tensor, pooled: list[Tensor], inputs: Tensor) -> Tensor:
        """Return the coarsest scores at the size of the inputs."""
        raise NotImplementedError

    def _score(self, channels: int) -> nn.Conv2d:
        """Return a 1x1 convolution to the classes that begins at zero, as published."""
        layer = nn.Conv2d(channels, self.n_classes, 1)
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
        return layer


@register("fcn-32s")
class FCN32s(_FCN):
    r"""FCN-32s of Long, Shelhamer and Darrell: VGG16, and one upsampling by 32.

    Parameters
    ----------
    in_channels : int, optional
        Input channels.
    n_classes : int, optional
        Output channels; 1 for a velocity model (see `DenseVelocity`).
    width : int, optional
        Filters of the first level, 64 as published; all others follow in proportion.
    batchnorm : bool, optional
        Batch norm in the trunk (not in the publication).
    dropout : float, optional
        Share of ``fc6`` and ``fc7`` that is dropped in training.

    Notes
    -----
    The first convolution is padded by 100, poolings keep odd rows and columns, and the
    upsampled scores are cropped.  Following one axis from score :math:`j` back to the
    inputs (poolings :math:`2i + 1/2`, first padding :math:`-99`, ``fc6`` :math:`+3` cells of
    32, upsampling :math:`(j - 31.5)/32`) gives input :math:`j - 19`: the crop begins
    at 19.  All upsampling weights are trained; the publication keeps the last bilinear
    (``net.upscore.requires_grad_(False)``).

    References
    ----------
    Long, J., Shelhamer, E. and Darrell, T., 2015, Fully convolutional networks for semantic
    segmentation: CVPR, 3431-3440, arXiv 1411.4038.

    Examples
    --------
    >>> import torch
    >>> net = FCN32s(5, 1, width=1).eval()
    >>> net(torch.zeros(1, 5, 40, 33)).shape
    torch.Size([1, 1, 40, 33])
    """

    def _add_upsampling(self) -> None:
        self.upscore = bilinear_upsampler(self.n_classes, 32)

    def _upscored(self, scores: Tensor, pooled: list[Tensor], inputs: Tensor) -> Tensor:  # noqa: ARG002
        return _cropped(self.upscore(scores), inputs, 19)


class _SkipFCN(_FCN):
    """A network of the family that also scores the fourth pooling."""

    def __init__(
        self,
        in_channels: int = 3,
        n_classes: int = 21,
        *,
        width: int = 64,
        batchnorm: bool = False,
        dropout: float = 0.5,
        at_once: bool = False,
    ) -> None:
        super().__init__(in_channels, n_classes, width=width, batchnorm=batchnorm, dropout=dropout)
        self.at_once = bool(at_once)
        self.scales = _AT_ONCE if self.at_once else (1.0, 1.0)

    def _add_upsampling(self) -> None:
        self.score_pool4 = self._score(8 * self.width)
        self.upscore2 = bilinear_upsampler(self.n_classes, 2)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        return super().config | {"at_once": self.at_once}

    def _fused16(self, scores: Tensor, pooled: list[Tensor]) -> Tensor:
        """Return the scores at a sixteenth of the (padded) size."""
        up = self.upscore2(scores)
        fused: Tensor = up + _cropped(self.score_pool4(pooled[3] * self.scales[0]), up, 5)
        return fused


@register("fcn-16s")
class FCN16s(_SkipFCN):
    """FCN-16s: the scores of the fourth pooling added, one upsampling by 2 and one by 16.

    Parameters
    ----------
    in_channels, n_classes, width, batchnorm, dropout
        As in `FCN32s`.
    at_once : bool, optional
        Scale the fourth pooling by 0.01, for a training of all parts at once from VGG16.
        Otherwise the stages of the publication: train `FCN32s`, `load_coarser`, train on.

    Notes
    -----
    The crops begin at 5 (fourth pooling) and 27, by the arithmetic in `FCN32s`.  The scales
    are those of the authors' later release (Shelhamer, Long and Darrell, 2017, IEEE TPAMI).

    Examples
    --------
    >>> coarse, fine = FCN32s(2, 1, width=1), FCN16s(2, 1, width=1)
    >>> fine.load_coarser(coarse)
    >>> bool((fine.fc6.weight == coarse.fc6.weight).all())
    True
    """

    def _add_upsampling(self) -> None:
        super()._add_upsampling()
        self.upscore16 = bilinear_upsampler(self.n_classes, 16)

    def _upscored(self, scores: Tensor, pooled: list[Tensor], inputs: Tensor) -> Tensor:
        return _cropped(self.upscore16(self._fused16(scores, pooled)), inputs, 27)


@register("fcn-8s")
class FCN8s(_SkipFCN):
    """FCN-8s: the scores of the fourth and the third pooling added, upsamplings by 2, 2 and 8.

    Parameters
    ----------
    in_channels, n_classes, width, batchnorm, dropout
        As in `FCN32s`.
    at_once : bool, optional
        Scale the fourth pooling by 0.01 and the third by 0.0001, as in `FCN16s`.

    Notes
    -----
    The crops begin at 5 (fourth pooling), 9 (third) and 31.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     scores = FCN8s()(torch.empty(1, 3, 224, 224))
    >>> scores.shape
    torch.Size([1, 21, 224, 224])
    """

    def _add_upsampling(self) -> None:
        super()._add_upsampling()
        self.score_pool3 = self._score(4 * self.width)
        self.upscore_pool4 = bilinear_upsampler(self.n_classes, 2)
        self.upscore8 = bilinear_upsampler(self.n_classes, 8)

    def _upscored(self, scores: Tensor, pooled: list[Tensor], inputs: Tensor) -> Tensor:
        up = self.upscore_pool4(self._fused16(scores, pooled))
        fused = up + _cropped(self.score_pool3(pooled[2] * self.scales[1]), up, 9)
        return _cropped(self.upscore8(fused), inputs, 31)


def _cropped(maps: Tensor, like: Tensor, begin: int) -> Tensor:
    """Return the maps from ``begin`` on, of the rows and columns of ``like``."""
    rows, columns = like.shape[-2:]
    return maps[..., begin : begin + rows, begin : begin + columns]


def _check_same(net: _FCN, other: VGG16 | _FCN, names: tuple[str, ...]) -> None:
    want, got = ({name: source.config[name] for name in names} for source in (net, other))
    if got != want:
        refuse(type(other).__name__, f"must have {want}", got=got, do="Build both alike")
