"""Tiny trainings, each in a process of its own: ``python trainings.py FOLDER JOBS``.

JOBS is a JSON list of dictionaries: a training is made of ``name`` and settings, and runs in
``size`` processes that find each other as those of torchrun do; ``kill`` says when it kills
itself.  What it ends with is written to FOLDER, with the exit codes of its processes.
"""

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

import torch
from torch import nn

from pylops_vmb import metrics
from pylops_vmb.io import _atomic, save_checkpoint
from pylops_vmb.learned import Preprocessing
from pylops_vmb.training import Method, Trainer, TrainingConfig

CHANNELS, SHAPE = 2, (12, 12)
SETTINGS = {"epochs": 2, "batch": 3, "lr": 1e-2, "seed": 9}


class Noise:
    """Samples of noise by number: gathers (2, 12, 12), velocities (1, 12, 12)."""

    def __init__(self, count, first=0):
        self.count, self.first = count, first

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise IndexError(index)
        chance = torch.Generator().manual_seed(self.first + index)
        d = torch.randn(CHANNELS, *SHAPE, generator=chance)
        return d, 3000.0 + 300.0 * d[:1].flip(-1) + 300.0 * torch.rand(1, *SHAPE, generator=chance)


class Failing(Noise):
    """Noise with one unreadable sample."""

    def __getitem__(self, index):
        if index == 5:
            raise OSError(f"sample {index} cannot be read")
        return super().__getitem__(index)


class Tiny(nn.Module):
    """Two convolutions with dropout, and batch norm if it is wanted."""

    def __init__(self, *, dropout=0.2, norm=False):
        super().__init__()
        middle = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.layers = nn.Sequential(
            nn.Conv2d(CHANNELS, 4, 3, padding=1, bias=not norm),
            middle,
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(4, 1, 3, padding=1),
        )

    def forward(self, inputs):
        return 3000.0 + 1500.0 * self.layers(inputs)


def noisy(d, vp, generator):
    """Add noise and mirror, at random."""
    d = d + 0.1 * torch.randn(d.shape, generator=generator)
    mirrored = bool(torch.rand((), generator=generator) < 0.5)
    return (d.flip(-1), vp.flip(-1)) if mirrored else (d, vp)


def make(folder, name="one", *, count=7, net=None, data=None, validation=None, **changes):
    """Return a trainer with the same first weights every time."""
    torch.manual_seed(5)
    if not isinstance(net, nn.Module | Method):
        net = Tiny(**(net or {}))
    extra = {key: changes.pop(key) for key in ("augment", "workers", "device") if key in changes}
    preprocessing = changes.pop("preprocessing", Preprocessing(scale="none"))
    return Trainer(
        net,
        Noise(count) if data is None else data,
        Noise(4, first=1000) if validation is None else validation,
        preprocessing=preprocessing,
        config=TrainingConfig(**(SETTINGS | changes)),
        checkpoint=Path(folder) / f"{name}.safetensors",
        **extra,
    )


def result(trainer):
    """Return all numbers that a training ends with, but the seconds it took."""
    return {
        "net": trainer.net.state_dict(),
        "method": trainer.method.state_dict(),
        "returned": trainer.average.module.state_dict(),
        "history": [{**row, "seconds": 0.0} for row in trainer.history],
    }


def kill():
    """End this process as ``kill -9`` and the out-of-memory killer do."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_before_step(trainer, number):
    step = trainer.method.step

    def counted(inputs, vp):
        if trainer._done == number:
            kill()
        return step(inputs, vp)

    trainer.method.step = counted


def interrupt_in_step(trainer, number):
    """Press Ctrl-C in the last process only."""
    step = trainer.method.step

    def counted(inputs, vp):
        if trainer._done == number and trainer.team.rank == trainer.team.size - 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(inputs, vp)

    trainer.method.step = counted


def kill_before_rename(number):
    """Kill between the temporary file of a checkpoint and its last name."""
    replace, calls = os.replace, []

    def counted(part, final):
        calls.append(final)
        if len(calls) == number:
            kill()
        replace(part, final)

    _atomic.os = type("os", (), {**vars(os), "replace": staticmethod(counted)})


def run(folder, job):
    """Run one training in this process."""
    job = dict(job)
    name, kills, fit = (job.pop(key, None) for key in ("name", "kill", "fit"))
    job.pop("size", None)
    if job.pop("failing", False):
        job["data"] = Failing(job.pop("count", 7))
    if job.pop("augmented", False):
        job["augment"] = noisy
    if job.pop("apart", False):
        job["checkpoint"] = f"rank{os.environ['RANK']}/{name}"
    trainer = make(folder, job.pop("checkpoint", name), **job)
    for when, number in (kills or {}).items():
        if when == "step":
            kill_before_step(trainer, number)
        elif when == "interrupt":
            interrupt_in_step(trainer, number)
        else:
            kill_before_rename(number)
    started = trainer._done
    trainer.fit(**(fit or {}))
    if trainer.team.leads:
        save_checkpoint(folder / f"{name}.result", result(trainer) | {"started": started})


def child(folder, job, environment):
    """Return the number of a new process that runs a training."""
    pid = os.fork()
    if pid:
        return pid
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    code = 1
    try:
        run(folder, job)
        code = 0
    except BaseException:
        rank = os.environ.get("RANK", "0")
        (folder / f"{job['name']}.error{rank}").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def together(size):
    """Return what torchrun tells each of several processes on this machine."""
    if size == 1:
        return [{}]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]


def warm():
    """Load what is slow to load, once for all processes."""
    torch.optim.Adam([torch.zeros(1)])
    metrics.ssim(torch.ones(SHAPE), torch.ones(SHAPE))


def main(folder, jobs):
    """Run all trainings, one after the other."""
    torch.set_num_threads(1)
    warm()
    for rank in range(2):
        (folder / f"rank{rank}").mkdir()
    codes = []
    for job in jobs:
        pids = [child(folder, job, place) for place in together(job.get("size", 1))]
        codes.append([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])
    (folder / "codes.json").write_text(json.dumps(codes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
