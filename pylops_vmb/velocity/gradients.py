"""Smooth velocities: linear or compacting with depth, with or without anomalies."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb.velocity._checks import check_share
from pylops_vmb.velocity._curves import smooth_field
from pylops_vmb.velocity.base import Array, VelocityGenerator


@dataclass(frozen=True)
class Gradients(VelocityGenerator):
    """Velocities that rise smoothly with depth.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`.
    anomalies : float
        Share of the models that carry smooth random anomalies.

    Notes
    -----
    ``vp = v0 + (v1 - v0) s(z)`` with ``s`` linear, or ``(1 - exp(-c z)) / (1 - exp(-c))`` for
    compaction, on a depth axis that may dip laterally.
    """

    anomalies: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(anomalies=check_share("anomalies", self.anomalies))

    def _draw(self, rng: np.random.Generator) -> Array:
        low, high = self.vp_range
        top = low + 0.4 * (high - low) * rng.uniform()
        bottom = top + rng.uniform(0.3, 1.0) * (high - top)
        vp = top + (bottom - top) * self._profile(rng)
        if rng.uniform() < self.anomalies:
            waves = int(rng.integers(3, 9))
            vp = vp + rng.uniform(0.03, 0.15) * (high - low) * smooth_field(rng, self.dims, waves)
        return vp

    def _profile(self, rng: np.random.Generator) -> Array:
        """Draw the rise ``(nx, nz)`` from 0 at the top to 1 at the bottom."""
        nx, nz = self.dims
        dip = rng.uniform(-0.15, 0.15)
        x, z = np.linspace(-1.0, 1.0, nx)[:, None], np.linspace(0.0, 1.0, nz)[None, :]
        way = np.clip(z + dip * x, 0.0, 1.0)
        if rng.uniform() < 0.5:
            return np.asarray(way)
        rate = rng.uniform(1.0, 4.0)
        return np.asarray(np.expm1(-rate * way) / np.expm1(-rate))
