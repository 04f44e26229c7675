"""What is observed of a model, and the modelling that inverts it."""

from collections.abc import Callable
from typing import NamedTuple

import pylops_vmb as vmb
from pylops_vmb.survey import LowCut
from tests.benchmarks.hybrid.models import Velocity


class Problem(NamedTuple):
    """Observed data ``(ns, nr, nt)`` and the modelling that inverts them.

    The true velocity ``(nx, nz)`` is for the scores, and for oracles that say so.
    """

    F: vmb.AcousticModelling2D
    dobs: Velocity
    true: Velocity


Condition = Callable[[Velocity], Problem]


def full(true: Velocity) -> Problem:
    """Shoot OpenFWI's survey, without noise, with the modelling that inverts."""
    F = vmb.AcousticModelling2D(vmb.Grid.openfwi(), vmb.Acquisition.openfwi())
    return Problem(F, F(true), true)


def low_cut(true: Velocity, *, corner: float = 4.0) -> Problem:
    """Remove what is below a corner in Hz, from data and modelled wavelet alike."""
    F, dobs, _ = full(true)
    cut = LowCut(corner)
    return Problem(vmb.AcousticModelling2D(F.grid, cut.on(F.acq)), cut(dobs, F.acq.dt), true)


CONDITIONS: dict[str, Condition] = {"full": full, "lowcut": low_cut}
TITLES = {"full": "full band", "lowcut": "below 4 Hz removed"}
