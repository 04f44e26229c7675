"""VGG16 (configuration D): classifier, encoder, and the trunk of the FCN family."""

import os
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.networks.blocks import check_channels, draw, initialise_he
from pylops_vmb.networks.registry import register
from pylops_vmb.networks.torchvision import adapted, read_torchvision

_LEVELS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # filters / width, convolutions
_SMALLEST = 32  # five 2x2 poolings


def vgg16_features(
    in_channels: int,
    *,
    width: int = 64,
    batchnorm: bool = False,
    first_padding: int = 1,
    ceil_mode: bool = False,
) -> nn.Sequential:
    """Return the thirteen convolutions and five poolings of VGG16, numbered as torchvision does.

    Parameters
    ----------
    in_channels : int
        Input channels: 3 for pictures, the number of shots for gathers.
    width : int, optional
        Filters of the first level (64 as published); the last has ``8 * width``.
    batchnorm : bool, optional
        Batch norm after each convolution.
    first_padding : int, optional
        Padding of the first convolution; FCN uses 100.
    ceil_mode : bool, optional
        Whether a pooling keeps the last row and column of an odd map; FCN does.
    """
    layers: list[nn.Module] = []
    inputs = in_channels
    for factor, count in _LEVELS:
        for _ in range(count):
            padding = 1 if layers else first_padding
            layers.append(nn.Conv2d(inputs, factor * width, 3, padding=padding))
            layers += [nn.BatchNorm2d(factor * width)] if batchnorm else []
            layers.append(nn.ReLU())
            inputs = factor * width
        layers.append(nn.MaxPool2d(2, 2, ceil_mode=ceil_mode))
    return nn.Sequential(*layers)


@register("vgg16")
class VGG16(nn.Module):
    r"""VGG16 of Simonyan and Zisserman: class scores of a picture, or maps of an encoder.

    Parameters
    ----------
    in_channels : int, optional
        Input channels.
    n_classes : int or None, optional
        Scores of the classifier; None for the encoder alone.
    batchnorm : bool, optional
        Batch norm after each convolution (not in the publication).
    width : int, optional
        Filters of the first level, 64 as published; all others follow in proportion.

    Notes
    -----
    138,357,544 parameters as published, 14,714,688 of them in the encoder.  The state
    has the keys of torchvision's ``vgg16`` and ``vgg16_bn``, and `load_torchvision`
    reads their files.  As there, maps are averaged to 7 x 7 before the classifier, so that
    any size of at least 32 x 32 is accepted; 224 x 224 is the published one.

    References
    ----------
    Simonyan, K. and Zisserman, A., 2015, Very deep convolutional networks for large-scale
    image recognition: ICLR, arXiv 1409.1556.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     net = VGG16()
    ...     scores = net(torch.empty(1, 3, 224, 224))
    >>> sum(p.numel() for p in net.parameters()), scores.shape
    (138357544, torch.Size([1, 1000]))
    """

    def __init__(
        self,
        in_channels: int = 3,
        n_classes: int | None = 1000,
        *,
        batchnorm: bool = False,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.in_channels = check_integer("in_channels", in_channels, at_least=1)
        self.n_classes = n_classes
        self.batchnorm, self.width = bool(batchnorm), check_integer("width", width, at_least=1)
        self.features = vgg16_features(self.in_channels, width=self.width, batchnorm=self.batchnorm)
        if n_classes is not None:
            self.classifier = _classifier(
                self.width, check_integer("n_classes", n_classes, at_least=1)
            )
        initialise_he(self)

    @classmethod
    def load_torchvision(
        cls, path: str | os.PathLike[str], *, in_channels: int = 3, classifier: bool = True
    ) -> "VGG16":
        """Build the network from a weights file of torchvision's ``vgg16`` or ``vgg16_bn``.

        Parameters
        ----------
        path : path-like
            A state dict, ``*.pth`` or ``*.safetensors``.  Files with anything but tensors
            are refused: nothing in the file can run code.
        in_channels : int, optional
            Input channels.  Other than 3, each input gets the sum of the stored filters
            over red, green and blue, divided by ``in_channels``: equal inputs then give
            what a grey picture gave.
        classifier : bool, optional
            Whether to keep the classifier.

        Returns
        -------
        net : `VGG16`

        Raises
        ------
        VMBFileError
            If the file is missing, holds pickled objects, or is not a VGG16.
        """
        tensors = read_torchvision(path)
        if not classifier:
            tensors = {key: value for key, value in tensors.items() if key.startswith("features.")}
        first, last = tensors.get("features.0.weight"), tensors.get("classifier.6.bias")
        if first is None or first.ndim != 4 or classifier != (last is not None and last.ndim == 1):
            _refuse_keys(path, ["features.0.weight or classifier.6.bias"])
        tensors["features.0.weight"] = adapted(first, in_channels)
        with torch.device("meta"):
            net = cls(
                in_channels,
                None if last is None else len(last),
                batchnorm="features.1.weight" in tensors,
                width=len(first),
            )
        _assign(net, tensors, path)
        return net

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this structure again; JSON can hold them."""
        names = ("in_channels", "n_classes", "batchnorm", "width")
        return {name: getattr(self, name) for name in names}

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores ``(batch, n_classes)`` of ``(batch, in_channels, rows, columns)``.

        The encoder alone returns maps ``(batch, 8 * width, rows // 32, columns // 32)``.

        Raises
        ------
        VMBValueError
            If the inputs have other channels or are smaller than 32 x 32.
        """
        check_channels(inputs, self.in_channels, smallest=_SMALLEST)
        maps: Tensor = self.features(inputs)
        if self.n_classes is None:
            return maps
        maps = nn.functional.adaptive_avg_pool2d(maps, 7)
        scores: Tensor = self.classifier(maps.flatten(1))
        return scores


def _classifier(width: int, n_classes: int) -> nn.Sequential:
    """Return the three linear layers; their inputs and hidden units follow the width."""
    hidden = 64 * width
    layers = nn.Sequential(
        nn.Linear(8 * width * 49, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, n_classes),
    )
    for layer in layers:
        if isinstance(layer, nn.Linear):
            draw(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return layers


def _assign(net: VGG16, tensors: dict[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Make the tensors the weights of a network without memory."""
    want = {key: value.shape for key, value in net.state_dict().items()}
    # Files older than these counters do not have them.
    counters = {key: torch.tensor(0) for key in want if key.endswith("num_batches_tracked")}
    tensors = counters | tensors
    wrong = [key for key in want if key not in tensors or tensors[key].shape != want[key]]
    if wrong or set(tensors) != set(want):
        _refuse_keys(path, wrong or sorted(set(tensors) - set(want)))
    net.load_state_dict(tensors, assign=True)
    net.requires_grad_()


def _refuse_keys(path: str | os.PathLike[str], keys: list[str]) -> NoReturn:
    refuse(
        os.path.basename(path),
        "is not a state dict of torchvision's vgg16 or vgg16_bn",
        got=f"missing, unknown or of another shape: {', '.join(keys[:4])}",
        do="Pass the file of torchvision, such as vgg16-397923af.pth",
        error=VMBFileError,
    )
