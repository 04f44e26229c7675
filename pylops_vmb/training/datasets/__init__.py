"""Data sets: simulated and stored, OpenFWI, FCNVMB and SEG-Y folders, one sample at a time."""

from pylops_vmb.training.datasets.mat import MatLayout, MatSet
from pylops_vmb.training.datasets.openfwi import OpenFWISet
from pylops_vmb.training.datasets.samples import Gathers, GathersOnly, Samples, split
from pylops_vmb.training.datasets.segy import SEGYGathers, SEGYSet
from pylops_vmb.training.datasets.shards import ShardedSet
from pylops_vmb.training.datasets.simulate import simulate
from pylops_vmb.training.datasets.simulation import Simulation

__all__ = [
    "Gathers",
    "GathersOnly",
    "MatLayout",
    "MatSet",
    "OpenFWISet",
    "SEGYGathers",
    "SEGYSet",
    "Samples",
    "ShardedSet",
    "Simulation",
    "simulate",
    "split",
]
