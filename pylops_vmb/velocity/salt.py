"""Salt bodies in any background."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from pylops_vmb._checks import check_number
from pylops_vmb.velocity._checks import check_range, check_share
from pylops_vmb.velocity.base import Array, Mask, VelocityGenerator, check_background
from pylops_vmb.velocity.layers import CurvedLayers


@dataclass(frozen=True)
class Salted(VelocityGenerator):
    """Salt of constant velocity in any background; a subclass draws the body.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`; ``vp_range`` also limits the models of ``background``.
    background : VelocityGenerator, optional
        What lies around the salt; by default `CurvedLayers` of the same grid and range.
    vp_salt : float
        Velocity of the salt in m/s.
    share : float
        Share of the models that hold salt.
    """

    background: VelocityGenerator | None = None
    vp_salt: float = 4500.0
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.vp_range
        background = self.background
        if background is None:
            background = CurvedLayers(self.dims, vp_range=self.vp_range)
        self._set(
            background=check_background(background, self.dims, family=VelocityGenerator),
            vp_salt=check_number("vp_salt", self.vp_salt, at_least=low, at_most=high, unit="m/s"),
            share=check_share("share", self.share),
        )

    @abstractmethod
    def _body(self, rng: np.random.Generator) -> Mask:
        """Draw the cells ``(nx, nz)`` of the salt."""

    def _draw(self, rng: np.random.Generator) -> Array:
        assert self.background is not None
        vp = self.background.draw(rng).astype(np.float64)
        if rng.uniform() < self.share:
            vp[self._body(rng)] = self.vp_salt
        return vp


@dataclass(frozen=True)
class SaltBodies(Salted):
    """A smooth, irregular salt body of constant velocity in any background.

    Parameters
    ----------
    dims, seed, vp_range
        As in `VelocityGenerator`; ``vp_range`` also limits the models of ``background``.
    background : VelocityGenerator, optional
        What lies around the salt; by default `CurvedLayers` of the same grid and range.
    vp_salt : float
        Velocity of the salt in m/s.
    share : float
        Share of the models that hold salt.
    area : tuple of float
        Least and largest share of the cells that salt takes; most bodies lie in between.

    Notes
    -----
    The body is ``rho(x, z) <= r(angle)``, with ``rho`` an elliptic distance from its centre and
    ``r = 1 + sum_k a_k cos(k angle + phase_k)``; the level is set so that the drawn area is met.
    """

    area: tuple[float, float] = (0.03, 0.25)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(area=check_range("area", self.area, at_least=0.0, at_most=0.9))

    def _body(self, rng: np.random.Generator) -> Mask:
        least, most = self.area
        return salt_mask(rng, self.dims, least + (most - least) * rng.beta(2.4, 2.66))


def salt_mask(rng: np.random.Generator, dims: tuple[int, int], area: float) -> Mask:
    """Draw a body ``(nx, nz)`` that covers the share ``area`` of the cells."""
    nx, nz = dims
    x = (np.arange(nx)[:, None] / nx - rng.uniform(0.2, 0.8)) * np.sqrt(rng.uniform(0.3, 2.0))
    z = (np.arange(nz)[None, :] / nz - rng.uniform(0.4, 0.75)) * nz / nx
    tilt = rng.uniform(-0.5, 0.5)
    x, z = x + tilt * z, z - tilt * x
    angle = np.arctan2(z, x)
    radius = 1.0
    for k in range(1, 6):
        radius = radius + rng.normal(0.0, 0.22 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    level = np.hypot(x, z) / np.maximum(radius, 0.2)
    cells = round(area * level.size)
    edge = np.partition(level.ravel(), cells)[cells]
    return np.asarray(level < edge)
