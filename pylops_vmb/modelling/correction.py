r"""Time dispersion of the second-order time step, taken out by two fixed matrices.

A wave of frequency :math:`\Omega` that is stepped by :math:`\delta t` oscillates with
:math:`\omega = (2 / \delta t) \arcsin(\Omega\, \delta t / 2)`.  The spectrum of the source is
therefore read at the lower frequency before the run, and that of the record at the higher one
after it (Koene, Robertsson, Broggini and Andersson, 2018, Geophysical Journal International
213, 169-193, doi:10.1093/gji/ggx563).  Both maps are linear and depend on three whole numbers
only, so each is built once as a matrix, whose adjoint is its transpose.  They act at the time
step that is really taken, and change the sampling on the way.
"""

import numpy as np
from numpy.typing import NDArray

_COLUMNS = 512  # of a matrix at a time: their complex spectra are large

Matrix = NDArray[np.float64]


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

    Notes
    -----
    The spectrum at :math:`\omega` is that of the wavelet at
    :math:`\Omega = (2 / \delta t) \sin(\omega\, \delta t / 2)`, as long as the wavelet's sampling
    holds it.  The time axis is doubled against wrap-around.
    """
    steps = nt * substeps
    phase = 2.0 * np.sin(np.pi * np.arange(steps + 1) / (2 * steps))
    held = substeps * phase < np.pi
    spectra = substeps * held[:, None] * _harmonics(phase, substeps * np.arange(nw))
    return np.fft.irfft(spectra, n=2 * steps, axis=0)[:steps]


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

    Notes
    -----
    The spectrum at :math:`\Omega` is that of the run at
    :math:`\omega = (2 / \delta t) \arcsin(\Omega\, \delta t / 2)`; no wave of the run is above
    :math:`2 / \delta t`.  The time axis is doubled against wrap-around.
    """
    half = np.pi * np.arange(nt + 1) / (2 * nt * substeps)
    phase = 2.0 * np.arcsin(np.minimum(half, 1.0))
    heard = (half <= 1.0)[:, None] / substeps
    steps = np.arange(nt * substeps)
    parts = [
        np.fft.irfft(heard * _harmonics(phase, some), n=2 * nt, axis=0)[:nt]
        for some in np.array_split(steps, -(-steps.size // _COLUMNS))
    ]
    return np.hstack(parts)


def _harmonics(phase: Matrix, samples: NDArray[np.int64]) -> NDArray[np.complex128]:
    waves: NDArray[np.complex128] = np.exp(-1j * np.outer(phase, samples))
    return waves
