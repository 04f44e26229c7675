"""SEG-Y: shot gathers, velocity models, and what a file holds."""

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from segyio import BinField, TraceField

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_shape, warn
from pylops_vmb.errors import DataWarning
from pylops_vmb.io._segy_headers import (
    SHOT_KEYS,
    check_samples,
    group_shots,
    read_traces,
    sample_interval,
)
from pylops_vmb.io._segy_layout import opened, read_layout
from pylops_vmb.io._segy_summary import SegySummary, summary
from pylops_vmb.io._segy_velocity import read_velocity, write_velocity
from pylops_vmb.io._segy_write import scale_lengths, whole_number, write_traces
from pylops_vmb.survey import Acquisition, band, ricker

__all__ = [
    "SegySummary",
    "read_gathers",
    "read_velocity",
    "summary",
    "write_gathers",
    "write_velocity",
]

Floats = NDArray[np.float32]


def read_gathers(
    path: str | os.PathLike[str],
    *,
    shot_key: str = "auto",
    dt: float | None = None,
    f0: float | None = None,
    wav: ArrayLike | None = None,
    wavc: int = 0,
) -> tuple[Floats, Acquisition]:
    """Read shot gathers and their survey.

    Parameters
    ----------
    path : path-like
        A SEG-Y file: either byte order, IBM or IEEE floats, 8, 16 or 32-bit integers.
    shot_key : {"auto", "fldr", "ep", "sx"}, optional
        What tells shots apart: field record, energy source point or source x.  "auto"
        takes the first that gives shots of one source each.
    dt : :obj:`float`, optional
        Time step in s, where the headers are wrong.
    f0 : :obj:`float`, optional
        Peak frequency of the Ricker wavelet in Hz.  SEG-Y holds no wavelet; without
        ``f0`` and ``wav`` the peak frequency of the data is taken, with a warning.
    wav : array_like, optional
        Causal source wavelet, ``(nw,)`` or ``(ns, nw)``, instead of a Ricker.
    wavc : :obj:`int`, optional
        Sample of its time zero.

    Returns
    -------
    data : :obj:`numpy.ndarray`
        Gathers, ``(ns, nr, nt)``, float32, shots and receivers in the order of the file.
    acq : `Acquisition`
        Positions in m with z down; a fixed spread where all shots share their receivers.

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, without geometry, not a line along
        x, or its shots differ in their number of receivers.

    Warns
    -----
    FileWarning
        If trace headers disagree with the file, delay the recording or flag dead traces.
    DataWarning
        If the wavelet had to be guessed.

    Notes
    -----
    The depth of a source is its depth below the surface (bytes 49-52) minus the
    elevation of the surface (45-48); that of a receiver is minus its elevation (41-44).
    Lengths in feet, by the binary header, are converted to m.

    References
    ----------
    SEG Technical Standards Committee, 2002. SEG Y rev 1 data exchange format.
    """
    check_choice("shot_key", shot_key, ("auto", *SHOT_KEYS))
    layout = read_layout(path)
    with opened(layout) as file:
        check_samples(file, layout)
        dt = sample_interval(file, layout, dt)
        traces = read_traces(file, layout)
        shots = group_shots(traces, shot_key, layout.path.name)
        data = np.asarray(file.trace.raw[:], np.float32)[shots]
    if wav is None:
        f0 = _peak_frequency(data, dt, layout.path.name) if f0 is None else f0
        wav, wavc = ricker(f0, dt)
    recs = traces.recs[:, shots]
    if np.all(recs == recs[:, :1]):
        recs = recs[:, 0]
    srcs = traces.srcs[:, shots[:, 0]]
    return data, Acquisition(srcs, recs, nt=layout.nt, dt=dt, wav=wav, wavc=wavc, f0=f0)


