"""Salt in a folded marine basin: shallow water, compacting sediments, thin reflectors, rugose salt.

Depths and lateral positions are fractions of the model, 0 to 1, until they are put on the grid.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pylops_vmb._checks import check_number
from pylops_vmb.velocity._checks import check_range, check_share
from pylops_vmb.velocity._curves import wander
from pylops_vmb.velocity.base import Array, Mask, VelocityGenerator

Body = Callable[[np.random.Generator, Array, Array, tuple[float, float]], Array]


@dataclass(frozen=True)
class SaltBasin(VelocityGenerator):
    """Shallow water over compacting, folded sediments, pierced in most models by salt.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`; water takes the least velocity of ``vp_range``.
    vp_salt : float
        Velocity of the salt in m/s.
    share : float
        Share of the models that hold salt.
    area : tuple of float
        Least and largest share of the cells that salt takes.

    Notes
    -----
    Below a sea floor at the depth ``f(x)`` velocity follows ``v0 + g(x) (1 - exp(-c y)) /
    (1 - exp(-c))``, ``y = z - f(x)``, with ``g`` least above the crest of a fold. Below one of the
    folded horizons overpressure takes 12 to 18 % away. Horizons, a flat reflector and
    faults are one cell thick on every grid and 15 to 35 % faster than what lies around them;
    a basement of constant velocity closes the model.
    """

    vp_salt: float = 4482.0
    share: float = 0.8
    area: tuple[float, float] = (0.03, 0.14)

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.vp_range
        self._set(
            vp_salt=check_number("vp_salt", self.vp_salt, at_least=low, at_most=high, unit="m/s"),
            share=check_share("share", self.share),
            area=check_range("area", self.area, at_least=0.0, at_most=0.5),
        )

    def _draw(self, rng: np.random.Generator) -> Array:
        nx, nz = self.dims
        x, z = np.arange(nx) / nx, np.arange(nz) / nz
        crest = rng.uniform(0.25, 0.75)
        swell = _swell(rng, x, crest)
        floor = _sea_floor(rng, x)
        horizons = _horizons(rng, x, swell, floor)
        vp = self._sediments(rng, z, swell, floor)
        pressured = horizons[len(horizons) // 2]
        vp *= _overpressure(rng, z, pressured)
        basement = _close(rng, vp, _lines(rng, self.dims, horizons))
        if rng.uniform() < self.share:
            body = _stock if rng.uniform() < 0.25 else _tongue
            seat = crest, float(np.clip(pressured.min(), 0.38, 0.6))
            vp[self._salt(rng, body, seat, floor, basement)] = self.vp_salt
        vp[z < floor[:, None]] = self.vp_range[0]
        return vp

    def _sediments(self, rng: np.random.Generator, z: Array, swell: Array, floor: Array) -> Array:
        """Draw the compaction trend ``(nx, nz)`` in m/s."""
        start = rng.uniform(1.13, 1.17) * self.vp_range[0]
        rise = rng.uniform(0.85, 1.05) * self.vp_range[0] * (1.0 - rng.uniform(0.2, 0.48) * swell)
        rate = rng.uniform(0.4, 0.9)
        below = np.maximum(z - floor[:, None], 0.0)
        return np.asarray(start + rise[:, None] * np.expm1(-rate * below) / np.expm1(-rate))

    def _salt(
        self,
        rng: np.random.Generator,
        body: Body,
        seat: tuple[float, float],
        floor: Array,
        basement: float,
    ) -> Mask:
        """Draw a body ``(nx, nz)`` that takes a share of the cells within ``area``."""
        nx, nz = self.dims
        x, z = np.arange(nx)[:, None] / nx, np.arange(nz)[None, :] / nz
        level = body(rng, x, z, seat)
        level[(z < floor[:, None] + 0.02) | (z > basement)] = np.inf
        cells = min(round(rng.uniform(*self.area) * level.size), int(np.isfinite(level).sum()))
        if cells == 0:
            return np.zeros(self.dims, dtype=bool)
        return np.asarray(level <= np.partition(level.ravel(), cells - 1)[cells - 1])


def _swell(rng: np.random.Generator, x: Array, crest: float) -> Array:
    """Draw the anticline above the salt, 1 at its crest and falling to both sides."""
    width = rng.uniform(0.15, 0.35)
    fold = np.exp(-0.5 * ((x - crest) / width) ** 2) + rng.uniform(0.0, 0.12) * wander(rng, x)
    return np.asarray(fold / max(float(fold.max()), 1e-12))


def _sea_floor(rng: np.random.Generator, x: Array) -> Array:
    """Draw a water depth that deepens to one side."""
    way = x if rng.uniform() < 0.5 else 1.0 - x
    return np.asarray(rng.uniform(0.015, 0.025) + rng.uniform(0.0, 0.045) * way**2)


def _horizons(rng: np.random.Generator, x: Array, swell: Array, floor: Array) -> Array:
    """Draw 5 to 9 horizons ``(n, nx)``, folded the more the deeper, cut by one to four faults."""
    count = int(rng.integers(5, 10))
    thickness = rng.uniform(0.5, 1.5, size=count + 1)
    level = (0.05 + 0.95 * np.cumsum(thickness)[:-1] / thickness.sum())[:, None]
    relief = rng.uniform(0.12, 0.3) * np.minimum(level / 0.6, 1.0)
    relief = relief * rng.uniform(0.85, 1.15, size=(count, 1))
    depth = floor + level + relief * (0.35 - swell)
    for place, slope, throw in _faults(rng):
        depth = depth + throw * (x > place + slope * (level - 0.5))
    return np.asarray(np.maximum.accumulate(depth, axis=0))


def _faults(rng: np.random.Generator) -> Array:
    """Draw one to four faults: their place, the slope dx / dz, and the throw."""
    count = int(rng.integers(1, 5))
    return rng.uniform((0.1, -0.6, -0.03), (0.9, 0.6, 0.03), size=(count, 3))


def _overpressure(rng: np.random.Generator, z: Array, horizon: Array) -> Array:
    """Draw the factor ``(nx, nz)`` that falls below one within a few cells of a horizon."""
    loss, reach = rng.uniform(0.12, 0.18), rng.uniform(0.015, 0.05)
    way = np.clip((z - horizon[:, None]) / reach, 0.0, 1.0)
    return np.asarray(1.0 - loss * way**2 * (3.0 - 2.0 * way))


def _lines(rng: np.random.Generator, dims: tuple[int, int], horizons: Array) -> Array:
    """Draw the factor ``(nx, nz)`` of the horizons, some of them double, and of dotted faults."""
    nx, nz = dims
    lines = [np.rint(nz * depth).astype(np.intp) for depth in horizons]
    lines += [line + 2 for line in lines[len(lines) // 2 :] if rng.uniform() < 0.4]
    columns = np.arange(nx)
    factor, bright = np.ones(dims), rng.uniform(1.16, 1.22)
    for rows in lines:
        inside = (rows >= 0) & (rows < nz)
        factor[columns[inside], rows[inside]] = bright
    for place, slope, _ in _faults(rng):
        top, bottom = np.sort(nz * rng.uniform(0.05, 0.95, size=2)).astype(np.intp)
        rows = np.arange(top, bottom, 2)
        across = np.rint(nx * (place + slope * (rows / nz - 0.5))).astype(np.intp)
        inside = (across >= 0) & (across < nx)
        factor[across[inside], rows[inside]] = bright
    return factor


def _close(rng: np.random.Generator, vp: Array, lines: Array) -> float:
    """Lay lines, a flat reflector and a constant basement; return the depth of the basement."""
    nz = vp.shape[1]
    basement = rng.uniform(0.86, 0.95)
    lines[:, int(nz * (basement - rng.uniform(0.02, 0.06)))] = rng.uniform(1.26, 1.32)
    vp *= lines
    vp[:, int(nz * basement) :] = rng.uniform(2400.0, 2550.0)
    return basement


def _rugose(rng: np.random.Generator, at: Array) -> Array:
    """Draw a rough curve of spread near one: sines that weaken with their wavenumber."""
    waves = np.arange(1, 17)
    phase = rng.uniform(0.0, 2.0 * np.pi, size=16)
    return np.asarray(np.sin(2.0 * np.pi * at[..., None] * waves + phase) @ (1.3 / waves**1.5))


def _tongue(rng: np.random.Generator, x: Array, z: Array, seat: tuple[float, float]) -> Array:
    """Draw the level of a wide body with a steep and a tapering end, and a horn on its top."""
    crest, base = seat
    width, split = rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.75)
    way = np.clip((x - crest + split * width) / width, 0.0, 1.0)
    ends = way ** rng.uniform(0.3, 0.9) * (1.0 - way) ** rng.uniform(0.3, 0.9)
    middle = base - rng.uniform(0.0, 0.08) + rng.uniform(-0.12, 0.12) * (way - 0.5)
    horn = np.exp(-((np.abs(way - rng.uniform(0.25, 0.75)) / rng.uniform(0.05, 0.12)) ** 1.3))
    up = ends * (1.0 + 0.2 * _rugose(rng, way) + rng.uniform(0.0, 1.8) * horn)
    down = rng.uniform(0.4, 1.0) * ends * (1.0 + 0.2 * _rugose(rng, way))
    half = np.maximum(np.where(z < middle, up, down), 1e-9)
    return np.asarray(np.where(ends > 0.0, np.abs(z - middle) / half, np.inf))


def _stock(rng: np.random.Generator, x: Array, z: Array, seat: tuple[float, float]) -> Array:
    """Draw the level of a leaning column with a rounded head that reaches the basement."""
    crest, base = seat
    top = base - rng.uniform(0.0, 0.2)
    lean = rng.uniform(-0.35, 0.35)
    way = np.clip((z - top) / (1.0 - top), 0.0, 1.0)
    axis = crest + lean * way + rng.uniform(0.0, 0.02) * _rugose(rng, z)
    head = np.sqrt(np.clip(way / rng.uniform(0.05, 0.25), 0.0, 1.0))
    half = head * (1.0 - rng.uniform(0.2, 0.6) * way) * (1.0 + 0.06 * _rugose(rng, z))
    return np.asarray(np.where(half > 0.0, np.abs(x - axis) / np.maximum(half, 1e-9), np.inf))
