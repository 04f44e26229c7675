"""Physics-based inversion: misfits, bands, optimisers, full-waveform inversion."""

from pylops_vmb.inversion.bands import suggest_bands
from pylops_vmb.inversion.fwi import FWI, fwi
from pylops_vmb.inversion.objective import Objective
from pylops_vmb.inversion.regularisation import quadratic, total_variation
from pylops_vmb.inversion.result import InversionResult, Iteration
from pylops_vmb.inversion.settings import FWISettings
from pylops_vmb.inversion.starts import linear_start

__all__ = [
    "FWI",
    "FWISettings",
    "InversionResult",
    "Iteration",
    "Objective",
    "fwi",
    "linear_start",
    "quadratic",
    "suggest_bands",
    "total_variation",
]
