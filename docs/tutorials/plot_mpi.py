r"""
Shots over MPI
==============

Shots are independent: each has its own source, and their misfits and gradients add up.
`pylops_vmb.fwi` takes a communicator of `mpi4py <https://mpi4py.readthedocs.io>`_ as ``comm=`` and
deals the shots out to its processes, on one machine or on many. This page writes the script that
one would run with ``mpiexec -n 4``, starts it with two processes, and compares with one process
alone. Where mpi4py or ``mpiexec`` are missing, it says so and goes on with one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import pylops_vmb as vmb

folder = Path(tempfile.mkdtemp())

# %%
# The script
# ----------
# All processes run the same lines. Each models its own shots; gradients are added in float64 in
# one process and sent to all, so that all take the same steps and end with the same result, and
# one of them writes it. Nothing else changes: ``comm=None`` is one process.
source = """
import sys
import numpy as np
import pylops_vmb as vmb

comm = None
if "--mpi" in sys.argv:
    from mpi4py import MPI
    comm = MPI.COMM_WORLD

grid = vmb.Grid((48, 32), 10.0)
x = 10.0 * np.arange(48)
acq = vmb.Acquisition.fixed_spread(x[4::8], x, nt=500, dt=0.001, f0=15.0)
F = vmb.AcousticModelling2D(grid, acq)
dobs = F(vmb.velocity.openfwi_family("curvevel_a", grid.dims)[0])

result = vmb.fwi(F, dobs, niter=5, bands=(8.0, None), comm=comm)
if comm is None or comm.Get_rank() == 0:
    np.savez(sys.argv[1], vp=result.vp, cost=result.cost)
    shots = f"{acq.ns} shots by {1 if comm is None else comm.Get_size()} process(es)"
    print(f"{shots}: misfit {result.cost[0]:.4f} -> {result.cost[-1]:.4f}")
"""
(folder / "fwi.py").write_text(source)
script = folder / "fwi.py"

# %%
# One process, and two
# --------------------
# ``-m mpi4py`` ends all processes if the script fails in one of them. One thread a process,
# because both share this machine; on a cluster each gets its part of the cores:
#
# .. code-block:: console
#
#    $ OMP_NUM_THREADS=4 mpiexec -n 4 python -m mpi4py fwi.py result.npz --mpi


def run(command, name):
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [
            *command,
            str(script),
            str(folder / f"{name}.npz"),
            *(["--mpi"] if len(command) > 1 else []),
        ],
        env=quiet,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    print(done.stdout.strip())
    return np.load(folder / f"{name}.npz")


alone = run([sys.executable], "alone")
beside = Path(sys.executable).with_name("mpiexec")
mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
together = None
if find_spec("mpi4py") and mpiexec:
    together = run([mpiexec, "-n", "2", sys.executable, "-m", "mpi4py"], "together")
else:
    print("mpi4py or mpiexec is missing: pip install 'pylops-vmb[mpi]' mpich")

# %%
# The same result
# ---------------
# The processes add up what one process adds up alone, in another order: differences are those of
# rounding, if there are any.
if together is not None:
    change = np.abs(together["vp"] - alone["vp"]).max()
    print(f"largest difference of the velocities: {change:.1e} m/s")

# %%
# The gradient itself needs no MPI to be checked: it is the sum of those of the shares. Here the
# ranks are two halves of the survey in one process.
grid = vmb.Grid((48, 32), 10.0)
x = 10.0 * np.arange(48)
acq = vmb.Acquisition.fixed_spread(x[4::8], x, nt=500, dt=0.001, f0=15.0)
dobs = vmb.AcousticModelling2D(grid, acq)(vmb.velocity.openfwi_family("curvevel_a", grid.dims)[0])
x0 = np.full(grid.dims, 2500.0, dtype="float32")


def gradient(shots):
    """Return the gradient of half the squared residual of some shots."""
    d, J = vmb.AcousticModelling2D(grid, acq.select(shots)).linearize(x0)
    return J.H @ (d - dobs[shots])


whole = gradient(slice(0, acq.ns))
halves = gradient(slice(0, 3)) + gradient(slice(3, acq.ns))
error = np.linalg.norm(halves - whole) / np.linalg.norm(whole)
print(
    f"{acq.ns} shots: the gradients of two shares add up to the whole, to {error:.0e} of its norm"
)

# %%
# What is sent has the size of a model, so that the speed is that of the slowest share: take a
# number of processes that divides the shots. Two processes on a small grid are no measure of it.
# How a cluster is set up, and how each process holds its own shots alone, is in :doc:`/install`.
true = vmb.velocity.openfwi_family("curvevel_a", grid.dims)[0]
panels = {"true": true, "FWI by one process": alone["vp"]}
if together is not None:
    panels["FWI by two processes"] = together["vp"]
vmb.plotting.plot_comparison(panels, grid, vmin=1500, vmax=4500)

assert error < 1e-5
assert alone["cost"][-1] < 0.5 * alone["cost"][0]
assert together is None or change < 1.0
