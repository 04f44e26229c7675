"""The gate: which candidate starts, by their misfits and, where these are close, by a race."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import torch

from pylops_vmb.inversion import Iteration
from pylops_vmb.inversion.stage import Stage

CLEAR = 0.25
"""No race is needed where one misfit in the lowest band is below this fraction of the other's,
and below it in every other band."""

HANDICAP = {"profile": 1.0 / CLEAR}
"""Factor on the misfits of a candidate that was fitted to these very data, when it is compared
with others that were not: a small misfit says less of it."""

Starts = Mapping[str, Sequence[float]]
"""Data misfits of candidates by name, one a band, the lowest first."""


def is_of_network(name: str) -> bool:
    """Say whether a candidate is the network's."""
    return name.startswith("network")


def best_of_network(starts: Starts) -> str:
    """Return the better candidate of the network.

    The prediction as it is only if it is better in every band than the smoothed one: edges
    in wrong places show in the high bands.
    """
    plain, smoothed = starts["network"], starts.get("network, smoothed")
    if smoothed is None or below(plain, smoothed):
        return "network"
    return "network, smoothed"


def best_fallback(starts: Starts) -> str:
    """Return the fallback with the smallest misfit in the lowest band; the first wins a draw."""
    names = [name for name in starts if not is_of_network(name)]
    return min(names, key=lambda name: handicapped(starts, name)[0])


def handicapped(starts: Starts, name: str) -> tuple[float, ...]:
    """Return the misfits by which a candidate is compared with others."""
    return tuple(HANDICAP.get(name, 1.0) * misfit for misfit in starts[name])


def below(one: Sequence[float], other: Sequence[float], *, factor: float = 1.0) -> bool:
    """Say whether misfits are smaller in every band, by a factor in the lowest."""
    return one[0] < factor * other[0] and all(a < b for a, b in zip(one, other, strict=True))


def is_clear(one: Sequence[float], other: Sequence[float]) -> bool:
    """Say whether no race is needed between two candidates."""
    return below(one, other, factor=CLEAR) or below(other, one, factor=CLEAR)


def entry(misfits: Sequence[float], limit: float) -> int:
    """Return the number of the band to begin in: the highest below which all are explained.

    Examples
    --------
    >>> entry((0.01, 0.1, 0.5), 0.2), entry((0.4, 0.1), 0.2), entry((0.01, 0.1), 0.0)
    (1, 0, 0)
    """
    explained = sum(1 for _ in takewhile(lambda misfit: misfit < limit, misfits))
    return max(explained - 1, 0)


def is_lost(misfits: Sequence[float]) -> bool:
    """Say whether a candidate cannot be simulated."""
    return not all(map(math.isfinite, misfits))


@dataclass
class Runner:
    """A candidate in the race, with its iterations of the first band.

    Attributes
    ----------
    name : :obj:`str`
        Of the candidate.
    x : :obj:`torch.Tensor`
        Velocity ``(nx, nz)``.
    stage : `Stage`
        Of the first band.
    history : :obj:`list`
        What it ran.
    """

    name: str
    x: torch.Tensor
    stage: Stage
    history: list[Iteration] = field(default_factory=list)

    def run(self, niter: int, *, since: float) -> None:
        """Run some iterations of the band, fewer if it ends before."""
        for number in range(1, niter + 1):
            self.x, value = self.stage.step(self.x)
            seconds = time.time() - since
            self.history.append(
                Iteration(
                    number=number,
                    band=self.stage.corner,
                    misfit=value.misfit,
                    objective=value.total,
                    evaluations=self.stage.evaluations,
                    seconds=seconds,
                )
            )
            if self.stage.ended():
                return

    @property
    def misfit(self) -> float:
        """Data misfit at the end."""
        return self.history[-1].misfit

    @property
    def rank(self) -> float:
        """Data misfit at the end, by which it is compared with another."""
        return HANDICAP.get(self.name, 1.0) * self.misfit

    def charge(self, evaluations: int) -> None:
        """Count the gradients that others computed for this one to win."""
        self.stage.charge(evaluations)
        self.history = [
            entry._replace(evaluations=entry.evaluations + evaluations) for entry in self.history
        ]


def in_words(corner: float) -> str:
    """Return the name of a band."""
    return "in the full band" if math.isinf(corner) else f"below {corner:.3g} Hz"
