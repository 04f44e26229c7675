"""Time axes, band-limited interpolation, and filters along time, all differentiable."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Acquisition

HALF = 16
"""Half width of the interpolation kernel in samples."""

_BETA = 10.0  # with HALF = 16, errors stay below 1e-4 up to 0.8 of the Nyquist frequency


@dataclass(frozen=True)
class TimeAxis:
    """When the samples of a gather were taken: ``first + dt * k`` s, for ``k < nt``."""

    nt: int
    dt: float
    first: float = 0.0

    @classmethod
    def of(cls, acq: Acquisition, preprocessing: Preprocessing) -> "TimeAxis":
        """Return the axis of decimated gathers."""
        step, middle = preprocessing.step, preprocessing.decimation == "middle"
        first = (step - 1) // 2 * acq.dt if middle else 0.0
        return cls(preprocessing.samples(acq.nt), step * acq.dt, first)


def kernel(x: torch.Tensor, *, cutoff: float = 1.0) -> torch.Tensor:
    r"""Return the interpolation kernel at a distance of ``x`` samples.

    Notes
    -----
    :math:`k(x) = c\, \mathrm{sinc}(c x)\, I_0(\beta \sqrt{1 - (c x / h)^2}) / I_0(\beta)` with the
    cutoff :math:`c` as a fraction of the Nyquist frequency: Kaiser's window of half width
    :math:`h / c`.
    """
    near = 1.0 - (cutoff / HALF * x).square()
    top = torch.special.i0(torch.tensor(_BETA, dtype=x.dtype))
    window = torch.special.i0(_BETA * near.clamp(min=0.0).sqrt()) / top
    values: torch.Tensor = cutoff * torch.sinc(cutoff * x) * window * (near > 0.0)
    return values


def read_at(d: torch.Tensor, positions: torch.Tensor, *, cutoff: float = 1.0) -> torch.Tensor:
    """Read gathers at fractional samples.

    Parameters
    ----------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nt, nr)``.
    positions : :obj:`torch.Tensor`
        Where to read, in samples, float64, shape ``(n,)``.
    cutoff : :obj:`float`, optional
        Highest frequency that is kept, as a fraction of the Nyquist frequency.

    Returns
    -------
    values : :obj:`torch.Tensor`
        Shape ``(ns, n, nr)``; zero after the last sample; the record is zero before its first.
    """
    return _reading(d.shape[1], positions, cutoff).to(d) @ d


def _reading(nt: int, positions: torch.Tensor, cutoff: float) -> torch.Tensor:
    """Return the matrix ``(n, nt)`` that reads a record of ``nt`` samples at positions ``(n,)``.

    A record ends while the waves still come: it is continued by its point reflection.
    """
    reach, last = math.ceil(HALF / cutoff), nt - 1
    samples = positions.floor().long()[:, None] + torch.arange(-reach, reach + 2)
    weights = kernel(positions[:, None] - samples, cutoff=cutoff)
    after = samples > last
    source = torch.where(after, 2 * last - samples, samples)
    weights = weights * ((source >= 0) & (source <= last))
    matrix = torch.zeros(len(positions), nt, dtype=torch.float64)
    matrix.scatter_add_(1, source.clamp(0, last), torch.where(after, -weights, weights))
    matrix[:, last] += 2.0 * (weights * after).sum(dim=1)
    return matrix * (positions <= last)[:, None]


def shifted(d: torch.Tensor, shifts: torch.Tensor, *, most: float) -> torch.Tensor:
    """Delay traces by fractional samples.

    Parameters
    ----------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nt, nr)``.
    shifts : :obj:`torch.Tensor`
        Delays in samples, float64, a shape that broadcasts to ``(ns, 1, nr)``.
    most : :obj:`float`
        Largest size of a shift in samples.

    Returns
    -------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nt, nr)``; what comes in from outside the record is zero.
    """
    nt, reach = d.shape[1], math.ceil(most) + HALF
    distance = torch.arange(-reach, reach + 1, dtype=torch.float64, device=shifts.device)
    taps = kernel(distance[None, :, None] - shifts).to(d)
    n = next_fast_len(nt + 2 * reach, real=True)
    spectrum = torch.fft.rfft(d, n=n, dim=1) * torch.fft.rfft(taps, n=n, dim=1)
    delayed: torch.Tensor = torch.fft.irfft(spectrum, n=n, dim=1)[:, reach : reach + nt]
    return delayed


def frequencies(nt: int, dt: float) -> NDArray[np.float64]:
    """Return the frequencies in Hz at which `filtered` wants a response, shape ``(nf,)``."""
    return np.asarray(np.fft.rfftfreq(next_fast_len(2 * nt, real=True), dt), np.float64)


def filtered(d: torch.Tensor, response: NDArray[np.inexact[Any]]) -> torch.Tensor:
    """Filter along time, with zeros beyond the record.

    Parameters
    ----------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nt, nr)``.
    response : :obj:`numpy.ndarray`
        Frequency response at `frequencies`, ``(nf,)`` or one a shot ``(ns, nf)``.

    Returns
    -------
    d : :obj:`torch.Tensor`
        Gathers ``(ns, nt, nr)``.
    """
    nt, n = d.shape[1], next_fast_len(2 * d.shape[1], real=True)
    spectrum = torch.fft.rfft(d, n=n, dim=1)
    gains = torch.from_numpy(np.atleast_2d(response)[..., None])
    precision = spectrum.dtype if gains.is_complex() else d.dtype
    spectrum = spectrum * gains.to(device=d.device, dtype=precision)
    traces: torch.Tensor = torch.fft.irfft(spectrum, n=n, dim=1)[:, :nt]
    return traces


def spectrum_of(
    wav: NDArray[np.float64], dt: float, freqs: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the spectrum of wavelets ``(..., nw)`` at any frequencies, shape ``(..., nf)``."""
    waves = np.vander(np.exp(-2j * np.pi * dt * freqs), wav.shape[-1], increasing=True)
    return np.asarray(dt * wav @ waves.T)


def ricker_spectrum(
    f0: float, freqs: NDArray[np.float64], *, delay: float
) -> NDArray[np.complex128]:
    r"""Return the spectrum of a Ricker wavelet of peak amplitude one, shape ``(nf,)``, s.

    Notes
    -----
    :math:`\frac{2}{\sqrt\pi} \frac{f^2}{f_0^3} e^{-f^2 / f_0^2}\, e^{-2 \pi i f t_0}` with the
    delay :math:`t_0`.
    """
    amplitude = 2.0 / np.sqrt(np.pi) * freqs**2 / f0**3 * np.exp(-((freqs / f0) ** 2))
    return np.asarray(amplitude * np.exp(-2j * np.pi * freqs * delay))


def matching(
    given: NDArray[np.complex128], wanted: NDArray[np.complex128], *, water: float
) -> NDArray[np.complex128]:
    r"""Return the response that turns one wavelet into another.

    Notes
    -----
    :math:`H = W_2 \bar W_1 / (|W_1|^2 + \epsilon \max |W_1|^2)` with the water level
    :math:`\epsilon`: where the given wavelet has no energy, nothing is invented.
    """
    power = np.abs(given) ** 2
    return np.asarray(wanted * given.conj() / (power + water * power.max(axis=-1, keepdims=True)))
