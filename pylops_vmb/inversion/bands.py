"""Frequency bands from low to high: which ones, and the zero-phase low-pass."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite, check_integer, check_number, refuse
from pylops_vmb.inversion.processes import Team, team_of
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey.wavelets import band_of

_LEVEL = 0.2
"""Below this fraction of the strongest amplitude a frequency does not carry an inversion."""


def suggest_bands(d: Any, dt: float, *, count: int = 3, comm: Any = None) -> tuple[float, ...]:
    r"""Choose low-pass corners from the spectrum of the data, the full band last.

    Parameters
    ----------
    d : array
        Data ``(ns, nr, nt)``, or of other shapes with time along the last axis; NumPy, torch
        or CuPy.  With `comm` all of them in each process, or a
        :class:`pylops_mpi.DistributedArray` of that shape, scattered over shots.
    dt : :obj:`float`
        Time step in s.
    count : :obj:`int`, optional
        Number of corners before the full band.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.

    Returns
    -------
    bands : :obj:`tuple`
        Corners in Hz, increasing; the last one is infinite.

    Raises
    ------
    VMBValueError
        If a value is not finite or not positive, or scattered data are flat.

    Notes
    -----
    Geometric from :math:`1.3 f_{low}`, where :math:`f_{low}` is the lowest frequency that
    has a fifth of the strongest amplitude, to :math:`0.9 f_{peak}`.  Starting higher makes
    the inversion skip cycles; starting lower wastes iterations.
    """
    dt, count = check_number("dt", dt, above=0.0, unit="s"), check_integer("count", count)
    team = team_of(comm)
    with team.together():
        return shared_bands(_own_share(d, team), dt, count=count, team=team)


def shared_bands(d: torch.Tensor, dt: float, *, count: int = 3, team: Team) -> tuple[float, ...]:
    """Return the same of this member's shots, where a team shares them."""
    length = 2 * d.shape[-1]
    (spectrum,) = team.sum(partial(_spectrum, d.detach(), length))
    low, peak, _ = band_of(spectrum.numpy(), np.fft.rfftfreq(length, dt), level=_LEVEL)
    first, last = 1.3 * max(low, 0.1 * peak), 0.9 * peak
    if first >= last:
        return (math.inf,)
    return (*(float(corner) for corner in np.geomspace(first, last, count)), math.inf)


def _own_share(d: Any, team: Team) -> torch.Tensor:
    """Return this member's shots as a tensor."""
    array, scattered = team.local(d)
    data = to_tensor(array, name="d").detach()
    check_finite("d", data)
    if data.ndim < 1 + scattered + (team.size > 1):
        refuse(
            "d",
            "must have an axis of time, and one of shots to share them between processes",
            got=f"shape {tuple(data.shape)}",
            do="Pass data of shape (ns, nr, nt)",
        )
    return data if scattered or team.size == 1 else data[team.shots(len(data))]


def _spectrum(d: torch.Tensor, length: int) -> list[torch.Tensor]:
    """Return the sum of the amplitude spectra of some shots, ``(length // 2 + 1,)``."""
    total = torch.zeros(length // 2 + 1, dtype=torch.float64)
    for shot in d.reshape(-1, math.prod(d.shape[1:-1]), d.shape[-1]):
        total += torch.fft.rfft(shot.double().cpu(), n=length).abs().sum(0)
    return [total]


def check_bands(bands: Sequence[float | None], dt: float) -> tuple[float, ...]:
    """Return corners in Hz; None and everything above Nyquist is the full band.

    Raises
    ------
    VMBValueError
        If a corner is not positive or the corners decrease.
    """
    if np.ndim(bands) == 0:  # type: ignore[arg-type]
        refuse("bands", "must be a sequence", got=repr(bands), do="Write (4.0, 7.0, None)")
    corners = tuple(
        math.inf if f is None or f >= 0.5 / dt else check_number("bands", f, above=0.0, unit="Hz")
        for f in bands
    )
    if not corners or list(corners) != sorted(corners):
        refuse(
            "bands",
            "must go from low to high frequencies",
            got=tuple(bands),
            do="Write e.g. (4.0, 7.0, 12.0, None), None for the full band",
        )
    return corners


def in_band(F: AcousticModelling2D, lowpass: "LowPass", *, broadband: bool) -> AcousticModelling2D:
    """Return the operator that has a gradient made for the residuals of a band.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling.
    lowpass : `LowPass`
        What both sides of a comparison pass.
    broadband : :obj:`bool`
        Whether the residual has the band of the filter, whatever that of the data.

    Returns
    -------
    F : `AcousticModelling2D`
        See `AcousticModelling2D.for_band`.
    """
    return F.for_band(lowpass.fmax if broadband else min(lowpass.fmax, F.acq.fmax))


class LowPass:
    r"""Zero-phase low-pass :math:`1 / (1 + (f / f_c)^8)` along the last axis.

    Parameters
    ----------
    corner : :obj:`float`
        Corner :math:`f_c` in Hz; infinite leaves the data as they are.
    nt : :obj:`int`
        Number of time samples.
    dt : :obj:`float`
        Time step in s.

    Attributes
    ----------
    fmax : :obj:`float`
        Frequency in Hz above which less than a thousandth remains.

    Notes
    -----
    A symmetric linear filter: applied to modelled and observed data inside the
    objective, its adjoint band-limits the residual that the gradient propagates back,
    whatever the misfit.
    """

    def __init__(self, corner: float, nt: int, dt: float) -> None:
        self.fmax: float = corner * 1e3 ** (1 / 8)
        self._nt, self._length = nt, 2 * nt
        freqs = torch.fft.rfftfreq(self._length, dt, dtype=torch.float64)
        self._response = None if math.isinf(corner) else 1.0 / (1.0 + (freqs / corner) ** 8)

    def __call__(self, d: torch.Tensor) -> torch.Tensor:
        """Filter traces of any leading shape."""
        if self._response is None or not d.numel():
            return d
        spectrum = torch.fft.rfft(d, n=self._length) * self._response.to(d)
        filtered: torch.Tensor = torch.fft.irfft(spectrum, n=self._length)
        return filtered[..., : self._nt]
