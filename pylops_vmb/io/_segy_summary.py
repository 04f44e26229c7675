"""What a SEG-Y file holds, before anyone reads it for work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_folder import Where, open_layout
from pylops_vmb.io._segy_layout import NAMES, TEXT, Doubt, Layout
from pylops_vmb.io._segy_scan import DEAD, Runs, Scan, scan
from pylops_vmb.io._segy_survey import SHOT_KEYS, Options, find_survey, trace_doubts


@dataclass(frozen=True)
class SegySummary:
    """The facts of a SEG-Y file; ``str()`` words them.

    Attributes
    ----------
    name : :obj:`str`
        Name of the file, or of the folder of files.
    files : :obj:`int`
        Number of files.
    revision, stanzas : :obj:`int`
        Revision of the standard; number of extended text headers.
    endian, format : :obj:`str`
        Byte order and sample format.
    ntraces, nt : :obj:`int`
        Number of traces, and of samples in each.
    interval : :obj:`float`
        Sample interval of the binary header, in microseconds (mm in a depth section).
    unit : :obj:`str`
        Unit of length in the file: m or ft.
    counts : :obj:`dict`
        Number of different values of each shot key.
    xs, xr : :obj:`tuple`
        Least and largest x of sources and receivers, m.
    delays : :obj:`tuple`
        Least and largest time from shot to first sample, s.
    dead : :obj:`int`
        Number of traces that are flagged dead or dummy.
    gathers : :obj:`str`
        The shots as `read_gathers` finds them, or why it does not.
    doubts : :obj:`tuple`
        What the file says and need not be true, as sentences.
    text : :obj:`tuple`
        Lines of the textual header that are not empty.
    """

    name: str
    files: int
    revision: int
    stanzas: int
    endian: str
    format: str
    ntraces: int
    nt: int
    interval: float
    unit: str
    counts: dict[str, int]
    xs: tuple[float, float]
    xr: tuple[float, float]
    delays: tuple[float, float]
    dead: int
    gathers: str
    doubts: tuple[str, ...]
    text: tuple[str, ...]

    def __str__(self) -> str:
        keys = ", ".join(f"{count} by {key}" for key, count in self.counts.items())
        several = f"{self.files} files, " if self.files > 1 else ""
        facts = [
            f"{self.name}: {several}SEG-Y revision {self.revision}, {self.endian} endian, "
            f"{self.format}",
            f"{self.ntraces} traces of {self.nt} samples, interval {self.interval:.10g} us, "
            f"from {1e3 * self.delays[0]:g} ms on, {self.dead} dead",
            f"gathers: {self.gathers}",
            f"different values: {keys}",
            f"source x {self.xs[0]:g} to {self.xs[1]:g} m, "
            f"receiver x {self.xr[0]:g} to {self.xr[1]:g} m (file in {self.unit})",
        ]
        doubtful = [f"doubtful: {doubt}" for doubt in self.doubts]
        return "\n".join([*facts, *doubtful, *self.text])


def summary(
    path: Where,
    *,
    shot_key: str = "auto",
    delays: str = "pad",
    crooked: float | None = None,
    dt: float | None = None,
) -> SegySummary:
    """Tell what a SEG-Y file holds and what is doubtful, from its headers alone.

    Parameters
    ----------
    path : path-like or sequence of path-like
        A SEG-Y file, of gathers or not; or a folder or list of them.
    shot_key, delays, crooked, dt : optional
        As in `read_gathers`.

    Returns
    -------
    summary : `SegySummary`

    Raises
    ------
    VMBFileError
        If the file is missing, not SEG-Y, truncated, or in an unsupported format.
    """
    layout = open_layout(path)
    found = scan(layout)
    gathers, doubts = _gathers(layout, found, Options(shot_key, dt, delays, crooked))
    return SegySummary(
        name=layout.name,
        files=len(layout.parts),
        revision=layout.revision,
        stanzas=layout.stanzas,
        endian=_all(part.endian for part in layout.parts),
        format=_all(NAMES[part.format] for part in layout.parts),
        ntraces=layout.ntraces,
        nt=layout.nt,
        interval=layout.interval,
        unit="m" if layout.metre == 1.0 else "ft",
        counts={key: _distinct(found.runs, key) for key in SHOT_KEYS},
        xs=found.xs.pair,
        xr=found.xr.pair,
        delays=found.delay.pair,
        dead=found.count(DEAD),
        gathers=gathers,
        doubts=tuple(doubt.sentence(layout.name) for doubt in doubts),
        text=_text(layout),
    )


def _all(words: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(words))


def _gathers(layout: Layout, found: Scan, options: Options) -> tuple[str, Sequence[Doubt]]:
    try:
        survey = find_survey(layout, found, options)
    except VMBFileError as reason:
        return f"cannot be read: {reason}", [*layout.doubts, *trace_doubts(layout, found)]
    least, most = int(survey.nrs.min()), int(survey.nrs.max())
    receivers = str(most) if least == most else f"{least} to {most}"
    words = f"{len(survey.shots)} shots by {survey.key} of {receivers} receivers"
    return words, survey.doubts


def _distinct(runs: Runs, key: str) -> int:
    names = ["x", "y", "z"] if key == "sx" else [key]
    return len(np.unique(np.stack([runs[name] for name in names], axis=1), axis=0))


def _text(layout: Layout) -> tuple[str, ...]:
    """Return the lines of the textual header, in ASCII or EBCDIC, safe to print."""
    with open(layout.parts[0].path, "rb") as stream:
        raw = stream.read(TEXT)
    words = raw.decode("cp037" if raw.count(0x40) > raw.count(0x20) else "latin-1")
    words = "".join(letter if " " <= letter <= "~" else " " for letter in words)
    lines = (words[i : i + 80].rstrip() for i in range(0, len(words), 80))
    return tuple(line for line in lines if len(line) > len("C40"))
