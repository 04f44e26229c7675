"""What happens to traces in the field: noise, dead traces, uneven amplitudes, late clocks."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import check_choice, check_number, check_range, refuse
from pylops_vmb.training.augmentation._random import (
    chosen,
    normals,
    shape_per,
    uniform,
    uniforms,
)
from pylops_vmb.training.augmentation._signals import filtered, frequencies, shifted
from pylops_vmb.training.augmentation.base import Augmentation, Sample


@dataclass(frozen=True)
class Noise(Augmentation):
    r"""Gaussian noise at a signal-to-noise ratio, white or in a band.

    Parameters
    ----------
    snr_db : :obj:`tuple` or :obj:`float`
        Least and largest ratio in dB.
    band : :obj:`tuple`, optional
        Lowest and highest frequency of the noise in Hz; white by default.
    dt : :obj:`float`, optional
        Time step of the decimated gathers in s; needed for a band.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a number is out of range, or a band has no time step or none of its frequencies.

    Notes
    -----
    :math:`10 \log_{10} (\sum d^2 / \sum n^2)` over the whole survey is the number drawn,
    exactly: the noise :math:`n` is scaled to its own energy.  Gathers of zeros stay zero.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import Noise
    >>> d, vp = torch.ones(2, 50, 7, dtype=torch.float64), torch.ones(1, 10, 7)
    >>> noisy, vp = Noise(10.0)(d, vp, torch.Generator().manual_seed(0))
    >>> round(float((noisy - d).square().sum() / d.square().sum()), 6)
    0.1
    """

    snr_db: tuple[float, float]
    _: KW_ONLY
    band: tuple[float, float] | None = None
    dt: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(snr_db=check_range("snr_db", self.snr_db, unit="dB"))
        if self.dt is not None:
            self._set(dt=check_number("dt", self.dt, above=0.0, unit="s"))
        if self.band is None:
            return
        if self.dt is None:
            do = "Pass the time step of the decimated gathers in s"
            refuse("dt", "is needed for noise in a band", got=None, do=do)
        band = check_range("band", self.band, at_least=0.0, at_most=0.5 / self.dt, unit="Hz")
        self._set(band=band)

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        ratio = 10.0 ** (uniform(generator, *self.snr_db) / 20.0)
        noise = normals(generator, d)
        if self.band is not None:
            noise = filtered(noise, self._inside(d.shape[1]))
        return d + noise * (d.norm() / (ratio * noise.norm())), vp

    def _inside(self, nt: int) -> NDArray[np.float64]:
        """Return 1 inside the band and 0 outside; the nearest frequency of a narrow one is in."""
        assert self.band is not None
        assert self.dt is not None
        freqs = frequencies(nt, self.dt)
        nearest = np.abs(freqs - np.mean(self.band)).argmin()
        inside = (freqs >= self.band[0]) & (freqs <= self.band[1])
        inside[nearest] = True
        return inside.astype(np.float64)


@dataclass(frozen=True)
class DeadTraces(Augmentation):
    """Traces that recorded nothing, or nothing but noise.

    Parameters
    ----------
    share : :obj:`tuple` or :obj:`float`
        Least and largest share of the traces; the number is exact, up to rounding.
    kind : {"zero", "noise"}, optional
        What they hold: zeros, or white noise of the survey's root mean square.
    per : {"trace", "receiver", "shot"}, optional
        What dies: single traces, receivers in all shots, or whole shots.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range or unknown.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import DeadTraces
    >>> d, vp = torch.ones(2, 50, 10), torch.ones(1, 10, 10)
    >>> d, vp = DeadTraces(0.2, per="receiver")(d, vp, torch.Generator().manual_seed(0))
    >>> (d == 0).all(dim=1).sum(dim=1)
    tensor([2, 2])
    """

    share: tuple[float, float]
    _: KW_ONLY
    kind: str = "zero"
    per: str = "trace"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(share=check_range("share", self.share, at_least=0.0, at_most=1.0))
        check_choice("kind", self.kind, ("zero", "noise"))
        check_choice("per", self.per, ("trace", "receiver", "shot"))

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        shape = shape_per(d, self.per)
        count = round(uniform(generator, *self.share) * int(np.prod(shape)))
        dead = chosen(generator, shape, count).to(d.device)
        held = torch.zeros_like(d)
        if self.kind == "noise":
            held = normals(generator, d) * d.square().mean().sqrt()
        return torch.where(dead, held, d), vp


@dataclass(frozen=True)
class AmplitudeScaling(Augmentation):
    """Uneven strength of sources or coupling of receivers, and reversed polarity.

    Parameters
    ----------
    db : :obj:`float`
        Largest gain and loss in dB; drawn evenly between them.
    per : {"survey", "shot", "receiver", "trace"}, optional
        What has a factor of its own.  That of a whole survey is lost where the preprocessing
        scales it away.
    reversed : :obj:`float`, optional
        Share of the factors that are negative, on average.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range or unknown.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import AmplitudeScaling
    >>> d, vp = torch.ones(2, 5, 3), torch.ones(1, 10, 3)
    >>> AmplitudeScaling(0.0, reversed=1.0)(d, vp, torch.Generator())[0].unique()
    tensor([-1.])
    """

    db: float
    _: KW_ONLY
    per: str = "trace"
    reversed: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(db=check_number("db", self.db, at_least=0.0, unit="dB"))
        check_choice("per", self.per, ("survey", "shot", "receiver", "trace"))
        self._set(reversed=check_number("reversed", self.reversed, at_least=0.0, at_most=1.0))

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        shape = shape_per(d, self.per)
        factors = 10.0 ** (uniforms(generator, shape, -self.db, self.db) / 20.0)
        flipped = uniforms(generator, shape, 0.0, 1.0) < self.reversed
        return d * torch.where(flipped, -factors, factors).to(d), vp


@dataclass(frozen=True)
class TimeShift(Augmentation):
    """Clocks that are off by fractions of a sample, or source and receiver statics.

    Parameters
    ----------
    max_shift : :obj:`float`
        Largest delay and advance in s; drawn evenly between them.
    dt : :obj:`float`
        Time step of the decimated gathers in s.
    per : {"survey", "shot", "receiver", "trace"}, optional
        What has a shift of its own.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a value is out of range or unknown.

    Notes
    -----
    By a windowed sinc of 33 samples: right to 1e-4 up to 0.8 of the Nyquist frequency.  What
    comes in from outside the record is zero.
    """

    max_shift: float
    _: KW_ONLY
    dt: float
    per: str = "survey"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(max_shift=check_number("max_shift", self.max_shift, at_least=0.0, unit="s"))
        self._set(dt=check_number("dt", self.dt, above=0.0, unit="s"))
        check_choice("per", self.per, ("survey", "shot", "receiver", "trace"))

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        most = self.max_shift / self.dt
        return shifted(d, uniforms(generator, shape_per(d, self.per), -most, most), most=most), vp
