"""A recipe of two stages that kills itself: ``python killed_recipe.py FOLDER``.

Prints, as JSON, how each run ended, and the digests of the weights and the steps of a run
that was killed three times and of one that was not.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from pylops_vmb.io import read_weights, weights_digest
from pylops_vmb.training import recipe
from pylops_vmb.training.methods import Supervised
from pylops_vmb.training.transfer import FineTuning
from pylops_vmb.velocity import VelocityGenerator

CHANGES = {"count": 4, "validation": 1, "batch": 2, "epochs": 2}
MOMENTS = ((VelocityGenerator, "sample", 2), (Supervised, "step", 3), (FineTuning, "step", 3))
"""In whose call a run dies, and how many of its calls went well before."""


def dying(real, calls):
    """Return a function that works so many times, then ends the process at once."""
    left = [calls]

    def run(*args, **keywords):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return real(*args, **keywords)

    return run


def counted(real, file):
    """Return a function that adds a byte to a file whenever it has worked."""

    def run(*args, **keywords):
        result = real(*args, **keywords)
        with open(file, "ab") as steps:
            steps.write(b".")
        return result

    return run


def started(folder, moment=None):
    """Run the recipe in a child process; return its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        Supervised.step = counted(Supervised.step, folder.with_suffix(".steps"))
        if moment is not None:
            owner, name, calls = moment
            setattr(owner, name, dying(getattr(owner, name), calls))
        recipe("tiny-salt", **CHANGES).run(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digests(folder):
    """Return the digests of all weights in a folder."""
    files = [*sorted(folder.rglob("weights.safetensors")), folder / "tiny-salt.safetensors"]
    return [weights_digest(read_weights(file)[0]) for file in files]


if __name__ == "__main__":
    root = Path(sys.argv[1])
    ends = [started(root / "killed", moment) for moment in (*MOMENTS, None)]
    ends.append(started(root / "whole"))
    found = {
        name: {
            "weights": digests(root / name),
            "steps": (root / f"{name}.steps").stat().st_size,
        }
        for name in ("killed", "whole")
    }
    sys.stdout.write(json.dumps({"ends": ends, **found}))
