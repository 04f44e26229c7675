"""FWI of a slice of the SEG/EAGE Overthrust model (10 x 3 km, cells of 25 m) from its start.

Reads ``overthrust/small_overthrust_model.h5`` from the folder VMB_DATA; ``--large`` takes the
slice of 20 x 5 km.  The file's start is a smoothed truth, and the table says so.
"""

import argparse

import h5py
import numpy as np

from tests.benchmarks import known_models
from tests.benchmarks.known_models import Model, Problem
from tests.benchmarks.report import Report, data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    known_models.add_arguments(parser)
    parser.add_argument("--large", action="store_true", help="the slice of 801 x 207 cells")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    name = "overthrust_model_2D.h5" if options.large else "small_overthrust_model.h5"
    with h5py.File(data_folder() / "overthrust" / name) as file:
        true, start = (_velocity(file[key][()]) for key in ("m", "m0"))
    problem = Problem(
        name="overthrust",
        true=true,
        start=start,
        spacing=25.0,
        water=20,
        start_is="the file's own, a smoothed truth",
        f0=8.0,
        nt=2400 if options.large else 1500,
        dt=2e-3,
        bands=(3.0, 5.0, 8.0, None),
        max_vel=6100.0,
    )
    return known_models.run(problem, options)


def _velocity(squared_slowness: Model) -> Model:
    """Turn slowness squared ``(nz, nx)`` in s2/km2 into velocity ``(nx, nz)`` in m/s."""
    return np.ascontiguousarray(np.clip(1000.0 / np.sqrt(squared_slowness.T), 1500.0, 6000.0))
