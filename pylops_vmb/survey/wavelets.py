"""Source wavelets made causal, and the band in which they live.

PyLops' wavelets are zero-phase on a symmetric time axis.  A simulation starts at
time zero, so they are delayed here, once, and the delay is kept: ``wavc`` is the
sample of the wavelet's time zero, and events in the data arrive ``wavc * dt``
later than their travel time.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pylops.utils.wavelets import ricker as zero_phase_ricker

from pylops_vmb._checks import check_number, refuse


def ricker(
    f0: float, dt: float, *, halfwidth: float | None = None
) -> tuple[NDArray[np.float64], int]:
    r"""Causal Ricker wavelet.

    Parameters
    ----------
    f0 : :obj:`float`
        Peak frequency in Hz.
    dt : :obj:`float`
        Time step in s.
    halfwidth : :obj:`float`, optional
        Time between the first sample and the peak in s; by default
        :math:`1.1 / f_0`, where the amplitude has fallen to about 1.5e-4.

    Returns
    -------
    wav : :obj:`numpy.ndarray`
        Samples, shape ``(nw,)``, peak amplitude one.
    wavc : :obj:`int`
        Sample of the peak: the delay is ``wavc * dt``.

    Raises
    ------
    VMBValueError
        If the peak frequency is not positive or lies above half of Nyquist.

    Notes
    -----
    :math:`w(t) = (1 - 2 \pi^2 f_0^2 t^2) \exp(-\pi^2 f_0^2 t^2)`, as
    :func:`pylops.utils.wavelets.ricker`, delayed by ``wavc`` samples.

    Examples
    --------
    >>> wav, wavc = ricker(15.0, 0.001)
    >>> len(wav), wavc, float(wav[wavc])
    (147, 73, 1.0)
    """
    f0 = check_number("f0", f0, above=0.0, unit="Hz")
    dt = check_number("dt", dt, above=0.0, unit="s")
    if f0 > 0.25 / dt:
        refuse(
            "f0",
            f"must stay below {0.25 / dt:g} Hz, half of the Nyquist frequency of dt = {dt:g} s",
            got=f"{f0:g} Hz",
            do="Lower f0, or give dt in seconds and make it smaller",
        )
    halfwidth = 1.1 / f0 if halfwidth is None else check_number("halfwidth", halfwidth, above=0.0)
    wavc = int(halfwidth / dt)
    odd = wavc + wavc % 2  # the time axis must have an odd number of samples
    wav, _, centre = zero_phase_ricker(np.arange(odd + 1) * dt, f0=f0)
    return np.asarray(wav[centre - wavc : centre + wavc + 1], dtype=np.float64), wavc


def band(
    traces: ArrayLike, dt: float, *, level: float = 1e-3, pad: int = 4
) -> tuple[float, float, float]:
    """Find the frequency band that holds a wavelet or a gather.

    Parameters
    ----------
    traces : array_like
        Time along the last axis; the mean amplitude spectrum of all traces counts.
    dt : :obj:`float`
        Time step in s.
    level : :obj:`float`, optional
        The band is where the amplitude spectrum exceeds this fraction of its peak.
    pad : :obj:`int`, optional
        The transform is this many times longer than the traces.

    Returns
    -------
    fmin, fpeak, fmax : :obj:`float`
        Lowest, strongest and highest frequency in Hz.

    Raises
    ------
    VMBValueError
        If all traces are zero.

    Examples
    --------
    >>> wav, wavc = ricker(15.0, 0.001)
    >>> fmin, fpeak, fmax = band(wav, 0.001, level=0.1)
    >>> round(fpeak), 3.0 < fmin < 4.0, 30.0 < fmax < 35.0
    (15, True, True)
    """
    samples = np.asarray(traces, dtype=np.float64)
    length = pad * samples.shape[-1]
    spectrum = np.abs(np.fft.rfft(samples, n=length)).reshape(-1, length // 2 + 1).mean(axis=0)
    return band_of(spectrum, np.fft.rfftfreq(length, dt), level=level)


def band_of(
    spectrum: NDArray[np.float64], freqs: NDArray[np.floating], *, level: float
) -> tuple[float, float, float]:
    """Return lowest, strongest and highest frequency of an amplitude spectrum; see `band`."""
    if not spectrum.max() > 0.0:
        refuse("traces", "hold no signal", got="zeros only", do="Check how the data were read")
    inside = np.flatnonzero(spectrum >= level * spectrum.max())
    return float(freqs[inside[0]]), float(freqs[spectrum.argmax()]), float(freqs[inside[-1]])
