"""How many samples a trace of a SEG-Y file holds, where headers and length disagree."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TRACE = 240
_PROBES = 16
_MARKS = (slice(114, 116), slice(116, 118))  # samples and interval: the same in all traces
_SURE = 2  # recurrences that tell a period from chance


@dataclass(frozen=True)
class Body:
    """The traces of a file: from byte ``start`` to ``stop``, ``sample`` bytes a sample."""

    path: Path
    order: str
    start: int
    stop: int
    sample: int

    def header(self, at: int) -> bytes:
        """Return the trace header that begins ``at`` bytes after the first one."""
        with open(self.path, "rb") as stream:
            stream.seek(self.start + at)
            return stream.read(TRACE)


def held_samples(body: Body, claims: Sequence[int]) -> int:
    """Return the number of samples a trace that the file holds, 0 if it cannot be told.

    Parameters
    ----------
    body : `Body`
        The traces.
    claims : sequence of :obj:`int`
        What the binary header says, the most trusted first.

    Notes
    -----
    A number of samples is possible if traces of that length fill the file, and likely
    if what is the same in all headers (the number of samples that they state, or else
    the interval) recurs with that period.  The smallest likely one of the claims and the
    number in the first trace header is taken; else the first claim that is possible and
    not unlikely; else the smallest number that is likely.
    """
    first = body.header(0)
    length = body.stop - body.start

    def recurrences(samples: int) -> int | None:
        size = TRACE + samples * body.sample
        return _recurrences(body, first, size) if samples and length % size == 0 else -1

    stated = struct.unpack_from(body.order + "H", first, 114)[0] if len(first) == TRACE else 0
    counts = {samples: recurrences(samples) for samples in sorted({*claims, stated})}
    likely = [samples for samples, found in counts.items() if found and found >= _SURE]
    modest = [claim for claim in claims if (found := counts[claim]) is None or found >= 0]
    if likely or modest:
        return (likely or modest)[0]
    for samples in _divisors(body):
        if (found := recurrences(samples)) and found >= _SURE:
            return samples
    return next((claim for claim in claims if length % (TRACE + claim * body.sample) == 0), 0)


def _recurrences(body: Body, first: bytes, size: int) -> int | None:
    """Count the headers that resemble the first; -1 if one does not; None if none can tell."""
    mark = next((mark for mark in _MARKS if any(first[mark])), None)
    if mark is None:
        return None
    ntraces = (body.stop - body.start) // size
    probed = np.unique(np.linspace(1, ntraces - 1, min(_PROBES, ntraces - 1)).astype(int))
    alike = all(body.header(int(i) * size)[mark] == first[mark] for i in probed)
    return len(probed) if alike else -1


def _divisors(body: Body) -> list[int]:
    """Return the numbers of samples whose traces fill the file, in rising order."""
    length = body.stop - body.start
    small = np.arange(1, int(length**0.5) + 1)
    small = small[length % small == 0]
    sizes = np.unique(np.concatenate([small, length // small])) - TRACE
    return [int(size) // body.sample for size in sizes if size > 0 and size % body.sample == 0]
