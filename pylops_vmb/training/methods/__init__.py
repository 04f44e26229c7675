"""Methods: ways to learn from a batch, each a class that a `Trainer` drives."""

from pylops_vmb.training.methods.adversarial import PIX2PIX, VELOCITYGAN, Adversarial
from pylops_vmb.training.methods.base import Descent, Method, Wrap
from pylops_vmb.training.methods.semisupervised import LabelFree, SemiSupervised
from pylops_vmb.training.methods.supervised import Supervised

__all__ = [
    "PIX2PIX",
    "VELOCITYGAN",
    "Adversarial",
    "Descent",
    "LabelFree",
    "Method",
    "SemiSupervised",
    "Supervised",
    "Wrap",
]
