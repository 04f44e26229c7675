"""Simulate-and-store: velocity models and their gathers as shards on disk.

A data set is a folder: ``manifest.json`` says how it was made, ``d-00000.npy`` and
``vp-00000.npy`` hold the samples in network order, ``(n, ns, nt, nr)`` in float16 and
``(n, nz, nx)`` in float32.  Shards are memory-mapped when read, so memory stays constant
whatever the size of the set, and written under their final name only when whole, so a
killed run goes on where it stopped.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.velocity import VelocityGenerator

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Simulation:
    """How a data set is made: models, survey and decimation; two equal ones give equal bytes.

    Parameters
    ----------
    velocity : `VelocityGenerator`
        Where the models come from.
    acq : `Acquisition`
        What is shot.
    spacing : :obj:`tuple`
        Cell sizes ``(dx, dz)`` in m.
    preprocessing : `Preprocessing`
        Its decimation is applied before storing; scaling and gain when reading.
    """

    velocity: VelocityGenerator
    acq: Acquisition
    spacing: tuple[float, float]
    preprocessing: Preprocessing

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything that the bytes depend on, for JSON."""
        return {
            "velocity": self.velocity.config,
            "acquisition": self.acq.to_dict(),
            "spacing": list(self.spacing),
            "preprocessing": self.preprocessing.config,
        }

    def samples(
        self, indices: range, F: AcousticModelling2D | None = None
    ) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        """Simulate some of the models.

        Parameters
        ----------
        indices : :obj:`range`
            Numbers of the models.
        F : `AcousticModelling2D`, optional
            The operator, if it is at hand.

        Returns
        -------
        d : :obj:`numpy.ndarray`
            Decimated gathers ``(n, ns, nt, nr)``.
        vp : :obj:`numpy.ndarray`
            Velocities ``(n, nz, nx)`` in m/s.
        """
        F = F or self.operator()
        models = [self.velocity.sample(i) for i in indices]
        with torch.no_grad():
            gathers = [self.preprocessing.decimate(F(torch.from_numpy(vp))) for vp in models]
        d = torch.stack(gathers).numpy().astype(np.float16)
        return d, np.ascontiguousarray(np.stack(models).transpose(0, 2, 1))

    def operator(self) -> AcousticModelling2D:
        """Return the modelling operator of the survey."""
        return AcousticModelling2D(Grid(self.velocity.dims, self.spacing), self.acq)


def simulate(
    folder: str | os.PathLike[str],
    simulation: Simulation,
    *,
    count: int,
    start: int = 0,
    shard: int = 100,
    processes: int = 1,
) -> "ShardedSet":
    """Make a data set, or finish one that was interrupted.

    Parameters
    ----------
    folder : path-like
        Where the shards go; made if it is missing.
    simulation : `Simulation`
        How they are made.
    count : :obj:`int`
        Number of samples.
    start : :obj:`int`, optional
        Number of the first model: sets that do not overlap share no model.
    shard : :obj:`int`, optional
        Samples a shard.
    processes : :obj:`int`, optional
        Simulate in that many processes, one thread each.

    Returns
    -------
    data : `ShardedSet`
        The finished set.

    Raises
    ------
    VMBFileError
        If the folder holds a set that was made differently.
    VMBValueError
        If a number is below one.
    """
    folder = Path(folder)
    for name, number in (("count", count), ("shard", shard), ("processes", processes)):
        check_integer(name, number, at_least=1)
    manifest = {
        **simulation.manifest,
        "count": count,
        "start": start,
        "shard": shard,
        "version": 1,
    }
    _claim(folder, json.loads(json.dumps(manifest)))
    tasks = [
        (folder, number, range(start + first, start + min(first + shard, count)))
        for number, first in enumerate(range(0, count, shard))
    ]
    missing = [task for task in tasks if not _paths(*task[:2])[1].exists()]
    progress = tqdm(total=count, initial=count - sum(len(t[2]) for t in missing), unit="model")
    with progress, _workers(processes, simulation) as make:
        for done in make(_make_shard, missing):
            progress.update(done)
    return ShardedSet(folder)


class ShardedSet(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A data set on disk, read sample by sample without loading it.

    Parameters
    ----------
    folder : path-like
        A folder of `simulate`.

    Attributes
    ----------
    manifest : :obj:`dict`
        How the set was made.

    Raises
    ------
    VMBFileError
        If the folder holds no data set, or an unfinished one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        self._size = int(self.manifest["shard"])
        shards = range(-(-int(self.manifest["count"]) // self._size))
        self._files = [_paths(self.folder, number) for number in shards]
        lacking = [d.name for d, vp in self._files if not (d.exists() and vp.exists())]
        if lacking:
            refuse(
                str(self.folder),
                "is unfinished",
                got=f"{len(lacking)} shards missing, first {lacking[0]}",
                do="Call simulate with the same arguments again: it goes on where it stopped",
                error=VMBFileError,
            )
        self._maps: dict[int, tuple[Any, Any]] = {}

    def __len__(self) -> int:
        return int(self.manifest["count"])

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return gathers ``(ns, nt, nr)`` and velocity ``(1, nz, nx)``, float32."""
        number, row = divmod(int(index), self._size)
        d, vp = self._shard(number)
        return (
            torch.from_numpy(d[row].astype(np.float32)),
            torch.from_numpy(vp[row][None].copy()),
        )

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return (self[i] for i in range(len(self)))

    def _shard(self, number: int) -> tuple[Any, Any]:
        if number not in self._maps:
            self._maps[number] = tuple(
                np.load(path, mmap_mode="r", allow_pickle=False) for path in self._files[number]
            )
        return self._maps[number]


_worker: dict[str, Any] = {}


@contextmanager
def _workers(processes: int, simulation: Simulation) -> Iterator[Callable[..., Iterable[int]]]:
    """Give a map that works in this process, or in several with one thread each."""
    if processes == 1:
        _start_worker(simulation, threads=torch.get_num_threads())
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _start_worker, (simulation,)) as pool:
        yield pool.imap_unordered


def _start_worker(simulation: Simulation, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    _worker["simulation"], _worker["F"] = simulation, simulation.operator()


def _make_shard(task: tuple[Path, int, range]) -> int:
    folder, number, indices = task
    d, vp = _worker["simulation"].samples(indices, _worker["F"])
    d_path, vp_path = _paths(folder, number)
    for path, array in ((d_path, d), (vp_path, vp)):
        with atomic_path(path) as part, open(part, "wb") as file:
            np.save(file, array, allow_pickle=False)
    return len(indices)


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    return folder / f"d-{number:05d}.npy", folder / f"vp-{number:05d}.npy"


def _claim(folder: Path, manifest: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / _MANIFEST).exists():
        with atomic_path(folder / _MANIFEST) as part:
            part.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    elif _read_manifest(folder) != manifest:
        refuse(
            str(folder),
            "holds a data set that was made differently",
            got="another manifest.json",
            do="Choose another folder, or remove this one",
            error=VMBFileError,
        )


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        refuse(
            str(folder),
            "holds no data set",
            got=f"no readable {_MANIFEST}",
            do="Make one with pylops_vmb.training.simulate",
            error=VMBFileError,
            cause=err,
        )
    return manifest
