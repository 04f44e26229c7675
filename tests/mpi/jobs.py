"""What each process of a test does: ``mpiexec -n 2 python jobs.py JOB FOLDER``.

The same functions run without MPI, with ``comm=None``, for the numbers to compare with.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pylops
import torch
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.inversion import estimate_wavelet, mpi_jacobian, scatter_shots, suggest_bands
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing

LBFGS = {"optimiser": "lbfgs"}
ADAM = {"optimiser": "adam", "misfit": "l1"}
TWO_BANDS = {"niter": 5, "bands": (20.0, None)}
GRID = vmb.Grid((20, 12), 10.0)


def modelling(ns=3):
    xs = np.linspace(30.0, 170.0, ns)
    acq = vmb.Acquisition.fixed_spread(xs, GRID.x, nt=120, dt=0.001, f0=20.0)
    return vmb.AcousticModelling2D(GRID, acq)


def start(dtype="float32"):
    return np.full(GRID.dims, 2200.0, dtype)


def velocity(dtype="float32"):
    true = np.full(GRID.dims, 2000.0, dtype)
    true[:, 6:] = 2500.0
    return true


def observed(F, dtype="float32"):
    return F(velocity(dtype))


class Stopping(Callbacks):
    """Asks for a stop after some steps, in one process only."""

    def __init__(self, after, here):
        self.after, self.here, self.stop = after, here, False

    def on_step_end(self, solver, _):
        self.stop = self.here and solver.iiter == self.after


class Failing(Callbacks):
    """Raises an error after some steps, in one process only."""

    def __init__(self, error, here):
        self.error, self.here = error, here

    def on_step_end(self, solver, _):
        if self.here and solver.iiter == 2:
            raise self.error


class Telling(Callbacks):
    """Writes its process number to a file once a run is under way."""

    def __init__(self, path):
        self.path = path

    def on_step_end(self, solver, _):
        if solver.iiter == 2:
            part = self.path.with_suffix(".part")
            part.write_text(str(os.getpid()))
            part.rename(self.path)


def figures(name, result):
    return {
        f"{name} vp": result.vp,
        f"{name} cost": result.cost,
        f"{name} bands": [entry.band for entry in result.history],
        f"{name} status": result.status,
    }


def iterates(comm, _folder):
    """Invert by both optimisers in both precisions, data whole and scattered."""
    F, found = modelling(), {}
    for dtype in ("float32", "float64"):
        for name, settings in (("lbfgs", LBFGS), ("adam", ADAM)):
            d = observed(F, dtype)
            result = vmb.fwi(F, d, start(), comm=comm, **TWO_BANDS, **settings)
            found |= figures(f"{name} {dtype}", result)
    d = observed(F) if comm is None else scatter_shots(observed(F), comm)
    found |= figures("own bands", vmb.fwi(F, d, niter=1, shots=2, comm=comm))
    return found | figures("newton", vmb.gauss_newton(F, d, start(), niter=1, comm=comm))


def helpers(comm, _folder):
    """Choose bands and estimate the wavelet, data whole and scattered over shots."""
    F, found = modelling(), {}
    d = observed(F, "float64")
    for name, data in (("whole", d), ("scattered", d if comm is None else scattered(d, comm))):
        found[f"{name} bands"] = suggest_bands(data, F.acq.dt, comm=comm)
        found[f"{name} wavelet"] = estimate_wavelet(F, velocity(), data, comm=comm)
    return found


def scattered(d, comm):
    """Return data as a process makes them that reads its own shots."""
    import pylops_mpi  # noqa: PLC0415 (only under mpiexec)

    ranks = np.array_split(d, comm.size)
    return pylops_mpi.DistributedArray(d.shape, comm, local_array=ranks[comm.rank])


def one_shot(comm, _folder):
    """Invert a single shot: all processes but the first are empty."""
    F = modelling(1)
    d = observed(F) if comm is None else scatter_shots(observed(F), comm)
    return figures("fwi", vmb.fwi(F, d, start(), niter=2, comm=comm))


def stopped(comm, folder):
    """Stop after three steps; resume what another number of processes stopped."""
    F, here = modelling(), comm is None or comm.rank == comm.size - 1
    d, x0, kind = observed(F), start(), "serial" if comm is None else "mpi"
    callbacks = [Stopping(3, here)]
    path = folder / f"{kind}.safetensors"
    part = vmb.fwi(F, d, x0, checkpoint=path, callbacks=callbacks, comm=comm, **TWO_BANDS)
    return figures("part", part)


def resumed(comm, folder):
    """Resume what another number of processes stopped."""
    F, other = modelling(), "mpi" if comm is None else "serial"
    path = folder / f"{other}.safetensors"
    rest = vmb.fwi(F, observed(F), start(), checkpoint=path, comm=comm, **TWO_BANDS)
    return figures("rest", rest)


def jacobian(comm, _folder):
    """Apply the Jacobian and its adjoint, test them, and invert with them."""
    found = {}
    for ns in (1, 3):
        for dtype in ("float32", "float64"):
            F, rng = modelling(ns), np.random.default_rng(5)
            x, y = (rng.standard_normal(size).astype(dtype) for size in F.shape[::-1])
            apply = serial_products if comm is None else distributed_products
            found |= {f"{ns} {dtype} {name}": value for name, value in apply(F, x, y, comm).items()}
    return found


def serial_products(F, x, y, _comm):
    J = F.jacobian(start(x.dtype))
    solved = pylops.optimization.basic.cgls(J, J @ x, niter=4, tol=0.0)[0]
    return {"Jx": J @ x, "JHy": J.H @ y, "cgls": solved.ravel()}


def distributed_products(F, x, y, comm):
    import pylops_mpi  # noqa: PLC0415 (only under mpiexec)
    from pylops_mpi.utils.dottest import dottest  # noqa: PLC0415

    J = mpi_jacobian(F, start(x.dtype), comm)
    model = pylops_mpi.DistributedArray.to_dist(
        x, base_comm=comm, partition=pylops_mpi.Partition.BROADCAST
    )
    data = scatter_shots(y.reshape(F.dimsd), comm)
    Jx = J @ model
    none = model.copy()
    none[:] = 0.0
    solved = pylops_mpi.cgls(J, Jx, none, niter=4, tol=0.0)[0]
    dottest(J, model, data, rtol=1e-4 if x.dtype == "float32" else 1e-10)
    return {"Jx": Jx.asarray(), "JHy": (J.H @ data).asarray(), "cgls": solved.asarray()}


class Stored(torch.nn.Module):
    """Returns one velocity, whatever it sees."""

    def __init__(self):
        super().__init__()
        self.vp = torch.nn.Parameter(torch.from_numpy(velocity()))

    def forward(self, inputs):
        return self.vp.T[None, None] + 0.0 * inputs.sum()


def network(F):
    card = Card("stub", {"name": "stub", "config": {}}, GRID, F.acq, Preprocessing())
    return LearnedInversion(Stored(), card)


def hybrid(comm, _folder):
    """Start from a network that knows the truth."""
    F = modelling()
    result = vmb.hybrid(F, observed(F), network(F), niter=1, bands=(20.0,), comm=comm)
    return figures("hybrid", result) | {"start": result.start, **result.starts}


def failures(comm, folder):
    """Fail in one process in several ways; all of them say what."""
    F, last = modelling(), comm.rank == comm.size - 1
    d, x0 = observed(F), start()
    bad = scatter_shots(d, comm)
    bad.local_array[-1:] = np.nan if last else 0.0
    cases = {
        "nan": lambda: vmb.fwi(F, bad, x0, comm=comm),
        "callback": lambda: vmb.fwi(
            F, d, x0, comm=comm, callbacks=[Failing(ZeroDivisionError("in one"), last)]
        ),
        "iterator": lambda: vmb.fwi(
            F, d, x0, comm=comm, callbacks=[Failing(StopIteration("empty"), last)]
        ),
        "unusual": lambda: vmb.fwi(
            F,
            d,
            x0,
            comm=comm,
            callbacks=[Failing(UnicodeDecodeError("utf8", b"", 0, 1, "x"), last)],
        ),
        "apart": lambda: vmb.fwi(F, d, x0, comm=comm, niter=2 if last else 1, bands=(None,)),
        "folder": lambda: vmb.fwi(
            F, d, x0, comm=comm, niter=1, bands=(None,), checkpoint=folder / "none" / "file"
        ),
        "misfit": lambda: vmb.fwi(F, d, x0, comm=comm, misfit=partial(dying, last)),
        "operator": lambda: vmb.fwi(F @ pylops.Identity(F.shape[1]), d, x0, comm=comm),
        "flat": lambda: suggest_bands(scatter_shots(d, comm), F.acq.dt, comm=comm),
        "velocity": lambda: mpi_jacobian(F, np.zeros(GRID.dims), comm),
        "forgotten": lambda: vmb.fwi(F, scatter_shots(d, comm), x0),
        "comm": lambda: vmb.fwi(F, d, x0, comm=comm.size),
        "network": lambda: vmb.hybrid(F, scatter_shots(d, comm), network(F), comm=comm),
    }
    return {name: caught(case) for name, case in cases.items()}


def dying(here, d, dobs):
    """Compare data, but in one process divide by zero."""
    return (d - dobs).square().sum((1, 2)) / (1 // (not here))


def caught(case):
    """Return the type and the message of the error that a call raises."""
    try:
        case()
    except Exception as err:
        return f"{type(err).__name__}: {err}"
    return "nothing"


def interrupted(comm, folder):
    """Run until interrupted."""
    callbacks = [Telling(folder / f"pid{comm.rank}")]
    F = modelling()
    more = {"niter": 100_000, "bands": (None,), "checkpoint": folder / "run.safetensors"}
    result = vmb.fwi(F, observed(F), start(), **ADAM, **more, comm=comm, callbacks=callbacks)
    return figures("run", result)


def untimely(comm, _folder):
    """Press Ctrl-C in one process between two messages of a sum."""
    from mpi4py import MPI  # noqa: PLC0415 (only under mpiexec)

    class Pressing(MPI.Intracomm):
        presses = comm.rank == comm.size - 1

        def Reduce(self, *args, **keywords):
            Pressing.count += 1
            if Pressing.presses and Pressing.count == 9:
                signal.raise_signal(signal.SIGINT)
            super().Reduce(*args, **keywords)

    Pressing.count, F = 0, modelling()
    return figures("run", vmb.fwi(F, observed(F), start(), **ADAM, comm=Pressing(comm)))


def machine(comm, _folder):
    """Return how the memory of the machine is shared."""
    F = modelling()
    solver = vmb.FWI(F, comm=comm)
    stated = vmb.AcousticModelling2D(GRID, F.acq, memory="1GiB")
    return {
        "own": F.memory.budget,
        "shared": solver.Op.memory.budget,
        "stated": vmb.FWI(stated, comm=comm).Op.memory.budget,
    }


JOBS = {
    job.__name__: job
    for job in (
        iterates,
        helpers,
        one_shot,
        stopped,
        resumed,
        jacobian,
        hybrid,
        failures,
        interrupted,
        untimely,
        machine,
    )
}


def main(names, folder):
    from mpi4py import MPI  # noqa: PLC0415 (only under mpiexec)

    comm = MPI.COMM_WORLD
    for name in names.split(","):
        np.savez(folder / f"{name}{comm.rank}.npz", **JOBS[name](comm, folder))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
