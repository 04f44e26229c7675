"""Candidates for a starting model, and the data misfit that judges them."""

import math
from typing import Any

import torch

from pylops_vmb._backend import kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_finite, check_shape
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import Chosen
from pylops_vmb.inversion.objective import Objective
from pylops_vmb.inversion.processes import ALONE, Team
from pylops_vmb.operators import NonlinearOperator


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
    return shared_misfit(F, data, model, misfit=misfit, corner=corner)


def shared_misfit(
    F: NonlinearOperator,
    dobs: torch.Tensor,
    vp: torch.Tensor,
    *,
    misfit: Chosen,
    corner: float,
    team: Team = ALONE,
) -> float:
    """Return the same of tensors that are known to be good, where a team shares the shots."""
    acq = getattr(F, "acq", None)
    lowpass = LowPass(corner, acq.nt, acq.dt) if acq else None
    return Objective(F, dobs, misfit=misfit, lowpass=lowpass, team=team).misfit(vp)
