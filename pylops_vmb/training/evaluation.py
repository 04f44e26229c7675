"""How well a network does on a data set: MAE, RMSE and SSIM of its velocities."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pylops_vmb import metrics
from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBRuntimeError
from pylops_vmb.training.datasets.samples import Pair, Samples
from pylops_vmb.training.history import added

Load = Callable[[Samples, Sequence[int]], Pair]
_WINDOW = 11
"""Cells of SSIM's window along one axis; smaller models have none."""


@torch.no_grad()
def score_sums(
    net: nn.Module, data: Samples, rows: Sequence[int], *, batch: int, load: Load
) -> dict[str, float]:
    """Return sums over samples of absolute error, squared error and similarity.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        In evaluation mode.
    data : `Samples`
        What to measure on.
    rows : sequence of :obj:`int`
        Which samples.
    batch : :obj:`int`
        How many at a time.
    load : callable
        Returns normalised gathers and velocities of some samples, on the network's device.

    Returns
    -------
    sums : :obj:`dict`
        ``mae`` (m/s), ``mse`` (m2/s2) and, if the models are large enough, ``ssim``.

    Raises
    ------
    VMBRuntimeError
        If the network gives NaN or infinity.
    """
    scores = []
    for first in range(0, len(rows), batch):
        inputs, vp = load(data, rows[first : first + batch])
        pairs = zip(_finite(net(inputs)), vp, strict=True)
        scores += [_scores(predicted[0].float(), true[0]) for predicted, true in pairs]
    return added(scores)


def has_ssim(data: Samples) -> bool:
    """Tell whether the models are large enough for SSIM."""
    return min(data[0][1].shape[-2:]) >= _WINDOW


def _scores(predicted: Tensor, true: Tensor) -> dict[str, float]:
    scores = {
        "mae": metrics.mae(predicted, true),
        "mse": metrics.rmse(predicted, true) ** 2,
    }
    if min(true.shape) >= _WINDOW:
        scores["ssim"] = metrics.ssim(predicted, true)
    return scores


def _finite(predicted: Tensor) -> Tensor:
    if not bool(predicted.isfinite().all()):
        refuse(
            "training",
            "diverged: the averaged network gives useless velocities",
            got="NaN or infinity",
            do="Lower lr, or set clip, and start again from the last checkpoint",
            error=VMBRuntimeError,
        )
    return predicted
