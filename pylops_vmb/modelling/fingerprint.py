"""What tells one modelling from another: a digest of grid, survey and scheme."""

import hashlib

import numpy as np

from pylops_vmb.survey import Acquisition, Grid


def survey_digest(grid: Grid, acq: Acquisition, *, scheme: object) -> str:
    """Return a SHA-256 of everything that modelled data depend on.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded: its positions, time axis and wavelets.
    scheme : object
        How it is simulated, told in full by its `repr`.

    Returns
    -------
    sha256 : :obj:`str`
        64 hexadecimal digits.
    """
    words = (grid.dims, grid.spacing, grid.origin, acq.nt, acq.dt, acq.wavc, acq.f0, scheme)
    sha = hashlib.sha256(repr(words).encode())
    for array in (acq.srcs, acq.recs, acq.wav):
        sha.update(repr(array.shape).encode())
        sha.update(np.ascontiguousarray(array, np.float64).data)
    return sha.hexdigest()
