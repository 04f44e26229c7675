"""Velocity losses: how far predicted models are from true ones, by name, weights or function."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pylops_vmb._checks import check_choice, check_number, check_pair, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.metrics import OPENFWI_RANGE

_C1, _C2 = 0.01**2, 0.03**2
_RADIUS, _SIGMA = 5, 1.5

Comparison = Callable[[Tensor, Tensor], Tensor]
"""From predicted and true velocities ``(batch, 1, nz, nx)``, divided by `vp_scale`, to a scalar."""

Chosen = str | Comparison | Mapping[str | Comparison, float]
"""A loss by name, one's own, or several with their weights."""

_POINTWISE: dict[str, Comparison] = {
    "l1": functional.l1_loss,
    "mse": functional.mse_loss,
    "huber": partial(functional.huber_loss, delta=0.1),
}
LOSSES = (*_POINTWISE, "ssim")
"""The names that `velocity_loss` knows."""


class VelocityLoss:
    """A weighted sum of losses of predicted models; made by `velocity_loss`.

    Attributes
    ----------
    terms : :obj:`list`
        What is summed, ``[name, weight]`` each: plain values for the identity of a training.
    """

    def __init__(self, terms: Sequence[tuple[str, Comparison, float]]) -> None:
        self._comparisons = [(comparison, weight) for _, comparison, weight in terms]
        self.terms: list[list[Any]] = [[name, weight] for name, _, weight in terms]

    def __call__(self, prediction: Tensor, vp: Tensor) -> Tensor:
        """Return the loss, a scalar, in float32 or better.

        Parameters
        ----------
        prediction, vp : :obj:`torch.Tensor`
            Predicted and true velocities ``(batch, 1, nz, nx)``, m/s.

        Raises
        ------
        VMBValueError
            If the shapes differ.
        """
        if prediction.shape != vp.shape:
            refuse(
                "prediction",
                f"must have the shape of the models, {tuple(vp.shape)}",
                got=tuple(prediction.shape),
                do="Build the network with the size (nz, nx) of the models",
            )
        dtype = torch.promote_types(prediction.dtype, torch.float32)
        with torch.autocast(vp.device.type, enabled=False):
            pair = prediction.to(dtype), vp.to(dtype)
            return torch.stack([w * compare(*pair) for compare, w in self._comparisons]).sum()


def velocity_loss(
    spec: Chosen,
    *,
    vp_scale: float = 1500.0,
    vp_range: tuple[float, float] = OPENFWI_RANGE,
) -> VelocityLoss:
    r"""Return a loss of velocities.

    Parameters
    ----------
    spec : {"l1", "mse", "huber", "ssim"} or callable or :obj:`dict`
        A name, a function of predicted and true velocities divided by `vp_scale`, or several
        of them with their weights, such as ``{"l1": 1.0, "ssim": 0.2}``.
    vp_scale : :obj:`float`, optional
        In m/s; what velocities are divided by, except for "ssim".
    vp_range : :obj:`tuple`, optional
        Velocities in m/s that "ssim" scales to 0 and 1.

    Returns
    -------
    loss : `VelocityLoss`
        From two models ``(batch, 1, nz, nx)`` in m/s to a scalar.

    Raises
    ------
    VMBValueError
        If a name is unknown, there is none, a weight is not positive, or the range is empty.
    VMBTypeError
        If it is neither a name nor a function.

    Notes
    -----
    With :math:`e = (v - v_{true}) / s` the means over all cells of :math:`|e|` ("l1"),
    :math:`e^2` ("mse") and of :math:`e^2 / 2` where :math:`|e| \le 0.1`,
    :math:`0.1 (|e| - 0.05)` elsewhere ("huber"); "ssim" is one minus `ssim`.

    Examples
    --------
    >>> import torch
    >>> true = torch.full((1, 1, 12, 12), 2000.0)
    >>> velocity_loss("l1")(true + 150.0, true)
    tensor(0.1000)
    """
    check_number("vp_scale", vp_scale, above=0.0, unit="m/s")
    low, high = check_pair("vp_range", vp_range, of="velocities")
    if not low < high:
        refuse("vp_range", "must rise", got=(low, high), do="Pass (slowest, fastest) in m/s")
    chosen = list(spec.items()) if isinstance(spec, Mapping) else [(spec, 1.0)]
    if not chosen:
        refuse("loss", "must not be empty", got=spec, do="Write e.g. {'l1': 1.0, 'ssim': 0.2}")
    return VelocityLoss(
        [
            (_name(term), _comparison(term, vp_scale, (low, high)), _weight(weight))
            for term, weight in chosen
        ]
    )


def ssim(a: Tensor, b: Tensor) -> Tensor:
    r"""Return the mean structural similarity of two batches of models, differentiable.

    Parameters
    ----------
    a, b : :obj:`torch.Tensor`
        Models ``(batch, 1, nz, nx)``, scaled so that 0 and 1 are the ends of the range.

    Returns
    -------
    similarity : :obj:`torch.Tensor`
        A scalar, 1 for equal models.

    Notes
    -----
    The "gaussian" convention of `pylops_vmb.metrics.ssim`, which has the formula: 11 x 11
    cells with a standard deviation of 1.5, population covariance, models padded with zeros.
    Computed in float64, since variances are small differences of large squares.
    """
    a, b = a.double(), b.double()
    mu_a, mu_b = _local_mean(a), _local_mean(b)
    spread = _local_mean(a * a) + _local_mean(b * b) - mu_a**2 - mu_b**2
    covariance = _local_mean(a * b) - mu_a * mu_b
    likeness = (2 * mu_a * mu_b + _C1) * (2 * covariance + _C2)
    return (likeness / ((mu_a**2 + mu_b**2 + _C1) * (spread + _C2))).mean()


def name_of(term: str | Callable[..., Any]) -> str:
    """Return the name of a loss or a misfit; that of a function with its module."""
    if isinstance(term, str):
        return term
    described = term if hasattr(term, "__qualname__") else type(term)
    return f"{described.__module__}.{described.__qualname__}"


def _comparison(term: str | Comparison, scale: float, vp_range: tuple[float, float]) -> Comparison:
    if term == "ssim":
        return partial(_dissimilarity, vp_range=vp_range)
    compare = _POINTWISE[term] if isinstance(term, str) else term
    return lambda prediction, vp: compare(prediction / scale, vp / scale)


def _weight(weight: float) -> float:
    return check_number("loss", weight, above=0.0)


def _name(term: str | Comparison) -> str:
    if isinstance(term, str):
        return str(check_choice("loss", term, LOSSES))
    if not callable(term):
        refuse(
            "loss",
            "must be a name, a function, or a dict of them with weights",
            got=type(term).__name__,
            do=f"Use one of {', '.join(map(repr, LOSSES))}, or pass f(prediction, vp)",
            error=VMBTypeError,
        )
    return name_of(term)


def _dissimilarity(prediction: Tensor, vp: Tensor, *, vp_range: tuple[float, float]) -> Tensor:
    low, high = vp_range
    scaled = [(models - low) / (high - low) for models in (prediction, vp)]
    return (1.0 - ssim(*scaled)).to(prediction.dtype)


def _local_mean(maps: Tensor) -> Tensor:
    weights = _window().to(maps)
    along_z = functional.conv2d(maps, weights[..., None], padding=(_RADIUS, 0))
    return functional.conv2d(along_z, weights[:, :, None], padding=(0, _RADIUS))


@cache
def _window() -> Tensor:
    """Return the Gaussian window along one axis, ``(1, 1, 11)``."""
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(offsets**2) / (2.0 * _SIGMA**2))
    return (weights / weights.sum())[None, None]
