"""Network and wave equation together: solvers that use both."""

from pylops_vmb.hybrid.learned import Learned, learned
from pylops_vmb.hybrid.recipes import RECIPES
from pylops_vmb.hybrid.result import HybridResult
from pylops_vmb.hybrid.settings import HybridSettings
from pylops_vmb.hybrid.starts import misfit_of
from pylops_vmb.hybrid.warm_start import Hybrid, hybrid

__all__ = [
    "RECIPES",
    "Hybrid",
    "HybridResult",
    "HybridSettings",
    "Learned",
    "hybrid",
    "learned",
    "misfit_of",
]
