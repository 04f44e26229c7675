"""One loader of training data in a process of its own.

``python -m tests.benchmarks.loading_contender NAME FOLDER BATCHES`` prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pylops_vmb._timing import run_and_measure
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training.datasets import OpenFWISet, Samples, ShardedSet
from pylops_vmb.training.loading import AugmentedSet, batches
from pylops_vmb.training.order import Order

FOLDER, SHARDS, MEMORY, WHOLE, MAPPED = "folder", "shards", "memory", "whole", "mapped"
BATCH, SEED = 10, 0
Pair = tuple[Tensor, Tensor]


class Files(Dataset[Pair]):
    """A folder of OpenFWI in plain NumPy; ``read(path)`` gives the array of a file."""

    def __init__(self, folder: Path, read: Callable[[Path], Any]) -> None:
        count = len(list(folder.glob("data*.npy")))
        self.files = [
            (folder / f"data{n}.npy", folder / f"model{n}.npy") for n in range(1, count + 1)
        ]
        self.read = read
        self.samples = len(np.load(self.files[0][1], mmap_mode="r"))

    def __len__(self) -> int:
        return len(self.files) * self.samples

    def __getitem__(self, index: int) -> Pair:
        number, row = divmod(index, self.samples)
        d, vp = (torch.from_numpy(np.array(self.read(file)[row])) for file in self.files[number])
        return d, vp


class InMemory(Dataset[Pair]):
    """All files read and joined."""

    def __init__(self, folder: Path) -> None:
        files = Files(folder, np.load).files
        self.d = np.concatenate([np.load(gathers) for gathers, _ in files])
        self.vp = np.concatenate([np.load(velocities) for _, velocities in files])

    def __len__(self) -> int:
        return len(self.d)

    def __getitem__(self, index: int) -> Pair:
        return torch.from_numpy(self.d[index]), torch.from_numpy(self.vp[index])


def mapped(folder: Path) -> Files:
    """Return a data set that maps each file once and keeps the map."""
    maps: dict[Path, Any] = {}

    def read(file: Path) -> Any:
        if file not in maps:
            maps[file] = np.load(file, mmap_mode="r")
        return maps[file]

    return Files(folder, read)


SETS: dict[str, Callable[[Path], Any]] = {
    FOLDER: lambda folder: OpenFWISet(folder / FOLDER, Preprocessing()),
    SHARDS: lambda folder: ShardedSet(folder / SHARDS),
    MEMORY: lambda folder: InMemory(folder / FOLDER),
    WHOLE: lambda folder: Files(folder / FOLDER, np.load),
    MAPPED: lambda folder: mapped(folder / FOLDER),
}
OURS = (FOLDER, SHARDS)


def draw(name: str, folder: Path, steps: int) -> dict[str, Any]:
    """Open a set and take some batches of it in a shuffled order that all loaders share."""
    started = time.perf_counter()
    data = SETS[name](folder)
    opened = time.perf_counter()
    order = Order(len(data), BATCH, SEED)
    loader = _ours(data, order, steps) if name in OURS else _theirs(data, order, steps)
    drawn = [_seen(d, vp) for d, vp in loader]
    return {
        "setup": opened - started,
        "draw": time.perf_counter() - opened,
        "drawn": drawn,
    }


def main(name: str, folder: str, steps: str) -> None:
    """Measure one loader."""
    result, figures = run_and_measure(lambda: draw(name, Path(folder), int(steps)))
    print(json.dumps(figures | result))


def _ours(data: Samples, order: Order, steps: int) -> Iterable[Pair]:
    return batches(AugmentedSet(data, None, SEED), order.parts(0, steps), workers=0)


def _theirs(data: Dataset[Pair], order: Order, steps: int) -> Iterable[Pair]:
    rows = [part.rows for part in order.parts(0, steps)]
    return DataLoader(data, batch_sampler=rows)


def _seen(d: Tensor, vp: Tensor) -> list[float]:
    """Return what tells one batch from another, at no cost."""
    return [
        *d[:, 0, 0, 0].tolist(),
        float(d[:, :, ::97, ::13].double().sum()),
        *vp[:, 0, 0, 0].tolist(),
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
