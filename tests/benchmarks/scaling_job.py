"""One call of a size in a process of its own, or shared by the processes of ``mpiexec``.

``python -m tests.benchmarks.scaling_job CALL CELLS SHOTS [mpi]``: CALL is forward or gradient,
CELLS along each axis.  Prints one line of JSON.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import deepwave  # noqa: F401 - loaded before memory is looked at
import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb._timing import run_and_measure
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.processes import Team, team_of
from pylops_vmb.velocity import openfwi_like

RECEIVERS = 70


def main(call: str, cells: str, shots: str, mode: str = "") -> None:
    """Measure one call; the first of the processes prints the figures of all."""
    comm = None
    if mode == "mpi":
        from mpi4py import MPI  # noqa: PLC0415 - only under mpiexec

        comm = MPI.COMM_WORLD
    team = team_of(comm)
    one = CALLS[call](modelling(int(cells), int(shots)), team)
    gather = (lambda value: [value]) if comm is None else comm.allgather

    def together() -> Any:
        gather(None)  # all begin, and all have ended
        result = one()
        gather(None)
        return result

    result, figures = run_and_measure(together, at_least=0.0 if comm else 0.5)
    everyone = gather(figures)
    checksum = gather(float(result.double().square().sum()))
    if team.rank == 0:
        print(json.dumps({"figures": everyone, "checksum": checksum}))


def modelling(cells: int, shots: int) -> vmb.AcousticModelling2D:
    """Return a square of cells under the same 70 receivers and some shots above them."""
    grid = vmb.Grid((cells, cells), 10.0)
    acq = vmb.Acquisition.fixed_spread(
        np.linspace(0.0, 690.0, shots + 2)[1:-1].round(-1),
        10.0 * np.arange(RECEIVERS),
        nt=1000,
        dt=1e-3,
        f0=15.0,
        zs=10.0,
        zr=10.0,
    )
    return vmb.AcousticModelling2D(grid, acq)


def velocity(cells: int) -> torch.Tensor:
    """Return a seeded velocity: the model of 70 cells, repeated downwards and sideways."""
    model = openfwi_like((70, 70), seed=1)[0]
    times = -(-cells // 70)
    return torch.from_numpy(np.ascontiguousarray(np.tile(model, (times, times))[:cells, :cells]))


def forward(F: vmb.AcousticModelling2D, team: Team) -> Callable[[], torch.Tensor]:
    """Return the modelling of this process's shots."""
    vp, mine = velocity(F.dims[0]), team.shots(F.acq.ns)
    part = F.shots(mine)
    return lambda: part(vp)


def gradient(F: vmb.AcousticModelling2D, team: Team) -> Callable[[], torch.Tensor]:
    """Return a gradient as `vmb.fwi` computes it in the full band, of all shots."""
    vp = velocity(F.dims[0])
    dobs = F.shots(team.shots(F.acq.ns))(vp)
    lowpass = LowPass(np.inf, F.acq.nt, F.acq.dt)
    objective = Objective(team.equip(F), dobs, misfit="l2", lowpass=lowpass, team=team)
    return lambda: objective(0.9 * vp).gradient


CALLS: dict[str, Callable[[vmb.AcousticModelling2D, Team], Callable[[], torch.Tensor]]] = {
    "forward": forward,
    "gradient": gradient,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
