"""Simulate-and-store: fills a folder with shards, in several processes and on several devices.

A run that was killed goes on where it stopped and yields the same bytes; so does one with
another number of processes, because a shard depends on its own numbers alone.
"""

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError, VMBRuntimeError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.training.datasets import manifest
from pylops_vmb.training.datasets.shards import Shard, ShardedSet
from pylops_vmb.training.datasets.simulation import Simulation

Task = tuple[Path, int, range]
_worker: dict[str, Any] = {}


def simulate(
    folder: str | os.PathLike[str],
    simulation: Simulation,
    *,
    count: int,
    start: int = 0,
    shard: int = 100,
    processes: int = 1,
    devices: Sequence[str] = ("cpu",),
) -> ShardedSet:
    """Make a data set, or finish one that was interrupted.

    Parameters
    ----------
    folder : path-like
        Where the shards go; made if it is missing.  One run at a time works in it.
    simulation : `Simulation`
        How they are made.
    count : :obj:`int`
        Number of samples.
    start : :obj:`int`, optional
        Number of the first model: sets that do not overlap share no model.
    shard : :obj:`int`, optional
        Samples a shard: what a killed run loses at most in each process.
    processes : :obj:`int`, optional
        Simulate in that many processes, one thread each; at least one a device.  A script
        that asks for more than one calls this under ``if __name__ == "__main__":``.
    devices : sequence of :obj:`str`, optional
        Where the modelling runs, such as ``("cuda:0", "cuda:1")``: the processes take them
        in turn.

    Returns
    -------
    data : `ShardedSet`
        The finished set.

    Raises
    ------
    VMBFileError
        If the folder holds a set that was made differently, or cannot be written to.
    VMBRuntimeError
        If a process was killed.
    VMBValueError
        If a number is below one, or a device is missing.

    Warns
    -----
    DataWarning
        If a set is finished with other versions or devices than it was begun with, which
        can change last digits.  The manifest lists them all.

    Examples
    --------
    >>> import tempfile
    >>> from pylops_vmb.learned import Preprocessing
    >>> from pylops_vmb.survey import Acquisition
    >>> from pylops_vmb.training import Simulation, simulate
    >>> from pylops_vmb.velocity import FlatLayers
    >>> x = [10.0 * i for i in range(12)]
    >>> acq = Acquisition.fixed_spread([60.0], x, nt=100, dt=2e-3, f0=15.0)
    >>> made = Simulation(FlatLayers((12, 10)), acq, (10.0, 10.0), Preprocessing(step=2))
    >>> data = simulate(tempfile.mkdtemp(), made, count=2)
    >>> data[1][0].shape
    torch.Size([1, 50, 12])
    """
    folder = Path(folder)
    for name, number in (("count", count), ("shard", shard), ("processes", processes)):
        check_integer(name, number, at_least=1)
    check_integer("start", start, at_least=0)
    devices = [_check_device(device) for device in devices]
    if not devices:
        refuse("devices", "must name at least one", got="none", do='Use ("cpu",)')
    layout = {"count": count, "start": start, "shard": shard}
    with _writing(folder):
        found = manifest.claim(folder, simulation.manifest | layout)
        missing = [task for task in _tasks(folder, **layout) if not Shard(*task[:2]).done]
        if missing:
            manifest.note_environment(folder, found, devices)
            _remove_parts(folder)
            places = list(islice(cycle(devices), max(processes, len(devices))))
            _make(missing, simulation, places[: len(missing)], count=count)
    return ShardedSet(folder)


def _tasks(folder: Path, *, count: int, start: int, shard: int) -> Iterator[Task]:
    """Yield every shard with the numbers of its models."""
    for number, first in enumerate(range(0, count, shard)):
        yield folder, number, range(start + first, start + min(first + shard, count))


def _make(tasks: list[Task], simulation: Simulation, places: list[str], *, count: int) -> None:
    initial = count - sum(len(indices) for _, _, indices in tasks)
    progress = tqdm(total=count, initial=initial, unit="model")
    with progress, _workers(simulation, places) as make:
        for done in make(tasks):
            progress.update(done)


@contextmanager
def _workers(
    simulation: Simulation, places: list[str]
) -> Iterator[Callable[[list[Task]], Iterable[int]]]:
    """Give what makes shards in this process, or in one a place with one thread each."""
    if len(places) == 1:
        yield partial(map, partial(_make_shard, simulation, simulation.operator(places[0])))
        return
    context = multiprocessing.get_context("spawn")
    left = context.SimpleQueue()
    for place in places:
        left.put(place)
    pool = ProcessPoolExecutor(len(places), context, _start_worker, (simulation, left))
    try:
        yield partial(pool.map, _make_shard_here)
    except BrokenProcessPool as err:
        refuse(
            "simulate",
            "lost one of its processes",
            got=str(err).rstrip("."),
            do="Check that the script calls it under if __name__ == '__main__', and the memory; "
            "then call it again: it goes on where it stopped",
            error=VMBRuntimeError,
            cause=err,
        )
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(simulation: Simulation, places: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker.update(simulation=simulation, F=simulation.operator(places.get()))


def _end_with_parent() -> None:
    """End this process when its parent is gone, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_shard_here(task: Task) -> int:
    return _make_shard(_worker["simulation"], _worker["F"], task)


def _make_shard(simulation: Simulation, F: AcousticModelling2D, task: Task) -> int:
    folder, number, indices = task
    Shard(folder, number).write(
        simulation.samples(indices, F),
        count=len(indices),
        shapes=simulation.shapes,
        dtype=simulation.dtype,
    )
    return len(indices)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what the system says about a full disk or a read-only folder into our words."""
    try:
        yield
    except OSError as err:
        if isinstance(err, VMBFileError) and err.errno is None:
            raise  # not the system's word
        refuse(
            str(folder),
            "cannot be written to",
            got=str(err.__cause__ or err),
            do="Make room on the disk and call simulate again: it goes on where it stopped",
            error=VMBFileError,
            cause=err,
        )


def _remove_parts(folder: Path) -> None:
    """Remove what a killed run had begun to write."""
    for part in folder.glob(".*.part"):
        shutil.rmtree(part, ignore_errors=True)  # another process may be faster


def _check_device(device: str) -> str:
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError) as err:
        do = 'Use "cpu" or "cuda:0"'
        refuse("devices", "must be names of devices", got=repr(device), do=do, cause=err)
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        got = f"{device} of {torch.cuda.device_count()} CUDA devices"
        refuse("devices", "must be there", got=got, do='Use "cpu", or fewer devices')
    return str(place)
