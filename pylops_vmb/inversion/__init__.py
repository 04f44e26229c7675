"""Physics-based inversion: FWI, Gauss-Newton, migration, misfits, bands, the source wavelet."""

from typing import TYPE_CHECKING, Any

from pylops_vmb.inversion.bands import suggest_bands
from pylops_vmb.inversion.fwi import FWI, fwi
from pylops_vmb.inversion.gauss_newton import GaussNewton, GaussNewtonSettings, gauss_newton
from pylops_vmb.inversion.masks import water_mask
from pylops_vmb.inversion.migration import lsm, rtm
from pylops_vmb.inversion.misfits import MISFITS
from pylops_vmb.inversion.objective import Objective
from pylops_vmb.inversion.processes.distributed import mpi_jacobian, scatter_shots
from pylops_vmb.inversion.profile import ProfileInversion, ProfileSettings, fit_profile
from pylops_vmb.inversion.regularisation import quadratic, total_variation
from pylops_vmb.inversion.result import InversionResult, Iteration
from pylops_vmb.inversion.settings import FWISettings
from pylops_vmb.inversion.sources import estimate_wavelet
from pylops_vmb.inversion.starts import linear_start
from pylops_vmb.inversion.uncertainty import posterior_std, posterior_std_of

if TYPE_CHECKING:
    from pylops_vmb.inversion.proximal import L2Misfit

__all__ = [
    "FWI",
    "MISFITS",
    "FWISettings",
    "GaussNewton",
    "GaussNewtonSettings",
    "InversionResult",
    "Iteration",
    "L2Misfit",
    "Objective",
    "ProfileInversion",
    "ProfileSettings",
    "estimate_wavelet",
    "fit_profile",
    "fwi",
    "gauss_newton",
    "linear_start",
    "lsm",
    "mpi_jacobian",
    "posterior_std",
    "posterior_std_of",
    "quadratic",
    "rtm",
    "scatter_shots",
    "suggest_bands",
    "total_variation",
    "water_mask",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "L2Misfit":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from pylops_vmb.inversion.proximal import L2Misfit  # noqa: PLC0415 - needs pyproximal

        return L2Misfit
