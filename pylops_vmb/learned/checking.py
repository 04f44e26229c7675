"""When not to trust a network: data against the card, in findings by category."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

from pylops_vmb._checks import sentence, warn
from pylops_vmb.errors import (
    AmplitudeWarning,
    CardWarning,
    GeometryWarning,
    SpectrumWarning,
    VelocityWarning,
)
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.measures import Gauge
from pylops_vmb.learned.signature import Range, Signature
from pylops_vmb.survey import Acquisition, band

WARNINGS: dict[str, type[CardWarning]] = {
    "spectrum": SpectrumWarning,
    "amplitude": AmplitudeWarning,
    "geometry": GeometryWarning,
    "velocity": VelocityWarning,
}
"""The warning class of each category."""
MARGIN = 0.5
"""A range is widened by this part of its width at both ends."""
NEGLIGIBLE = -50.0
"""Power in dB below which nothing is compared."""
_SERIOUS = 1.0
_CERTAIN = 0.95
_JUDGE = "Judge the prediction by its data misfit, check(d, F), before you use it"


@dataclass(frozen=True)
class Finding:
    """One reason not to trust a network on some data.

    Parameters
    ----------
    category : {"spectrum", "amplitude", "geometry", "velocity"}
        What kind of reason.
    what, got, do : :obj:`str`
        What is wrong, what was measured and what the training had, what to do.
    severity : {"doubtful", "serious"}, optional
        "serious" if a measure lies outside of the range of the training by more than the
        width of that range, or nothing can be predicted.
    """

    category: str
    what: str
    got: str
    do: str
    severity: str = "doubtful"

    def __str__(self) -> str:
        return sentence(f"{self.category} ({self.severity})", self.what, self.got, self.do)


@dataclass(frozen=True)
class CheckReport:
    """What speaks against a network's prediction; true if nothing does.

    Parameters
    ----------
    name : :obj:`str`
        Of the network.
    findings : :obj:`tuple`
        The reasons, see `Finding`.
    basis : :obj:`str`
        What the data were compared with.

    Examples
    --------
    >>> from pylops_vmb.learned import CheckReport
    >>> report = CheckReport("net", (), "1000 samples of its training")
    >>> bool(report), print(report)
    net: nothing speaks against these data, compared with 1000 samples of its training
    (True, None)
    """

    name: str
    findings: tuple[Finding, ...]
    basis: str

    def __bool__(self) -> bool:
        return not self.findings

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of the findings, each once."""
        return tuple(dict.fromkeys(finding.category for finding in self.findings))

    def warn(self) -> None:
        """Give one warning a finding, of the class of its category."""
        for found in self.findings:
            category = WARNINGS[found.category]
            warn(self.name, found.what, got=found.got, do=found.do, category=category)

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.name}: nothing speaks against these data, compared with {self.basis}"
        head = f"{self.name}: {len(self.findings)} found, compared with {self.basis}"
        return "\n".join([head, *(f"  {finding}" for finding in self.findings)])


class _Sense(NamedTuple):
    """What it means if a measure is outside of its range on either side; "" if nothing."""

    category: str
    low: str
    high: str
    unit: str
    do: str


_WAVELET = "Match the wavelet to that of the card, or train a network for this one"
_LOWS = "Use a network that was trained with a low-cut (RandomLowCut). " + _JUDGE
_SENSES = {
    "lows": _Sense(
        "spectrum",
        "low frequencies are missing",
        "low frequencies are stronger than in the training",
        "dB",
        _LOWS,
    ),
    "middle": _Sense(
        "spectrum", "the spectrum has another peak", "the spectrum has another peak", "dB", _WAVELET
    ),
    "highs": _Sense(
        "spectrum",
        "high frequencies are missing",
        "there is noise above the band of the wavelet",
        "dB",
        "Filter the noise, or match the wavelet",
    ),
    "mean_hz": _Sense(
        "spectrum",
        "the spectrum lies lower than in the training",
        "the spectrum lies higher than in the training",
        "Hz",
        _WAVELET,
    ),
    "pulse": _Sense(
        "spectrum", "first arrivals have another shape, phase or time zero", "", "", _WAVELET
    ),
    "dead": _Sense(
        "amplitude", "", "there are dead traces", "of the traces", "Interpolate dead traces"
    ),
    "before_db": _Sense(
        "amplitude",
        "",
        "there is noise before the first arrivals, or events arrive too early",
        "dB",
        f"Mute or denoise, and check the time zero. {_JUDGE}",
    ),
    "far_db": _Sense(
        "amplitude",
        "far traces are weaker than in the training",
        "far traces are stronger than in the training",
        "dB",
        "Undo gains and 3-D spreading corrections",
    ),
    "late_db": _Sense(
        "amplitude", "", "late arrivals are stronger than in the training", "dB", "Undo time gains"
    ),
    "crest_db": _Sense(
        "amplitude",
        "amplitudes are clipped or balanced",
        "a few samples stand out",
        "dB",
        "Read the data without clipping or gain; remove spikes",
    ),
    "shots_db": _Sense(
        "amplitude", "", "shots differ in strength", "dB", "Scale the shots to one source strength"
    ),
    "uneven_db": _Sense(
        "amplitude",
        "traces are balanced",
        "levels jump from trace to trace",
        "dB",
        "Correct the receivers' gains",
    ),
    "apex_m": _Sense(
        "geometry",
        "",
        "the strongest trace is not the one next to the source",
        "m",
        "Check positions, spacing and order of receivers and shots",
    ),
    "at_limits": _Sense(
        "velocity",
        "",
        "the prediction lies at an end of the velocities of the training",
        "of the cells",
        "Expect velocities outside of the training, and invert with wider bounds",
    ),
    "data_misfit": _Sense(
        "velocity",
        "",
        "the prediction explains the data worse than in the training",
        "relative data misfit",
        "Do not use it alone: fine-tune the network, or invert by hybrid or fwi",
    ),
}
_SMALLEST = {"mean_hz": 0.5, "pulse": 0.01, "at_limits": 0.02, "data_misfit": 0.05}
"""No range is taken to be narrower than this; for dB it is 2."""


