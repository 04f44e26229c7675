"""Random lateral curves: the shapes of folded interfaces, and smooth fields made of cosines."""

import numpy as np

from pylops_vmb.velocity.base import Array


def sines(rng: np.random.Generator, x: Array) -> Array:
    """Sum one to three sines of half to four wavelengths, stronger and denser to one side."""
    count = int(rng.integers(1, 4))
    waves = rng.uniform(0.5, 4.0, size=(count, 1))
    phase = rng.uniform(0.0, 2.0 * np.pi, size=(count, 1))
    weight = rng.uniform(0.3, 1.0, size=count) / np.sqrt(waves[:, 0])
    inside = np.clip(x, 0.0, 1.0)
    envelope = np.exp(rng.uniform(-1.5, 1.5) * inside)
    chirped = x + rng.uniform(-0.3, 0.3) * inside * (1.0 - inside)
    return np.asarray(envelope * (weight @ np.sin(2.0 * np.pi * waves * chirped + phase)))


def wander(rng: np.random.Generator, x: Array) -> Array:
    """Return a smooth random curve: eight cosines that weaken with their wavenumber."""
    waves = np.arange(1, 9)[:, None] * 0.4
    phase = rng.uniform(0.0, 2.0 * np.pi, size=(8, 1))
    weight = rng.standard_normal(8) * np.exp(-0.5 * (waves[:, 0] / 1.3) ** 2)
    return np.asarray(weight @ np.cos(2.0 * np.pi * waves * x + phase))


def bulge(rng: np.random.Generator, x: Array) -> Array:
    """Return one dome or basin of Gaussian form on a slight dip."""
    width = rng.uniform(0.1, 0.35)
    dome = np.exp(-0.5 * ((x - rng.uniform(0.1, 0.9)) / width) ** 2)
    return np.asarray(rng.choice((-1.0, 1.0)) * dome + rng.uniform(-0.4, 0.4) * x)


_STYLES = (sines, wander, bulge)
_WEIGHTS = (0.6, 0.25, 0.15)


def curve(rng: np.random.Generator, nx: int, pad: int) -> Array:
    """Draw a curve over the columns ``-pad`` to ``nx + pad - 1``.

    Inside the model (columns 0 to ``nx - 1``) its values run from -0.5 to 0.5.
    """
    x = np.arange(-pad, nx + pad) / nx
    style = _STYLES[int(rng.choice(len(_STYLES), p=_WEIGHTS))]
    shape = style(rng, x)
    inside = shape[pad : pad + nx]
    low, high = float(inside.min()), float(inside.max())
    return np.asarray((shape - 0.5 * (low + high)) / max(high - low, 1e-12))


def smooth_field(rng: np.random.Generator, dims: tuple[int, int], waves: int) -> Array:
    """Draw a smooth field ``(nx, nz)`` with values up to one in size.

    A cosine series with random coefficients, up to ``waves`` half-wavelengths along each axis.
    """
    k = np.arange(waves + 1)
    along_x, along_z = (np.cos(np.pi * np.outer(np.arange(n) / n, k)) for n in dims)
    taper = np.exp(-((k[:, None] ** 2 + k[None, :] ** 2) / waves**2))
    field = along_x @ (rng.standard_normal(taper.shape) * taper) @ along_z.T
    field -= field.mean()
    return np.asarray(field / max(float(np.abs(field).max()), 1e-12))
