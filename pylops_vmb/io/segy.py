"""SEG-Y: shot gathers, velocity models, and what a file holds."""

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from segyio import BinField, TraceField

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_shape, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_folder import Where, open_layout
from pylops_vmb.io._segy_gathers import GatherFile
from pylops_vmb.io._segy_missing import fill
from pylops_vmb.io._segy_scan import scan
from pylops_vmb.io._segy_summary import SegySummary, summary
from pylops_vmb.io._segy_survey import Options, count_doubts, sample_interval
from pylops_vmb.io._segy_traces import samples
from pylops_vmb.io._segy_velocity import read_velocity, write_velocity
from pylops_vmb.io._segy_write import scale_lengths, whole_number, write_traces
from pylops_vmb.survey import Acquisition

__all__ = [
    "GatherFile",
    "SegySummary",
    "open_gathers",
    "read_gathers",
    "read_traces",
    "read_velocity",
    "summary",
    "write_gathers",
    "write_velocity",
]

_DEAD = 2


def read_gathers(
    path: Where,
    *,
    shot_key: str = "auto",
    missing: str = "refuse",
    delays: str = "pad",
    crooked: float | None = None,
    dt: float | None = None,
    f0: float | None = None,
    wav: ArrayLike | None = None,
    wavc: int = 0,
) -> tuple[NDArray[Any], Acquisition]:
    """Read shot gathers and their survey.

    Parameters
    ----------
    path : path-like or sequence of path-like
        A SEG-Y file of revision 0, 1 or 2 in either byte order: IBM or IEEE floats, or
        integers of 8, 16, 32 or 64 bits.  Or a folder of such files, one shot or more in
        each: those that end in .sgy or .segy, in the order of the numbers in their names.
        Or a list of files, in their order.
    shot_key : {"auto", "fldr", "ep", "sx"}, optional
        What tells shots apart: field record, energy source point or source position.
        "auto" takes the first that gives shots of one source each.
    missing : {"refuse", "fill"}, optional
        What to do where shots differ in their number of receivers: "fill" gives every
        shot all receivers of the spread, with zeros for what was not recorded.
    delays : {"pad", "ignore"}, optional
        What to do where recording began before or after the shot: "pad" moves traces to
        their time, with zeros where nothing was recorded; "ignore" takes the first
        sample as time zero.
    crooked : :obj:`float`, optional
        How far positions may lie from the straight line on which they are projected, m;
        by default 1 % of its length.
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
        Gathers, ``(ns, nr, nt)``, shots and receivers in the order of the files; float32,
        or float64 where the file holds that.
    acq : `Acquisition`
        Positions in m with z down; a fixed spread where all shots share their receivers.

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, without geometry, crooked, or its
        shots differ in their number of receivers and are not to be filled; if files of
        one survey differ in their samples, time step or unit of length.

    Warns
    -----
    FileWarning
        If headers disagree with the file or with each other, delay the recording, flag
        dead or auxiliary traces, or hold a line that is not along x.
    DataWarning
        If the wavelet had to be guessed.

    See Also
    --------
    open_gathers : The same, one shot at a time, in the memory of one shot.
    read_traces : The samples alone.

    Notes
    -----
    The depth of a source is its depth below the surface (bytes 49-52) minus the
    elevation of the surface (45-48); that of a receiver is minus its elevation (41-44).
    Lengths in feet, by the binary header, are converted to m.

    Traces flagged dead or dummy (bytes 29-30) are zeros, as missing ones are when filled:
    zero traces carry no weight in the misfits of this package.

    References
    ----------
    SEG Technical Standards Committee, 2002. SEG Y rev 1 data exchange format.
    SEG Technical Standards Committee, 2017. SEG-Y_r2.0: SEG-Y revision 2.0 data exchange
    format.
    """
    check_choice("missing", missing, ("refuse", "fill"))
    options = Options(shot_key, dt, delays, crooked)
    file = GatherFile(path, options=options, f0=f0, wav=wav, wavc=wavc)
    data, recs = _stacked(file, missing)
    if np.all(recs == recs[:, :1]):
        recs = recs[:, 0]
    wav, wavc, f0 = file.wavelet(data)
    return data, Acquisition(file.srcs, recs, nt=file.nt, dt=file.dt, wav=wav, wavc=wavc, f0=f0)


