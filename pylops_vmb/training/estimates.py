"""Time, memory and disk of simulations and trainings, told before they start."""

import copy
import inspect
import math
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError, VMBMemoryError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.budget import free_memory
from pylops_vmb.modelling.memory import gib
from pylops_vmb.training.datasets import Simulation
from pylops_vmb.training.methods import Supervised
from pylops_vmb.training.settings import TrainingConfig

_COPIES = 5
"""Weights, gradients, two moments of Adam, moving average."""
_PASSING = 3
"""Largest maps that live beside the stored ones while a gradient passes through a layer."""
_SPARE = 1.2
"""Room for the working space of convolutions, measured at 0.1 to 0.2 of the rest."""
_HALVED = ("bfloat16", "float16")
_FIELDS = 12
"""Fields of a forward run, those of the absorbing layer and of its interfaces included."""


@dataclass(frozen=True)
class Need:
    """What one part of a run takes.

    Attributes
    ----------
    task : :obj:`str`
        Which part.
    memory : :obj:`int`
        Bytes on `device` at the most.
    disk : :obj:`int`
        Bytes that it writes and that stay until the run has ended.
    seconds : :obj:`float` or :obj:`None`
        From a timed probe; None if none was asked for.
    device : :obj:`str`
        Where it computes.
    """

    task: str
    memory: int
    disk: int
    seconds: float | None = None
    device: str = "cpu"


def simulation_need(
    simulation: Simulation,
    count: int,
    *,
    processes: int = 1,
    device: str = "cpu",
    timed: bool = True,
) -> Need:
    """Estimate a simulated data set.

    Parameters
    ----------
    simulation : `Simulation`
        How it is made.
    count : :obj:`int`
        Number of samples.
    processes : :obj:`int`, optional
        That simulate, one thread each.
    device : :obj:`str`, optional
        Where they compute.
    timed : :obj:`bool`, optional
        Model a few shots, as many as run side by side, to tell the time.

    Returns
    -------
    need : `Need`

    Notes
    -----
    The disk follows from the shapes.  The memory is, for the shots that run side by side,
    twelve fields of the padded grid; and four times the recorded data.
    """
    F, (gathers, velocity) = simulation.operator(device), simulation.shapes
    at_once = _shots_at_once(F.acq.ns, processes, device)
    border = 2 * _modelling(simulation, "nbl") + _modelling(simulation, "space_order")
    padded = math.prod(cells + border for cells in F.grid.dims)
    memory = 4 * (at_once * _FIELDS * padded + 4 * math.prod(F.acq.dimsd))
    itemsize = torch.finfo(getattr(torch, simulation.dtype)).bits // 8
    sample = itemsize * math.prod(gathers) + 4 * math.prod(velocity)
    seconds = None
    if timed:
        workers = min(processes, os.cpu_count() or 1) if device == "cpu" else 1
        seconds = count * _seconds_a_model(simulation, at_once, device) / workers
    return Need(f"simulate {count} models", processes * memory, count * sample, seconds, device)


