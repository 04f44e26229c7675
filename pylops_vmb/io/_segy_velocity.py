"""Velocity models as SEG-Y: one trace a column of cells, samples down."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from segyio import BinField, TraceField

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_shape, refuse, warn
from pylops_vmb.errors import UnitWarning, VMBFileError
from pylops_vmb.io._segy_layout import Layout, read_layout
from pylops_vmb.io._segy_scan import scan
from pylops_vmb.io._segy_survey import sample_interval
from pylops_vmb.io._segy_traces import headers, lengths, samples
from pylops_vmb.io._segy_write import scale_lengths, whole_number, write_traces
from pylops_vmb.survey import Grid

_SLOWEST = 100.0  # m/s: anything below must be in another unit


def read_velocity(
    path: str | os.PathLike[str], *, grid: Grid | None = None
) -> tuple[NDArray[np.float32], Grid]:
    """Read a velocity model.

    Parameters
    ----------
    path : path-like
        A SEG-Y file with one trace a column of cells, depth downwards.
    grid : `Grid`, optional
        Where the cells lie, if the headers do not say it or are wrong.

    Returns
    -------
    vp : :obj:`numpy.ndarray`
        Velocities, ``(nx, nz)``, m/s, float32.
    grid : `Grid`
        The cells.

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y or truncated, or its positions are not regular.
    VMBValueError
        If ``grid`` has another number of cells.

    Warns
    -----
    UnitWarning
        If the velocities are too small for m/s; they are returned as they are.

    Notes
    -----
    Cells lie along x at the CDP (bytes 181-184), or else the source positions (73-76).
    The sample interval is the depth step in mm, so that programs that show it as
    milliseconds show metres; the delay (bytes 109-110) is the depth of the first cell
    in m.  Feet, by the binary header, are converted to m and m/s.
    """
    layout = read_layout(path)
    for doubt in layout.doubts:
        doubt.warn(layout.name)
    found = _read_grid(layout) if grid is None else grid
    with np.errstate(over="ignore", invalid="ignore"):  # too large, or signalling NaNs
        vp = np.asarray(layout.metre * samples(layout, 0, layout.ntraces), np.float32)
    check_shape("grid", found.dims, (layout.ntraces, layout.nt), axes="dims")
    if 0.0 < vp.max() < _SLOWEST:
        warn(
            layout.name,
            "holds velocities too small for m/s",
            got=f"{vp.min():g} to {vp.max():g}",
            do="Multiply them by 1000 if they are in km/s",
            category=UnitWarning,
        )
    return vp, found


def write_velocity(path: str | os.PathLike[str], vp: Any, grid: Grid) -> None:
    """Write a velocity model.

    Parameters
    ----------
    path : path-like
        Name of the file; it is replaced as a whole.
    vp : array_like
        Velocities, ``(nx, nz)`` or flat, m/s; stored as float32.
    grid : `Grid`
        The cells; their height must be a whole number of mm up to 32.767 m, and the
        depth of the first a whole number of m.

    Raises
    ------
    VMBValueError
        If the shape disagrees with the grid, or the grid does not fit into SEG-Y.
    VMBFileError
        If the folder is missing.

    See Also
    --------
    read_velocity : Says where the headers hold the grid.
    """
    values = to_tensor(vp, name="vp").detach().cpu().float().numpy()
    check_shape("vp", values.shape, grid.dims, axes="(nx, nz)")
    step = whole_number("grid: dz", 1e3 * grid.spacing[1], unit="mm")
    scalar, (x,) = scale_lengths("grid: x", grid.x)
    number = np.arange(1, grid.dims[0] + 1)
    positions = dict.fromkeys((TraceField.CDP_X, TraceField.SourceX, TraceField.GroupX), x)
    counters = (TraceField.TRACE_SEQUENCE_LINE, TraceField.TRACE_SEQUENCE_FILE, TraceField.CDP)
    write_traces(
        path,
        values.reshape(grid.dims),
        text=_describe(grid, step),
        binary={BinField.Interval: step, BinField.Traces: 1, BinField.SortingCode: 4},
        columns=positions
        | dict.fromkeys(counters, number)
        | {
            TraceField.TraceIdentificationCode: 1,
            TraceField.CoordinateUnits: 1,
            TraceField.SourceGroupScalar: scalar,
            TraceField.DelayRecordingTime: _first_depth(grid),
            TraceField.TRACE_SAMPLE_INTERVAL: step,
        },
    )


def _first_depth(grid: Grid) -> int:
    depth = round(grid.origin[1])
    if depth != grid.origin[1] or abs(depth) >= 2**15:
        refuse(
            "grid: depth of the first cell",
            "must be a whole number of metres to be written as SEG-Y",
            got=f"{grid.origin[1]:g} m",
            do="Store the model as .npz",
        )
    return depth


def _read_grid(layout: Layout) -> Grid:
    name, metre = layout.name, layout.metre
    head = headers(layout, 0, layout.ntraces)
    cdp, source = lengths(head, "cdpx", "sx", scalar="scalco", metre=metre)
    x = cdp if cdp.any() else source
    steps = np.diff(x)
    if steps.size == 0 or not steps[0] > 0.0 or np.ptp(steps) > 1e-3 * steps[0] + 0.02:
        refuse(
            name,
            "does not hold columns at regular positions along x",
            got="one column"
            if steps.size == 0
            else f"steps of {steps.min():g} to {steps.max():g} m",
            do="Pass the grid as an argument",
            error=VMBFileError,
        )
    step, doubts = sample_interval(layout, scan(layout))
    for doubt in doubts:
        doubt.warn(name)
    dz = round(1e3 * metre * step, 9)
    top = metre * float(head["delrt"][0])
    dx = round(float(x[-1] - x[0]) / len(steps), 9)
    return Grid((layout.ntraces, layout.nt), (dx, dz), (float(x[0]), top))


def _describe(grid: Grid, step: int) -> list[str]:
    (nx, nz), (x0, x1, z0, z1) = grid.dims, grid.extent
    return [
        "P velocity in m/s written by pylops_vmb",
        f"{nx} columns of cells along x from {x0:.10g} to {x1:.10g} m",
        f"{nz} cells down from {z0:.10g} to {z1:.10g} m depth, every {step / 1e3:g} m",
        "",
        "Bytes 181, 73 and 81 x of the column in m (scalar in 71).",
        "Samples run down in depth: the sample interval is the depth step in mm,",
        "so that programs which show it as milliseconds show metres;",
        "bytes 109 depth of the first cell in m.",
    ]
