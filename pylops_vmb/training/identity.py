"""What tells two trainings apart, as a checkpoint keeps it."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.data import Subset

from pylops_vmb.training.datasets.samples import Samples


def of_net(net: nn.Module) -> dict[str, Any]:
    """Return class, settings and the shapes of the weights of a network."""
    shapes = {name: list(value.shape) for name, value in net.state_dict().items()}
    return {
        "network": type(net).__qualname__,
        "network settings": _plain(getattr(net, "config", None)),
        "network shapes": _digest(shapes),
    }


def of_data(name: str, data: Samples) -> dict[str, Any]:
    """Return the number of samples, and a digest of the manifest of a set that has one."""
    manifest = getattr(data, "manifest", None)
    if isinstance(data, Subset):
        manifest = [getattr(data.dataset, "manifest", None), list(data.indices)]
    return {
        f"{name} samples": len(data),
        f"{name} manifest": None if manifest is None else _digest(manifest),
    }


def of_function(function: Callable[..., Any] | None) -> Any:
    """Return the settings of a function that has some, or else its name."""
    if function is None:
        return None
    config = getattr(function, "config", None)
    if config is not None:
        return _plain(config)
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back: lists for tuples."""
    return json.loads(json.dumps(value, default=str))


def _digest(value: Any) -> str:
    words = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()
