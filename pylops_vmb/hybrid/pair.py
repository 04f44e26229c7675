"""Network and modelling: whether they speak of the same survey and grid."""

import math

import numpy as np

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition


def check_pair_of(F: NonlinearOperator, G: NonlinearOperator) -> None:
    """Refuse a network that does not go from the data of a modelling to its velocity.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    G : `NonlinearOperator`
        The network; survey and grid are compared where it has ``acq`` and ``grid``.

    Raises
    ------
    VMBTypeError
        If it is no nonlinear operator.
    VMBValueError
        If surveys, grids or dims differ.
    """
    if not isinstance(G, NonlinearOperator):
        refuse(
            "G",
            "must be a learned inversion, or another operator from data to velocity",
            got=type(G).__name__,
            do="Call hybrid(F, dobs, G) with G = LearnedInversion.from_pretrained()",
            error=VMBTypeError,
        )
    mine, acq = getattr(G, "acq", None), getattr(F, "acq", None)
    if G.dims != F.dimsd or (mine and acq and not _same_geometry(mine, acq)):
        refuse(
            "G",
            f"must take the data of F, {acq or F.dimsd}",
            got=mine or G.dims,
            do="Call G.for_survey(F.acq)",
        )
    cells, grid = getattr(G, "grid", None), getattr(F, "grid", None)
    if G.dimsd != F.dims or (cells and grid and cells != grid):
        refuse(
            "G",
            f"must give velocity on the grid of F, {grid or F.dims}",
            got=cells or G.dimsd,
            do="Model on the grid of the network's card, or train a network for this one",
        )


def _same_geometry(one: Acquisition, other: Acquisition) -> bool:
    """Say whether two surveys of one shape have the same time step and positions."""
    return (
        math.isclose(one.dt, other.dt, rel_tol=1e-6)
        and np.allclose(one.srcs, other.srcs, atol=0.01)
        and np.allclose(one.receivers, other.receivers, atol=0.01)
    )
