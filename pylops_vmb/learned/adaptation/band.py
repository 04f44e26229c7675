"""The band of data measured, and what lies above the target's taken away."""

from typing import Any

import numpy as np
import torch
from scipy.signal import firwin

from pylops_vmb.learned.adaptation.interpolation import convolve
from pylops_vmb.learned.card import Card
from pylops_vmb.survey.wavelets import band_of

LEVEL = 0.1
"""A band ends where the amplitude spectrum falls to this part of its peak."""
_FADE = 0.1
"""Part of the record, at its end, that is faded out before its spectrum is taken."""


def measured_band(traces: torch.Tensor, dt: float) -> tuple[float, float]:
    """Return lowest and highest frequency of traces ``(n, nt)``, Hz."""
    n = 2 * traces.shape[-1]
    nt = traces.shape[-1]
    taper = ((nt - torch.arange(nt)) / (_FADE * nt)).clamp(max=1.0).to(traces)
    spectrum = torch.fft.rfft(traces * taper, n=n).abs().mean(0).double().cpu().numpy()
    low, _, high = band_of(spectrum, np.fft.rfftfreq(n, dt), level=LEVEL)
    return low, high


def lowest_learned(card: Card | None, lowest: float) -> float:
    """Return the lowest frequency that a network needs: with a low-cut in training, its corner."""
    augmentation = (card.training.get("augmentation") if card else None) or {}
    corners = [part.get("corner") for part in _parts(augmentation)]
    return max([lowest, *(float(np.max(corner)) for corner in corners if corner is not None)])


def lowpass(traces: torch.Tensor, dt: float, highest: float) -> torch.Tensor:
    """Take away what lies above a frequency, with zero phase; nothing if that is Nyquist's."""
    nyquist = 0.5 / dt
    if 1.25 * highest >= nyquist:
        return traces
    half = int(np.ceil(2.5 / (0.25 * highest * dt)))
    taps = firwin(2 * half + 1, 1.125 * highest / nyquist, window=("kaiser", 8.0))
    return convolve(traces, torch.from_numpy(taps), half)


def _parts(augmentation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an augmentation and those that it is made of."""
    inner = [part for value in augmentation.values() if isinstance(value, list) for part in value]
    return [augmentation, *(part for part in inner if isinstance(part, dict))]
