r"""Source and receiver exchanged: :math:`d(x_s, x_r) = d(x_r, x_s)`.

Holds for the pressure of a pressure source (an explosion, an air gun, hydrophones), and here for
sources and receivers at nearly the same depth.  It makes a split spread of a streamer's one side.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pylops_vmb.learned.adaptation.sorting import EMPTY, Pick, in_order
from pylops_vmb.survey import Acquisition

_SAME = 1.0
"""A shot is left for its reciprocal only if that stands so much nearer to the place, m."""


def fill(
    picks: Sequence[Pick],
    acq: Acquisition,
    wanted: Acquisition,
    live: NDArray[np.bool_],
    *,
    origin: float,
    reach: float,
    room: float,
) -> list[Pick]:
    """Add traces whose receiver stands where a source is wanted.

    They come first where the receiver stands nearer to that place than the shot does.  Shots that
    have a trace at each wanted receiver stay as they are.

    Parameters
    ----------
    picks : sequence of `Pick`
        What the shots themselves give.
    acq, wanted : `Acquisition`
        The survey of the data and the target.
    live : :obj:`numpy.ndarray`
        Which traces hold a signal, ``(ns, nr)``.
    origin : :obj:`float`
        Where x = 0 of the target lies on the line of the data, m.
    reach : :obj:`float`
        A receiver further away from the wanted source than this does not serve, m.
    room : :obj:`float`
        Nothing is added closer than this to a trace that is there, m.

    Returns
    -------
    picks : :obj:`list`
        The same with more traces; those added are marked as swapped.
    """
    filled = []
    places = wanted.srcs[0] + origin, wanted.receivers[0]
    for own, x, receivers in zip(picks, *places, strict=True):
        swapped = _swapped(acq, live, x, origin=origin, reach=reach)
        if own.away <= swapped.away + _SAME and own.stands_at(receivers):
            filled.append(own)
            continue
        first, then = (own, swapped) if own.away <= swapped.away + _SAME else (swapped, own)
        free = np.ones(len(then.x), bool)
        if len(first.x):
            free = np.abs(np.subtract.outer(then.x, first.x)).min(1, initial=np.inf) > room
        parts = [np.append(first.x, then.x[free]), np.vstack([first.traces, then.traces[free]])]
        roles = np.append(first.swapped, then.swapped[free])
        used = [one.away for one, some in ((first, len(first.x)), (then, free.any())) if some]
        filled.append(in_order(parts[0], parts[1], roles, max(used, default=np.inf)))
    return filled


def _swapped(
    acq: Acquisition, live: NDArray[np.bool_], x: float, *, origin: float, reach: float
) -> Pick:
    """Return the traces received near `x`, as if they had been shot there."""
    apart = np.where(live, np.abs(acq.receivers[0] - x), np.inf)
    nearest, distance = apart.argmin(1), apart.min(1)
    shots = np.flatnonzero(distance <= reach)
    if not len(shots):
        return EMPTY
    shots = shots[np.argsort(distance[shots], kind="stable")]  # of two at one place, the nearer
    moved = acq.receivers[0, shots, nearest[shots]] - x
    traces = np.stack([shots, nearest[shots]], axis=1)
    roles = np.ones(len(shots), bool)
    return in_order(
        acq.srcs[0, shots] - moved - origin, traces, roles, float(distance[shots].max())
    )
