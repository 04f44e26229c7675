"""The network as a prior: a quadratic term that pulls the velocity to its prediction."""

from dataclasses import replace
from typing import Any, NamedTuple

import pylops
import torch

from pylops_vmb._backend import kind_of, numpy_dtype, to_tensor
from pylops_vmb.hybrid.settings import HybridSettings

_LEAST, _MOST = 0.2, 5.0
"""No cell counts less or more than this, relative to the mean."""


class Prediction(NamedTuple):
    """What a network says.

    Attributes
    ----------
    vp : :obj:`torch.Tensor`
        Velocity ``(nx, nz)`` in m/s.
    weights : :obj:`torch.Tensor` or None
        How far to trust each cell ``(nx, nz)``, about 1; None trusts all alike.
    """

    vp: torch.Tensor
    weights: torch.Tensor | None = None


class Weights(pylops.LinearOperator):  # type: ignore[misc]
    """Multiplication of each cell by a weight: a diagonal that takes tensors of any device.

    Parameters
    ----------
    weights : :obj:`torch.Tensor`
        One a cell ``(nx, nz)``.
    """

    polyglot = True

    def __init__(self, weights: torch.Tensor) -> None:
        dims = tuple(weights.shape)
        super().__init__(dtype=numpy_dtype(weights.dtype), dims=dims, dimsd=dims, name="Weights")
        self._weights = weights.detach().reshape(-1)

    def _matvec(self, x: Any) -> Any:
        values = to_tensor(x, name="x")
        return kind_of(x).restore(values * self._weights.to(values))

    def _rmatvec(self, x: Any) -> Any:
        return self._matvec(x)


def confidence(spread: torch.Tensor) -> torch.Tensor:
    r"""Return weights from a network's own uncertainty.

    Parameters
    ----------
    spread : :obj:`torch.Tensor`
        Standard deviation ``(nx, nz)`` in m/s.

    Returns
    -------
    weights : :obj:`torch.Tensor`
        Proportional to the inverse, with mean 1, and then clipped to 0.2 to 5; where the
        spread is not finite, 0.2; where it is not anywhere positive, 1.

    Examples
    --------
    >>> confidence(torch.tensor([[100.0, 300.0]]))
    tensor([[1.5000, 0.5000]])
    """
    finite = spread.isfinite()
    mean = spread[finite].mean() if bool(finite.any()) else spread.new_zeros(())
    if float(mean) <= 0.0:
        return torch.ones_like(spread)
    inverse = torch.where(finite, mean / spread.clamp(min=0.05 * float(mean)), 0.0)
    return (inverse / inverse.mean()).clamp(_LEAST, _MOST)


def pulled(settings: HybridSettings, prediction: Prediction) -> HybridSettings:
    r"""Return settings with the prior of a prediction.

    Parameters
    ----------
    settings : `HybridSettings`
        Its ``prior`` is the weight :math:`\epsilon`.
    prediction : `Prediction`
        The centre :math:`v_0` and the weights :math:`W` of the cells.

    Returns
    -------
    settings : `HybridSettings`
        With :math:`\frac{\epsilon^2}{2N} \| W (v - v_0) / 1500 \|^2` as its last quadratic term.
    """
    if settings.prior == 0.0:
        return settings
    vp, weights = prediction
    W = Weights(torch.ones_like(vp) if weights is None else weights.to(vp))
    given = tuple(settings.dataregs) or (None,) * len(settings.Regs)
    return replace(
        settings,
        Regs=(*settings.Regs, W),
        epsRs=(*settings.epsRs, settings.prior),
        dataregs=(*given, W.matvec(vp.reshape(-1))),
    )
