"""Salt with two crests: a ridge that stands on the bottom of the model, or a lens inside it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator

from pylops_vmb.velocity._checks import check_share
from pylops_vmb.velocity.base import Array, Mask
from pylops_vmb.velocity.salt import Salted


@dataclass(frozen=True)
class SaltRidges(Salted):
    """Salt across most of the width: a ridge of two crests on the bottom, or a lens inside.

    Parameters
    ----------
    dims, seed, vp_range, background, vp_salt, share
        As in `SaltBodies`.
    lens : float
        Share of the salt bodies that are lenses; the others stand on the bottom.

    Notes
    -----
    The outlines are monotone cubic curves (PCHIP) through the two ends, two crests and
    the saddle between them, with a shoulder on some flanks. A ridge takes about 16 % of the
    cells, a lens 7 %; its lower outline has one trough.
    """

    lens: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(lens=check_share("lens", self.lens))

    def _body(self, rng: np.random.Generator) -> Mask:
        nx, nz = self.dims
        x, z = np.arange(nx) / nx, np.arange(nz)[None, :]
        left, right = rng.uniform(0.096, 0.122), 1.0 - rng.uniform(0.103, 0.143)
        along = (x - left) / (right - left)
        if rng.uniform() >= self.lens:
            top = np.clip(rng.normal(0.42, 0.12), 0.1, 0.75)
            return np.asarray(z >= nz * (1.0 - _crests(rng, along, top)[:, None]))
        middle = rng.uniform(0.49, 0.67)
        up = _crests(rng, along, max(rng.normal(0.08, 0.032), 0.003))[:, None]
        down = _trough(rng, along, max(rng.normal(0.108, 0.025), 0.03))[:, None]
        return np.asarray((z >= nz * (middle - up)) & (z < nz * (middle + down)))


def _crests(rng: np.random.Generator, along: Array, height: float) -> Array:
    """Draw an outline of two crests above the base: the first one has the given height."""
    first, last = rng.beta(1.6, 5.8), 1.0 - rng.beta(1.6, 5.8)
    first, last = min(first, last - 0.1), max(last, first + 0.1)
    second = min(height * rng.lognormal(-0.65, 0.4), 0.8)
    saddle = first + (last - first) * rng.beta(3.2, 3.2)
    low = min(height, second) * rng.beta(1.3, 2.6)
    return _outline(rng, along, [(first, height), (saddle, low), (last, second)])


def _trough(rng: np.random.Generator, along: Array, depth: float) -> Array:
    """Draw an outline of one trough below the base."""
    return _outline(rng, along, [(rng.beta(3.3, 3.3), depth)])


def _outline(rng: np.random.Generator, along: Array, turns: list[tuple[float, float]]) -> Array:
    """Join the ends and the turns by a monotone curve, zero beyond the ends 0 and 1."""
    knots = [(0.0, 0.0), *sorted(turns), (1.0, 0.0)]
    for (a, low), (b, high) in list(pairwise(knots)):
        if b - a > 0.15 and rng.uniform() < 0.7:
            way = rng.uniform(0.2, 0.8)
            up = np.clip(way + rng.normal(0.0, 0.25), 0.1, 0.9)
            knots.append((a + way * (b - a), low + up * (high - low)))
    place, height = np.array(sorted(knots)).T
    inside = (along >= 0.0) & (along <= 1.0)
    place = np.maximum.accumulate(place + 1e-6 * np.arange(len(place)))
    return np.where(inside, PchipInterpolator(place, height)(np.clip(along, 0.0, 1.0)), 0.0)
