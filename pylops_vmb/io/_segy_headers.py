"""Trace headers of a SEG-Y file as arrays in SI units, and the shots they describe."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from segyio import TraceField

from pylops_vmb._checks import check_number, refuse, warn
from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.io._segy_layout import Layout

SHOT_KEYS = {
    "fldr": TraceField.FieldRecord,
    "ep": TraceField.EnergySourcePoint,
    "sx": TraceField.SourceX,
}
_DEAD = 2
_FULL_CIRCLE = {2: 1_296_000.0, 3: 360.0}  # seconds of arc, degrees

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Traces:
    """Where every trace was shot and recorded: ``(2, ntraces)``, rows x and z, m."""

    srcs: Floats
    recs: Floats
    keys: dict[str, Ints]


def column(file: Any, field: int) -> Ints:
    """Read one trace header field of all traces."""
    return np.asarray(file.attributes(field)[:], np.int64)


def scaled(file: Any, field: int, *, scalar: int, metre: float = 1.0) -> Floats:
    """Read one field of all traces and apply its SEG-Y scalar and the file's length unit."""
    factor = column(file, scalar)
    values = column(file, field).astype(np.float64)
    values = np.where(factor < 0, values / np.maximum(-factor, 1), values * np.maximum(factor, 1))
    return np.asarray(metre * values)


def read_traces(file: Any, layout: Layout) -> Traces:
    """Read and check the geometry of all traces.

    Raises
    ------
    VMBFileError
        If the headers hold no positions, angles, or a line that is not along x.
    """
    name = layout.path.name
    x = {field: _lengths(file, layout, field) for field in (TraceField.SourceX, TraceField.GroupX)}
    if not any(values.any() for values in x.values()):
        do = "Write source and receiver x into bytes 73-76 and 81-84"
        refuse(name, "holds no positions", got="zeros only", do=do, error=VMBFileError)
    _check_units(file, layout, max(np.abs(values).max() for values in x.values()))
    _check_straight(file, layout)
    zs = _depths(file, layout, TraceField.SourceDepth) + _heights(
        file, layout, TraceField.SourceSurfaceElevation
    )
    zr = _heights(file, layout, TraceField.ReceiverGroupElevation)
    return Traces(
        srcs=np.stack([x[TraceField.SourceX], zs]),
        recs=np.stack([x[TraceField.GroupX], zr]),
        keys={key: column(file, field) for key, field in SHOT_KEYS.items()},
    )


def sample_interval(file: Any, layout: Layout, dt: float | None) -> float:
    """Return the time step in s: the argument, else the binary, else the trace headers."""
    if dt is not None:
        return check_number("dt", dt, above=0.0, unit="s")
    in_traces = int(column(file, TraceField.TRACE_SAMPLE_INTERVAL)[0])
    if layout.interval > 0 and in_traces not in (0, layout.interval):
        warn(
            layout.path.name,
            f"has two sample intervals; that of the binary header, {layout.interval}, is taken",
            got=f"{in_traces} in the trace headers",
            do="Pass the interval if that is wrong",
            category=FileWarning,
        )
    interval = layout.interval if layout.interval > 0 else in_traces
    if interval <= 0:
        do = "Pass it as an argument"
        got = f"{layout.interval} and {in_traces} in the headers"
        refuse(layout.path.name, "holds no sample interval", got=got, do=do, error=VMBFileError)
    return interval / 1e6


def check_samples(file: Any, layout: Layout) -> None:
    """Warn where trace headers disagree with the file's length, start late or flag dead traces."""
    name = layout.path.name
    counts = np.unique(column(file, TraceField.TRACE_SAMPLE_COUNT) & 0xFFFF)
    if wrong := [int(count) for count in counts if count not in (0, layout.nt)]:
        warn(
            name,
            f"has traces of {layout.nt} samples by its length, which is taken",
            got=f"{', '.join(map(str, wrong))} in the trace headers",
            do="Nothing needs to be done; correct bytes 115-116 to silence this",
            category=FileWarning,
        )
    if (delays := column(file, TraceField.DelayRecordingTime)).any():
        warn(
            name,
            "was not recorded from time zero, and is read as if it were",
            got=f"a delay of {delays.min()} to {delays.max()} (ms, unscaled) in bytes 109-110",
            do="Shift the data, or move wavc, by that time",
            category=FileWarning,
        )
    if dead := int((column(file, TraceField.TraceIdentificationCode) == _DEAD).sum()):
        warn(
            name,
            "holds dead traces, which are read like the others",
            got=f"{dead} of {layout.ntraces}",
            do="Mute or leave them out before an inversion",
            category=FileWarning,
        )


