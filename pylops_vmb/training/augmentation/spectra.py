"""What happens to spectra: another wavelet, and frequencies that were never recorded."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import check_number, check_range, refuse
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Acquisition, LowCut
from pylops_vmb.training.augmentation._random import uniform
from pylops_vmb.training.augmentation._signals import (
    TimeAxis,
    filtered,
    frequencies,
    matching,
    ricker_spectrum,
    spectrum_of,
)
from pylops_vmb.training.augmentation.base import Augmentation, Sample, check_gathers


@dataclass(frozen=True)
class WaveletChange(Augmentation):
    r"""The same survey with another source wavelet.

    Parameters
    ----------
    acq : `Acquisition`
        The survey, with the wavelet that the gathers have.
    f0 : :obj:`tuple` or :obj:`float`, optional
        Least and largest peak frequency in Hz of the Ricker wavelet that takes its place, with
        the same time zero and a peak amplitude of one; by default the wavelet stays.
    phase : :obj:`tuple` or :obj:`float`, optional
        Least and largest rotation of its phase in degrees.
    preprocessing : `Preprocessing`, optional
        How the gathers were decimated.
    water : :obj:`float`, optional
        Water level of the matching filter, as a fraction of the wavelet's largest power.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range, or nothing would change.

    Notes
    -----
    Data are linear in the wavelet, so that a filter along time changes it:

    .. math::
        H(f) = e^{i \varphi}\,
        \frac{W_2(f)\, \bar W_1(f)}{|W_1(f)|^2 + \epsilon \max |W_1|^2}, \quad f > 0.

    A rotation by 90 degrees makes :math:`w` minus its Hilbert transform.  The filter takes what
    follows the end of the record as zero, so that the last period is less accurate.  Against
    simulations, a change from 15 to 12 Hz is right to 3e-3 relative L2, one to 18 Hz to 1e-2:
    a higher `f0` asks for frequencies that the given wavelet hardly has.

    Examples
    --------
    >>> from pylops_vmb.learned import Preprocessing
    >>> from pylops_vmb.survey import Acquisition, LowCut
    >>> from pylops_vmb.training.augmentation import WaveletChange
    >>> acq, step = Acquisition.openfwi(), Preprocessing(step=5)
    >>> WaveletChange(acq, f0=(12.0, 18.0), phase=(-30.0, 30.0), preprocessing=step).f0
    (12.0, 18.0)
    """

    acq: Acquisition
    _: KW_ONLY
    f0: tuple[float, float] | None = None
    phase: tuple[float, float] = (0.0, 0.0)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    water: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(phase=check_range("phase", self.phase, unit="degrees"))
        self._set(water=check_number("water", self.water, above=0.0, at_most=1.0))
        if self.f0 is not None:
            nyquist = 0.5 / (self.acq.dt * self.preprocessing.step)
            f0 = check_range("f0", self.f0, at_least=1e-3, at_most=nyquist, unit="Hz")
            self._set(f0=f0)
        elif self.phase == (0.0, 0.0):
            do = "Pass f0 in Hz, or phase in degrees"
            refuse("f0, phase", "must ask for a change", got="neither", do=do)

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        axis = TimeAxis.of(self.acq, self.preprocessing)
        check_gathers(d, self.acq, axis.nt)
        freqs = frequencies(axis.nt, axis.dt)
        response = np.exp(1j * np.deg2rad(uniform(generator, *self.phase))) * np.ones(freqs.size)
        if self.f0 is not None:
            response = response * self._matching(uniform(generator, *self.f0), freqs)
        return filtered(d, response), vp

    def _matching(self, f0: float, freqs: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the response that turns the survey's wavelet into a Ricker of ``f0`` Hz."""
        given = spectrum_of(self.acq.wav, self.acq.dt, freqs)
        wanted = ricker_spectrum(f0, freqs, delay=self.acq.delay)
        return matching(given, wanted, water=self.water)


