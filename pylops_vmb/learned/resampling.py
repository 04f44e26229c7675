"""From a user's time axis and receivers to those of a network, as two small matrices."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from pylops_vmb._checks import refuse
from pylops_vmb.survey import Acquisition


class Resampling:
    """Cubic interpolation of time and receivers onto another survey.

    Parameters
    ----------
    given, wanted : `Acquisition`
        The survey of the data and that of the network; the shots must correspond.

    Raises
    ------
    VMBValueError
        If the number of shots differs, the record is too short, the spread too narrow,
        or receivers change from shot to shot: this never extrapolates.
    """

    def __init__(self, given: Acquisition, wanted: Acquisition) -> None:
        _check_shots(given, wanted)
        self._copies: dict[
            tuple[torch.device, torch.dtype], tuple[torch.Tensor | None, torch.Tensor | None]
        ] = {}
        self._time = _matrix("time axis", given.t, wanted.t, slack=wanted.dt, unit="s")
        pitch = float(np.ptp(wanted.recs[0])) / max(wanted.nr - 1, 1)
        self._receivers = _matrix(
            "receivers", _spread(given), _spread(wanted), slack=0.5 * pitch, unit="m"
        )

    def __call__(self, d: torch.Tensor) -> torch.Tensor:
        """Turn data ``(..., ns, nr, nt)`` of the given survey into that of the wanted one."""
        time, receivers = self._there(d)
        if time is not None:
            d = d @ time.T
        if receivers is not None:
            d = receivers @ d
        return d

    def _there(self, d: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Return both matrices where `d` is; they travel there once."""
        key = (d.device, d.dtype)
        if key not in self._copies:
            both = (self._time, self._receivers)
            with torch.inference_mode(False):  # they stay, and a derivative may need them next
                time, receivers = (None if one is None else one.to(*key) for one in both)
            self._copies[key] = (time, receivers)
        return self._copies[key]


def _check_shots(given: Acquisition, wanted: Acquisition) -> None:
    if given.ns != wanted.ns:
        refuse(
            "acq",
            f"must have the {wanted.ns} shots that the network was trained on",
            got=f"{given.ns} shots",
            do=f"Choose {wanted.ns} of them with acq.select, in the order of the training",
        )


def _spread(acq: Acquisition) -> NDArray[np.float64]:
    if acq.recs.ndim == 3 and np.ptp(acq.recs, axis=1).max() > 1e-6:
        refuse(
            "acq",
            "must have one spread of receivers for all shots",
            got="receivers that move",
            do="Interpolate the gathers to a fixed spread first",
        )
    return np.asarray(acq.receivers[0, 0])


def _matrix(
    name: str, have: NDArray[np.float64], want: NDArray[np.float64], *, slack: float, unit: str
) -> torch.Tensor | None:
    if have.shape == want.shape and np.allclose(have, want, atol=1e-6 * slack):
        return None
    order = np.argsort(have)
    first, last = have[order[0]], have[order[-1]]
    if want.min() < first - slack or want.max() > last + slack:
        refuse(
            f"acq: {name}",
            f"must reach from {want.min():g} to {want.max():g} {unit}",
            got=f"{first:g} to {last:g} {unit}",
            do="Record longer or wider, or train a network for this survey",
        )
    return torch.from_numpy(spline_matrix(have, want))


def spline_matrix(have: NDArray[np.float64], want: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of cubic interpolation from some positions to others.

    Parameters
    ----------
    have, want : :obj:`numpy.ndarray`
        Positions before and after, in any order; beyond the ends the last value is taken.

    Returns
    -------
    matrix : :obj:`numpy.ndarray`
        Shape ``(len(want), len(have))``.
    """
    order = np.argsort(have)
    basis = np.eye(len(have))[order]
    spline = make_interp_spline(have[order], basis, k=min(3, len(have) - 1))
    return np.asarray(spline(np.clip(want, have[order[0]], have[order[-1]])))
