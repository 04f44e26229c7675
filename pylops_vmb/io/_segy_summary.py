"""What a SEG-Y file holds, before anyone reads it for work."""

import os
from dataclasses import dataclass

import numpy as np
from segyio import TraceField

from pylops_vmb.io._segy_headers import SHOT_KEYS, column, scaled
from pylops_vmb.io._segy_layout import opened, read_layout


@dataclass(frozen=True)
class SegySummary:
    """The facts of a SEG-Y file; ``str()`` words them.

    Attributes
    ----------
    name : :obj:`str`
        Name of the file.
    revision, stanzas : :obj:`int`
        Revision of the standard; number of extended text headers.
    endian, format : :obj:`str`
        Byte order and sample format.
    ntraces, nt : :obj:`int`
        Number of traces, and of samples in each.
    interval : :obj:`int`
        Sample interval of the binary header, in microseconds (mm in a depth section).
    unit : :obj:`str`
        Unit of length in the file: m or ft.
    counts : :obj:`dict`
        Number of different values of each shot key.
    xs, xr : :obj:`tuple`
        Least and largest x of sources and receivers, m.
    text : :obj:`tuple`
        Lines of the textual header that are not empty.
    """

    name: str
    revision: int
    stanzas: int
    endian: str
    format: str
    ntraces: int
    nt: int
    interval: int
    unit: str
    counts: dict[str, int]
    xs: tuple[float, float]
    xr: tuple[float, float]
    text: tuple[str, ...]

    def __str__(self) -> str:
        keys = ", ".join(f"{count} by {key}" for key, count in self.counts.items())
        facts = [
            f"{self.name}: SEG-Y revision {self.revision}, {self.endian} endian, {self.format}",
            f"{self.ntraces} traces of {self.nt} samples, interval {self.interval} us",
            f"shots: {keys}",
            f"source x {self.xs[0]:g} to {self.xs[1]:g} m, "
            f"receiver x {self.xr[0]:g} to {self.xr[1]:g} m (file in {self.unit})",
        ]
        return "\n".join([*facts, *self.text])


def summary(path: str | os.PathLike[str]) -> SegySummary:
    """Tell what a SEG-Y file holds, whether or not it can be read as gathers.

    Parameters
    ----------
    path : path-like
        A SEG-Y file.

    Returns
    -------
    summary : `SegySummary`

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, or in an unsupported format.
    """
    layout = read_layout(path)
    scalar = TraceField.SourceGroupScalar
    with opened(layout) as file:
        xs = scaled(file, TraceField.SourceX, scalar=scalar, metre=layout.metre)
        xr = scaled(file, TraceField.GroupX, scalar=scalar, metre=layout.metre)
        counts = {key: len(np.unique(column(file, field))) for key, field in SHOT_KEYS.items()}
        text = _lines(bytes(file.text[0]))
    return SegySummary(
        name=layout.path.name,
        revision=layout.revision,
        stanzas=layout.stanzas,
        endian=layout.endian,
        format=layout.format_name,
        ntraces=layout.ntraces,
        nt=layout.nt,
        interval=layout.interval,
        unit="m" if layout.metre == 1.0 else "ft",
        counts=counts,
        xs=(float(xs.min()), float(xs.max())),
        xr=(float(xr.min()), float(xr.max())),
        text=text,
    )


def _lines(header: bytes) -> tuple[str, ...]:
    words = header.decode("ascii", errors="replace")
    lines = (words[i : i + 80].rstrip(" \x00") for i in range(0, len(words), 80))
    return tuple(line for line in lines if len(line) > len("C40"))
