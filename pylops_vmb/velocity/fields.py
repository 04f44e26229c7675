"""Smooth random velocity fields without layers."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb.velocity._checks import check_counts
from pylops_vmb.velocity._curves import smooth_field
from pylops_vmb.velocity.base import Array, VelocityGenerator


@dataclass(frozen=True)
class SmoothFields(VelocityGenerator):
    """Smooth random fields, longer than high, on a rise with depth.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`.
    waves : tuple of int
        Least and largest number of half-wavelengths that fit into the depth.

    Notes
    -----
    A random cosine series, one to three times longer than high, plus ``a z``, with ``a`` drawn
    from 0 to 2 and ``z`` from 0 to 1, scaled to a part of ``vp_range``.
    """

    waves: tuple[int, int] = (3, 8)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(waves=check_counts("waves", self.waves))

    def _draw(self, rng: np.random.Generator) -> Array:
        nx, nz = self.dims
        waves = int(rng.integers(*self.waves, endpoint=True))
        wide = round(nx * rng.uniform(1.0, 3.0))
        field = smooth_field(rng, (wide, nz), waves)[:nx]
        field = field + rng.uniform(0.0, 2.0) * np.arange(nz) / nz
        least, most = np.sort(rng.uniform((0.0, 0.5), (0.3, 1.0)))
        low, high = self.vp_range
        share = (field - field.min()) / max(float(np.ptp(field)), 1e-12)
        return np.asarray(low + (high - low) * (least + (most - least) * share))
