"""What a card says of a training: its data, its settings, and how good it has become."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.utils.data import Subset

from pylops_vmb._version import __version__
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training.datasets.manifest import portable
from pylops_vmb.training.datasets.samples import Pair, Samples
from pylops_vmb.training.evaluation import score_sums
from pylops_vmb.training.loading import stack
from pylops_vmb.training.settings import TrainingConfig

_MANIFEST = ("velocity", "spacing", "count", "start", "modelling", "fingerprint")


@torch.no_grad()
def validation_scores(
    net: nn.Module,
    data: Samples,
    *,
    preprocessing: Preprocessing,
    device: str | torch.device = "cpu",
) -> dict[str, float]:
    """Compare the predictions of a network with known velocities, one model at a time.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        In evaluation mode.
    data : `Samples`
        Gathers with their velocities.
    preprocessing : `Preprocessing`
        Its scaling and gain are applied.
    device : :obj:`str` or :obj:`torch.device`, optional
        Where the network is.

    Returns
    -------
    scores : :obj:`dict`
        Over all cells ``validation_mae_m_s`` and ``validation_rmse_m_s``, the mean
        ``validation_ssim`` of the models (in the convention of OpenFWI; left out where they
        are smaller than its window), and their number, ``validation_models``.
    """

    def load(samples: Samples, rows: Sequence[int]) -> Pair:
        d, vp = stack([samples[row] for row in rows])
        return preprocessing.normalise(d.to(device)), vp.to(device)

    count = len(data)
    sums = score_sums(net, data, range(count), batch=1, load=load)
    found = {
        "validation_mae_m_s": sums["mae"] / count,
        "validation_rmse_m_s": (sums["mse"] / count) ** 0.5,
    }
    if "ssim" in sums:
        found["validation_ssim"] = sums["ssim"] / count
    return found | {"validation_models": count}


def training_record(
    net: nn.Module,
    config: TrainingConfig,
    *,
    data: Samples,
    history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what a card keeps of a training.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        As it was when the training ended, in float32, on the CPU.
    config : `TrainingConfig`
        How it was trained.
    data : `Samples`
        What it was trained on.
    history : sequence of :obj:`dict`
        The epochs, as in `Trainer`.

    Returns
    -------
    record : :obj:`dict`
        Ready for JSON.
    """
    return {
        "data": describe(data),
        "samples": len(data),
        "config": config.document,
        "history": [dict(row) for row in history],
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "version": __version__,
        "torch": torch.__version__,
        "sha256_float32": weights_digest(net.state_dict()),
    }


def describe(data: Samples) -> Any:
    """Return what a data set is, as far as it says so itself."""
    if isinstance(data, Subset):
        return describe(cast("Samples", data.dataset)) | {"part": len(data)}
    if hasattr(data, "manifest"):
        return portable({key: data.manifest[key] for key in _MANIFEST if key in data.manifest})
    return {"kind": type(data).__name__, "samples": len(data)}
