"""How much memory the gradients of an inversion will take, said before it begins."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from pylops_vmb._checks import check_choice
from pylops_vmb.inversion.bands import LowPass, check_bands, in_band
from pylops_vmb.inversion.misfits import Chosen, by_band, parse_misfit
from pylops_vmb.modelling import AcousticModelling2D, MemoryEstimate
from pylops_vmb.operators import NonlinearOperator

_UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
"""What PyLops means by them in `memory_usage`; in a memory budget those are KiB, MiB and GiB."""


def costliest_plan(
    F: NonlinearOperator,
    bands: Sequence[float | None] | None,
    misfit: Chosen | Sequence[Chosen],
    *,
    dtype: Any = None,
    device: torch.device | None = None,
) -> MemoryEstimate | None:
    """Return the plan of the gradient in the band that stores most.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    bands : sequence of :obj:`float` or None
        Corners in Hz; None where they are not known yet, which is planned as the full band.
    misfit : :obj:`str` or callable or :obj:`dict`
        How data are compared, in all bands or in each: it decides whether the residual leaves
        the band of the data.
    dtype, device
        Of the data, see `AcousticModelling2D.plan`.

    Returns
    -------
    plan : `MemoryEstimate` or None
        None for operators that plan nothing.
    """
    if not isinstance(F, AcousticModelling2D):
        return None
    corner = max(check_bands((None,) if bands is None else bands, F.acq.dt), default=math.inf)
    broadband = any(term.broadband for one in by_band(misfit) for term, _ in parse_misfit(one))
    F = in_band(F, LowPass(corner, F.acq.nt, F.acq.dt), broadband=broadband)
    return F.plan(dtype, device=device)


def in_unit(size: float, unit: str) -> float:
    """Return a number of bytes in a unit of PyLops: B, KB, MB or GB, in powers of 1024."""
    return float(size / _UNITS[check_choice("unit", unit, _UNITS)])
