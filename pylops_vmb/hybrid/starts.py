"""Candidates for a starting model, and the data misfit that judges them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from pylops_vmb._backend import kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_finite, check_shape
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import Chosen, RelativeMisfit
from pylops_vmb.inversion.parts import Part, split
from pylops_vmb.inversion.processes import ALONE, Team
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.operators import NonlinearOperator

Filter = Callable[[torch.Tensor], torch.Tensor]


def misfit_of(
    F: NonlinearOperator,
    dobs: Any,
    vp: Any,
    *,
    misfit: Chosen = "l2",
    corner: float = math.inf,
) -> float:
    """Return the relative data misfit of a velocity model.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    dobs : array
        Observed data ``(ns, nr, nt)`` or flat.
    vp : array
        Velocity ``(nx, nz)`` in m/s or flat.
    misfit : :obj:`str` or callable or :obj:`dict`, optional
        How data are compared, see `InversionSettings`.
    corner : :obj:`float`, optional
        Compare below this frequency in Hz.

    Returns
    -------
    value : :obj:`float`
        0 for equal data, 1 for no model at all.

    Raises
    ------
    VMBValueError
        If a shape is wrong, a velocity is not finite, or the misfit is unknown.
    """
    kind = kind_of(dobs, "dobs")
    device = F.device if kind.library == "numpy" else kind.device
    data, model = (
        to_tensor(array, device=device, dtype=working_dtype(kind.dtype), name=name).detach()
        for array, name in ((dobs, "dobs"), (vp, "vp"))
    )
    data = data.reshape(check_shape("dobs", data.shape, F.dimsd, axes="(ns, nr, nt)"))
    model = model.reshape(check_shape("vp", model.shape, F.dims, axes="(nx, nz)"))
    check_finite("vp", model)
    return shared_misfits(F, data, model, misfit=misfit, bands=(corner,))[0]


def shared_misfits(
    F: NonlinearOperator,
    dobs: torch.Tensor,
    vp: torch.Tensor,
    *,
    misfit: Chosen,
    bands: Sequence[float],
    team: Team = ALONE,
) -> tuple[float, ...]:
    """Return the relative data misfit in each of several bands, from one simulation.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling of the whole survey.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, nr, nt)`` of this member's shots.
    vp : :obj:`torch.Tensor`
        Velocity ``(nx, nz)``.
    misfit : :obj:`str` or callable or :obj:`dict`
        How data are compared, see `InversionSettings`.
    bands : sequence of :obj:`float`
        Corners in Hz.
    team : `Team`, optional
        Who shares the shots.

    Returns
    -------
    misfits : :obj:`tuple`
        One a band; infinite in all of them if a velocity is not finite.
    """
    if not bool(vp.isfinite().all()):  # a network that failed
        return (math.inf,) * len(bands)
    mine = team.shots(F.dimsd[0])
    lowpasses = [_lowpass(F, corner) for corner in bands]
    relative = [
        RelativeMisfit(misfit, lowpass(dobs), which=mine, ns=F.dimsd[0], team=team)
        for lowpass in lowpasses
    ]
    parts, workers = split(F, dobs, mine, one_by_one=False)

    compare = partial(_compare, vp, list(zip(relative, lowpasses, strict=True)))
    sums = team.sum(partial(_shares, compare, parts, workers=workers, count=len(bands)))
    return tuple(sums[0].tolist())


def _compare(
    vp: torch.Tensor, bands: Sequence[tuple[RelativeMisfit, Filter]], part: Part
) -> list[float]:
    """Return the misfits of a part in all bands."""
    with torch.no_grad():  # a mode of the thread, hence here
        d = part.F._apply(vp)
        return [float(misfit(lowpass(d), lowpass(part.dobs))) for misfit, lowpass in bands]


def _shares(
    compare: Callable[[Part], list[float]], parts: list[Part], *, workers: int, count: int
) -> list[torch.Tensor]:
    """Return the sums over this member's parts, one a band."""
    rows = side_by_side(compare, parts, workers=workers)
    return [torch.tensor(rows, dtype=torch.float64).reshape(-1, count).sum(0)]


def _lowpass(F: NonlinearOperator, corner: float) -> Filter:
    acq = getattr(F, "acq", None)
    return LowPass(corner, acq.nt, acq.dt) if acq else lambda d: d