def group_shots(traces: Traces, key: str, name: str) -> Ints:
    """Return which traces belong to which shot, ``(ns, nr)``, in the order of the file.

    Raises
    ------
    VMBFileError
        If no key (or the key asked for) gives shots of one source each, or the shots
        differ in their number of traces.
    """
    tried = list(SHOT_KEYS) if key == "auto" else [key]
    for candidate in tried:
        shots = _group(traces.keys[candidate])
        if all(np.ptp(traces.srcs[:, shot], axis=1).max() == 0.0 for shot in shots):
            return _check_spread(traces, _rectangle(shots, name), name)
    return refuse(
        name,
        "holds no shot gathers: traces of one shot have different source positions",
        got=f"shots by {' or '.join(tried)}",
        do="Choose another shot_key, or correct the source positions",
        error=VMBFileError,
    )


def _lengths(file: Any, layout: Layout, field: int) -> Floats:
    return scaled(file, field, scalar=TraceField.SourceGroupScalar, metre=layout.metre)


def _depths(file: Any, layout: Layout, field: int) -> Floats:
    return scaled(file, field, scalar=TraceField.ElevationScalar, metre=layout.metre)


def _heights(file: Any, layout: Layout, field: int) -> Floats:
    return 0.0 - _depths(file, layout, field)


def _check_units(file: Any, layout: Layout, largest: float) -> None:
    units = int(column(file, TraceField.CoordinateUnits).max())
    if units <= 1:
        return
    what = f"coordinate units {units} in bytes 89-90 and positions up to {largest:g}"
    if largest > _FULL_CIRCLE.get(units, np.inf):
        warn(
            layout.path.name,
            "says that its positions are angles, which they cannot be; they are read as lengths",
            got=what,
            do="Nothing needs to be done; write 1 into bytes 89-90 to silence this",
            category=FileWarning,
        )
        return
    refuse(
        layout.path.name,
        "holds positions as angles",
        got=what,
        do="Convert them to metres along the line",
        error=VMBFileError,
    )


def _check_straight(file: Any, layout: Layout) -> None:
    y = np.concatenate(
        [_lengths(file, layout, field) for field in (TraceField.SourceY, TraceField.GroupY)]
    )
    if np.ptp(y) > 0.0:
        refuse(
            layout.path.name,
            "is not a line along x",
            got=f"y from {y.min():g} to {y.max():g} m",
            do="Rotate the positions so that the line runs along x, with y constant",
            error=VMBFileError,
        )


def _group(keys: Ints) -> list[Ints]:
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[inverse]
    order = np.argsort(rank, kind="stable")
    return np.split(order, np.cumsum(np.bincount(rank))[:-1])


def _rectangle(shots: list[Ints], name: str) -> Ints:
    counts = sorted({len(shot) for shot in shots})
    if len(counts) > 1:
        refuse(
            name,
            "holds shots with different numbers of receivers",
            got=f"{counts[0]} to {counts[-1]} traces a shot in {len(shots)} shots",
            do="Write shots of one size into a file of their own, or choose another shot_key",
            error=VMBFileError,
        )
    return np.stack(shots)


def _check_spread(traces: Traces, shots: Ints, name: str) -> Ints:
    if shots.shape[1] > 1 and np.ptp(traces.recs[:, shots], axis=-1).max() == 0.0:
        refuse(
            name,
            "holds no receiver positions: all receivers of a shot stand at one place",
            got=f"x = {traces.recs[0, 0]:g} m for {shots.shape[1]} receivers",
            do="Write receiver x into bytes 81-84",
            error=VMBFileError,
        )
    return shots
