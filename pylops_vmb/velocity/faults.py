"""Layers cut by dipping faults."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb.velocity._checks import check_counts, check_range
from pylops_vmb.velocity.base import Array, VelocityGenerator, check_background
from pylops_vmb.velocity.layers import CurvedLayers, FlatLayers


@dataclass(frozen=True)
class FaultedLayers(VelocityGenerator):
    """Flat or folded layers displaced along straight faults, normal or reverse.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`; ``vp_range`` also limits the models of ``background``.
    background : FlatLayers or CurvedLayers, optional
        The layers to cut; by default `CurvedLayers` of the same grid and range.
    faults : tuple of int
        Least and largest number of faults.
    throw : tuple of float
        Least and largest vertical displacement of a fault, as a fraction of the model's depth.
    dip : tuple of float
        Least and largest dip in degrees from the horizontal, within 10 to 90.

    Notes
    -----
    A fault through ``(x0, z0)`` that dips by ``a`` towards ``s = +1`` (right) or ``-1`` moves the
    block above it by ``t (s / tan a, 1)``: down-dip for a normal fault, ``t > 0``, and
    up-dip for a reverse one. The model is read backwards, from the youngest fault to the
    oldest: ``vp(x, z) = background((x, z) - displacements)``.
    """

    background: FlatLayers | None = None
    faults: tuple[int, int] = (1, 4)
    throw: tuple[float, float] = (0.05, 0.22)
    dip: tuple[float, float] = (30.0, 90.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        background = self.background
        if background is None:
            background = CurvedLayers(self.dims, vp_range=self.vp_range)
        self._set(
            background=check_background(background, self.dims, family=FlatLayers),
            faults=check_counts("faults", self.faults),
            throw=check_range("throw", self.throw, at_least=0.0, at_most=1.0),
            dip=check_range("dip", self.dip, at_least=10.0, at_most=90.0, unit="degrees"),
        )

    def _draw(self, rng: np.random.Generator) -> Array:
        assert self.background is not None
        layering = self.background.layering(rng)
        nx, nz = self.dims
        x, z = np.meshgrid(np.arange(nx, dtype=float), np.arange(nz, dtype=float), indexing="ij")
        for x0, z0, slope, side, throw in self._faults(rng):
            above = side * (x - x0 - slope * (z - z0)) > 0.0
            x = x - above * (slope * throw)
            z = z - above * throw
        return layering.render(x, z)

    def _faults(self, rng: np.random.Generator) -> Array:
        """Draw faults ``(n, 5)`` in cells: x0, z0, slope ``s / tan a``, side ``s``, throw ``t``."""
        nx, nz = self.dims
        count = int(rng.integers(self.faults[0], self.faults[1], endpoint=True))
        one_set = rng.uniform() < 0.5
        dip = np.deg2rad(rng.uniform(*self.dip, size=count))
        side = rng.choice((-1.0, 1.0), size=count)
        if one_set:
            dip, side = np.full(count, dip[0]), np.full(count, side[0])
        x0 = nx * (rng.permutation(count) + rng.uniform(0.15, 0.85, size=count)) / count
        throw = nz * rng.uniform(*self.throw, size=count)
        throw *= rng.choice((1.0, -1.0), p=(0.7, 0.3), size=1 if one_set else count)
        z0 = np.full(count, 0.5 * nz)
        return np.stack([x0, z0, side / np.tan(dip), side, throw], axis=1)
