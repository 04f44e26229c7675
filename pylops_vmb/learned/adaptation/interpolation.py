"""The time axis by PyLops' interpolation, receivers by a cubic spline along their line."""

import numpy as np
import torch
from pylops.signalprocessing import Interp
from scipy.signal import firwin

from pylops_vmb.learned.adaptation.sorting import Floats
from pylops_vmb.learned.resampling import spline_matrix

_ROLLOFF = 0.8
"""Half amplitude of the filter before a coarser time axis, in its Nyquist frequencies."""
_EDGE = 32
"""Samples at either end that are continued by a point reflection, against ringing."""


def resample_time(traces: torch.Tensor, dt: float, wanted: float) -> torch.Tensor:
    r"""Bring traces to another time step.

    Parameters
    ----------
    traces : :obj:`torch.Tensor`
        Time along the last axis.
    dt, wanted : :obj:`float`
        Time steps before and after, s.

    Returns
    -------
    traces : :obj:`torch.Tensor`
        As many samples as fit into the same record.

    Notes
    -----
    Sinc interpolation (:class:`pylops.signalprocessing.Interp`), exact for what lies below
    Nyquist's frequency; before a coarser step a zero-phase low-pass.
    """
    if abs(dt - wanted) < 1e-9:
        return traces
    nt = traces.shape[-1]
    edge = min(_EDGE, nt - 1)
    padded = _reflected(traces, edge)
    if wanted > dt:
        half = int(np.ceil(6 * wanted / dt))
        taps = firwin(2 * half + 1, _ROLLOFF * dt / wanted, window="hamming")
        padded = convolve(padded, torch.from_numpy(taps), half)
    count = int((nt - 1) * dt / wanted + 1e-6) + 1
    at = edge + np.arange(count) * (wanted / dt)
    at[-1] = min(at[-1], nt + 2 * edge - 1 - 1e-6)
    operator, _ = Interp(nt + 2 * edge, at, kind="sinc", dtype="float64")
    matrix = torch.from_numpy(np.asarray(operator.todense())).to(traces)
    return padded @ matrix.T


def resample_receivers(traces: torch.Tensor, x: Floats, wanted: Floats) -> torch.Tensor:
    """Interpolate traces ``(n, nt)`` at `x` to ``(nr, nt)`` at other positions, m.

    Beyond the last receiver its trace is taken: `Limits.aperture` says how far.
    """
    return torch.from_numpy(spline_matrix(x, wanted)).to(traces) @ traces


def same_places(x: Floats, wanted: Floats) -> bool:
    """Tell whether receivers stand where others are wanted."""
    return len(x) == len(wanted) and np.allclose(x, wanted, atol=1e-6)


def convolve(traces: torch.Tensor, taps: torch.Tensor, centre: int) -> torch.Tensor:
    """Convolve along the last axis with a filter whose time zero is sample `centre`."""
    nt, n = traces.shape[-1], traces.shape[-1] + taps.shape[-1]
    spectrum = torch.fft.rfft(taps.to(traces), n=n) * torch.fft.rfft(traces, n=n)
    made: torch.Tensor = torch.fft.irfft(spectrum, n=n)
    return made[..., centre : centre + nt]


def _reflected(traces: torch.Tensor, edge: int) -> torch.Tensor:
    """Continue traces at both ends, with value and slope kept."""
    first = 2.0 * traces[..., :1] - traces[..., 1 : edge + 1].flip(-1)
    last = 2.0 * traces[..., -1:] - traces[..., -edge - 1 : -1].flip(-1)
    return torch.cat([first, traces, last], dim=-1)
