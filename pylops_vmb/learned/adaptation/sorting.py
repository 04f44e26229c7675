"""Which traces of a survey serve each shot of another one, sorted by receiver."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylops_vmb.survey import Acquisition

Floats = NDArray[np.float64]

_SAME = 1e-3
"""Positions closer than this, in m, are one."""


@dataclass(frozen=True)
class Pick:
    """The traces that serve one shot of the target.

    Parameters
    ----------
    x : :obj:`numpy.ndarray`
        Where they were received, in the coordinates of the target, m, increasing, ``(n,)``.
    traces : :obj:`numpy.ndarray`
        Numbers of shot and receiver in the data, ``(n, 2)``.
    swapped : :obj:`numpy.ndarray`
        Where source and receiver have changed roles, ``(n,)``.
    away : :obj:`float`
        Distance of the source that was taken from the one that is wanted, m.
    """

    x: Floats
    traces: NDArray[np.int64]
    swapped: NDArray[np.bool_]
    away: float = np.inf

    @property
    def serves(self) -> bool:
        """Whether there is anything to interpolate from."""
        return len(self.x) > 1

    def stands_at(self, receivers: Floats) -> bool:
        """Tell whether there is a trace at each of these positions, m."""
        apart = np.abs(np.subtract.outer(receivers, self.x)).min(1, initial=np.inf)
        return bool((apart <= _SAME).all())


def pick(
    acq: Acquisition, wanted: Acquisition, live: NDArray[np.bool_], *, origin: float, reach: float
) -> list[Pick]:
    """Take the nearest shot for each one that is wanted.

    A shot that stands a little aside takes its receivers with it: offsets are kept, because
    arrival times depend on them more than on where the line is cut.

    Parameters
    ----------
    acq, wanted : `Acquisition`
        The survey of the data and the target.
    live : :obj:`numpy.ndarray`
        Which traces hold a signal, ``(ns, nr)``.
    origin : :obj:`float`
        Where x = 0 of the target lies on the line of the data, m.
    reach : :obj:`float`
        A source further away than this does not serve, m.

    Returns
    -------
    picks : :obj:`list`
        One `Pick` a shot that is wanted; an empty one where none is near enough.
    """
    picks = []
    for x in wanted.srcs[0] + origin:
        away = np.abs(acq.srcs[0] - x)
        shot = int(away.argmin())
        if away[shot] > reach:
            picks.append(EMPTY)
            continue
        receivers = np.flatnonzero(live[shot])
        traces = np.stack([np.full_like(receivers, shot), receivers], axis=1)
        moved = acq.srcs[0, shot] - x
        at = acq.receivers[0, shot, receivers] - moved - origin
        picks.append(in_order(at, traces, np.zeros(len(at), bool), float(away[shot])))
    return picks


def in_order(x: Floats, traces: NDArray[np.int64], swapped: NDArray[np.bool_], away: float) -> Pick:
    """Return a pick by increasing position; of several traces at one place the first stays."""
    order = np.argsort(x, kind="stable")
    order = order[np.diff(x[order], prepend=-np.inf) > _SAME]
    return Pick(x[order], traces[order], swapped[order], away)


def find_origin(acq: Acquisition, wanted: Acquisition, *, reach: float) -> float:
    """Return where on the line of the data the target finds most of its shots.

    Zero, if all are found there; of equally good places the one where most of the wanted
    receivers lie between receivers of the data, and of those the first.

    Parameters
    ----------
    acq, wanted : `Acquisition`
        The survey of the data and the target.
    reach : :obj:`float`
        A source further away than this does not serve, m.

    Returns
    -------
    origin : :obj:`float`
        Position of the target's x = 0, m.
    """
    apart = np.subtract.outer(acq.srcs[0], wanted.srcs[0]).ravel()
    candidates = np.concatenate([[0.0], np.unique(np.round(apart, 3))])
    return float(max(candidates, key=lambda at: _worth(acq, wanted, at, reach)))


def _worth(acq: Acquisition, wanted: Acquisition, origin: float, reach: float) -> tuple[int, float]:
    away = np.abs(np.subtract.outer(wanted.srcs[0] + origin, acq.srcs[0]))
    found, nearest = away.min(1) <= reach, away.argmin(1)
    spread = acq.receivers[0][nearest]
    at = wanted.receivers[0] + origin
    slack = 1e-6 + reach
    covered = (at >= spread.min(1)[:, None] - slack) & (at <= spread.max(1)[:, None] + slack)
    return int(found.sum()), float((covered * found[:, None]).mean())


EMPTY = Pick(np.zeros(0), np.zeros((0, 2), np.int64), np.zeros(0, bool))
"""No trace."""
