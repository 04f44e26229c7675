"""FWI of Marmousi (IFP, 11 x 3.4 km, cells of 20 m) from a start that is linear in depth.

Reads ``marmousi1_20m/true_vp.npy`` and ``linear_vp.npy`` from the folder VMB_DATA.  Also
with its shots over processes: ``mpiexec -n 2 python -m tests.benchmarks marmousi --mpi``.
"""

import argparse

import numpy as np

from tests.benchmarks import known_models
from tests.benchmarks.known_models import Problem, add_arguments
from tests.benchmarks.report import Report, data_folder

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    folder = data_folder() / "marmousi1_20m"
    true, start = (
        np.ascontiguousarray(np.load(folder / f"{kind}_vp.npy").T) for kind in ("true", "linear")
    )
    problem = Problem(
        name="marmousi",
        true=true,
        start=start,
        spacing=20.0,
        water=24,
        start_is="velocity linear in depth below the water, as it comes with the model",
        f0=7.0,
        nt=2000,
        dt=2e-3,
        bands=(3.0, 5.0, 8.0, None),
        max_vel=5500.0,
    )
    return known_models.run(problem, options)
