"""From a field survey to the survey of a network: `adapt`, its limits and its record."""

from pylops_vmb.learned.adaptation.limits import Broken, Limits
from pylops_vmb.learned.adaptation.mute import Mute
from pylops_vmb.learned.adaptation.record import Adapted, Step, Steps
from pylops_vmb.learned.adaptation.road import adapt, broken_limits

__all__ = ["Adapted", "Broken", "Limits", "Mute", "Step", "Steps", "adapt", "broken_limits"]
