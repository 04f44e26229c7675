"""Layers as interfaces and velocities, rendered on any displaced set of points."""

from dataclasses import dataclass

import numpy as np

from pylops_vmb.velocity.base import Array


@dataclass(frozen=True)
class Layering:
    """A stack of ``n`` layers, defined beyond both sides of the model.

    Parameters
    ----------
    depths : ndarray
        Interfaces ``(n - 1, pad + nx + pad)`` in cells, sorted downwards.
    velocities : ndarray
        Velocity at the top of each layer ``(n,)`` in m/s.
    fade : float
        Share of the step to the next layer that a layer gains between its top and its
        bottom: 0 for constant layers.
    pad : int
        Columns beyond each side.
    """

    depths: Array
    velocities: Array
    fade: float
    pad: int

    def render(self, x: Array, z: Array) -> Array:
        """Return velocities in m/s at the points ``x``, ``z`` (cells, broadcast)."""
        columns = np.clip(np.rint(x).astype(np.intp) + self.pad, 0, self.depths.shape[1] - 1)
        layer = (self.depths[:, columns] <= z).sum(axis=0)
        vp = self.velocities[layer]
        if self.fade:
            vp = vp + self._gain(layer, *np.broadcast_arrays(columns, z))
        return np.asarray(vp)

    def _gain(self, layer: Array, columns: Array, z: Array) -> Array:
        """Return the rise within the layers; the first and the last stay constant."""
        last = len(self.depths) - 1
        top = self.depths[np.clip(layer - 1, 0, last), columns]
        bottom = self.depths[np.clip(layer, 0, last), columns]
        way = np.clip((z - top) / np.maximum(bottom - top, 1.0), 0.0, 1.0)
        step = np.diff(self.velocities, append=self.velocities[-1])
        return np.asarray(self.fade * step[layer] * way)


def layer_count(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """Draw a number of layers from a triangular law: few layers come more often than many."""
    least, most = bounds
    return int(rng.triangular(least, least + 0.2 * (most + 1 - least), most + 1))


def level_depths(rng: np.random.Generator, count: int, nz: int) -> Array:
    """Draw the mean depths ``(count - 1,)`` in cells of the interfaces of ``count`` layers."""
    thickness = rng.uniform(0.3, 1.3, size=count)
    return np.asarray(nz * np.cumsum(thickness)[:-1] / thickness.sum())


def rising_velocities(rng: np.random.Generator, count: int, vp_range: tuple[float, float]) -> Array:
    """Draw ``count`` velocities in m/s that rise with depth, with a start far from fixed."""
    low, high = vp_range
    start = low + 0.6 * (high - low) * rng.uniform() ** 1.5
    jumps = rng.uniform(0.15, 1.0, size=count - 1)
    total = rng.uniform(0.4, 1.0) * (high - start)
    return np.asarray(start + total * np.append(0.0, np.cumsum(jumps) / jumps.sum()))


def free_velocities(rng: np.random.Generator, count: int, vp_range: tuple[float, float]) -> Array:
    """Draw ``count`` velocities in m/s freely, neighbours at least a twentieth of the range apart.

    Steps are taken on a circle as long as the range, so that every layer is uniform in it.
    """
    low, high = vp_range
    steps = rng.uniform(0.05, 0.95, size=count)
    steps[0] = rng.uniform()
    return np.asarray(low + (high - low) * (np.cumsum(steps) % 1.0))


def uniform_velocities(
    rng: np.random.Generator, count: int, vp_range: tuple[float, float], *, rising: bool
) -> Array:
    """Draw ``count`` velocities in m/s uniformly in the range, sorted if ``rising``."""
    velocities = rng.uniform(*vp_range, size=count)
    return np.asarray(np.sort(velocities) if rising else velocities)