def write_gathers(path: str | os.PathLike[str], data: Any, acq: Acquisition) -> None:
    """Write shot gathers, one trace a receiver.

    Parameters
    ----------
    path : path-like
        Name of the file; it is replaced as a whole.
    data : array_like
        Gathers, ``(ns, nr, nt)`` or flat; stored as float32.
    acq : `Acquisition`
        Where they were shot; its time step must be a whole number of microseconds.

    Raises
    ------
    VMBValueError
        If shapes disagree, or the time step, the number of samples or the coordinates
        do not fit into SEG-Y.
    VMBFileError
        If the folder is missing.

    Notes
    -----
    Revision 1, big endian, IEEE floats.  The scalars make coordinates exact, or right to
    0.01 m at worst.  The wavelet goes into the textual header as words only.
    """
    values = to_tensor(data, name="data").detach().cpu().float().numpy()
    check_shape("data", values.shape, acq.dimsd, axes="(ns, nr, nt)")
    us = whole_number("dt", 1e6 * acq.dt, unit="microseconds")
    write_traces(
        path,
        values.reshape(acq.ns * acq.nr, acq.nt),
        text=_describe(acq, us),
        binary={BinField.Interval: us, BinField.Traces: min(acq.nr, 2**15 - 1)}
        | {BinField.SortingCode: 5, BinField.EnsembleFold: 1},
        columns=_gather_columns(acq) | {TraceField.TRACE_SAMPLE_INTERVAL: us},
    )


def _peak_frequency(data: Floats, dt: float, name: str) -> float:
    f0 = band(data, dt)[1]
    warn(
        name,
        "holds no source wavelet; a Ricker of the data's peak frequency is taken",
        got=f"{f0:.3g} Hz",
        do="Pass f0=, or wav= and wavc=, to read_gathers",
        category=DataWarning,
    )
    return f0


def _gather_columns(acq: Acquisition) -> dict[int, Any]:
    (xr, zr), (xs, zs) = acq.receivers, np.repeat(acq.srcs[..., None], acq.nr, axis=2)
    xscalar, (sx, gx) = scale_lengths("acq: x of sources and receivers", xs, xr)
    zscalar, (sdepth, gdepth) = scale_lengths("acq: z of sources and receivers", zs, zr)
    shot, channel = np.indices((acq.ns, acq.nr)) + 1
    number = np.arange(1, acq.ns * acq.nr + 1)
    columns: dict[int, Any] = {
        TraceField.FieldRecord: shot,
        TraceField.EnergySourcePoint: shot,
        TraceField.TraceNumber: channel,
        TraceField.offset: np.rint(xr - xs).astype(np.int64),
        TraceField.SourceX: sx,
        TraceField.GroupX: gx,
        TraceField.SourceDepth: sdepth,
        TraceField.ReceiverGroupElevation: -gdepth,
    }
    columns = {field: values.ravel() for field, values in columns.items()}
    return columns | {
        TraceField.TRACE_SEQUENCE_LINE: number,
        TraceField.TRACE_SEQUENCE_FILE: number,
        TraceField.TraceIdentificationCode: 1,
        TraceField.DataUse: 1,
        TraceField.CoordinateUnits: 1,
        TraceField.SourceGroupScalar: xscalar,
        TraceField.ElevationScalar: zscalar,
    }


def _describe(acq: Acquisition, us: int) -> list[str]:
    def between(label: str, points: NDArray[np.float64]) -> str:
        (x0, z0), (x1, z1) = points.reshape(2, -1).min(axis=1), points.reshape(2, -1).max(axis=1)
        return f"{label} x {x0:.10g} to {x1:.10g} m, depth {z0:.10g} to {z1:.10g} m"

    spread = "all shots share their receivers" if acq.recs.ndim == 2 else "receivers by shot"
    return [
        "Shot gathers written by pylops_vmb",
        f"{acq.ns} shots of {acq.nr} receivers, {spread}",
        f"{acq.nt} samples of {us} microseconds, the first at time zero",
        between("Sources", acq.srcs),
        between("Receivers", acq.recs),
        f"Wavelet: peak frequency {acq.f0:.6g} Hz, {acq.wav.shape[-1]} samples",
        f"Events arrive {1e6 * acq.delay:.10g} microseconds after their travel time",
        "",
        "Positions in m. Bytes 73 source x, 81 receiver x (scalar in 71),",
        "49 source depth, 41 receiver elevation, negative below the surface",
        "(scalar in 69), 9 and 17 shot, 13 receiver, from 1",
    ]
