"""A network made ready to predict: batch norm folded, channels last, products in bfloat16."""

import copy
from collections import Counter
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from pylops_vmb._checks import check_choice

PRECISIONS = ("float32", "bfloat16", "auto")
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_MULTIPLYING = (*_CONVOLUTIONS, nn.Linear)


class Prepared(nn.Module):
    """A network for prediction alone; made by `prepared`.

    Attributes
    ----------
    net : :obj:`torch.nn.Module`
        The copy that is called.
    precision : {"float32", "bfloat16"}
        Of the products.
    """

    def __init__(self, net: nn.Module, precision: str) -> None:
        super().__init__()
        self.net, self.precision = net, precision

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the network returns, in the precision of the inputs."""
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        half = self.precision == "bfloat16"
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=half):
            out: Tensor = self.net(inputs)
        return out.to(inputs.dtype)


def prepared(
    net: nn.Module, *, precision: str = "float32", device: str | torch.device | None = None
) -> Prepared:
    r"""Return a copy of a network that predicts faster and cannot be trained.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, channels, rows, columns)``; it stays as it is.
    precision : {"float32", "bfloat16", "auto"}, optional
        Of convolutions and matrix products; sums, convolutions to a single channel, and what comes
        out, stay in float32.  ``"auto"`` takes bfloat16 where `has_bfloat16`.
    device : :obj:`str` or :obj:`torch.device`, optional
        Where the copy is to live; by default where the network does.

    Returns
    -------
    copy : `Prepared`
        In evaluation mode.  Layers keep their order and their names; a batch norm that was folded
        is an identity.

    Raises
    ------
    VMBValueError
        If the precision is not one of these.

    Notes
    -----
    Behind a convolution with weight :math:`W` and bias :math:`b`, batch norm with running mean
    :math:`\mu` and variance :math:`\sigma^2` is a factor and a shift of each channel,

    .. math::
        \hat W = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}\, W, \quad
        \hat b = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}\, (b - \mu) + \beta,

    so that it costs no pass over the maps.  This is done where the two follow one another in a
    :obj:`torch.nn.Sequential`, whose order is what it computes; others stay.

    References
    ----------
    Jacob, B. et al., 2018. Quantization and training of neural networks for efficient
    integer-arithmetic-only inference. CVPR, section 3.2.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.networks import build, prepared
    >>> net = build("fcnvmb", in_channels=5, n_classes=1, out_shape=(20, 30), width=8).eval()
    >>> fast = prepared(net)
    >>> d = torch.randn(1, 5, 48, 36)
    >>> with torch.no_grad():
    ...     bool(torch.allclose(fast(d), net(d), atol=1e-4))
    True
    """
    check_choice("precision", precision, PRECISIONS)
    where = torch.device(device) if device is not None else _device(net)
    if precision == "auto":
        precision = "bfloat16" if has_bfloat16(where) else "float32"
    with torch.inference_mode(False), torch.no_grad():
        ready = copy.deepcopy(net).to(where).eval().requires_grad_(False)
        _fold(ready)
        if precision == "bfloat16":
            _halve(ready)
        ready = ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Prepared(ready, precision).eval()


def has_bfloat16(device: str | torch.device = "cpu") -> bool:
    """Say whether a device multiplies in bfloat16 by itself, and not by imitation.

    Parameters
    ----------
    device : :obj:`str` or :obj:`torch.device`, optional
        The device.

    Returns
    -------
    has : :obj:`bool`
        False where torch cannot tell.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)
    asked = getattr(torch.cpu, "get_capabilities", dict) if kind == "cpu" else dict
    able: dict[str, Any] = asked()
    return any(bool(able.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _device(net: nn.Module) -> torch.device:
    first = next(net.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def _fold(net: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, in place."""
    uses = Counter(id(child) for parent in net.modules() for child in parent.children())
    for parent in list(net.modules()):
        if type(parent).forward is not nn.Sequential.forward:
            continue
        for (_, layer), (name, norm) in pairwise(list(parent.named_children())):
            once = uses[id(layer)] == uses[id(norm)] == 1
            if once and _plain(layer, _CONVOLUTIONS) and _plain(norm, (nn.BatchNorm2d,)):
                _merge(layer, norm)
                setattr(parent, name, nn.Identity())


def _plain(layer: nn.Module, kinds: tuple[type, ...]) -> bool:
    """Say whether a layer is as torch made it, and does nothing but what its numbers say."""
    if type(layer) not in kinds:  # a parametrised layer is of a class of its own
        return False
    if layer._forward_hooks or layer._forward_pre_hooks:
        return False
    if isinstance(layer, nn.ConvTranspose2d):
        return layer.groups == 1  # else its channels are not those of its weight
    return not isinstance(layer, nn.BatchNorm2d) or layer.running_mean is not None


class _Exact(nn.Module):
    """A layer in float32 among others in bfloat16."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, maps: Tensor) -> Tensor:
        with torch.autocast(maps.device.type, enabled=False):
            out: Tensor = self.layer(maps.float())
        return out


def _halve(net: nn.Module) -> None:
    """Bring what multiplies to bfloat16, except for convolutions to one channel.

    These give the answer, and eight bits would leave steps of up to 6 m/s in a velocity.
    """
    for parent in list(net.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, _CONVOLUTIONS) and layer.out_channels == 1:
                setattr(parent, name, _Exact(layer))
            elif isinstance(layer, _MULTIPLYING):
                layer.to(torch.bfloat16)


def _merge(layer: Any, norm: Any) -> None:
    layer.weight, layer.bias = fuse_conv_bn_weights(
        layer.weight,
        layer.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
        transpose=isinstance(layer, nn.ConvTranspose2d),
    )
