"""Shots with different numbers of receivers: a place for every trace that is missing.

A place is told by the position of the receiver (fixed spread), by its distance from the
source (streamer) or by its channel, whichever needs the fewest places.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError

_CENTIMETRES = 100.0
_LEAST = 0.5
"""At least this part of the filled survey must have been recorded."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Filled:
    """Where every trace goes: ``places[i]`` of shot ``i``, and all receivers ``(2, ns, nr)``."""

    places: list[Ints]
    recs: Floats


def fill(name: str, srcs: Floats, recs: list[Floats], channels: list[Ints]) -> Filled:
    """Find the places.

    Parameters
    ----------
    name : :obj:`str`
        The file.
    srcs : :obj:`numpy.ndarray`
        Sources, ``(2, ns)``.
    recs, channels : :obj:`list`
        Receivers ``(2, nr)`` and channels ``(nr,)`` of every shot.

    Raises
    ------
    VMBFileError
        If two traces of a shot claim one place, or more would be filled than recorded.
    """
    x = [rec[0] for rec in recs]
    offsets = [rec[0] - xs for rec, xs in zip(recs, srcs[0], strict=True)]
    candidates = [
        [np.rint(_CENTIMETRES * values).astype(np.int64) for values in x],
        [np.rint(_CENTIMETRES * values).astype(np.int64) for values in offsets],
        channels,
    ]
    distinct = [keys for keys in candidates if all(len(np.unique(k)) == len(k) for k in keys)]
    if not distinct:
        refuse(
            name,
            "has missing traces that cannot be filled: two traces of a shot share their place",
            got="neither positions nor channels that differ",
            do="Correct receiver x (bytes 81-84) or channels (13-16), or use open_gathers",
            error=VMBFileError,
        )
    keys = min(distinct, key=lambda keys: len(np.unique(np.concatenate(keys))))
    slots = np.unique(np.concatenate(keys))
    _check_recorded(name, len(slots), [len(k) for k in keys])
    if _falls(keys):
        slots = slots[::-1]
    rank = np.argsort(slots)
    places = [rank[np.searchsorted(slots, k, sorter=rank)] for k in keys]
    return Filled(places, _receivers(srcs, recs, places, count=len(slots)))


def _receivers(srcs: Floats, recs: list[Floats], places: list[Ints], *, count: int) -> Floats:
    """Place missing receivers as those of other shots: by position or by offset."""
    at = np.full((2, len(recs), count), np.nan)
    for shot, (rec, place) in enumerate(zip(recs, places, strict=True)):
        at[:, shot, place] = rec
    from_source = at - np.stack([srcs[0], np.zeros(len(recs))])[..., None]
    spreads = [
        np.nansum(np.nanmax(v[0], axis=0) - np.nanmin(v[0], axis=0)) for v in (at, from_source)
    ]
    moving = spreads[1] < spreads[0]
    typical = np.nanmedian(from_source if moving else at, axis=1)[:, None, :]
    if moving:
        typical = typical + np.stack([srcs[0], np.zeros(len(recs))])[..., None]
    return np.where(np.isnan(at), typical, at)


def _falls(keys: list[Ints]) -> bool:
    longest = max(keys, key=len)
    return len(longest) > 1 and bool(longest[-1] < longest[0])


def _check_recorded(name: str, nr: int, counts: list[int]) -> None:
    part = sum(counts) / (nr * len(counts))
    if part < _LEAST:
        refuse(
            name,
            f"has no spread that its shots share: less than {100 * _LEAST:g} % would be data",
            got=f"{100 * part:.2g} %: {sum(counts)} traces, {len(counts)} shots, {nr} receivers",
            do="Use open_gathers, which reads shot by shot, each with its own receivers",
            error=VMBFileError,
        )
