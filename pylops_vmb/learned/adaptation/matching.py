r"""The wavelet of data turned into that of the target, by a filter that PyLops estimates.

With the convolution :math:`W` by the data's wavelet, the filter is

.. math::
    f = \arg\min_f \|W f - w_{target}\|^2 + \epsilon^2 \|f\|^2 .

Both wavelets count from the beginning of the record, so that the filter also moves time zero.
"""

from typing import NamedTuple

import numpy as np
from pylops import Identity
from pylops.optimization.leastsquares import regularized_inversion
from pylops.signalprocessing import Convolve1D

from pylops_vmb.learned.adaptation.sorting import Floats

DAMP = 1e-3
"""Damping, relative to the strongest frequency of the data's wavelet."""
_ITERATIONS = 300


class Match(NamedTuple):
    """A matching filter.

    Attributes
    ----------
    taps : :obj:`numpy.ndarray`
        The filter.
    centre : :obj:`int`
        Sample of its time zero.
    error : :obj:`float`
        Relative error of the wavelet that it makes.
    gain_db : :obj:`float`
        By how much it raises its strongest frequency over the peak of the data's wavelet, dB:
        noise there grows as much.
    """

    taps: Floats
    centre: int
    error: float
    gain_db: float


def match(wav: Floats, wanted: Floats, *, damp: float = DAMP) -> Match:
    """Estimate the filter that turns one causal wavelet into another of the same time step.

    Parameters
    ----------
    wav, wanted : :obj:`numpy.ndarray`
        Wavelets from the beginning of the record, ``(nw,)``.
    damp : :obj:`float`, optional
        Damping, relative to the strongest frequency of `wav`.

    Returns
    -------
    match : `Match`

    Examples
    --------
    >>> from pylops_vmb.survey import ricker
    >>> found = match(ricker(20.0, 0.002)[0], ricker(12.0, 0.002)[0])
    >>> found.error < 0.01
    True
    """
    half = len(wav) + len(wanted)
    n = 2 * half + len(wanted)
    strongest = float(np.abs(np.fft.rfft(wav, n=n)).max())
    target = np.zeros(n)
    target[half : half + len(wanted)] = wanted
    operator = Convolve1D(n, wav / strongest, offset=0, dtype="float64")
    found = regularized_inversion(
        operator, target, [Identity(n, dtype="float64")], epsRs=[damp], iter_lim=_ITERATIONS
    )[0]
    error = float(np.linalg.norm(operator @ found - target) / np.linalg.norm(target))
    response = np.abs(np.fft.rfft(found))
    spectrum = np.abs(np.fft.rfft(wav / strongest, n=n))
    relative = response.max() / max(response[spectrum.argmax()], np.finfo(float).tiny)
    return Match(found / strongest, half, error, 20.0 * float(np.log10(relative)))