def open_gathers(
    path: Where,
    *,
    shot_key: str = "auto",
    delays: str = "pad",
    crooked: float | None = None,
    dt: float | None = None,
    f0: float | None = None,
    wav: ArrayLike | None = None,
    wavc: int = 0,
) -> GatherFile:
    """Open a file of shot gathers, to read it shot by shot.

    The parameters are those of `read_gathers`; a wavelet that has to be guessed is that
    of the first shot that is read.

    Returns
    -------
    gathers : `GatherFile`
        With the number of shots as its ``len``; its items are pairs of a gather
        ``(1, nr, nt)`` and its `Acquisition`, each with the receivers of its shot.

    Raises
    ------
    VMBFileError
        As `read_gathers`, for what can be told from headers; shots may differ in their
        number of receivers.

    Notes
    -----
    Opening reads every trace header once (twice if the line is not along x), in pieces:
    its time grows with the number of traces, and its memory with the number of shots if
    the traces of a shot stand together, with that of traces if they are sorted otherwise.
    The samples of a shot are read when it is asked for, and not kept.

    Examples
    --------
    >>> import tempfile, os
    >>> from pylops_vmb.io import open_gathers, write_gathers
    >>> acq = Acquisition.fixed_spread([0.0, 40.0], [0.0, 10.0], nt=50, dt=0.004, f0=30.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "line.sgy")
    ...     write_gathers(path, np.ones(acq.dimsd), acq)
    ...     gathers = open_gathers(path, f0=30.0)
    ...     [d.shape for d, acq in gathers]
    [(1, 2, 50), (1, 2, 50)]
    """
    options = Options(shot_key, dt, delays, crooked)
    return GatherFile(path, options=options, f0=f0, wav=wav, wavc=wavc)


def read_traces(path: Where, *, dt: float | None = None) -> tuple[NDArray[Any], float]:
    """Read all samples of a file, whatever its headers say about positions.

    Parameters
    ----------
    path : path-like or sequence of path-like
        A SEG-Y file, or a folder or list of them.
    dt : :obj:`float`, optional
        Time step in s, where the headers are wrong.

    Returns
    -------
    traces : :obj:`numpy.ndarray`
        ``(ntraces, nt)``, in the order of the file and as they stand in it: delays are
        not applied, dead and auxiliary traces are among them.  Float32, or float64 where
        the file holds that.
    dt : :obj:`float`
        Time step in s.

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, or without a sample interval.

    Warns
    -----
    FileWarning
        If headers disagree with the length of the file or about the sample interval.
    """
    layout = open_layout(path)
    found = scan(layout)
    dt, doubts = sample_interval(layout, found, dt)
    for doubt in (*layout.doubts, *count_doubts(layout, found), *doubts):
        doubt.warn(layout.name)
    return samples(layout, 0, layout.ntraces), dt


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
    0.01 m at worst.  The wavelet goes into the textual header as words only.  Traces of
    zeros are flagged dead.
    """
    values = to_tensor(data, name="data").detach().cpu().float().numpy()
    check_shape("data", values.shape, acq.dimsd, axes="(ns, nr, nt)")
    us = whole_number("dt", 1e6 * acq.dt, unit="microseconds")
    traces = values.reshape(acq.ns * acq.nr, acq.nt)
    dead = ~traces.any(axis=1)
    write_traces(
        path,
        traces,
        text=_describe(acq, us),
        binary={BinField.Interval: us, BinField.Traces: min(acq.nr, 2**15 - 1)}
        | {BinField.SortingCode: 5, BinField.EnsembleFold: 1},
        columns=_gather_columns(acq)
        | {TraceField.TRACE_SAMPLE_INTERVAL: us}
        | {TraceField.TraceIdentificationCode: np.where(dead, _DEAD, 1)},
    )


def _stacked(file: GatherFile, missing: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Read all shots into one array; return it and the receivers ``(2, ns, nr)``."""
    if file.nrs.min() < file.nrs.max():
        return _filled(file, missing)
    data, recs = zip(*(file.shot(i) for i in range(len(file))), strict=True)
    return np.stack(data), np.stack(recs, axis=1)


def _filled(file: GatherFile, missing: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if missing == "refuse":
        refuse(
            file.name,
            "holds shots with different numbers of receivers",
            got=f"{file.nrs.min()} to {file.nrs.max()} traces a shot in {len(file)} shots",
            do="Pass missing='fill' for zeros in their place, read shot by shot with "
            "open_gathers, or choose another shot_key",
            error=VMBFileError,
        )
    places = [file.places(i) for i in range(len(file))]
    filled = fill(file.name, file.srcs, [p[0] for p in places], [p[1] for p in places])
    shape = (len(file), filled.recs.shape[-1], file.nt)
    data = np.zeros(shape, file.shot(0)[0].dtype)
    for i, place in enumerate(filled.places):
        data[i, place] = file.shot(i)[0]
    return data, filled.recs


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
