"""Seeded velocity models: layers, folds, faults, salt, gradients, and mixtures of them."""

from pylops_vmb.velocity.base import VelocityGenerator
from pylops_vmb.velocity.faults import FaultedLayers
from pylops_vmb.velocity.gradients import Gradients
from pylops_vmb.velocity.layers import CurvedLayers, FlatLayers
from pylops_vmb.velocity.mixture import Mixture
from pylops_vmb.velocity.presets import fcnvmb_like, openfwi_like
from pylops_vmb.velocity.salt import SaltBodies
from pylops_vmb.velocity.stored import StoredVelocities

__all__ = [
    "CurvedLayers",
    "FaultedLayers",
    "FlatLayers",
    "Gradients",
    "Mixture",
    "SaltBodies",
    "StoredVelocities",
    "VelocityGenerator",
    "fcnvmb_like",
    "openfwi_like",
]