def training_need(
    net: nn.Module,
    config: TrainingConfig,
    *,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    samples: int,
    validation: int = 0,
    device: str = "cpu",
    timed: bool = True,
) -> Need:
    r"""Estimate a supervised training.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The network; with `timed`, one step trains a copy on noise.
    config : `TrainingConfig`
        How to train.
    shapes : :obj:`tuple`
        Of a sample: gathers ``(ns, nt, nr)`` and velocity ``(nz, nx)``.
    samples, validation : :obj:`int`
        How many there are.
    device : :obj:`str`, optional
        Where to train.
    timed : :obj:`bool`, optional
        Take a step to tell the time: of two samples on a CPU, of a whole batch elsewhere.

    Returns
    -------
    need : `Need`

    Notes
    -----
    With :math:`P` bytes of weights, the :math:`A` bytes of maps that autograd keeps of one
    batch, counted in a forward pass without memory, and :math:`M` bytes of the largest of
    them, the memory is :math:`1.2\,(5 P + A + 3 M)`, with :math:`A` and :math:`M` halved and
    :math:`P` added for 16-bit products.  A checkpoint is :math:`4 P`; while it is replaced
    there are two.
    """
    batch = -(-min(config.batch, samples) // config.accumulate)
    weights = sum(t.numel() * t.element_size() for t in net.state_dict().values())
    kept, largest = stored_maps(net, batch, shapes[0])
    halved = config.precision in _HALVED
    maps = (kept + _PASSING * largest) // (2 if halved else 1)
    memory = round(_SPARE * ((_COPIES + halved) * weights + maps))
    seconds = None
    if timed:
        each = _seconds_a_sample(net, config, shapes, device)
        seconds = config.epochs * (samples + validation / 3) * each
    task = f"train {config.epochs} epochs on {samples} samples"
    return Need(task, memory, 2 * (_COPIES - 1) * weights, seconds, device)


def stored_maps(net: nn.Module, batch: int, gathers: tuple[int, ...]) -> tuple[int, int]:
    """Count what autograd keeps of one forward pass, without running it.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The network.
    batch : :obj:`int`
        Samples; at least two are taken.
    gathers : :obj:`tuple`
        Shape ``(ns, nt, nr)`` of an input.

    Returns
    -------
    kept, largest : :obj:`int`
        Bytes of all tensors that are kept beside the weights, in float32, and of the largest
        one.
    """
    ghost = copy.deepcopy(net).to("meta").train()
    own = {_storage(tensor) for tensor in ghost.state_dict().values()}
    found: dict[StorageWeakRef, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in own:
            found[_storage(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    inputs = torch.empty(max(2, batch), *gathers, device="meta")
    with saved_tensors_hooks(note, lambda tensor: tensor):
        prediction = ghost(inputs)
    note(prediction)
    return sum(found.values()), max(found.values())


def _storage(tensor: Tensor) -> StorageWeakRef:
    """Return what tells the memory of tensors apart, of those on the meta device as well."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


def check_room(needs: Iterable[Need], folder: Path) -> None:
    """Refuse a run that fits neither the memory of its devices nor the disk.

    Parameters
    ----------
    needs : iterable of `Need`
        The parts of the run.
    folder : :obj:`pathlib.Path`
        Where it writes; what an earlier run left there is not counted again.

    Raises
    ------
    VMBMemoryError
        If one of the parts needs more memory than is free.
    VMBFileError
        If all together need more room than is free on the disk.
    """
    needs = list(needs)
    for need in needs:
        free = free_memory(torch.device(need.device))
        if need.memory > free:
            refuse(
                need.task,
                f"takes about {gib(need.memory)} of memory on {need.device}",
                got=f"{gib(free)} free",
                do="Take smaller batches, accumulate, 16-bit precision or a larger device",
                error=VMBMemoryError,
            )
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    wanted, free = sum(need.disk for need in needs) - there, _free_disk(folder)
    if wanted > free:
        refuse(
            str(folder),
            f"must have room for {gib(wanted)}",
            got=f"{gib(free)} free",
            do="Choose a folder on a larger disk, or fewer samples",
            error=VMBFileError,
        )


def _free_disk(folder: Path) -> int:
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(above).free


def _modelling(simulation: Simulation, name: str) -> int:
    """Return a setting of the modelling, or its default."""
    default = inspect.signature(AcousticModelling2D).parameters[name].default
    return int(simulation.modelling.get(name, default))


def _shots_at_once(ns: int, processes: int, device: str) -> int:
    if torch.device(device).type != "cpu":
        return ns
    return min(ns, torch.get_num_threads() if processes == 1 else 1)


def _seconds_a_model(simulation: Simulation, at_once: int, device: str) -> float:
    """Model some shots over the first model, and scale the time to all shots."""
    acq = simulation.acq
    some = Simulation(
        simulation.velocity,
        acq.select(slice(0, at_once)),
        simulation.spacing,
        simulation.preprocessing,
        modelling=simulation.modelling,
    )
    F = some.operator(device)
    next(iter(some.samples(range(1), F)))  # the first run loads code
    started = time.perf_counter()
    next(iter(some.samples(range(1), F)))
    return float((time.perf_counter() - started) * math.ceil(acq.ns / at_once))


def _seconds_a_sample(
    net: nn.Module,
    config: TrainingConfig,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    device: str,
) -> float:
    """Train one step on noise, and return its time for one sample."""
    place = torch.device(device)
    on_cpu = place.type == "cpu"
    batch = 2 if on_cpu else max(2, config.batch)
    method = Supervised(copy.deepcopy(net), config)
    with torch.random.fork_rng() if on_cpu else nullcontext():
        method.prepare(2, device=place, wrap=lambda part: part)
        inputs = torch.randn(batch, *shapes[0], device=place)
        vp = torch.full((batch, 1, *shapes[1]), 2500.0, device=place)
        if not on_cpu:
            float(method.step(inputs, vp)["loss"])  # the first step chooses algorithms
        started = time.perf_counter()
        float(method.step(inputs, vp)["loss"])  # the number is there when the device is done
    return (time.perf_counter() - started) / batch