@dataclass(frozen=True)
class FrequencyRemoval(Augmentation):
    r"""Frequencies that were never recorded: the lowest, the highest, or both.

    Parameters
    ----------
    below : :obj:`tuple` or :obj:`float`, optional
        Least and largest frequency in Hz below which nothing is left.
    above : :obj:`tuple` or :obj:`float`, optional
        Least and largest frequency in Hz above which nothing is left.
    dt : :obj:`float`
        Time step of the decimated gathers in s.
    slope : :obj:`float`, optional
        Half width of the slope around these frequencies, as a fraction of them.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range, or nothing would be removed.

    Notes
    -----
    Zero-phase: the response is real, one half at the frequency :math:`f_c` that is drawn, and
    :math:`\frac12 (1 - \cos(\pi \xi))` on the slope, with :math:`\xi` from 0 to 1 between
    :math:`(1 - s) f_c` and :math:`(1 + s) f_c`; one minus that for a high-cut.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import FrequencyRemoval
    >>> t = 0.005 * torch.arange(400)
    >>> d = torch.sin(6.283185 * 3.0 * t).view(1, 400, 1)  # 3 Hz
    >>> d, _ = FrequencyRemoval(6.0, dt=0.005)(d, torch.ones(1, 4, 4), torch.Generator())
    >>> bool(d[:, 100:300].abs().max() < 0.02)
    True
    """

    below: tuple[float, float] | None = None
    above: tuple[float, float] | None = None
    _: KW_ONLY
    dt: float
    slope: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(dt=check_number("dt", self.dt, above=0.0, unit="s"))
        self._set(slope=check_number("slope", self.slope, above=0.0, at_most=1.0))
        if self.below is None and self.above is None:
            do = "Pass below or above in Hz"
            refuse("below, above", "must ask for a change", got="neither", do=do)
        self._set(below=self._checked("below", self.below))
        self._set(above=self._checked("above", self.above))

    def _checked(self, name: str, corners: Any) -> tuple[float, float] | None:
        if corners is None:
            return None
        return check_range(name, corners, at_least=0.0, at_most=0.5 / self.dt, unit="Hz")

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        freqs = frequencies(d.shape[1], self.dt)
        response = np.ones(freqs.size)
        if self.below is not None:
            response *= self._rise(freqs, uniform(generator, *self.below))
        if self.above is not None:
            response *= 1.0 - self._rise(freqs, uniform(generator, *self.above))
        return filtered(d, response), vp

    def _rise(self, freqs: NDArray[np.float64], corner: float) -> NDArray[np.float64]:
        """Return the slope from 0 below ``corner`` Hz to 1 above."""
        start, width = (1.0 - self.slope) * corner, 2.0 * self.slope * max(corner, 1e-9)
        along = np.clip((freqs - start) / width, 0.0, 1.0)
        return np.asarray(0.5 * (1.0 - np.cos(np.pi * along)))


@dataclass(frozen=True)
class RandomLowCut(Augmentation):
    """The low-cut of a recording system whose corner is drawn.

    Parameters
    ----------
    corner : :obj:`tuple` or :obj:`float`
        Least and largest frequency in Hz below which nothing is left.
    dt : :obj:`float`
        Time step of the decimated gathers in s.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Notes
    -----
    `pylops_vmb.survey.LowCut`: causal, so that a network which was trained with it may be
    given what an instrument with a low-cut has recorded.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import RandomLowCut
    >>> t = 0.005 * torch.arange(400)
    >>> d = torch.sin(6.283185 * 3.0 * t).view(1, 400, 1)  # 3 Hz
    >>> d, _ = RandomLowCut(6.0, dt=0.005)(d, torch.ones(1, 4, 4), torch.Generator())
    >>> bool(d[:, 300:].abs().max() < 0.02)
    True
    """

    corner: tuple[float, float]
    _: KW_ONLY
    dt: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(dt=check_number("dt", self.dt, above=0.0, unit="s"))
        nyquist = 0.5 / self.dt
        corner = check_range("corner", self.corner, at_least=0.1, at_most=0.9 * nyquist, unit="Hz")
        self._set(corner=corner)

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        cut = LowCut(uniform(generator, *self.corner))
        return cut(d.transpose(1, 2), self.dt).transpose(1, 2), vp
