"""The low-cut of a recording system: a causal filter that data and wavelet share."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.signal import cheby2, sosfilt

from pylops_vmb._backend import kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.survey.acquisition import Acquisition


@dataclass(frozen=True)
class LowCut:
    r"""Low frequencies that were never recorded.

    Parameters
    ----------
    corner : :obj:`float`
        Frequency in Hz: everything below it is weakened by at least `attenuation`.
    order : :obj:`int`, optional
        Order of the filter.
    attenuation : :obj:`float`, optional
        In dB.

    Raises
    ------
    VMBValueError
        If a value is out of range, or the corner exceeds the Nyquist frequency of the data.

    Notes
    -----
    Chebyshev's filter of the second kind: flat above, :math:`-a` dB or less below the corner, half
    the power at 1.23 times the corner (order 8, 40 dB).  It is causal and linear, as the filters
    of recording instruments are, so that it may stand on either side of the wave equation:

    .. math::
        H F(v; w) = F(v; H w),

    to the last sample of a record of any length.  Cut data therefore want a cut wavelet, and
    nothing else changes in an inversion: ``d, acq = cut(d, acq.dt), cut.on(acq)``.

    Examples
    --------
    >>> from pylops_vmb.survey import Acquisition, LowCut
    >>> acq = Acquisition.openfwi()
    >>> [round(survey.band(0.1)[0], 1) for survey in (acq, LowCut(4.0).on(acq))]
    [3.4, 4.8]
    """

    corner: float
    order: int = 8
    attenuation: float = 40.0

    def __post_init__(self) -> None:
        check_number("corner", self.corner, above=0.0, unit="Hz")
        check_integer("order", self.order, at_least=1)
        check_number("attenuation", self.attenuation, above=0.0, unit="dB")

    def __call__(self, d: Any, dt: float) -> Any:
        """Filter traces.

        Parameters
        ----------
        d : array
            Time along the last axis; NumPy, torch or CuPy.
        dt : :obj:`float`
            Time step in s.

        Returns
        -------
        d : array
            The same kind and shape; differentiable where `d` is a tensor that asks for it.
        """
        kind = kind_of(d, "d")
        traces = to_tensor(d, dtype=working_dtype(kind.dtype), name="d")
        nt = traces.shape[-1]
        n = next_fast_len(2 * nt, real=True)
        response = torch.from_numpy(np.fft.rfft(self.response(nt, dt), n)).to(traces.device)
        spectrum = torch.fft.rfft(traces.double(), n=n) * response
        return kind.restore(torch.fft.irfft(spectrum, n=n)[..., :nt].to(traces.dtype))

    def on(self, acq: Acquisition) -> Acquisition:
        """Return a survey whose wavelet has passed the filter; it rings to the end of the record.

        The stated peak frequency stays, and with it the absorbing layer of the modelling.

        Parameters
        ----------
        acq : `Acquisition`
            The survey before the filter.

        Returns
        -------
        acq : `Acquisition`
        """
        room = [(0, 0)] * (acq.wav.ndim - 1) + [(0, acq.nt - acq.wav.shape[-1])]
        wav = self(np.pad(acq.wav, room), acq.dt)
        return acq.with_wavelet(wav, acq.wavc, f0=acq.f0)

    def response(self, nt: int, dt: float) -> NDArray[np.float64]:
        """Return the first `nt` samples of the impulse response at time steps of `dt` s."""
        nyquist = 0.5 / check_number("dt", dt, above=0.0, unit="s")
        if self.corner >= nyquist:
            refuse(
                "corner",
                f"must stay below the Nyquist frequency of {nyquist:g} Hz",
                got=f"{self.corner:g} Hz",
                do="Lower it, or give dt in seconds",
            )
        return _response(self, nt, dt)


@lru_cache(maxsize=16)
def _response(cut: LowCut, nt: int, dt: float) -> NDArray[np.float64]:
    sections = cheby2(cut.order, cut.attenuation, cut.corner, "highpass", fs=1.0 / dt, output="sos")
    return np.asarray(sosfilt(sections, np.eye(1, nt)[0]), np.float64)
