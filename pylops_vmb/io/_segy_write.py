"""Write a SEG-Y file: revision 1, big endian, IEEE floats, exact coordinates."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import segyio
from numpy.typing import NDArray
from segyio import BinField, TraceField

from pylops_vmb._checks import refuse
from pylops_vmb.io._atomic import atomic_path

_SCALES = (1, 10, 100, 1000, 10_000)
_WORST = 0.005
_INT16, _INT32 = 2**15 - 1, 2**31 - 1


def scale_lengths(name: str, *lengths: NDArray[np.float64]) -> tuple[int, list[NDArray[np.int64]]]:
    """Turn lengths in m into integers and the SEG-Y scalar that restores them.

    Parameters
    ----------
    name : :obj:`str`
        What they are, for the message.
    *lengths : :obj:`numpy.ndarray`
        Arrays that share a scalar, m.

    Returns
    -------
    scalar : :obj:`int`
        1 for metres, else minus the number of parts of a metre.
    integers : :obj:`list`
        The arrays as integers.

    Raises
    ------
    VMBValueError
        If no scalar keeps them to 0.01 m.
    """
    together = np.concatenate([values.ravel() for values in lengths])
    largest = np.abs(together).max()
    fitting = [scale for scale in _SCALES if largest * scale <= _INT32] or [1]
    errors = [np.abs(np.rint(together * scale) / scale - together).max() for scale in fitting]
    exact = [
        scale for scale, error in zip(fitting, errors, strict=True) if error <= 1e-12 * largest
    ]
    scale = exact[0] if exact else fitting[-1]
    if not exact and errors[-1] > _WORST:
        refuse(
            name,
            "do not fit into SEG-Y's 32-bit integers to 0.01 m",
            got=f"values up to {largest:g} m with more decimals",
            do="Subtract an origin from the coordinates, or round them",
        )
    integers = [np.rint(values * scale).astype(np.int64) for values in lengths]
    return (1 if scale == 1 else -scale), integers


def whole_number(name: str, value: float, *, unit: str) -> int:
    """Return a header value as the positive 16-bit integer that SEG-Y can hold."""
    number = round(value)
    if abs(number - value) > 1e-6 * abs(value) or not 0 < number <= _INT16:
        refuse(
            name,
            f"must be a whole number of {unit}, at most {_INT16}, to be written as SEG-Y",
            got=f"{value:.12g}",
            do="Resample first, or store the data as .npz",
        )
    return number


def write_traces(
    path: str | os.PathLike[str],
    traces: NDArray[np.float32],
    *,
    text: Sequence[str],
    binary: Mapping[int, int],
    columns: Mapping[int, Iterable[int] | int],
) -> None:
    """Write traces with their headers, whole or not at all.

    Parameters
    ----------
    path : path-like
        Name of the file.
    traces : :obj:`numpy.ndarray`
        Samples, ``(ntraces, nt)``.
    text : sequence of :obj:`str`
        What the file holds, in up to 37 lines of 76 ASCII characters.
    binary : :obj:`dict`
        Further fields of the binary header.
    columns : :obj:`dict`
        Trace header fields: one integer for all traces, or one for each.
    """
    ntraces, nt = traces.shape
    nt = whole_number("nt", nt, unit="samples")
    spec = segyio.spec()
    spec.format, spec.samples, spec.tracecount = 5, np.arange(nt), ntraces
    fields = {int(k): np.broadcast_to(np.asarray(v), ntraces) for k, v in columns.items()}
    fields |= {TraceField.TRACE_SAMPLE_COUNT: np.full(ntraces, nt)}
    with atomic_path(path) as part, segyio.create(str(part), spec) as file:
        file.text[0] = _text_header(text)
        file.bin.update({**_BINARY, **binary})
        for i in range(ntraces):
            file.header[i] = {field: int(values[i]) for field, values in fields.items()}
        file.trace.raw[:] = np.ascontiguousarray(traces, np.float32)


_BINARY = {
    BinField.Traces: 0,
    BinField.AuxTraces: 0,
    BinField.MeasurementSystem: 1,
    BinField.SEGYRevision: 1,
    BinField.SEGYRevisionMinor: 0,
    BinField.TraceFlag: 1,
}


def _text_header(lines: Sequence[str]) -> Any:
    numbered = {i + 1: line[:76].upper() for i, line in enumerate(lines[:37])}
    numbered |= {39: "SEG Y REV1", 40: "END TEXTUAL HEADER"}
    return segyio.tools.create_text_header(numbered)
