"""What tells two trainings apart, as a checkpoint keeps it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import ConcatDataset, Subset

from pylops_vmb.training.datasets.manifest import portable
from pylops_vmb.training.datasets.samples import GathersOnly


def of_net(net: nn.Module) -> dict[str, Any]:
    """Return class, settings and the shapes of the weights of a network."""
    shapes = {name: list(value.shape) for name, value in net.state_dict().items()}
    return {
        "network": type(net).__qualname__,
        "network settings": _plain(getattr(net, "config", None)),
        "network shapes": _digest(shapes),
    }


def of_data(name: str, data: Any) -> dict[str, Any]:
    """Return the number of samples, and a digest of all that a set says of itself."""
    said = _said(data)
    return {
        f"{name} samples": len(data),
        f"{name} manifest": None if said is None else _digest(said),
    }


def _said(data: Any) -> Any:
    """Return the manifest of a set, or the names and sizes of its files, through any views."""
    if isinstance(data, Subset):
        return [_said(data.dataset), list(data.indices)]
    if isinstance(data, ConcatDataset):
        return [_said(part) for part in data.datasets]
    if isinstance(data, GathersOnly):
        return _said(data.data)
    manifest = getattr(data, "manifest", None)
    if manifest is not None:
        return portable(manifest)
    files = getattr(data, "files", None)
    if files is None:
        return None
    config = getattr(getattr(data, "preprocessing", None), "config", None)
    return [_sizes(files), config]


def _sizes(files: Any) -> Any:
    """Return names and sizes of files, or of pairs of files."""
    if isinstance(files, str | os.PathLike):
        path = Path(files)
        return [path.name, path.stat().st_size]
    return [_sizes(file) for file in files]


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
