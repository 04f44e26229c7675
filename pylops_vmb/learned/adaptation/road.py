"""The road from a survey to another one: which steps, in which order, and their record."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_choice, check_finite, check_number, check_shape, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.learned.adaptation import limits as within
from pylops_vmb.learned.adaptation.amplitude import GEOLOGY_DB, even_out, source_strengths
from pylops_vmb.learned.adaptation.band import LEVEL, lowest_learned, lowpass, measured_band
from pylops_vmb.learned.adaptation.dimension import to_line_source
from pylops_vmb.learned.adaptation.interpolation import (
    convolve,
    resample_receivers,
    resample_time,
    same_places,
)
from pylops_vmb.learned.adaptation.limits import Broken, Limits
from pylops_vmb.learned.adaptation.matching import Match, match
from pylops_vmb.learned.adaptation.moveout import Moveout, levels, levels_at
from pylops_vmb.learned.adaptation.mute import Mute
from pylops_vmb.learned.adaptation.reciprocity import fill
from pylops_vmb.learned.adaptation.record import Adapted, Step
from pylops_vmb.learned.adaptation.sorting import Floats, Pick, find_origin, pick
from pylops_vmb.learned.adaptation.sparse import sparse_receivers
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.survey import Acquisition

Target = Card | LearnedInversion | Acquisition
"""What data are adapted to."""
_ROOM = 32
"""Samples of silence after the record, into which the filters of the moveout may ring."""


def adapt(
    data: Any,
    acq: Acquisition,
    *,
    to: Target,
    receivers: str = "spline",
    point_source: bool = False,
    amplitude: str = "shots",
    mute: Mute | None = None,
    origin: float | None = None,
    limits: Limits | None = None,
) -> Adapted:
    r"""Bring gathers of one survey to another one, or refuse with the numbers that forbid it.

    Parameters
    ----------
    data : array
        Gathers ``(ns, nr, nt)``, or flat; traces of zeros are dead and not used.
    acq : `Acquisition`
        Their survey.  Its wavelet must be that of the data: see `pylops_vmb.estimate_wavelet`.
    to : `Card` or `LearnedInversion` or `Acquisition`
        The network that is to be fed, or its card, or another survey.
    receivers : {"spline", "sparse"}, optional
        How receivers are interpolated: by a cubic spline, or by few plane waves, which also
        works where waves along the surface are aliased (`Limits.gap`).
    point_source : :obj:`bool`, optional
        The data are of point sources in three dimensions, as in the field: correct them to two.
    amplitude : {"shots", "none"}, optional
        "shots": bring shots that differ by more than 1.5 dB to one source strength.
    mute : `Mute`, optional
        Silence what comes before the first arrival, or the direct wave too.
    origin : :obj:`float`, optional
        Where x = 0 of the target lies on the line of the data, m; by default where most shots
        are found.
    limits : `Limits`, optional
        How far the data may be from the target.

    Returns
    -------
    adapted : `Adapted`
        The pair ``(data, acq)``: data in the kind of the input, and the target's survey;
        ``adapted.steps`` says what was done, and prints it.

    Raises
    ------
    VMBTypeError
        If `to` is something else.
    VMBValueError
        If a limit is broken: all of them are named, with their numbers.

    See Also
    --------
    broken_limits : The same limits as a list, without an error.
    LearnedInversion.check : Whether the network's training has seen such data.

    Notes
    -----
    In this order: traces are sorted and chosen; missing ones filled by reciprocity,
    :math:`d(x_s, x_r) = d(x_r, x_s)`; 3-D corrected to 2-D; the time axis interpolated
    (:class:`pylops.signalprocessing.Interp`); what lies above the target's band taken away; the
    wavelet matched (:class:`pylops.signalprocessing.Convolve1D` inverted); receivers
    interpolated, after the low-pass, which makes them less aliased; shots evened out; muted.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.learned import adapt
    >>> from pylops_vmb.survey import Acquisition
    >>> x, wanted = np.arange(0.0, 501.0, 20.0), np.arange(0.0, 501.0, 25.0)
    >>> acq = Acquisition.fixed_spread([100.0, 400.0], x, nt=250, dt=0.004, f0=10.0)
    >>> to = Acquisition.fixed_spread([400.0], wanted, nt=400, dt=0.002, f0=8.0)
    >>> delay = acq.t - acq.delay - np.abs(acq.offsets)[..., None] / 2000.0
    >>> d = np.exp(-((10.0 * np.pi * delay) ** 2)) * (1.0 - 2.0 * (10.0 * np.pi * delay) ** 2)
    >>> data, acq = adapted = adapt(d, acq, to=to)
    >>> data.shape, acq == to
    ((1, 21, 400), True)
    >>> print(adapted.steps["time"])
    time: 4 ms to 2 ms by sinc interpolation (samples_before 250, samples_after 499)
    """
    road = _Road.of(
        data,
        acq,
        to,
        receivers=receivers,
        point_source=point_source,
        amplitude=amplitude,
        mute=mute,
        origin=origin,
        limits=limits,
    )
    within.refuse_beyond(road.name, list(road.broken()))
    return road.walk()


def broken_limits(
    data: Any,
    acq: Acquisition,
    *,
    to: Target,
    receivers: str = "spline",
    origin: float | None = None,
    limits: Limits | None = None,
) -> tuple[Broken, ...]:
    """Return the limits that forbid to adapt gathers; nothing is adapted.

    Parameters
    ----------
    data, acq, to, receivers, origin, limits
        As in `adapt`.

    Returns
    -------
    broken : :obj:`tuple`
        One `Broken` each, with the number that broke it; empty if `adapt` would go on.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.learned.adaptation import broken_limits
    >>> from pylops_vmb.survey import Acquisition
    >>> acq = Acquisition.openfwi()
    >>> d = np.random.default_rng(0).standard_normal(acq.dimsd)
    >>> [one.name for one in broken_limits(d[:4], acq.select(slice(4)), to=acq)]
    ['shots']
    """
    road = _Road.of(data, acq, to, receivers=receivers, origin=origin, limits=limits)
    return tuple(road.broken())


@dataclass
class _Road:
    """One adaptation: what is given, what is wanted, and the record as it grows."""

    d: torch.Tensor
    acq: Acquisition
    wanted: Acquisition
    name: str
    card: Card | None
    limits: Limits
    sparse: bool
    point_source: bool
    even: bool
    mute: Mute | None
    origin: float
    restore: Any
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        data: Any,
        acq: Acquisition,
        to: Target,
        *,
        receivers: str,
        point_source: bool = False,
        amplitude: str = "none",
        mute: Mute | None = None,
        origin: float | None,
        limits: Limits | None,
    ) -> "_Road":
        """Check what was passed."""
        check_choice("receivers", receivers, ("spline", "sparse"))
        check_choice("amplitude", amplitude, ("shots", "none"))
        wanted, name, card = _target(to)
        kind = kind_of(data, "data")
        d = to_tensor(data, dtype=working_dtype(kind.dtype), name="data").detach()
        check_shape("data", d.shape, acq.dimsd, axes="(ns, nr, nt)")
        check_finite("data", d, do="Mute these samples, or set their traces to zero")
        if not bool(d.any()):
            refuse("data", "hold no signal", got="zeros only", do="Check how the data were read")
        limits = limits or Limits()
        if origin is None:
            origin = find_origin(acq, wanted, reach=limits.reach(wanted))
        return cls(
            d=d.reshape(acq.dimsd),
            acq=acq,
            wanted=wanted,
            name=name,
            card=card,
            limits=limits,
            sparse=receivers == "sparse",
            point_source=point_source,
            even=amplitude == "shots",
            mute=mute,
            origin=check_number("origin", origin),
            restore=kind.restore,
        )

    def broken(self) -> Iterator[Broken]:
        """Yield the limits that are broken."""
        picks = self._picks()
        wanted, limits = self.wanted, self.limits
        yield from within.geometry(picks, self.acq, wanted, limits, sparse=self.sparse)
        yield from within.record_length(self.acq, wanted, limits)
        low, _, high = wanted.band(LEVEL)
        needed = (lowest_learned(self.card, low), high)
        found = measured_band(self.d[self._live], self.acq.dt)
        yield from within.frequencies(found, needed, limits)

    def walk(self) -> Adapted:
        """Do all steps."""
        picks = self._choose()
        traces = [self._along_time(one) for one in picks]
        self._say_time(traces[0].shape[-1])
        traces = self._matched(picks, traces)
        d = self._silenced(self._evened(self._interpolated(picks, traces)))
        return Adapted(self.restore(d), self.wanted, self.steps)

    @property
    def _live(self) -> torch.Tensor:
        return self.d.any(-1)

    def _picks(self, *, reciprocal: bool = True) -> list[Pick]:
        live, reach = self._live.cpu().numpy(), self.limits.reach(self.wanted)
        where: dict[str, Any] = {"origin": self.origin, "reach": reach}
        picks = pick(self.acq, self.wanted, live, **where)
        depths = np.concatenate([self.acq.srcs[1], self.acq.recs[1].ravel()])
        if not reciprocal or np.ptp(depths) > reach:
            return picks
        room = 0.25 * within.pitch(self.wanted.receivers[0, 0])
        return fill(picks, self.acq, self.wanted, live, **where, room=room)

    def _choose(self) -> list[Pick]:
        own, picks = self._picks(reciprocal=False), self._picks()
        dead = int((~self._live).sum())
        what = f"{self.wanted.ns} of {self.acq.ns} shots, receivers by their x"
        numbers = {"origin_m": self.origin, "dead_traces": dead}
        numbers["source_away_m"] = max(one.away for one in picks)
        self.steps.append(Step("sorting", what, numbers))
        swapped = sum(int(one.swapped.sum()) for one in picks)
        whole = sum(not one.serves for one in own)
        what = "source and receiver exchanged" if swapped else "not needed, or nothing to gain"
        self.steps.append(Step("reciprocity", what, {"traces": swapped, "whole_shots": whole}))
        return picks

    def _along_time(self, one: Pick) -> torch.Tensor:
        """Return the traces of a shot in two dimensions, at the target's time step, in its band."""
        acq, wanted = self.acq, self.wanted
        traces = self.d[tuple(torch.from_numpy(one.traces.T.copy()))]
        if self.point_source:
            traces = to_line_source(
                traces, dt=acq.dt, delay=acq.delay, velocity=self.limits.slowest
            )
        traces = resample_time(traces, acq.dt, wanted.dt)
        return lowpass(traces, wanted.dt, wanted.fmax)

    def _say_time(self, samples: int) -> None:
        acq, wanted = self.acq, self.wanted
        what = "amplitude times sqrt(t), phase by 1/sqrt(t)" if self.point_source else "not asked"
        self.steps.append(Step("3-D to 2-D", what))
        what = f"{1e3 * acq.dt:g} ms to {1e3 * wanted.dt:g} ms by sinc interpolation"
        numbers = {"samples_before": acq.nt, "samples_after": samples}
        self.steps.append(
            Step("time", what, numbers)
            if abs(acq.dt - wanted.dt) > 1e-9
            else Step("time", f"{1e3 * acq.dt:g} ms as they are")
        )
        low, high = measured_band(self.d[self._live], acq.dt)
        bounds = {"from_hz": low, "to_hz": high, "lowpass_hz": wanted.fmax}
        self.steps.append(Step("band", "low-pass above the target's band", bounds))

    def _matched(self, picks: list[Pick], traces: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return traces with the target's wavelet, each by the filter of its own source."""
        given = _at_step(np.atleast_2d(self.acq.wav), self.acq.dt, self.wanted.dt)
        wanted = np.atleast_2d(self.wanted.wav)
        if given.shape[-1] == wanted.shape[-1] and np.allclose(given, wanted[:1], atol=1e-9):
            self.steps.append(Step("wavelet", "the target's already"))
            return traces
        found: dict[tuple[int, int], Match] = {}
        made = []
        for shot, (one, part) in enumerate(zip(picks, traces, strict=True)):
            rows = []
            for trace, source in zip(part, one.traces[:, 0] % len(given), strict=True):
                key = (int(source), shot % len(wanted))
                if key not in found:
                    found[key] = match(given[key[0]], wanted[key[1]])
                taps = torch.from_numpy(found[key].taps)
                rows.append(convolve(trace, taps, found[key].centre))
            made.append(torch.stack(rows))
        self._judge(list(found.values()))
        return made

    def _judge(self, found: list[Match]) -> None:
        """Refuse a wavelet that cannot be made, and say how well it is made."""
        error, gain = max(one.error for one in found), max(one.gain_db for one in found)
        if error > self.limits.wavelet:
            do = "Estimate the wavelet of the data, or train a network for this one"
            what = "the target's wavelet cannot be made of the data's"
            broken = Broken("wavelet", what, do, error, self.limits.wavelet, "relative error")
            within.refuse_beyond(self.name, [broken])
        numbers = {"filters": len(found), "error": error, "gain_db": gain}
        self.steps.append(Step("wavelet", "filter from the data's to the target's", numbers))

    def _interpolated(self, picks: list[Pick], traces: list[torch.Tensor]) -> torch.Tensor:
        wanted = self.wanted
        spreads = [
            (one.x, part, x, source)
            for one, part, x, source in zip(
                picks, traces, wanted.receivers[0], wanted.srcs[0], strict=True
            )
        ]
        kept = all(same_places(x, at) for x, _, at, _ in spreads)
        d = torch.stack([self._receivers(*spread) for spread in spreads])
        numbers = {
            "widest_gap_m": max(within.gap_within(x, at) for x, _, at, _ in spreads),
            "wavelength_m": self.limits.slowest / wanted.band(LEVEL)[2],
            "spacing_m": within.pitch(wanted.receivers[0, 0]),
        }
        how = "few plane waves (f-k, FISTA)" if self.sparse else "a cubic spline"
        what = f"by {how} after moveout"
        self.steps.append(
            Step("receivers", "as they are") if kept else Step("receivers", what, numbers)
        )
        missing = max(0, wanted.nt - d.shape[-1])
        return torch.nn.functional.pad(d, (0, missing))[..., : wanted.nt]

    def _receivers(
        self, x: Floats, traces: torch.Tensor, wanted: Floats, source: float
    ) -> torch.Tensor:
        """Return the traces of a shot at the receivers that are wanted, in their order."""
        order = np.argsort(wanted)
        at = wanted[order]
        if not same_places(x, at):
            rounding = 0.5 * self.limits.slowest / self.wanted.band(LEVEL)[2]
            moveout = Moveout(self.limits.slowest, rounding, self.wanted.dt)
            nt = traces.shape[-1]
            room = int(np.ceil(rounding / moveout.cone / self.wanted.dt)) + _ROOM
            level = levels(traces)
            flat = moveout(torch.nn.functional.pad(traces / level, (0, room)), x - source)
            if self.sparse:
                flat = sparse_receivers(flat, x, at, dt=self.wanted.dt, slowest=moveout.cone)
            else:
                flat = resample_receivers(flat, x, at)
            traces = moveout.undo(flat, at - source)[..., :nt] * levels_at(level, x, at)
        return traces[torch.from_numpy(np.argsort(order))]

    def _evened(self, d: torch.Tensor) -> torch.Tensor:
        strengths = source_strengths(d, torch.from_numpy(self.wanted.offsets).to(d.device))
        span = float(strengths.max() - strengths.min())
        numbers = {"shots_differ_db": span}
        if not self.even or span <= GEOLOGY_DB:
            what = f"left as they are, to {GEOLOGY_DB:g} dB" if self.even else "not asked"
            self.steps.append(Step("amplitude", what, numbers))
            return d
        self.steps.append(Step("amplitude", "shots brought to one source strength", numbers))
        return even_out(d, strengths)

    def _silenced(self, d: torch.Tensor) -> torch.Tensor:
        if self.mute is None:
            self.steps.append(Step("mute", "not asked"))
            return d
        muted = self.mute(d, self.wanted)
        gone = 1.0 - float(muted.square().sum() / d.square().sum())
        numbers = {"velocity_m_s": self.mute.velocity, "energy_removed": gone}
        self.steps.append(Step("mute", self.mute.what, numbers))
        return muted


def _at_step(wav: np.ndarray[Any, np.dtype[np.float64]], dt: float, wanted: float) -> Any:
    """Return wavelets ``(n, nw)`` at the target's time step, as the data get there."""
    if abs(dt - wanted) < 1e-9:
        return wav
    room = wav.shape[-1] + int(np.ceil(16 * max(1.0, wanted / dt)))
    padded = torch.from_numpy(np.pad(wav, [(0, 0), (0, room - wav.shape[-1])]))
    return resample_time(padded, dt, wanted).numpy()


def _target(to: Target) -> tuple[Acquisition, str, Card | None]:
    card = to.card if isinstance(to, LearnedInversion) else to
    if isinstance(card, Card):
        return card.acq, card.name, card
    if not isinstance(card, Acquisition):
        refuse(
            "to",
            "must be a network, its card, or a survey",
            got=type(to).__name__,
            do="Pass LearnedInversion.from_pretrained() or an Acquisition",
            error=VMBTypeError,
        )
    return card, "the target", None
