"""The survey: grid, acquisition and causal wavelets."""

from pylops_vmb.survey.acquisition import Acquisition
from pylops_vmb.survey.grid import Grid
from pylops_vmb.survey.lowcut import LowCut
from pylops_vmb.survey.wavelets import band, ricker

__all__ = ["Acquisition", "Grid", "LowCut", "band", "ricker"]
