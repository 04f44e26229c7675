r"""Time dispersion of the second-order time step, taken out by two fixed matrices.

A wave of frequency :math:`\Omega` that is stepped by :math:`\delta t` oscillates with
:math:`\omega = (2 / \delta t) \arcsin(\Omega\, \delta t / 2)`.  The spectrum of the source is
therefore read at the lower frequency before the run, and that of the record at the higher one
after it (Koene, Robertsson, Broggini and Andersson, 2018, Geophysical Journal International
213, 169-193, doi:10.1093/gji/ggx563).  Both maps are linear and depend on three whole numbers
only, so each is built once as a matrix, whose adjoint is its transpose.  They act at the time
step that is really taken, and change the sampling on the way.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBMemoryError
from pylops_vmb.modelling.memory import gib

_COLUMNS = 512

LARGEST = 4 * 2**30
"""Bytes of the largest matrix that is built."""

Matrix = NDArray[np.float64]
Samples = NDArray[np.int64]


def source_matrix(nw: int, *, nt: int, substeps: int) -> Matrix:
    r"""Return the matrix from a wavelet to the source of a run that is dispersed.

    Parameters
    ----------
    nw : :obj:`int`
        Samples of the wavelet.
    nt : :obj:`int`
        Samples of the record.
    substeps : :obj:`int`
        Time steps in a sample.

    Returns
    -------
    matrix : :obj:`numpy.ndarray`
        Shape ``(nt * substeps, nw)``.

    Raises
    ------
    VMBMemoryError
        If it takes more than 4 GiB.

    Notes
    -----
    The spectrum at :math:`\omega` is that of the wavelet at
    :math:`\Omega = (2 / \delta t) \sin(\omega\, \delta t / 2)`, as long as the wavelet's sampling
    holds it.  The time axis is doubled against wrap-around.
    """
    steps = nt * substeps
    phase = 2.0 * np.sin(np.pi * np.arange(steps + 1) / (2 * steps))
    held = substeps * phase < np.pi

    def columns(some: Samples) -> Matrix:
        spectra = substeps * held[:, None] * _harmonics(phase, substeps * some)
        return np.fft.irfft(spectra, n=2 * steps, axis=0)[:steps]

    return _by_columns((steps, nw), columns)


def record_matrix(nt: int, *, substeps: int) -> Matrix:
    r"""Return the matrix from the traces of a dispersed run to those without dispersion.

    Parameters
    ----------
    nt : :obj:`int`
        Samples of the record.
    substeps : :obj:`int`
        Time steps in a sample.

    Returns
    -------
    matrix : :obj:`numpy.ndarray`
        Shape ``(nt, nt * substeps)``.

    Raises
    ------
    VMBMemoryError
        If it takes more than 4 GiB.

    Notes
    -----
    The spectrum at :math:`\Omega` is that of the run at
    :math:`\omega = (2 / \delta t) \arcsin(\Omega\, \delta t / 2)`; no wave of the run is above
    :math:`2 / \delta t`.  The time axis is doubled against wrap-around.
    """
    half = np.pi * np.arange(nt + 1) / (2 * nt * substeps)
    phase = 2.0 * np.arcsin(np.minimum(half, 1.0))
    heard = (half <= 1.0)[:, None] / substeps

    def columns(some: Samples) -> Matrix:
        return np.fft.irfft(heard * _harmonics(phase, some), n=2 * nt, axis=0)[:nt]

    return _by_columns((nt, nt * substeps), columns)


def _by_columns(shape: tuple[int, int], columns: Callable[[Samples], Matrix]) -> Matrix:
    """Build a matrix some columns at a time, because their complex spectra are large."""
    if 8 * shape[0] * shape[1] > LARGEST:
        refuse(
            "time_correction",
            f"must not take more than {gib(LARGEST)}",
            got=f"a matrix of {shape[0]} x {shape[1]} numbers",
            do="Take a larger dt or a shorter record, or leave it off",
            error=VMBMemoryError,
        )
    matrix, numbers = np.empty(shape), np.arange(shape[1])
    for some in np.array_split(numbers, -(-numbers.size // _COLUMNS)):
        matrix[:, some] = columns(some)
    return matrix


def _harmonics(phase: Matrix, samples: Samples) -> NDArray[np.complex128]:
    waves: NDArray[np.complex128] = np.exp(-1j * np.outer(phase, samples))
    return waves
