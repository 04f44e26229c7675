"""Augmentation: exact symmetries of the wave equation, and what happens in the field."""

from pylops_vmb.training.augmentation.base import Augmentation, Compose
from pylops_vmb.training.augmentation.spectra import (
    FrequencyRemoval,
    RandomLowCut,
    WaveletChange,
)
from pylops_vmb.training.augmentation.symmetries import Mirror, TimeVelocityScaling
from pylops_vmb.training.augmentation.traces import (
    AmplitudeScaling,
    DeadTraces,
    Noise,
    TimeShift,
)

__all__ = [
    "AmplitudeScaling",
    "Augmentation",
    "Compose",
    "DeadTraces",
    "FrequencyRemoval",
    "Mirror",
    "Noise",
    "RandomLowCut",
    "TimeShift",
    "TimeVelocityScaling",
    "WaveletChange",
]
