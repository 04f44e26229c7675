"""How far data may be from the survey they are adapted to, and which of the limits they break."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pylops_vmb._checks import check_number, refuse, sentence
from pylops_vmb.learned.adaptation.sorting import Floats, Pick
from pylops_vmb.survey import Acquisition


@dataclass(frozen=True, kw_only=True)
class Limits:
    r"""Limits of an adaptation; beyond them it refuses, because it would have to invent data.

    Parameters
    ----------
    slowest : :obj:`float`
        Slowest velocity of the waves, m/s: wavelengths are :math:`\lambda = v / f`.
    position : :obj:`float`
        How far a source, or a depth, may be from where it is wanted, in wavelengths of the
        target's peak frequency: a tenth turns the phase by 36 degrees at most.
    aperture : :obj:`float`
        How far the wanted receivers may reach beyond those of the data, in spacings of the
        target.  What lies beyond is taken from the last receiver.
    spacing : :obj:`float`
        Widest gap between receivers for the spline, in wavelengths of the target's highest
        frequency (a tenth of the peak of its wavelet's spectrum).  After the moveout, waves that
        leave the source are aliased beyond one, those that come back beyond one half.
    gap : :obj:`float`
        The same for the sparse interpolation.
    record : :obj:`float`
        Part of the target's record that may be missing at its end; it becomes zeros.
    lows, highs : :obj:`float`
        The data's lowest and highest frequency (a tenth of the peak of their spectrum) may be
        so many times those of the target.
    wavelet : :obj:`float`
        Relative error of the matched wavelet.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Examples
    --------
    >>> Limits(spacing=0.5).spacing
    0.5
    """

    slowest: float = 1500.0
    position: float = 0.1
    aperture: float = 0.5
    spacing: float = 0.75
    gap: float = 1.0
    record: float = 0.0
    lows: float = 1.3
    highs: float = 0.7
    wavelet: float = 0.1

    def __post_init__(self) -> None:
        for entry in fields(self):
            check_number(entry.name, getattr(self, entry.name), at_least=0.0)
        check_number("slowest", self.slowest, above=0.0, unit="m/s")
        check_number("record", self.record, at_most=1.0)

    def reach(self, wanted: Acquisition) -> float:
        """Return how far a source or a depth may be from where it is wanted, m."""
        return self.position * self.slowest / wanted.f0


@dataclass(frozen=True)
class Broken:
    """One limit that data break.

    Parameters
    ----------
    name : :obj:`str`
        Of the limit, e.g. "shots".
    what, do : :obj:`str`
        What is wrong and what to do.
    got, allowed : :obj:`float`
        The number that broke the limit, and the limit.
    unit : :obj:`str`
        Of both.

    Examples
    --------
    >>> print(Broken("record", "the record is too short", "Record longer", 0.8, 1.0, "s"))
    record: the record is too short, got 0.8 s, limit 1. Record longer.
    """

    name: str
    what: str
    do: str
    got: float
    allowed: float
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Return the limit as plain words and numbers, ready for JSON."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @property
    def numbers(self) -> str:
        """The number that broke the limit, and the limit."""
        return f"{self.got:.3g} {self.unit}, limit {self.allowed:.3g}"

    def __str__(self) -> str:
        return sentence(self.name, self.what, self.numbers, self.do)


def refuse_beyond(name: str, broken: Sequence[Broken]) -> None:
    """Refuse data that break limits, and name them all."""
    if not broken:
        return
    got = "; ".join(f"{one.name}: {one.what} ({one.numbers})" for one in broken)
    do = ". ".join(dict.fromkeys(one.do for one in broken))
    refuse("acq", f"cannot be adapted to {name} without inventing data", got=got, do=do)


def geometry(
    picks: Sequence[Pick], acq: Acquisition, wanted: Acquisition, limits: Limits, *, sparse: bool
) -> Iterator[Broken]:
    """Yield the limits that shots and receivers break."""
    reach = limits.reach(wanted)
    spreads = zip(picks, wanted.receivers[0], strict=True)
    faults = [list(_spread(one, x, wanted, limits, sparse=sparse)) for one, x in spreads]
    # a shot made by reciprocity alone is one only if nothing is wrong with it
    there = [
        one.serves and not (found and bool(one.swapped.all()))
        for one, found in zip(picks, faults, strict=True)
    ]
    if sum(there) < wanted.ns:
        what = f"sources with receivers, found within {reach:.0f} m of those wanted"
        span = float(np.ptp(wanted.srcs[0]))
        do = f"Shoot {wanted.ns} shots over {span:.0f} m, or train a network for this survey"
        yield Broken("shots", what, do, sum(there), wanted.ns, "shots")
    yield from _depths(acq, wanted, reach)
    kept = [one for found, keep in zip(faults, there, strict=True) if keep for one in found]
    for name in ("aperture", "spacing"):
        same = [one for one in kept if one.name == name]
        yield from [max(same, key=lambda one: one.got)] if same else []


def _spread(
    one: Pick, x: Floats, wanted: Acquisition, limits: Limits, *, sparse: bool
) -> Iterator[Broken]:
    """Yield what is wrong with the receivers of a shot."""
    if one.serves:
        yield from _aperture(one, x, limits)
        yield from _gaps(one.x, x, wanted, limits, sparse=sparse)


def _depths(acq: Acquisition, wanted: Acquisition, reach: float) -> Iterator[Broken]:
    pairs = (("sources", acq.srcs[1], wanted.srcs[1]), ("receivers", acq.recs[1], wanted.recs[1]))
    for label, have, want in pairs:
        off = float(max(abs(have.min() - want.max()), abs(have.max() - want.min())))
        if off > reach:
            do = "Continue the data to the depth of the target, or train a network for this survey"
            yield Broken("depth", f"{label} lie at another depth", do, off, reach, "m")


def _aperture(one: Pick, want: Floats, limits: Limits) -> Iterator[Broken]:
    x = one.x
    beyond = float(max(x[0] - want.min(), want.max() - x[-1]))
    allowed = limits.aperture * pitch(want) + one.away  # receivers move with their source
    if beyond > allowed + 1e-6:
        what = (
            f"receivers from {x[0]:.0f} to {x[-1]:.0f} m instead of "
            f"{want.min():.0f} to {want.max():.0f} m, in the target's coordinates: too far beyond"
        )
        do = "Record wider, move the target by origin=, or train a network for this survey"
        yield Broken("aperture", what, do, beyond, allowed, "m")


def _gaps(
    x: Floats, want: Floats, wanted: Acquisition, limits: Limits, *, sparse: bool
) -> Iterator[Broken]:
    widest, wavelength = gap_within(x, want), limits.slowest / wanted.band(0.1)[2]
    allowed = limits.gap if sparse else limits.spacing
    if widest > allowed * wavelength * (1.0 + 1e-6):
        what = f"receivers are {widest:.3g} m apart, for waves of {wavelength:.3g} m"
        do = "Record more densely, or train a network for this survey"
        if not sparse:
            do = f'Interpolate by receivers="sparse" (to {limits.gap:g} wavelengths)'
        yield Broken("spacing", what, do, widest / wavelength, allowed, "wavelengths")


def record_length(acq: Acquisition, wanted: Acquisition, limits: Limits) -> Iterator[Broken]:
    """Yield the limit that a record breaks that ends too early."""
    have, want = acq.t[-1] - acq.delay, wanted.t[-1] - wanted.delay
    missing = max(0.0, (want - have - wanted.dt) / (want + wanted.delay))
    if missing > limits.record:
        what = f"the record ends {have:.3g} s after time zero instead of {want:.3g} s"
        do = "Record longer, or train a network for this survey"
        yield Broken("record", what, do, missing, limits.record, "of the record missing")


def frequencies(
    found: tuple[float, float], wanted: tuple[float, float], limits: Limits
) -> Iterator[Broken]:
    """Yield the limits that the lowest and the highest frequency of data break, Hz."""
    low, high = found
    if low > limits.lows * wanted[0]:
        do = "Use a network that was trained with a low-cut, or start FWI from a gradient"
        what = "low frequencies are missing: the data begin too high"
        yield Broken("lows", what, do, low, limits.lows * wanted[0], "Hz")
    if high < limits.highs * wanted[1]:
        do = "Use data of a wider band, or train a network for this wavelet"
        what = "high frequencies are missing: the data end too low"
        yield Broken("highs", what, do, high, limits.highs * wanted[1], "Hz")


def pitch(x: Floats) -> float:
    """Return the mean spacing of receivers, m."""
    return float(np.ptp(x)) / max(len(x) - 1, 1)


def gap_within(x: Floats, want: Floats) -> float:
    """Return the widest gap between receivers where others are wanted between them, m."""
    first, last = np.searchsorted(x, [want.min(), want.max()])
    inside = x[max(first - 1, 0) : last + 1]
    exact = all(np.abs(x - at).min() < 1e-3 for at in want)
    return 0.0 if exact or len(inside) < 2 else float(np.diff(inside).max())
