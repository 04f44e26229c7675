"""Acoustic modelling, and the numbers to know before a run."""

from pylops_vmb.modelling.acoustic import AcousticModelling2D
from pylops_vmb.modelling.estimates import estimate_memory
from pylops_vmb.modelling.memory import MemoryEstimate
from pylops_vmb.modelling.peer import velocity_of
from pylops_vmb.modelling.sampling import Sampling, storage_interval, suggest_sampling

__all__ = [
    "AcousticModelling2D",
    "MemoryEstimate",
    "Sampling",
    "estimate_memory",
    "storage_interval",
    "suggest_sampling",
    "velocity_of",
]
