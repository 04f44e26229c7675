"""The formulas of the data misfits: from two gathers to one value a shot.

Each takes modelled and observed data ``(ns, nr, nt)`` and returns one value a shot ``(ns,)``:
zero for equal data, differentiable, and defined for traces and shots that are dead.  Levels
that come from the observed data of a shot come from its live traces alone (see `live`).
"""

import math

import torch

_DEAD = 1e-6
"""A trace with less than this fraction of the norm of the shot's strongest one is dead."""
_LEVEL = 1e-3
"""What rounds off the envelope where it vanishes, in units of the shot's rms."""


def live(dobs: torch.Tensor) -> torch.Tensor:
    """Say which traces recorded something: all but those that are exactly zero.

    Parameters
    ----------
    dobs : :obj:`torch.Tensor`
        Observed data, time along the last axis.

    Returns
    -------
    live : :obj:`torch.Tensor`
        Boolean, of the shape of `dobs` with one sample of time.
    """
    return dobs.any(-1, keepdim=True)


def l2(d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
    r"""Compare by least squares, :math:`\frac{1}{2} \sum (d - d_{obs})^2`.

    The maximum likelihood of Gaussian noise (Tarantola, 1984).
    """
    return _by_shot(0.5 * (d - dobs).square())


def l1(d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
    r"""Compare by absolute values, :math:`\sum |d - d_{obs}|`.

    An outlier counts by its sign alone (Crase et al., Geophysics 55, 1990).
    """
    return _by_shot((d - dobs).abs())


def huber(d: torch.Tensor, dobs: torch.Tensor, *, threshold: float = 1.0) -> torch.Tensor:
    r"""Compare by least squares where the residual is small, by its absolute value elsewhere.

    Parameters
    ----------
    d, dobs : :obj:`torch.Tensor`
        Modelled and observed data ``(ns, nr, nt)``.
    threshold : :obj:`float`, optional
        Where it turns, in units of the mean absolute value of the shot's observed data,
        which outliers raise less than they do the rms.

    Returns
    -------
    values : :obj:`torch.Tensor`
        One a shot, ``(ns,)``.

    Notes
    -----
    With :math:`r = d - d_{obs}` the sum of :math:`r^2 / 2` where :math:`|r| \le \delta` and of
    :math:`\delta (|r| - \delta / 2)` where it is larger.  Another threshold is set by
    ``functools.partial(huber, threshold=0.3)``.

    References
    ----------
    A. Guitton and W. W. Symes, Robust inversion of seismic data using the Huber norm,
    Geophysics 68, 2003.
    """
    size, bend = (d - dobs).abs(), threshold * _level(dobs.abs())
    return _by_shot(torch.where(size <= bend, 0.5 * size.square(), bend * (size - 0.5 * bend)))


def normalised(d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
    r"""Compare the shapes of the traces: each is divided by its own norm.

    Parameters
    ----------
    d, dobs : :obj:`torch.Tensor`
        Modelled and observed data ``(ns, nr, nt)``.

    Returns
    -------
    values : :obj:`torch.Tensor`
        One a shot, ``(ns,)``.

    Notes
    -----
    .. math::
        \frac{1}{2} \sum_r \left\| \frac{d_r}{\|d_r\|} - \frac{d_{obs,r}}{\|d_{obs,r}\|}
        \right\|^2 = \sum_r \left( 1 - \frac{d_r \cdot d_{obs,r}}{\|d_r\| \|d_{obs,r}\|} \right)

    The left side is the trace-normalised residual, the right side the zero-lag correlation
    (the global correlation norm): they are one misfit.  The left side is computed, because
    the right one loses half of the digits where data agree.  A dead observed trace counts
    nothing, a dead modelled one counts 1/2 and has no gradient.

    References
    ----------
    X. Shen, Near-surface velocity estimation by weighted early-arrival waveform inversion,
    SEG, 2010; Y. Choi and T. Alkhalifah, Application of multi-source waveform inversion to
    marine streamer data using the global correlation norm, Geophysical Prospecting 60, 2012.
    """
    alive = _norms(dobs) > 0.0
    return _by_shot(0.5 * (alive * (_unit(d) - _unit(dobs))).square())


def envelope(d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
    r"""Compare the envelopes of the traces by least squares.

    Parameters
    ----------
    d, dobs : :obj:`torch.Tensor`
        Modelled and observed data ``(ns, nr, nt)``.

    Returns
    -------
    values : :obj:`torch.Tensor`
        One a shot, ``(ns,)``.

    Notes
    -----
    :math:`\frac{1}{2} \sum (E(d) - E(d_{obs}))^2` with
    :math:`E(d) = \sqrt{d^2 + H(d)^2 + \epsilon^2}`, the Hilbert transform :math:`H`, and
    :math:`\epsilon` a thousandth of the rms of the shot's observed data.  The envelope holds
    the low frequencies that the wavelet lacks: a wave that is late by more than half a period
    is still pulled the right way.

    References
    ----------
    E. Bozdağ, J. Trampert and J. Tromp, Misfit functions for full waveform inversion based on
    instantaneous phase and envelope measurements, Geophysical Journal International 185,
    2011; R.-S. Wu, J. Luo and B. Wu, Seismic envelope inversion and modulation signal model,
    Geophysics 79, 2014.
    """
    level = (_LEVEL**2 * _level(dobs.square())).clamp(min=torch.finfo(d.dtype).tiny)
    heights = [(trace.square() + hilbert(trace).square() + level).sqrt() for trace in (d, dobs)]
    return _by_shot(0.5 * (heights[0] - heights[1]).square())


def agc(
    d: torch.Tensor, dobs: torch.Tensor, *, window: float = 1.0, floor: float = 0.03
) -> torch.Tensor:
    r"""Compare by least squares after the gain that evens out the observed data.

    Parameters
    ----------
    d, dobs : :obj:`torch.Tensor`
        Modelled and observed data ``(ns, nr, nt)``.
    window : :obj:`float`, optional
        Standard deviation in time of the window in which amplitude is measured, in mean
        periods of the shot.
    floor : :obj:`float`, optional
        Amplitude below which the gain hardly rises, relative to the largest of the shot.

    Returns
    -------
    values : :obj:`torch.Tensor`
        One a shot, ``(ns,)``.

    Notes
    -----
    .. math::
        \frac{1}{2} \sum \left( \frac{d - d_{obs}}{a / \max a + \epsilon} \right)^2, \qquad
        a = \sqrt{S\, d_{obs}^2}

    with a Gaussian :math:`S` along time and the floor :math:`\epsilon`.  This is automatic gain
    control with one gain for both data, so that it stays linear in `d`.  Plain least squares see
    the direct wave, which is a thousand times stronger than what the depths reflect; here all
    arrivals count, and with them the depths.  The mean period of a shot is
    :math:`2 \pi \|d_{obs}\| / \|\Delta d_{obs}\|` with the difference :math:`\Delta` from sample
    to sample: in a low band the window is longer.  A dead observed trace counts nothing.
    """
    amplitude = _smoothed(dobs.square(), window * _period(dobs)).sqrt()
    top = amplitude.flatten(1).amax(1).clamp(min=torch.finfo(dobs.dtype).tiny)
    gain = (_norms(dobs) > 0.0) / (amplitude / _spread(top, dobs) + floor)
    return _by_shot(0.5 * (gain * (d - dobs)).square())


def hilbert(d: torch.Tensor) -> torch.Tensor:
    """Return the Hilbert transform along the last axis, zeros assumed on either side."""
    nt = d.shape[-1]
    turned: torch.Tensor = torch.fft.irfft(-1j * torch.fft.rfft(d, n=2 * nt), n=2 * nt)
    return turned[..., :nt]


def _by_shot(values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1).sum(1)


def _level(values: torch.Tensor) -> torch.Tensor:
    """Return the mean over the live traces of each shot, in a shape that multiplies its data."""
    samples = values.shape[-1] * live(values).flatten(1).sum(1).clamp(min=1)
    return _spread(values.flatten(1).sum(1) / samples, values)


def _spread(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return one value a shot in a shape that multiplies the data."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _period(d: torch.Tensor) -> torch.Tensor:
    """Return the mean period of each shot in samples, one for a shot without signal."""
    energy, slope = (x.square().flatten(1).sum(1) for x in (d, d.diff(dim=-1)))
    return 2.0 * math.pi * (energy / slope.clamp(min=torch.finfo(d.dtype).tiny)).sqrt()


def _smoothed(d: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Smooth positive data along time by a Gaussian of ``sigma`` samples a shot, zeros beyond."""
    n = 2 * d.shape[-1]
    freqs = torch.fft.rfftfreq(n, dtype=d.dtype, device=d.device)
    response = torch.exp(-2.0 * (math.pi * _spread(sigma, d) * freqs).square())
    smooth: torch.Tensor = torch.fft.irfft(torch.fft.rfft(d, n=n) * response, n=n)
    return smooth[..., : d.shape[-1]].clamp(min=0.0)


def _norms(d: torch.Tensor) -> torch.Tensor:
    """Return the norms of the traces ``(ns, nr, 1)``, zero for those that are dead."""
    norms: torch.Tensor = torch.linalg.vector_norm(d, dim=-1, keepdim=True)
    return norms * (norms > _DEAD * norms.detach().amax(1, keepdim=True))


def _unit(d: torch.Tensor) -> torch.Tensor:
    norms = _norms(d)
    alive = norms > 0.0
    return alive * d / norms.where(alive, torch.ones_like(norms))
