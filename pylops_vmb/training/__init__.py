"""Training: simulated data sets, the trainer, and recipes."""

from pylops_vmb.training.recipes import Recipe, recipe
from pylops_vmb.training.shards import ShardedSet, Simulation, simulate
from pylops_vmb.training.trainer import Trainer, TrainingConfig

__all__ = [
    "Recipe",
    "ShardedSet",
    "Simulation",
    "Trainer",
    "TrainingConfig",
    "recipe",
    "simulate",
]
