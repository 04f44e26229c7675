"""Network and wave equation together: solvers that use both."""

from pylops_vmb.hybrid.learned import Learned, learned
from pylops_vmb.hybrid.starts import misfit_of
from pylops_vmb.hybrid.warm_start import Hybrid, HybridResult, hybrid

__all__ = ["Hybrid", "HybridResult", "Learned", "hybrid", "learned", "misfit_of"]
