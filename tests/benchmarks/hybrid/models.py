"""The models of these benchmarks, by family: generated, and OpenFWI's."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylops_vmb.velocity import openfwi_like
from tests.benchmarks.openfwi_maps import FAMILIES as FILES
from tests.benchmarks.openfwi_maps import read_maps
from tests.benchmarks.report import data_folder

Velocity = NDArray[np.float32]

FIRST = 2_000_000
"""Index of the first generated model: no training set of this project reaches it."""
FAMILIES = {"generator": "generator", "flatvel": "FlatVel-A", "curvevel": "CurveVel-A"}
"""Titles by name."""


class Model(NamedTuple):
    """A velocity ``(nx, nz)`` in m/s with the name of the model and of its family."""

    name: str
    family: str
    vp: Velocity


def read_models(families: Iterable[str], count: int) -> list[Model]:
    """Return the first models of some families, the first of each before the second of any."""
    velocities = {family: _velocities(family, count) for family in families}
    return [
        Model(f"{family}-{number:02d}", family, velocity)
        for number in range(count)
        for family, many in velocities.items()
        for velocity in many[number : number + 1]
    ]


def _velocities(family: str, count: int) -> Velocity:
    if family == "generator":
        return openfwi_like((70, 70), seed=0).batch(FIRST, count)
    return read_maps(data_folder() / "openfwi" / FILES[FAMILIES[family]], count)
