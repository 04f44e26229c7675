"""Models of any generator, rotated, stretched, cropped, mirrored and mixed."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.velocity._checks import check_range, check_share
from pylops_vmb.velocity.base import Array, VelocityGenerator


@dataclass(frozen=True, init=False)
class Deformed(VelocityGenerator):
    r"""Augmented models, to be simulated: these changes have no counterpart in the gathers.

    Parameters
    ----------
    generator : `VelocityGenerator`
        Where the models come from; its seed plays no part.
    dims : :obj:`tuple` of :obj:`int`, optional
        Cells ``(nx, nz)``, at most those of `generator`: a window at random is cut out.  By
        default all of the model.
    seed : :obj:`int`, optional
        Seed of the whole sequence.
    rotation : :obj:`float`, optional
        Largest angle in degrees, to either side, of square cells.
    stretch : :obj:`tuple` of :obj:`float`, optional
        Least and largest factor of lengths, drawn for x and for z.
    mirror : :obj:`float`, optional
        Share of the models that are mirrored left to right.
    mixed : :obj:`float`, optional
        Share of the models that are the weighted mean of two, with a weight from 0 to 1.

    Raises
    ------
    VMBValueError
        If a value is out of range, or `dims` do not fit into the models.
    VMBTypeError
        If `generator` is none.

    Notes
    -----
    Rotation and stretch act about the middle, :math:`\mathbf y = \mathbf c + R\, S\,
    (\mathbf x - \mathbf c)`, and each cell takes the velocity of the nearest one: layers keep
    their velocities and salt its edge.  What comes in from outside repeats the model's edge;
    a generator on a larger grid, cut to `dims` afterwards, avoids this.

    Examples
    --------
    >>> from pylops_vmb.velocity import CurvedLayers, Deformed
    >>> vp = Deformed(CurvedLayers((48, 40)), dims=(32, 30), rotation=10.0, mirror=0.5)[3]
    >>> vp.shape
    (32, 30)
    """

    generator: VelocityGenerator
    rotation: float = 0.0
    stretch: tuple[float, float] = (1.0, 1.0)
    mirror: float = 0.0
    mixed: float = 0.0

    def __init__(
        self,
        generator: VelocityGenerator,
        *,
        dims: tuple[int, int] | None = None,
        seed: int = 0,
        vp_range: tuple[float, float] | None = None,
        rotation: float = 0.0,
        stretch: tuple[float, float] = (1.0, 1.0),
        mirror: float = 0.0,
        mixed: float = 0.0,
    ) -> None:
        self._set(
            generator=_check_generator(generator),
            dims=dims or generator.dims,
            seed=seed,
            vp_range=vp_range or generator.vp_range,
            rotation=check_number("rotation", rotation, at_least=0.0, at_most=90.0),
            stretch=check_range("stretch", stretch, at_least=0.1, at_most=10.0),
            mirror=check_share("mirror", mirror),
            mixed=check_share("mixed", mixed),
        )
        self.__post_init__()
        if any(own > whole for own, whole in zip(self.dims, generator.dims, strict=True)):
            do = f"Choose at most {generator.dims}, or a generator on a larger grid"
            refuse("dims", "must fit into the models of the generator", got=self.dims, do=do)

    def _draw(self, rng: np.random.Generator) -> Array:
        vp = self._mixture(rng)
        if rng.uniform() < self.mirror:
            vp = vp[::-1]
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
        factors = rng.uniform(*self.stretch, size=2)
        return _cut(_moved(vp, angle, factors), self.dims, rng)

    def _mixture(self, rng: np.random.Generator) -> Array:
        """Draw a model, or the weighted mean of two."""
        vp = self.generator.draw(rng).astype(np.float64)
        if rng.uniform() < self.mixed:
            weight = rng.uniform()
            vp = weight * vp + (1.0 - weight) * self.generator.draw(rng)
        return vp


def _moved(vp: Array, angle: float, factors: Array) -> Array:
    """Rotate ``vp`` by ``angle`` radians (x towards z) and stretch it about its middle."""
    cos, sin = np.cos(angle), np.sin(angle)
    back = np.array([[cos, sin], [-sin, cos]]) / factors[:, None]
    middle = 0.5 * (np.array(vp.shape) - 1.0)
    return np.asarray(
        affine_transform(vp, back, offset=middle - back @ middle, order=0, mode="nearest")
    )


def _cut(vp: Array, dims: tuple[int, int], rng: np.random.Generator) -> Array:
    """Cut a window of ``dims`` cells out of ``vp``, anywhere."""
    ix, iz = (int(rng.integers(n - own + 1)) for n, own in zip(vp.shape, dims, strict=True))
    return vp[ix : ix + dims[0], iz : iz + dims[1]]


def _check_generator(generator: object) -> VelocityGenerator:
    if not isinstance(generator, VelocityGenerator):
        do, got = "Pass one such as CurvedLayers((70, 70))", type(generator).__name__
        refuse("generator", "must draw velocity models", got=got, do=do, error=VMBTypeError)
    return generator
