"""Pictures for quality control: every function takes and returns an axis, or a row of them."""

from pylops_vmb.plotting._stages import Stage, network_stages
from pylops_vmb.plotting.fit import (
    plot_before_after,
    plot_fit,
    plot_interleaved,
    plot_overlay,
)
from pylops_vmb.plotting.gathers import plot_gather, plot_wiggle
from pylops_vmb.plotting.geometry import plot_fold, plot_geometry, plot_spread
from pylops_vmb.plotting.history import plot_history, plot_training
from pylops_vmb.plotting.misfit import plot_misfit_by_offset, plot_misfit_by_shot
from pylops_vmb.plotting.network import plot_network
from pylops_vmb.plotting.spectra import plot_spectra
from pylops_vmb.plotting.uncertainty import plot_coverage, plot_profile, plot_uncertainty
from pylops_vmb.plotting.velocity import plot_comparison, plot_velocity

__all__ = [
    "Stage",
    "network_stages",
    "plot_before_after",
    "plot_comparison",
    "plot_coverage",
    "plot_fit",
    "plot_fold",
    "plot_gather",
    "plot_geometry",
    "plot_history",
    "plot_interleaved",
    "plot_misfit_by_offset",
    "plot_misfit_by_shot",
    "plot_network",
    "plot_overlay",
    "plot_profile",
    "plot_spectra",
    "plot_spread",
    "plot_training",
    "plot_uncertainty",
    "plot_velocity",
    "plot_wiggle",
]
