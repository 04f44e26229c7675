"""Candidates for a starting model, and the data misfit that judges them."""

import math
from typing import Any

from pylops_vmb._backend import to_tensor, working_dtype
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.objective import Objective
from pylops_vmb.operators import NonlinearOperator


def misfit_of(
    F: NonlinearOperator,
    dobs: Any,
    vp: Any,
    *,
    misfit: str = "l2",
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
    misfit : {"l2", "l1"}, optional
        How data are compared.
    corner : :obj:`float`, optional
        Compare below this frequency in Hz.

    Returns
    -------
    value : :obj:`float`
        0 for equal data, 1 for no model at all.
    """
    data = to_tensor(dobs, name="dobs")
    dtype = working_dtype(data.dtype)
    data = data.detach().to(dtype=dtype).reshape(F.dimsd)
    model = to_tensor(vp, device=data.device, dtype=dtype, name="vp").detach().reshape(F.dims)
    acq = getattr(F, "acq", None)
    lowpass = LowPass(corner, acq.nt, acq.dt) if acq else None
    return Objective(F, data, misfit=misfit, lowpass=lowpass).misfit(model)
