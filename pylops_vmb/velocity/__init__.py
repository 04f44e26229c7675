"""Seeded velocity models: layers, folds, faults, salt, gradients, and mixtures of them."""

from pylops_vmb.velocity.base import VelocityGenerator
from pylops_vmb.velocity.deformed import Deformed
from pylops_vmb.velocity.even import EvenLayers
from pylops_vmb.velocity.faults import FaultedLayers
from pylops_vmb.velocity.fields import SmoothFields
from pylops_vmb.velocity.gradients import Gradients
from pylops_vmb.velocity.layers import CurvedLayers, FlatLayers
from pylops_vmb.velocity.mixture import Mixture
from pylops_vmb.velocity.openfwi import OPENFWI_FAMILIES, openfwi_family
from pylops_vmb.velocity.presets import fcnvmb_like, openfwi_like, seg_salt_like
from pylops_vmb.velocity.ridges import SaltRidges
from pylops_vmb.velocity.rough import RoughLayers
from pylops_vmb.velocity.salt import SaltBodies
from pylops_vmb.velocity.segsalt import SaltBasin
from pylops_vmb.velocity.stored import StoredVelocities

__all__ = [
    "OPENFWI_FAMILIES",
    "CurvedLayers",
    "Deformed",
    "EvenLayers",
    "FaultedLayers",
    "FlatLayers",
    "Gradients",
    "Mixture",
    "RoughLayers",
    "SaltBasin",
    "SaltBodies",
    "SaltRidges",
    "SmoothFields",
    "StoredVelocities",
    "VelocityGenerator",
    "fcnvmb_like",
    "openfwi_family",
    "openfwi_like",
    "seg_salt_like",
]
