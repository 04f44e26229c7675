"""Ready-made generators in the manner of the families of OpenFWI, by name."""

from dataclasses import dataclass

from pylops_vmb._checks import check_choice, check_integer
from pylops_vmb.velocity.base import VelocityGenerator
from pylops_vmb.velocity.even import EvenLayers
from pylops_vmb.velocity.faults import FaultedLayers
from pylops_vmb.velocity.fields import SmoothFields

_FOLDS = 0.24


@dataclass(frozen=True)
class _Layered:
    """A family of layers: height of folds, whether velocity rises, and the faults."""

    relief: float
    rising: bool
    faults: tuple[int, int] | None = None

    def build(self, dims: tuple[int, int], seed: int) -> VelocityGenerator:
        layers = EvenLayers(dims, seed=seed, relief=self.relief, rising=float(self.rising))
        if self.faults is None:
            return layers
        return FaultedLayers(dims, seed=seed, background=layers, faults=self.faults)


@dataclass(frozen=True)
class _Style:
    """A family without layers: its range of half-wavelengths a depth."""

    waves: tuple[int, int]

    def build(self, dims: tuple[int, int], seed: int) -> VelocityGenerator:
        return SmoothFields(dims, seed=seed, waves=self.waves)


_FAMILIES: dict[str, _Layered | _Style] = {
    "flatvel_a": _Layered(0.0, rising=True),
    "flatvel_b": _Layered(0.0, rising=False),
    "curvevel_a": _Layered(_FOLDS, rising=True),
    "curvevel_b": _Layered(_FOLDS, rising=False),
    "flatfault_a": _Layered(0.0, rising=True, faults=(1, 2)),
    "flatfault_b": _Layered(0.0, rising=False, faults=(1, 4)),
    "curvefault_a": _Layered(_FOLDS, rising=True, faults=(1, 2)),
    "curvefault_b": _Layered(_FOLDS, rising=False, faults=(1, 4)),
    "style_a": _Style((4, 10)),
    "style_b": _Style((10, 24)),
}

OPENFWI_FAMILIES = tuple(_FAMILIES)


def openfwi_family(name: str, dims: tuple[int, int] = (70, 70), seed: int = 0) -> VelocityGenerator:
    """Return a generator in the manner of one family of OpenFWI [1]_; nothing is copied.

    Parameters
    ----------
    name : str
        ``flatvel``, ``curvevel``, ``flatfault``, ``curvefault`` or ``style``, each with ``_a`` or
        ``_b``: one of ``OPENFWI_FAMILIES``.
    dims : tuple of int
        Cells ``(nx, nz)``.
    seed : int
        Seed of the sequence; the families of one seed share no random numbers.

    Raises
    ------
    VMBValueError
        The name is unknown, or the seed is negative.

    Notes
    -----
    Three to seven layers fit into the depth, from 1500 to 4500 m/s; velocity rises with depth
    in the A families and is free in the B families. ``flatvel_a`` and ``curvevel_a`` follow the
    distributions of real maps. The B, fault and style families follow descriptions only:
    the faults are those of `FaultedLayers` (in OpenFWI, blocks may differ in velocity as well), and
    the style families stand in for maps that were made from photographs.

    References
    ----------
    .. [1] Deng et al., 2022, OpenFWI: large-scale multi-structural benchmark datasets for
       full waveform inversion, NeurIPS Datasets and Benchmarks.

    Examples
    --------
    >>> from pylops_vmb.velocity import openfwi_family
    >>> openfwi_family("curvevel_a", seed=2)[0].shape
    (70, 70)
    """
    place = OPENFWI_FAMILIES.index(check_choice("name", name, OPENFWI_FAMILIES))
    own = len(_FAMILIES) * check_integer("seed", seed) + place
    return _FAMILIES[name].build(dims, own)
