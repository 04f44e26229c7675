"""Nearly flat layers whose interfaces share one rough form."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.velocity._checks import check_share
from pylops_vmb.velocity._layering import Layering, uniform_velocities
from pylops_vmb.velocity.base import Array
from pylops_vmb.velocity.layers import FlatLayers


@dataclass(frozen=True)
class RoughLayers(FlatLayers):
    """Nearly flat layers whose interfaces share one rough form.

    Parameters
    ----------
    dims, seed, vp_range, rising, faded
        As in `FlatLayers`.
    layers : tuple of int
        Least and largest number of layers, all equally likely.
    thinnest : float
        Least thickness of a layer, as a fraction of the model's depth; the first and the last
        layer are a quarter thicker at least.
    roughness : float
        Standard deviation of the form, as a fraction of the depth; doubled in ``rougher`` of
        the models.
    rougher : float
        Share of the models of double roughness.
    reach : float
        Length along which the form is smooth, as a fraction of the width.
    flare : float
        Standard deviation of the displacement at either side, as a fraction of the depth;
        it fades within twice the ``reach``.

    Notes
    -----
    The form is white noise under a Gaussian of standard deviation ``reach``. Velocities are
    uniform in ``vp_range``, sorted in the share ``rising``; what the least thickness leaves
    is shared out among the layers by a uniform draw (a flat Dirichlet law).
    """

    layers: tuple[int, int] = (5, 10)
    rising: float = 1.0
    thinnest: float = 0.07
    roughness: float = 0.005
    rougher: float = 0.0
    reach: float = 0.03
    flare: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        most = self.layers[1]
        if most * self.thinnest >= 0.9:
            do = "Ask for fewer or thinner layers"
            got = f"{most} layers of {self.thinnest}"
            refuse("thinnest", "leaves no room for the layers", got=got, do=do)
        self._set(
            thinnest=check_number("thinnest", self.thinnest, at_least=0.0),
            roughness=check_number("roughness", self.roughness, at_least=0.0),
            rougher=check_share("rougher", self.rougher),
            reach=check_number("reach", self.reach, above=0.0),
            flare=check_number("flare", self.flare, at_least=0.0),
        )

    def layering(self, rng: np.random.Generator) -> Layering:
        """Draw the stack of layers that a model or a fault displaces."""
        nx, nz = self.dims
        count = int(rng.integers(*self.layers, endpoint=True))
        vp = uniform_velocities(rng, count, self.vp_range, rising=rng.uniform() < self.rising)
        fade = rng.uniform(0.2, 0.9) if rng.uniform() < self.faded else 0.0
        levels = nz * np.cumsum(self._thickness(rng, count))[:-1]
        depths = levels[:, None] + nz * (self._form(rng) + self._flares(rng, count - 1))
        depths = np.maximum.accumulate(np.rint(depths), axis=0)
        return Layering(np.pad(depths, ((0, 0), (nx, nx)), mode="edge"), vp, fade, nx)

    def _thickness(self, rng: np.random.Generator, count: int) -> Array:
        """Draw the thickness ``(count,)`` of the layers, fractions that add up to one."""
        least = np.full(count, self.thinnest)
        least[[0, -1]] *= 1.25
        return np.asarray(least + (1.0 - least.sum()) * rng.dirichlet(np.ones(count)))

    def _form(self, rng: np.random.Generator) -> Array:
        """Draw the form ``(nx,)`` of all interfaces, a fraction of the depth."""
        nx = self.dims[0]
        length = self.reach * nx
        noise = gaussian_filter1d(rng.standard_normal(nx), length, mode="wrap")
        scale = self.roughness * (2.0 if rng.uniform() < self.rougher else 1.0)
        return np.asarray(scale * np.sqrt(2.0 * np.sqrt(np.pi) * length) * noise)

    def _flares(self, rng: np.random.Generator, count: int) -> Array:
        """Draw the displacements ``(count, nx)`` near the sides: one way, of several sizes."""
        nx = self.dims[0]
        fade = np.clip(1.0 - np.arange(nx) / (2.0 * self.reach * nx), 0.0, 1.0) ** 1.5
        left, right = self.flare * rng.standard_normal(2)
        size = rng.lognormal(0.0, 0.5, size=(count, 1))
        return np.asarray(size * (left * fade + right * fade[::-1]))
