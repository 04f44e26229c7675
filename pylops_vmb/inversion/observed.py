"""Observed data as an inversion uses them: one member's shots, where they will be computed."""

import logging
from typing import Any

import torch

from pylops_vmb._backend import Kind, kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_finite, check_shape, refuse, warn
from pylops_vmb.errors import DataWarning
from pylops_vmb.inversion.comparisons import live
from pylops_vmb.inversion.processes import Team
from pylops_vmb.operators import NonlinearOperator

_LOGGER = logging.getLogger(__name__)


def take_shots(F: NonlinearOperator, dobs: Any, team: Team) -> tuple[Kind, torch.Tensor]:
    """Return this member's shots as a tensor, and the kind that the data have.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling of the whole survey.
    dobs : array or :obj:`pylops_mpi.DistributedArray`
        Data ``(ns, nr, nt)`` or flat, all of them or scattered over shots.
    team : `Team`
        Who shares the shots.

    Returns
    -------
    kind : `Kind`
        Library, dtype and device.
    data : :obj:`torch.Tensor`
        This member's shots, contiguous, where they will be computed.

    Raises
    ------
    VMBValueError
        If the shape is wrong, a value is not finite, or all data are zero.

    Warns
    -----
    DataWarning
        If more than half of the traces are exactly zero, and so carry no weight.
    """
    array, scattered = team.local(dobs)
    kind, mine = kind_of(array, "dobs"), team.shots(F.dimsd[0])
    dims = (mine.stop - mine.start, *F.dimsd[1:]) if scattered else F.dimsd
    hint = "Scatter them over shots, with scatter_shots(dobs, comm)" if scattered else ""
    values = to_tensor(array, name="dobs")
    check_shape("dobs", values.shape, dims, axes="(ns, nr, nt)", hint=hint)
    values = values.detach().reshape(dims)[slice(None) if scattered else mine]
    device = F.device if kind.library == "numpy" else kind.device
    data = values.to(device=device, dtype=working_dtype(kind.dtype)).contiguous()
    check_finite("dobs", data, do="Mute or interpolate these samples first")
    if not team.any(bool(data.any())):
        refuse("dobs", "hold no signal", got="zeros only", do="Check how they were read")
    _count_dead(data, team)
    return kind, data


def _count_dead(data: torch.Tensor, team: Team) -> None:
    """Log how many traces of a survey are zero; warn if they are more than those that are not."""

    def counts() -> list[torch.Tensor]:
        heard = live(data)
        return [torch.tensor([heard.numel() - int(heard.sum()), heard.numel()])]

    dead, traces = (int(count) for count in team.sum(counts)[0])
    if 2 * dead > traces:
        warn(
            "dobs",
            "are zero in most traces, which an inversion leaves out",
            got=f"{dead} dead of {traces} traces",
            do="Check how they were read; leave dead shots and receivers out of the survey",
            category=DataWarning,
        )
    elif dead and team.rank == 0:
        _LOGGER.info("%d of %d traces are zero and carry no weight", dead, traces)
