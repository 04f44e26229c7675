"""The parts of a survey that are computed at a time: which shots, and how many side by side."""

from dataclasses import dataclass

import torch

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import NonlinearOperator


@dataclass(frozen=True)
class Part:
    """Some shots: which of the survey, the operator that models them, what was observed."""

    which: slice
    F: NonlinearOperator
    dobs: torch.Tensor


def split(
    F: NonlinearOperator, dobs: torch.Tensor, mine: slice, *, one_by_one: bool
) -> tuple[list[Part], int]:
    """Return what is computed at a time, and how many of them side by side.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling of the whole survey; only `AcousticModelling2D` is split.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, nr, nt)`` of the shots `mine`.
    mine : :obj:`slice`
        This member's shots.
    one_by_one : :obj:`bool`
        Whether each part must be one shot.

    Returns
    -------
    parts : :obj:`list`
        In the order of the shots.
    workers : :obj:`int`
        How many of them to compute side by side.
    """
    if not isinstance(F, AcousticModelling2D):
        return [Part(mine, F, dobs)], 1
    plan, on_host = F.plan(dobs.dtype, device=dobs.device), dobs.device.type == "cpu"
    fit = plan.require()
    step = 1 if on_host or one_by_one else fit
    starts = range(mine.start, mine.stop, step)
    batches = [slice(i, min(i + step, mine.stop)) for i in starts]
    workers = min(plan.workers, len(batches)) if on_host else 1
    return [_part(F, which, dobs, mine) for which in batches], workers


def fit_together(F: NonlinearOperator, dobs: torch.Tensor) -> bool:
    """Say whether the fields of all of a member's shots may be kept between products."""
    if not isinstance(F, AcousticModelling2D):
        return True
    return F.plan(dobs.dtype, device=dobs.device).kept >= len(dobs)


def _part(F: AcousticModelling2D, which: slice, dobs: torch.Tensor, mine: slice) -> Part:
    here = slice(which.start - mine.start, which.stop - mine.start)
    return Part(which, F.shots(which), dobs[here])
