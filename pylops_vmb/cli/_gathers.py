"""Gathers from SEG-Y with the wavelet that SEG-Y does not hold, and the known surveys."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pylops_vmb.cli._messages import say
from pylops_vmb.cli._report import beside, digest, read_report
from pylops_vmb.io import read_gathers, read_npz_gathers
from pylops_vmb.learned import Card
from pylops_vmb.survey import Acquisition, Grid, band, ricker
from pylops_vmb.velocity import VelocityGenerator, fcnvmb_like, openfwi_like

_SAME = 0.01
"""Peak frequencies that differ by less are one wavelet."""
_PLAUSIBLE = 0.5
"""Data whose peak frequency is further from the network's wavelet were not shot with it."""


class Preset(NamedTuple):
    """A survey known by name, with a generator of models for it."""

    grid: Callable[[], Grid]
    acq: Callable[[], Acquisition]
    velocity: Callable[..., VelocityGenerator]


PRESETS = {
    "openfwi": Preset(Grid.openfwi, Acquisition.openfwi, openfwi_like),
    "fcnvmb": Preset(Grid.fcnvmb, Acquisition.fcnvmb, fcnvmb_like),
}


def load_gathers(
    path: Path,
    *,
    f0: float | None = None,
    preset: str | None = None,
    card: Card | None = None,
    headers: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Any, Acquisition]:
    """Read gathers, find their wavelet, and say which it is.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        SEG-Y, a folder of SEG-Y files, or .npz, which holds the wavelet.
    f0 : :obj:`float`, optional
        Peak frequency in Hz.
    preset : :obj:`str`, optional
        Survey whose wavelet it is.
    card : `Card`, optional
        Of the network that is going to invert the data.
    headers : :obj:`dict`, optional
        What `read_gathers` is to be told about the headers of SEG-Y.

    Returns
    -------
    data : :obj:`numpy.ndarray`
        Gathers ``(ns, nr, nt)``.
    acq : `Acquisition`
        Their survey.

    Notes
    -----
    The first of these that has the time step of the data and, where `f0` is given, this
    peak frequency: the wavelet of the preset, that of the report which `simulate` wrote
    beside the file (if the file is still the same), that of the card (without `f0` only
    if the data's peak frequency is anywhere near).  Otherwise a Ricker of `f0`, or of the
    data's own peak frequency with a warning.  The shape alone would not do: a network and
    FWI both depend on the delay of the wavelet.
    """
    if path.suffix.lower() == ".npz":
        return _of_npz(path, f0)
    name = path.resolve().name
    for origin, known in _known(path, preset, card):
        if f0 is not None and abs(f0 - known.f0) > _SAME * known.f0:
            continue
        data, acq = read_gathers(path, wav=known.wav, wavc=known.wavc, f0=known.f0, **headers)
        near = f0 is not None or origin != "network" or _is_near(data, known)
        if near and abs(acq.dt - known.dt) < 1e-9:
            say(f"{name}: {acq}; wavelet of the {origin}, {known.f0:.3g} Hz")
            return data, acq
    data, acq = read_gathers(path, f0=f0, **headers)
    say(f"{name}: {acq}; Ricker wavelet of {acq.f0:.3g} Hz, peak at {acq.delay:.3g} s")
    return data, acq


def _of_npz(path: Path, f0: float | None) -> tuple[Any, Acquisition]:
    """Return gathers with their own wavelet, or with the one that is asked for."""
    data, acq = read_npz_gathers(path)
    if f0 is None or abs(f0 - acq.f0) <= _SAME * acq.f0:
        say(f"{path.name}: {acq}; its own wavelet, {acq.f0:.3g} Hz")
        return data, acq
    wav, wavc = ricker(f0, acq.dt)
    acq = acq.with_wavelet(wav, wavc, f0=f0)
    say(f"{path.name}: {acq}; Ricker wavelet of {f0:.3g} Hz, peak at {acq.delay:.3g} s")
    return data, acq


def wavelet_of(acq: Acquisition) -> dict[str, Any]:
    """Return what a report says of the wavelet that was found: its hash tells another one."""
    samples = acq.wav.astype("<f8").tobytes()
    return {
        "f0_hz": acq.f0,
        "delay_s": acq.delay,
        "sha256": hashlib.sha256(samples).hexdigest(),
    }


def _known(path: Path, preset: str | None, card: Card | None) -> Iterator[tuple[str, Acquisition]]:
    if preset:
        yield "preset", PRESETS[preset].acq()
    report = beside(path.resolve())
    if report.exists():
        stored = read_report(report)
        if "acquisition" in stored and stored["outputs"].get(path.name) == digest(path):
            yield "report", Acquisition.from_dict(stored["acquisition"])
    if card:
        yield "network", card.acq


def _is_near(data: Any, known: Acquisition) -> bool:
    return abs(band(data, known.dt)[1] - known.f0) < _PLAUSIBLE * known.f0
