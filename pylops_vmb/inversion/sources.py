"""The source wavelet, estimated from observed data and a velocity model."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_finite, check_integer, check_number, check_shape, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.inversion.comparisons import live
from pylops_vmb.inversion.observed import take_shots
from pylops_vmb.inversion.processes import Team, team_of
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition

_FADE = 0.1
"""Fraction of the wavelet, at its end, over which it is faded out."""
_DAMP = 1e-5
"""Default damping."""


def estimate_wavelet(
    F: NonlinearOperator,
    vp: Any,
    dobs: Any,
    *,
    per_shot: bool = False,
    damp: float = _DAMP,
    length: int | None = None,
    comm: Any = None,
) -> NDArray[np.float64]:
    r"""Estimate the source wavelet with which a velocity explains data best.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling, with a first guess of the wavelet that holds the band of the data.
    vp : array
        Velocity ``(nx, nz)`` in m/s, or flat.
    dobs : array
        Observed data ``(ns, nr, nt)``, or flat; with `comm`, as in `FWI.solve`.
    per_shot : :obj:`bool`, optional
        One filter for each shot, instead of one for all.
    damp : :obj:`float`, optional
        Damping, relative to the strongest frequency of the modelled data.
    length : :obj:`int`, optional
        Samples of the new wavelet; by default twice as many as now.
    comm : :obj:`mpi4py.MPI.Comm`, optional
        Share the shots between the processes of this communicator.

    Returns
    -------
    wav : :obj:`numpy.ndarray`
        Causal wavelet ``(nw,)``, or ``(ns, nw)`` if `per_shot` or if `F` has one a shot.
        ``F.with_wavelet(wav, F.acq.wavc)`` is the operator that has it.

    Raises
    ------
    VMBTypeError
        If `F` has no source wavelet.
    VMBValueError
        If a shape is wrong, a value is not finite, the data are zero, or the wavelet is
        longer than the record.

    Notes
    -----
    Data are linear in the wavelet: a filter :math:`a` that turns modelled into observed data
    turns the present wavelet into the new one.  By frequency, over shots and receivers,

    .. math::
        a = \frac{\sum_{sr} \bar d\, d_{obs}}
        {\sum_{sr} |d|^2 + \epsilon \max_f \sum_{sr} |d|^2}.

    Traces that agree outvote noise, and times that a wrong model shifts one way in some traces
    and the other way in others; observed traces of zeros have no vote.  What falls before time
    zero is cut; the first period (of the highest frequency) is faded in, the last tenth faded
    out.

    References
    ----------
    R. G. Pratt, Seismic waveform inversion in the frequency domain, part 1: theory and
    verification in a physical scale model, Geophysics 64, 1999.
    """
    F = _check_source(F)
    damp = check_number("damp", damp, at_least=0.0)
    length, team = _check_length(F.acq, length), team_of(comm)
    with team.together():
        _, data = take_shots(F, dobs, team)
        x = _velocity(F, vp, like=data)
        return shared_wavelet(F, x, data, per_shot=per_shot, damp=damp, length=length, team=team)


def shared_wavelet(
    F: NonlinearOperator,
    x: torch.Tensor,
    dobs: torch.Tensor,
    *,
    per_shot: bool = False,
    damp: float = _DAMP,
    length: int | None = None,
    team: Team,
) -> NDArray[np.float64]:
    """Return the same of this member's shots, where a team shares them."""
    F = _check_source(F)
    length = _check_length(F.acq, length)
    found = team.sum(partial(_products, F, x, dobs, team.shots(F.acq.ns)))
    cross, power = (part.cpu().numpy() for part in found)
    cross = cross[..., 0] + 1j * cross[..., 1]
    if not per_shot:
        cross, power = cross.sum(0), power.sum(0)
    strongest = power.max(-1, keepdims=True)
    whitened = power + damp * strongest + (strongest == 0.0)  # a dead shot keeps no wavelet
    return _filtered(F.acq, cross / whitened, length=length)


def with_source(F: NonlinearOperator, wav: NDArray[np.float64]) -> AcousticModelling2D:
    """Return the operator that has another wavelet, whose time zero is where it was."""
    F = _check_source(F)
    return F.with_wavelet(wav, F.acq.wavc)


def _products(
    F: AcousticModelling2D, x: torch.Tensor, dobs: torch.Tensor, mine: slice
) -> list[torch.Tensor]:
    """Return cross and power spectra, summed over receivers: ``(ns, nf, 2)`` and ``(ns, nf)``."""
    nf = F.acq.nt + 1
    cross = torch.zeros(F.acq.ns, nf, 2, dtype=torch.float64, device=x.device)
    power = torch.zeros(F.acq.ns, nf, dtype=torch.float64, device=x.device)
    for shot, observed in zip(range(mine.start, mine.stop), dobs, strict=True):
        with torch.no_grad():
            modelled = F.shots(slice(shot, shot + 1))._apply(x)[0]
        pair = (live(observed) * modelled, observed)
        d, o = (torch.fft.rfft(traces, n=2 * F.acq.nt) for traces in pair)
        cross[shot] = torch.view_as_real((d.conj() * o).sum(0))
        power[shot] = d.abs().square().sum(0)
    return [cross, power]


def _filtered(
    acq: Acquisition, spectrum: NDArray[np.complex128], *, length: int
) -> NDArray[np.float64]:
    """Apply a filter to the wavelet, and keep its causal start without an edge at either end.

    An edge would hold all frequencies, and a gradient would have to store every step.
    """
    n = 2 * acq.nt
    filtered = np.fft.irfft(spectrum * np.fft.rfft(acq.wav, n=n), n=n)[..., :length]
    shortest_period = round(1.0 / (acq.fmax * acq.dt))
    rise, fall = _rise(min(shortest_period, length)), _rise(max(1, int(_FADE * length)))
    filtered[..., : len(rise)] *= rise
    filtered[..., length - len(fall) :] *= fall[::-1]
    return np.asarray(filtered, np.float64)


def _rise(n: int) -> NDArray[np.float64]:
    return np.asarray(np.sin(0.5 * np.pi * (np.arange(n) + 0.5) / n) ** 2)


def _velocity(F: AcousticModelling2D, vp: Any, *, like: torch.Tensor) -> torch.Tensor:
    """Return a velocity ``(nx, nz)`` as a tensor, where the data are."""
    x = to_tensor(vp, device=like.device, dtype=like.dtype, name="vp").detach()
    check_shape("vp", x.shape, F.dims, axes="(nx, nz)")
    check_finite("vp", x)
    return x.reshape(F.dims)


def _check_source(F: NonlinearOperator) -> AcousticModelling2D:
    if not isinstance(F, AcousticModelling2D):
        refuse(
            "F",
            "must have a source wavelet to estimate it",
            got=type(F).__name__,
            do="Pass an AcousticModelling2D",
            error=VMBTypeError,
        )
    return F


def _check_length(acq: Acquisition, length: int | None) -> int:
    if length is None:
        return int(min(acq.nt, 2 * acq.wav.shape[-1]))
    length = check_integer("length", length, at_least=1)
    if length > acq.nt:
        refuse(
            "length",
            f"must not exceed the record of {acq.nt} samples",
            got=length,
            do="Choose a shorter wavelet",
        )
    return length
