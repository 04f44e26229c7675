"""Network and wave equation together: solvers that use both."""

from pylops_vmb.hybrid.learned import Learned, learned
from pylops_vmb.hybrid.network_fwi import (
    NetworkFWI,
    NetworkFWIResult,
    NetworkFWISettings,
    network_fwi,
)
from pylops_vmb.hybrid.recipes import RECIPES
from pylops_vmb.hybrid.result import HybridResult
from pylops_vmb.hybrid.settings import HybridSettings
from pylops_vmb.hybrid.starts import misfit_of
from pylops_vmb.hybrid.tuning import Tuning, TuningSettings, tune
from pylops_vmb.hybrid.warm_start import Hybrid, hybrid

__all__ = [
    "RECIPES",
    "Hybrid",
    "HybridResult",
    "HybridSettings",
    "Learned",
    "NetworkFWI",
    "NetworkFWIResult",
    "NetworkFWISettings",
    "Tuning",
    "TuningSettings",
    "hybrid",
    "learned",
    "misfit_of",
    "network_fwi",
    "tune",
]
