"""The shots of a SEG-Y file: which traces belong to which, on which line, from when on."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._checks import check_choice, check_number, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_layout import Doubt, Layout
from pylops_vmb.io._segy_line import Line, find_line
from pylops_vmb.io._segy_scan import AUXILIARY, DEAD, Runs, Scan

SHOT_KEYS = ("fldr", "ep", "sx")
_FULL_CIRCLE = {2: 1_296_000.0, 3: 360.0}  # seconds of arc, degrees
_LONGEST = 4
"""A delay may make records this many times longer."""
_NOTHING = "Nothing needs to be done"


@dataclass(frozen=True)
class Options:
    """What a reader may say about a file; see `read_gathers`."""

    shot_key: str = "auto"
    dt: float | None = None
    delays: str = "pad"
    crooked: float | None = None

    def __post_init__(self) -> None:
        check_choice("shot_key", self.shot_key, ("auto", *SHOT_KEYS))
        check_choice("delays", self.delays, ("pad", "ignore"))
        if self.dt is not None:
            check_number("dt", self.dt, above=0.0, unit="s")
        if self.crooked is not None:
            check_number("crooked", self.crooked, at_least=0.0, unit="m")


@dataclass(frozen=True)
class Survey:
    """The shots of a file: the runs of traces of each, and what all of them share.

    ``nt`` counts the samples of a record with the time before it began; ``early`` is how
    many of them that are at most, and None where delays are not to be applied.
    """

    line: Line
    dt: float
    nt: int
    early: int | None
    key: str
    shots: tuple[Runs, ...]
    srcs: NDArray[np.float64]
    nrs: NDArray[np.int64]
    doubts: tuple[Doubt, ...]


def find_survey(layout: Layout, scan: Scan, options: Options) -> Survey:
    """Find the shots.

    Raises
    ------
    VMBFileError
        If the headers hold no positions or no sample interval, angles, a crooked line,
        or shots whose traces have different sources.
    """
    doubts = [*layout.doubts, *trace_doubts(layout, scan)]
    dt, about_dt = sample_interval(layout, scan, options.dt)
    early, about_delays = _delay(layout, scan, dt=dt, delays=options.delays)
    about_units = _check_positions(layout, scan)
    line, about_line = find_line(layout, scan, options.crooked)
    key, shots = _group_shots(layout.name, scan.runs, options.shot_key)
    first = np.stack([_source(runs) for runs in shots])
    nrs = np.array([int((runs["stop"] - runs["start"]).sum()) for runs in shots])
    doubts += [*about_dt, *about_delays, *about_units, *about_line]
    return Survey(
        line=line,
        dt=dt,
        nt=layout.nt + (early or 0),
        early=early,
        key=key,
        shots=tuple(shots),
        srcs=np.stack([line.project(first["x"], first["y"]), first["z"]]),
        nrs=nrs,
        doubts=tuple(doubts + _stacked(nrs) + _scattered(layout, shots)),
    )


def sample_interval(
    layout: Layout, scan: Scan, dt: float | None = None
) -> tuple[float, list[Doubt]]:
    """Return the time step in s: the argument, else the binary, else the trace headers."""
    if dt is not None:
        return float(dt), []
    stated = layout.interval
    inside = sorted(scan.intervals - {0, stated})
    words = f"{', '.join(map(str, inside[:4]))} in the trace headers"
    positive = [value for value in inside if value > 0]
    if stated > 0:
        wrong = f"has two sample intervals; that of the binary header, {stated:.10g}, is taken"
        doubt = Doubt(wrong, words, "Pass the interval if that is wrong")
        return stated / 1e6, [doubt] if inside else []
    if len(positive) != 1:
        refuse(
            layout.name,
            "holds no sample interval" if not positive else "holds several sample intervals",
            got=f"{stated:g} in the binary header, {words if inside else '0 in the trace headers'}",
            do="Pass it as an argument",
            error=VMBFileError,
        )
    doubts = (
        []
        if stated == 0 and len(inside) == 1
        else [
            Doubt(
                f"has two sample intervals; that of the trace headers, {positive[0]}, is taken",
                f"{stated:g} in the binary header, {words}",
                "Pass the interval if that is wrong",
            )
        ]
    )
    return positive[0] / 1e6, doubts


def count_doubts(layout: Layout, scan: Scan) -> list[Doubt]:
    """Say where trace headers count other samples than the file holds."""
    wrong = sorted(scan.counts - {0, layout.nt & 0xFFFF})
    if not wrong:
        return []
    return [
        Doubt(
            f"has traces of {layout.nt} samples by its length, which is taken",
            f"{', '.join(map(str, wrong[:4]))} in the trace headers",
            f"{_NOTHING}; correct bytes 115-116 to silence this",
        )
    ]


def trace_doubts(layout: Layout, scan: Scan) -> list[Doubt]:
    """Say where trace headers disagree with the file, and which traces are no recordings."""
    doubts = count_doubts(layout, scan)
    if layout.revision > 2:
        doubts.append(
            Doubt(
                "is of an unknown revision of SEG-Y and is read as one of revision 1",
                f"{layout.revision} in bytes 3501-3502",
                f"{_NOTHING} if the traces look right",
            )
        )
    if dead := scan.count(DEAD):
        doubts.append(
            Doubt(
                "holds dead traces, which are set to zero: they carry no weight in a misfit",
                f"{dead} of {layout.ntraces} by their identification code",
                f"{_NOTHING}; read_traces returns them as they are",
            )
        )
    if other := scan.count(AUXILIARY):
        doubts.append(
            Doubt(
                "holds auxiliary traces, which are left out",
                f"{other} of {layout.ntraces} by their identification code",
                f"{_NOTHING}; read_traces returns them as they are",
            )
        )
    kinds = sorted(set(scan.kinds) - {-1, 0, 1, *DEAD, *AUXILIARY})
    if len(kinds) > 1:
        doubts.append(
            Doubt(
                "holds several kinds of recordings, which are read as one",
                f"identification codes {', '.join(map(str, kinds[:6]))}",
                "Write each component into a file of its own",
            )
        )
    return doubts


def _delay(layout: Layout, scan: Scan, *, dt: float, delays: str) -> tuple[int | None, list[Doubt]]:
    first, last = scan.delay.pair
    if first == last == 0.0:
        return 0, []
    got = f"a delay of {1e3 * first:.10g} to {1e3 * last:.10g} ms"
    if delays == "ignore":
        wrong = "was not recorded from time zero, and is read as if it were"
        return None, [Doubt(wrong, got, "Pass delays='pad' to move the traces to their time")]
    early = round(last / dt)
    if not 2 <= layout.nt + early <= _LONGEST * layout.nt:
        refuse(
            layout.name,
            f"was not recorded near time zero: {layout.nt} samples of {1e3 * dt:g} ms",
            got=got,
            do="Correct bytes 109-110, or pass delays='ignore' to take the first sample as time 0",
            error=VMBFileError,
        )
    doubt = Doubt(
        "was not recorded from time zero; zeros stand before the first sample",
        got,
        f"{_NOTHING}, or pass delays='ignore' to take the first sample as time zero",
    )
    return early, [doubt]


def _check_positions(layout: Layout, scan: Scan) -> list[Doubt]:
    here = "and describe the survey by an Acquisition: read_traces reads the samples alone"
    if scan.reach == 0.0:
        do = f"Write source and receiver x into bytes 73-76 and 81-84, or do without them {here}"
        _refuse(layout, "holds no positions", "zeros only", do)
    if scan.xr.reach == scan.yr.reach == 0.0 and scan.xs.width + scan.ys.width > 0.0:
        do = f"Write receiver x into bytes 81-84, or do without them {here}"
        _refuse(layout, "holds no receiver positions", "zeros only", do)
    if scan.units <= 1:
        return []
    got = f"coordinate units {scan.units} in bytes 89-90 and positions up to {scan.reach:g}"
    if scan.reach <= _FULL_CIRCLE.get(scan.units, np.inf):
        _refuse(layout, "holds positions as angles", got, "Convert them to metres along the line")
    return [
        Doubt(
            "says that its positions are angles, which they cannot be; they are read as lengths",
            got,
            f"{_NOTHING}; write 1 into bytes 89-90 to silence this",
        )
    ]


def _group_shots(name: str, runs: Runs, key: str) -> tuple[str, list[Runs]]:
    if not len(runs):
        refuse(
            name,
            "holds no recordings",
            got="auxiliary traces only",
            do="Correct the identification codes in bytes 29-30",
            error=VMBFileError,
        )
    tried = SHOT_KEYS if key == "auto" else (key,)
    for candidate in tried:
        shots = _group(runs, ["x", "y", "z"] if candidate == "sx" else [candidate])
        if all(_one_source(shot) for shot in shots):
            return candidate, shots
    return refuse(
        name,
        "holds no shot gathers: traces of one shot have different source positions",
        got=f"shots by {' or '.join(tried)}",
        do="Choose another shot_key, or correct the source positions",
        error=VMBFileError,
    )


def _group(runs: Runs, fields: list[str]) -> list[Runs]:
    """Gather the runs that agree in some fields, in the order in which they first appear."""
    keys = np.stack([runs[name] for name in fields], axis=1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[inverse.ravel()]
    order = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank))[:-1]
    return [np.asarray(part) for part in np.split(runs[order], ends)]


def _one_source(runs: Runs) -> bool:
    live = runs[~runs["dead"]]
    return all(np.ptp(live[name]) == 0.0 for name in "xyz") if len(live) else True


def _source(runs: Runs) -> np.void:
    live = runs[~runs["dead"]]
    first: np.void = (live if len(live) else runs)[0]
    return first


def _stacked(nrs: NDArray[np.int64]) -> list[Doubt]:
    if len(nrs) < 2 or nrs.max() > 1:
        return []
    return [
        Doubt(
            "has one trace a shot: it may be a stacked section",
            f"{len(nrs)} shots",
            f"{_NOTHING} if it was shot with one receiver; else choose another shot_key",
        )
    ]


def _scattered(layout: Layout, shots: list[Runs]) -> list[Doubt]:
    """Say where files of one shot each may have been taken for parts of a shot."""
    ends = np.cumsum([part.ntraces for part in layout.parts])
    several = sum(
        np.searchsorted(ends, runs["start"][0], "right")
        < np.searchsorted(ends, runs["stop"][-1], "left")
        for runs in shots
    )
    if not several:
        return []
    return [
        Doubt(
            "has shots whose traces stand in several files, which are joined",
            f"{several} of {len(shots)} shots in {len(layout.parts)} files",
            f"{_NOTHING} if they were split; else correct the source positions (bytes 73-76)",
        )
    ]


def _refuse(layout: Layout, wrong: str, got: str, do: str) -> NoReturn:
    refuse(layout.name, wrong, got=got, do=do, error=VMBFileError)