def survey_findings(card: Card, acq: Acquisition) -> list[Finding]:
    """Return where the survey of the data is not that of the card."""
    do = "Adapt the data, or train on this survey"
    return [
        Finding("geometry", "the survey is not the one of the training", found, do)
        for found in card.differences(acq)
    ]


def unusable(d: torch.Tensor) -> Finding | None:
    """Return why nothing can be predicted from gathers, if so."""
    if not bool(d.isfinite().all()):
        got = f"{int((~d.isfinite()).sum())} NaN or infinite values"
        do = "Mute or interpolate these samples first"
        return Finding("amplitude", "data must be finite", got, do, "serious")
    if not bool(d.any()):
        do = "Check how the data were read"
        return Finding("amplitude", "data hold no signal", "zeros only", do, "serious")
    return None


def data_findings(card: Card, d: torch.Tensor) -> list[Finding]:
    """Compare decimated gathers ``(ns, nt, nr)`` with the signature of a card."""
    if card.signature is None:
        return list(_without_signature(card, d))
    gauge = Gauge(card.acq, card.preprocessing, card.signature.velocity[1])
    found, ranges = gauge(d, torch.tensor(card.signature.pulse)), card.signature.gathers
    turned = _turned(found["pulse"], ranges)
    if turned is not None:
        del found["pulse"]
        return [turned, *_compare(found, ranges, gauge)]
    return _compare(found, ranges, gauge)


def _turned(pulse: float, ranges: dict[str, Range]) -> Finding | None:
    """Return a finding if first arrivals do not fit, and would with the other sign."""
    fits, would_fit = (not _compare({"pulse": value}, ranges) for value in (pulse, -pulse))
    if fits or not would_fit:
        return None
    what, do = "the polarity is flipped", "Change the sign of the data"
    if -pulse < _CERTAIN:  # a range this wide also holds half a period too late
        what, do = f"{what} or the time zero is wrong", f"{do}, or check its time zero and dt"
    got = f"a correlation of {pulse:.2f} with the first arrivals of the training"
    return Finding("amplitude", what, got, do, "serious")


def prediction_findings(signature: Signature, measures: dict[str, float]) -> list[Finding]:
    """Compare measures of a prediction with those on the validation set of the training."""
    return _compare(measures, signature.predictions)


def basis_of(card: Card) -> str:
    """Say what data are compared with."""
    if card.signature is None:
        return "the wavelet of its card alone, which has no signature of the training data"
    return f"{card.signature.samples} samples of its training"


def _compare(
    measures: dict[str, float], ranges: dict[str, Range], gauge: Gauge | None = None
) -> list[Finding]:
    """Return one finding a sense, that of the measure which lies farthest outside."""
    worst: dict[tuple[str, str], tuple[float, Finding]] = {}
    for name in measures.keys() & ranges.keys():
        value, (low, _, high) = measures[name], ranges[name]
        label, where, floor = name, "", _SMALLEST.get(name, 0.0)
        if name.endswith("_db") or name.startswith("power"):
            floor = 2.0
        if name in ("late_db", "before_db") or name.startswith("power"):
            value, low, high = (max(number, NEGLIGIBLE) for number in (value, low, high))
        if name.startswith("power") and gauge is not None:
            label, where = _place(gauge, int(name.partition("_")[2]))
        width = max(high - low, floor)
        outside = max(value - high, low - value) - MARGIN * width
        what = _SENSES[label].high if value > high else _SENSES[label].low
        if outside <= 0.0 or not what:
            continue
        sense, ratio = _SENSES[label], outside / width if width else math.inf
        got = f"{value:.3g} {sense.unit}{where}".strip() + f" instead of {low:.3g} to {high:.3g}"
        severity = "serious" if ratio > _SERIOUS else "doubtful"
        finding = Finding(sense.category, what, got, sense.do, severity)
        key = (sense.category, what)
        if key not in worst or ratio > worst[key][0]:
            worst[key] = (ratio, finding)
    return [finding for _, finding in sorted(worst.values(), key=lambda pair: -pair[0])]


def _place(gauge: Gauge, number: int) -> tuple[str, str]:
    """Return the sense of a band, and its frequencies in words."""
    low, high = gauge.bands()[number]
    part = "lows" if high <= 0.5 * gauge.acq.f0 else "highs" if low >= 2.0 * gauge.acq.f0 else ""
    return part or "middle", f" of the power from {low:.3g} to {high:.3g} Hz"


def _without_signature(card: Card, d: torch.Tensor) -> Iterator[Finding]:
    """Compare the band of gathers with that of the wavelet in the card."""
    dt = card.acq.dt * card.preprocessing.step
    lowest, peak, _ = band(d.transpose(1, 2).cpu(), dt, level=0.1)
    expected_lowest, expected_peak, _ = card.acq.band(0.1)
    if abs(peak - expected_peak) > 0.3 * expected_peak:
        got = f"{peak:.3g} Hz instead of {expected_peak:.3g} Hz"
        yield Finding("spectrum", "the spectrum has another peak", got, _WAVELET)
    elif lowest > 1.3 * expected_lowest:
        got = f"nothing below {lowest:.3g} Hz instead of {expected_lowest:.3g} Hz"
        yield Finding("spectrum", "low frequencies are missing", got, _LOWS)
