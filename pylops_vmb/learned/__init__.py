"""Learned inversion: network, preprocessing and card as one operator."""

from pylops_vmb.learned.card import Card
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.learned.preprocessing import Preprocessing

__all__ = ["Card", "LearnedInversion", "Preprocessing"]
