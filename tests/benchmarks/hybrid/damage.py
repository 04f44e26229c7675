"""What goes wrong with data, or with the modelling that inverts them: kinds and severities."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import hilbert

import pylops_vmb as vmb
from tests.benchmarks.hybrid.conditions import Condition, Problem, full, low_cut
from tests.benchmarks.hybrid.models import Velocity

CLEAN = "clean"
IN_BAND = 0.1
"""Noise fills the band in which the wavelet has this fraction of its peak, 3.4 to 33 Hz."""
BOUNDS = (1500.0, 4500.0)
"""Of the velocities of the training, and of an inversion that nobody told otherwise."""
FADE = 25
"""Samples over which a wrong wavelet begins: an edge would hold all frequencies."""


@dataclass(frozen=True)
class Damage:
    """One condition.

    Parameters
    ----------
    kind : :obj:`str`
        Of `KINDS`.
    label : :obj:`str`
        Its severity, for tables and axes.
    observe : callable
        From a velocity to the problem.
    settings : :obj:`dict`, optional
        What a user who knows of it would tell the inversion.
    """

    kind: str
    label: str
    observe: Condition
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest velocity of the inversion in m/s."""
        low, high = self.settings.get("bounds", BOUNDS)
        return low, high


def noisy(true: Velocity, *, snr_db: float) -> Problem:
    """Add Gaussian noise, white in the band of the wavelet and of the model's own seed.

    The ratio is that of the energies of the whole gather, most of which is the direct wave:
    reflections have less.
    """
    F, dobs, _ = full(true)
    noise = in_band_noise(dobs.shape, F.acq, seed=zlib.crc32(true.tobytes()))
    level = np.linalg.norm(dobs) / np.linalg.norm(noise) * 10.0 ** (-snr_db / 20.0)
    return Problem(F, np.asarray(dobs + level * noise, np.float32), true)


def in_band_noise(
    shape: tuple[int, ...], acq: vmb.Acquisition, *, seed: int
) -> NDArray[np.float64]:
    """Return noise whose spectrum is white where the wavelet's lives, and zero elsewhere."""
    low, _, high = acq.band(IN_BAND)
    freqs = np.fft.rfftfreq(shape[-1], acq.dt)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(shape))
    return np.fft.irfft(white * ((freqs >= low) & (freqs <= high)), n=shape[-1])


def dead(true: Velocity, *, share: float) -> Problem:
    """Replace a share of the traces by zeros, chosen at random by the model's own seed."""
    F, dobs, _ = full(true)
    rng = np.random.default_rng(zlib.crc32(true.tobytes()))
    traces = dobs.shape[0] * dobs.shape[1]
    chosen = rng.permutation(traces)[: round(share * traces)]
    silent = dobs.copy()
    silent.reshape(traces, -1)[chosen] = 0.0
    return Problem(F, silent, true)


def wrong_wavelet(true: Velocity, *, stretch: float = 1.0, degrees: float = 0.0) -> Problem:
    """Shoot with another peak frequency or phase than network and modelling believe.

    Time zero is right.  The other way round, with a wrong modelling of the right data, the
    network would notice nothing.
    """
    F, _, _ = full(true)
    wav = ricker_like(F.acq, stretch=stretch, degrees=degrees)
    return Problem(F, F.with_wavelet(wav, F.acq.wavc)(true), true)


def ricker_like(
    acq: vmb.Acquisition, *, stretch: float = 1.0, degrees: float = 0.0
) -> NDArray[np.float64]:
    """Return a Ricker wavelet around the survey's time zero, faded in and twice as long."""
    room = 4096
    t = acq.dt * np.arange(-room, room)
    a = (np.pi * stretch * acq.f0 * t) ** 2
    turned = np.exp(1j * np.deg2rad(degrees)) * hilbert((1.0 - 2.0 * a) * np.exp(-a))
    count = min(2 * len(acq.wav), acq.nt)
    wav = np.real(turned)[room - acq.wavc :][:count]
    rise = np.sin(0.5 * np.pi * (np.arange(FADE) + 0.5) / FADE) ** 2
    wav[:FADE] *= rise
    wav[-FADE:] *= rise[::-1]
    return np.asarray(wav, np.float64)


def scaled(true: Velocity, *, factor: float) -> Problem:
    """Multiply the velocity itself, and allow the modelling to be as fast."""
    F, _, _ = full(true)
    F = vmb.AcousticModelling2D(F.grid, F.acq, max_vel=max(1.0, factor) * F.max_vel)
    vp = np.asarray(factor * true, np.float32)
    return Problem(F, F(vp), vp)


KINDS = {
    "lowcut": "nothing below, Hz",
    "noise": "signal to noise, dB",
    "dead": "dead traces, %",
    "wavelet": "wavelet of the data, unknown",
    "source": "same, estimated by FWI",
    "velocity": "velocity times",
}
"""Titles of the panels; every one begins with the clean data."""
CORNERS = (2, 3, 4, 5, 6, 8)
WAVELETS: dict[str, dict[str, float]] = {
    "-20 %": {"stretch": 0.8},
    "+20 %": {"stretch": 1.2},
    "45°": {"degrees": 45.0},
    "90°": {"degrees": 90.0},
}


def damages() -> dict[str, Damage]:
    """Return all conditions by name, which is good as part of a file's."""
    found = {CLEAN: Damage("", "none", full)}
    for corner in CORNERS:
        observe = partial(low_cut, corner=float(corner))
        found[f"lowcut{corner}"] = Damage("lowcut", str(corner), observe)
    for snr in (20, 10, 5, 0):
        observe = partial(noisy, snr_db=float(snr))
        found[f"noise{snr}"] = Damage("noise", str(snr), observe)
    for percent in (10, 30, 50):
        observe = partial(dead, share=percent / 100.0)
        found[f"dead{percent}"] = Damage("dead", str(percent), observe)
    for name, (label, wrong) in zip(("low", "high", "45", "90"), WAVELETS.items(), strict=True):
        observe = partial(wrong_wavelet, **wrong)
        found[f"wavelet{name}"] = Damage("wavelet", label, observe)
        known = {"estimate_source": True}
        found[f"source{name}"] = Damage("source", label, observe, known)
    for factor in (0.8, 1.25):
        low, high = BOUNDS
        known = {"bounds": (min(1.0, factor) * low, max(1.0, factor) * high)}
        observe = partial(scaled, factor=factor)
        found[f"velocity{round(100 * factor)}"] = Damage("velocity", f"{factor:g}", observe, known)
    return found


DAMAGES = damages()


def of_kind(kind: str) -> dict[str, Damage]:
    """Return the clean condition and those of a kind, from mild to severe."""
    return {name: d for name, d in DAMAGES.items() if name == CLEAN or d.kind == kind}


def label(name: str, kind: str) -> str:
    """Return the severity of a condition as it reads among its kind."""
    if name != CLEAN:
        return DAMAGES[name].label
    return {"lowcut": "0", "noise": "inf", "dead": "0", "velocity": "1"}.get(kind, "right")
