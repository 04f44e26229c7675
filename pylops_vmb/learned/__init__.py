"""Learned inversion: network, preprocessing and card as one operator; uncertainty of networks."""

from pylops_vmb.learned.adaptation import Adapted, Limits, Mute, adapt
from pylops_vmb.learned.calibration import Calibration, Reliability
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.checking import CheckReport, Finding
from pylops_vmb.learned.dropout import Dropout
from pylops_vmb.learned.ensemble import Ensemble
from pylops_vmb.learned.inversion import LearnedInversion, available
from pylops_vmb.learned.measuring import predictions_of, signature_of
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.learned.signature import Signature

__all__ = [
    "Adapted",
    "Calibration",
    "Card",
    "CheckReport",
    "Dropout",
    "Ensemble",
    "Finding",
    "LearnedInversion",
    "Limits",
    "Mute",
    "Preprocessing",
    "Reliability",
    "Signature",
    "adapt",
    "available",
    "predictions_of",
    "signature_of",
]
