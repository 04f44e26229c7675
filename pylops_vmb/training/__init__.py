"""Training: data sets, augmentation, the trainer and its methods, fine-tuning, recipes."""

from pylops_vmb.training.consistency import DataConsistency
from pylops_vmb.training.datasets import (
    Gathers,
    GathersOnly,
    MatLayout,
    MatSet,
    OpenFWISet,
    Samples,
    SEGYGathers,
    SEGYSet,
    ShardedSet,
    Simulation,
    simulate,
    split,
)
from pylops_vmb.training.history import History
from pylops_vmb.training.losses import velocity_loss
from pylops_vmb.training.methods import (
    PIX2PIX,
    VELOCITYGAN,
    Adversarial,
    LabelFree,
    Method,
    SemiSupervised,
    Supervised,
)
from pylops_vmb.training.recipes import Recipe, recipe
from pylops_vmb.training.signatures import with_signature
from pylops_vmb.training.statistics import statistics
from pylops_vmb.training.trainer import Trainer, TrainingConfig
from pylops_vmb.training.transfer import finetune

__all__ = [
    "PIX2PIX",
    "VELOCITYGAN",
    "Adversarial",
    "DataConsistency",
    "Gathers",
    "GathersOnly",
    "History",
    "LabelFree",
    "MatLayout",
    "MatSet",
    "Method",
    "OpenFWISet",
    "Recipe",
    "SEGYGathers",
    "SEGYSet",
    "Samples",
    "SemiSupervised",
    "ShardedSet",
    "Simulation",
    "Supervised",
    "Trainer",
    "TrainingConfig",
    "finetune",
    "recipe",
    "simulate",
    "split",
    "statistics",
    "velocity_loss",
    "with_signature",
]
