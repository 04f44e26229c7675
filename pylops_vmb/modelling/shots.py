"""A survey on its grid, as the propagator takes it: cells, source amplitudes, read-out."""

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import refuse
from pylops_vmb.modelling.correction import record_matrix, source_matrix
from pylops_vmb.modelling.propagator import Scheme, Shots, upsampled
from pylops_vmb.survey import Acquisition, Grid


def place(grid: Grid, acq: Acquisition, scheme: Scheme, *, time_correction: bool) -> Shots:
    """Put a survey on its grid.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded.
    scheme : `Scheme`
        How it will be simulated.
    time_correction : :obj:`bool`
        Take the dispersion of the time step out of the data.

    Returns
    -------
    shots : `Shots`
        Amplitudes in float64, everything on the CPU.

    Raises
    ------
    VMBValueError
        If a point between cells is too near to an edge.
    """
    readout = record_matrix(acq.nt, substeps=scheme.substeps) if time_correction else None
    return Shots(
        _cells(grid, acq.srcs[:, :, None], "source"),
        _cells(grid, acq.receivers, "receiver"),
        amplitudes(acq, scheme, time_correction=time_correction),
        None if readout is None else torch.from_numpy(readout),
    )


def amplitudes(acq: Acquisition, scheme: Scheme, *, time_correction: bool) -> torch.Tensor:
    """Return what is injected at each time step, shape ``(ns, 1, nt * substeps or less)``."""
    wavelets = np.broadcast_to(acq.wav, (acq.ns, acq.wav.shape[-1]))[:, None, :].copy()
    if not time_correction:
        return upsampled(torch.from_numpy(wavelets), scheme)
    remap = source_matrix(wavelets.shape[-1], nt=acq.nt, substeps=scheme.substeps)
    return torch.from_numpy(wavelets @ remap.T)


def _cells(grid: Grid, coords: NDArray[np.float64], label: str) -> torch.Tensor:
    cells = grid.cells(coords)
    whole = np.round(cells)
    on_grid = np.abs(cells - whole).max() < 1e-6
    if on_grid:
        return torch.from_numpy(whole.astype(np.int64).transpose(1, 2, 0).copy())
    last = np.reshape(np.subtract(grid.dims, 1), (2, 1, 1))
    between = (np.abs(cells - whole) > 1e-6).any(axis=0)
    near = between & ((cells < 4) | (cells > last - 4)).any(axis=0)
    if near.any():
        shot, number = np.argwhere(near)[0]
        refuse(
            "acq",
            f"a {label} between cells must keep 4 cells from the grid's edge",
            got=f"{label} {number} of shot {shot} at cell {cells[:, shot, number].round(2)}",
            do="Widen the grid, or move the point onto a cell",
        )
    return torch.from_numpy(cells.transpose(1, 2, 0).copy())
