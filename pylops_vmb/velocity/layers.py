"""Flat and folded layers."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb.velocity._checks import check_counts, check_numbers, check_share
from pylops_vmb.velocity._curves import curve
from pylops_vmb.velocity._layering import (
    Layering,
    free_velocities,
    layer_count,
    level_depths,
    rising_velocities,
)
from pylops_vmb.velocity.base import Array, VelocityGenerator


@dataclass(frozen=True)
class FlatLayers(VelocityGenerator):
    """Horizontal layers of constant velocity.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`.
    layers : tuple of int
        Least and largest number of layers, few drawn more often than many.
    rising : float
        Share of the models in which velocity rises with depth; in the others it is drawn freely.
    faded : float
        Share of the models whose layers carry a gradient towards the next layer.

    Examples
    --------
    >>> from pylops_vmb.velocity import FlatLayers
    >>> vp = FlatLayers((40, 30), seed=1)[7]
    >>> vp.shape, vp.dtype, bool((vp == vp[0]).all())
    ((40, 30), dtype('float32'), True)
    """

    layers: tuple[int, int] = (2, 10)
    rising: float = 0.6
    faded: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            layers=check_counts("layers", self.layers, at_least=2),
            rising=check_share("rising", self.rising),
            faded=check_share("faded", self.faded),
        )

    def _draw(self, rng: np.random.Generator) -> Array:
        nx, nz = self.dims
        x, z = np.arange(nx, dtype=float)[:, None], np.arange(nz, dtype=float)[None, :]
        return self.layering(rng).render(x, z)

    def layering(self, rng: np.random.Generator) -> Layering:
        """Draw the stack of layers that a model or a fault displaces."""
        count = layer_count(rng, self.layers)
        velocities = rising_velocities if rng.uniform() < self.rising else free_velocities
        fade = rng.uniform(0.2, 0.9) if rng.uniform() < self.faded else 0.0
        vp = velocities(rng, count, self.vp_range)
        levels = level_depths(rng, count, self.dims[1])
        return Layering(self._depths(rng, levels), vp, fade, self.dims[0])

    def _depths(self, rng: np.random.Generator, levels: Array) -> Array:  # noqa: ARG002
        """Return the interfaces ``(n - 1, 3 * nx)`` in cells around their mean depths."""
        return np.repeat(levels[:, None], 3 * self.dims[0], axis=1)


@dataclass(frozen=True)
class CurvedLayers(FlatLayers):
    """Folded layers: sums of sines, smooth random curves, or a dome or basin.

    Parameters
    ----------
    dims, seed, vp_range, layers, rising, faded
        As in `FlatLayers`.
    relief : tuple of float
        Least, most likely and largest height from trough to crest of the interfaces, as a
        fraction of the model's depth.
    conformal : float
        Share of the models in which all interfaces have one form; in the others the form
        changes with depth, so that the layers vary in thickness and may pinch out.
    """

    relief: tuple[float, float, float] = (0.0, 0.2, 0.8)
    conformal: float = 0.6

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            relief=check_numbers("relief", self.relief, 3),
            conformal=check_share("conformal", self.conformal),
        )

    def _depths(self, rng: np.random.Generator, levels: Array) -> Array:
        nx, nz = self.dims
        least, _, most = self.relief
        count = len(levels)
        height = np.full((count, 1), nz * (rng.triangular(*self.relief) if most > least else most))
        form = curve(rng, nx, nx)[None, :]
        if rng.uniform() >= self.conformal:
            own = np.stack([curve(rng, nx, nx) for _ in levels])
            form = form + rng.uniform(0.2, 0.7) * (own - form)
            height *= rng.uniform(0.6, 1.0, size=(count, 1))
        return np.asarray(np.maximum.accumulate(levels[:, None] + height * form, axis=0))
