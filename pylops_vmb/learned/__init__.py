"""Learned inversion: network, preprocessing and card as one operator; uncertainty of networks."""

from pylops_vmb.learned.calibration import Calibration, Reliability
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.dropout import Dropout
from pylops_vmb.learned.ensemble import Ensemble
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.learned.preprocessing import Preprocessing

__all__ = [
    "Calibration",
    "Card",
    "Dropout",
    "Ensemble",
    "LearnedInversion",
    "Preprocessing",
    "Reliability",
]
