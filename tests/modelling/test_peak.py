"""The estimate of memory against the peak of a real process."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc"),
]

PROGRAM = """
import sys
import numpy as np
import torch
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid

def peak():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return 1024 * int(status["VmHWM"].split()[0])

torch.set_num_threads(int(sys.argv[3]))
grid = Grid((151, 101), 10.0)
acq = Acquisition.fixed_spread(
    [300.0, 1200.0], 10.0 * np.arange(151), nt=1000, dt=1e-3, f0=15.0
)
vp = np.full(grid.dims, 2000.0, "float32")
small = AcousticModelling2D(grid, acq._replace(nt=200).select([0]))
small.jacobian(vp).H @ np.ones(small.dimsd, "float32")
before = peak()
F = AcousticModelling2D(grid, acq, memory=sys.argv[1])
if sys.argv[2] == "jacobian":
    F.jacobian(vp).H @ np.ones(F.dimsd, "float32")
else:
    F(torch.from_numpy(vp).requires_grad_()).sum().backward()
print(peak() - before, F.memory.segments, F.memory.kept)
"""


def growth(memory: str, how: str, threads: int) -> list[int]:
    """Return by how many bytes a fresh process grows; segments; shots kept."""
    arguments = [sys.executable, "-c", PROGRAM, memory, how, str(threads)]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return [int(number) for number in ran.stdout.split()]


@pytest.mark.parametrize(
    ("how", "memory", "threads", "plan", "least"),
    [
        ("jacobian", 1024, 1, (1, 2), 180),  # both shots of 108 MiB, less what the small run left
        ("loss", 150, 2, (1, 0), 80),
        ("jacobian", 60, 2, (13, 2), 20),
        ("loss", 60, 2, (13, 2), 20),
    ],
)
def test_a_gradient_keeps_within_its_budget(how, memory, threads, plan, least):
    size, *found = growth(f"{memory}MiB", how, threads)
    assert tuple(found) == plan
    assert least < size / 2**20 < memory
