"""Layers of nearly one thickness, flat or folded: the first layer alone is free."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb._checks import check_number
from pylops_vmb.velocity._layering import Layering, uniform_velocities
from pylops_vmb.velocity.base import Array
from pylops_vmb.velocity.layers import FlatLayers


@dataclass(frozen=True)
class EvenLayers(FlatLayers):
    """Layers of nearly one thickness, flat or folded, of which the first alone is free.

    Parameters
    ----------
    dims, seed, vp_range, rising, faded
        As in `FlatLayers`.
    layers : tuple of int
        Least and largest number of layers that fit into the depth, all equally likely; one more
        velocity is drawn and shows where the model cuts into it.
    relief : float
        Middle height of the folds at the right side, as a fraction of the depth; single models
        differ by a factor of two and more. At 0 the layers are flat.
    bend : float
        Distance from crest to trough, as a fraction of the width.

    Notes
    -----
    With ``n`` layers an interior layer takes ``1 / n`` of the depth, give or take 2 % of the depth;
    the first takes 0.5 to 1.5 times as much. A fold joins knots at the distance ``bend`` by half
    cosines; the knots go up and down by random heights that grow from left to right.
    """

    layers: tuple[int, int] = (3, 7)
    rising: float = 1.0
    relief: float = 0.0
    bend: float = 0.18

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            relief=check_number("relief", self.relief, at_least=0.0),
            bend=check_number("bend", self.bend, at_least=0.02),
        )

    def layering(self, rng: np.random.Generator) -> Layering:
        """Draw the stack of layers that a model or a fault displaces."""
        nx, nz = self.dims
        count = int(rng.integers(*self.layers, endpoint=True))
        vp = uniform_velocities(rng, count + 1, self.vp_range, rising=rng.uniform() < self.rising)
        fade = rng.uniform(0.2, 0.9) if rng.uniform() < self.faded else 0.0
        x = np.arange(-nx, 2 * nx) / nx
        place = _knots(rng, self.bend)
        thickness = 1.0 / count + rng.uniform(-0.02, 0.02, size=(count, len(place)))
        if not self.relief:
            thickness[:] = thickness[:, :1]
        thickness[0] = rng.uniform(0.5, 1.5) / count
        knots = np.cumsum(thickness, axis=0) + self._fold(rng, place)
        depths = np.stack([_half_cosines(x, place, knot) for knot in knots])
        return Layering(np.maximum.accumulate(np.rint(nz * depths), axis=0), vp, fade, nx)

    def _fold(self, rng: np.random.Generator, place: Array) -> Array:
        """Draw the displacement of the knots, a fraction of the depth."""
        growth = np.clip(place, 0.0, 1.0)
        swing = rng.choice((-1.0, 1.0)) * rng.uniform(0.0, 1.0) * (-1.0) ** np.arange(len(place))
        height = self.relief * rng.lognormal(0.0, 0.42) * (0.35 + 0.65 * growth**1.5)
        return np.asarray(height * (swing + rng.uniform(-1.0, 1.0, size=len(place))))


def _knots(rng: np.random.Generator, bend: float) -> Array:
    """Draw the places of the knots from beyond the left side to beyond the right one."""
    count = int(np.ceil(3.0 / bend)) + 2
    regular = -1.0 + bend * (np.arange(count) - rng.uniform(0.0, 1.0))
    return np.asarray(regular + bend * rng.uniform(-0.1, 0.1, size=count))


def _half_cosines(x: Array, place: Array, height: Array) -> Array:
    """Join ``height`` at ``place`` by half cosines, level at every knot."""
    after = np.clip(np.searchsorted(place, x), 1, len(place) - 1)
    way = (x - place[after - 1]) / (place[after] - place[after - 1])
    share = 0.5 - 0.5 * np.cos(np.pi * np.clip(way, 0.0, 1.0))
    return np.asarray(height[after - 1] + share * (height[after] - height[after - 1]))
