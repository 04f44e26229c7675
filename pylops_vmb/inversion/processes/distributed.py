"""A survey whose shots lie in several processes, as the vectors and operators of pylops-mpi."""

from typing import Any

import numpy as np
import pylops

from pylops_vmb._backend import kind_of, numpy_dtype, working_dtype
from pylops_vmb._optional import optional_import
from pylops_vmb.inversion.processes.mpi import MPITeam
from pylops_vmb.operators import NonlinearOperator


def scatter_shots(d: Any, comm: Any) -> Any:
    """Scatter data over the processes by shots.

    Parameters
    ----------
    d : :obj:`numpy.ndarray`
        Data ``(ns, nr, nt)``, the same in all processes.
    comm : :obj:`mpi4py.MPI.Comm`
        The communicator.

    Returns
    -------
    d : :obj:`pylops_mpi.DistributedArray`
        The same data, flat: what `fwi` takes, and the vectors of `mpi_jacobian`.

    Notes
    -----
    Where each process reads its own shots, make the array from them:
    ``DistributedArray((ns, nr, nt), comm, local_array=mine)``; `fwi` takes it as it is, and
    ``.ravel()`` makes the vector.
    """
    pylops_mpi = optional_import("pylops_mpi", "scatter_shots")
    d = np.asarray(d)
    mine = MPITeam(comm).shots(len(d))
    shapes = [(size,) for size in comm.allgather(d[mine].size)]
    return pylops_mpi.DistributedArray(
        d.size, comm, local_shapes=shapes, local_array=d[mine].flatten()
    )


def mpi_jacobian(F: NonlinearOperator, vp: Any, comm: Any) -> Any:
    r"""Return the Jacobian of a survey whose shots are shared between processes.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling of the whole survey.
    vp : :obj:`numpy.ndarray`
        Velocity ``(nx, nz)`` in m/s, the same in all processes.
    comm : :obj:`mpi4py.MPI.Comm`
        The communicator.

    Returns
    -------
    J : :obj:`pylops_mpi.MPIVStack`
        From a broadcast model to data scattered by shots (see `scatter_shots`).  It
        works with all of :mod:`pylops_mpi`: ``J.H @ dd`` is reverse-time migration,
        ``pylops_mpi.cgls(J, dd, x0)`` is least-squares migration.

    Raises
    ------
    VMBTypeError
        If `F` cannot model some of its shots alone.

    Notes
    -----
    Each process holds :math:`J_i`, the Jacobian of its shots, and

    .. math::
        J = \begin{bmatrix} J_1 \\ \vdots \\ J_n \end{bmatrix}, \qquad
        J^H d = \sum_i J_i^H d_i.

    A process without shots holds an operator without rows.
    """
    pylops_mpi = optional_import("pylops_mpi", "mpi_jacobian")
    team = MPITeam(comm)
    F = team.equip(F)
    with team.together():
        J = _local_jacobian(F, vp, team.shots(F.dimsd[0]))
    return pylops_mpi.MPIVStack([J], base_comm=comm, dtype=J.dtype)


def _local_jacobian(F: Any, vp: Any, mine: slice) -> Any:
    if mine.start < mine.stop:
        return F.shots(mine).jacobian(vp)
    return pylops.Zero(0, F.shape[1], dtype=numpy_dtype(working_dtype(kind_of(vp, "vp").dtype)))
