"""What is measured of gathers to tell whether a network has seen such data before."""

import math
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Acquisition

EDGES = (0.0, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, math.inf)
"""Edges of the frequency bands, in units of the peak frequency."""
_DEAD = 1e-3
"""A trace is dead below this fraction of the median amplitude of its shot."""
_FLOOR = 1e-15
_PAD = 4


class Gauge:
    r"""Numbers that describe gathers, whatever their amplitude is.

    Parameters
    ----------
    acq : `Acquisition`
        The survey of the network.
    preprocessing : `Preprocessing`
        Of the network: gathers are measured after its decimation, before its scaling.
    fastest : :obj:`float`
        Highest velocity in m/s: nothing arrives before the offset over it.

    Notes
    -----
    * ``power_0``, ``power_1``, ...: part of the power in the bands of `EDGES` in dB, of
      spectra whose traces all weigh the same; ``mean_hz``: mean frequency of that power;
    * ``pulse``: correlation of the first arrivals next to the sources with those of the
      training, 1 for the same wavelet, -1 for the other polarity;
    * ``far_db``, ``late_db``: power of the farthest third of the traces over the nearest,
      and of the last third of the record over the first; ``before_db``: power before
      anything can have arrived over the mean power;
    * ``crest_db``: largest amplitude over root mean square; ``shots_db``: strongest shot over
      weakest; ``uneven_db``: root mean square of the second difference of the traces' levels
      along the receivers; ``dead``: fraction of the traces that are dead;
    * ``apex_m``: how far, at most, the strongest trace of a shot is from its source.
    """

    def __init__(self, acq: Acquisition, preprocessing: Preprocessing, fastest: float) -> None:
        self.acq, self.dt = acq, acq.dt * preprocessing.step
        self.nt, self.fastest = preprocessing.samples(acq.nt), fastest
        away = np.hypot(*(acq.receivers - acq.srcs[:, :, None]))
        self._offsets = torch.from_numpy(np.ascontiguousarray(away))
        self._near, self._far = (float(q) for q in np.quantile(away, (1 / 3, 2 / 3)))

    def bands(self) -> list[tuple[float, float]]:
        """Return the edges in Hz of ``power_0``, ``power_1``, ..."""
        edges = [min(edge * self.acq.f0, 0.5 / self.dt) for edge in EDGES]
        return [(low, high) for low, high in pairwise(edges) if high > low]

    def pulses(self, d: torch.Tensor) -> torch.Tensor:
        """Return the first arrivals next to the sources of gathers ``(ns, nt, nr)``, scaled.

        Returns
        -------
        pulses : :obj:`torch.Tensor`
            One a shot, from the start of the record to one and a half periods behind the
            delay of the wavelet, each with a norm of one.
        """
        dead = ~self._alive(_levels(d))
        nearest = (self._offsets.to(d) + 1e12 * dead).argmin(1)
        traces = d[torch.arange(len(d), device=d.device), : self._window, nearest]
        pulses: torch.Tensor = traces / traces.norm(dim=1, keepdim=True).clamp(min=_FLOOR)
        return pulses

    def __call__(self, d: torch.Tensor, pulse: torch.Tensor) -> dict[str, float]:
        """Measure gathers.

        Parameters
        ----------
        d : :obj:`torch.Tensor`
            Decimated gathers ``(ns, nt, nr)``, finite and not all zero.
        pulse : :obj:`torch.Tensor`
            Mean first arrival of the training.

        Returns
        -------
        measures : :obj:`dict`
            Numbers by name.
        """
        d = d.double() / d.double().square().mean().sqrt()
        levels = _levels(d)
        alive = self._alive(levels)
        found = self._spectrum(d, levels, alive) | self._times(d) | self._traces(levels, alive)
        found["pulse"] = (self.pulses(d) @ pulse.to(d)).mean()
        found["crest_db"] = 2.0 * _db(d.abs().max())
        found["apex_m"] = self._apex(levels)
        return {name: float(value) for name, value in found.items()}

    def _alive(self, levels: torch.Tensor) -> torch.Tensor:
        return levels > _DEAD * levels.median(dim=1, keepdim=True).values

    def _spectrum(
        self, d: torch.Tensor, levels: torch.Tensor, alive: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        traces = (d / levels.clamp(min=_FLOOR)[:, None, :]).transpose(1, 2)[alive]
        power = torch.fft.rfft(traces, n=_PAD * self.nt).abs().square().mean(0)
        power = power / power.sum()
        freqs = torch.fft.rfftfreq(_PAD * self.nt, self.dt, dtype=d.dtype, device=d.device)
        found = {"mean_hz": (power * freqs).sum()}
        for number, (low, high) in enumerate(self.bands()):
            found[f"power_{number}"] = _db(power[(freqs >= low) & (freqs < high)].sum())
        return found

    def _times(self, d: torch.Tensor) -> dict[str, torch.Tensor]:
        third = max(self.nt // 3, 1)
        power = d.square()
        found = {"late_db": _db(power[:, -third:].mean()) - _db(power[:, :third].mean())}
        if bool(self._before.any()):
            found["before_db"] = _db(power[self._before.to(d.device)].mean())
        return found

    def _traces(self, levels: torch.Tensor, alive: torch.Tensor) -> dict[str, torch.Tensor]:
        offsets, power, shots = self._offsets.to(levels), levels.square(), levels.norm(dim=1)
        near, far = (offsets <= self._near) & alive, (offsets >= self._far) & alive
        bend = (2.0 * _db(levels)).diff(n=2, dim=1)
        whole = alive[:, 2:] & alive[:, 1:-1] & alive[:, :-2]
        return {
            "dead": 1.0 - alive.double().mean(),
            "far_db": _db(_mean(power[far])) - _db(_mean(power[near])),
            "shots_db": 2.0 * (_db(shots.max()) - _db(shots.min())),
            "uneven_db": _mean(bend[whole].square()).sqrt(),
        }

    def _apex(self, levels: torch.Tensor) -> torch.Tensor:
        strongest = levels.argmax(1)
        x = torch.from_numpy(self.acq.receivers[0].copy()).to(levels)
        shots = torch.arange(len(levels), device=levels.device)
        return (x[shots, strongest] - torch.from_numpy(self.acq.srcs[0]).to(levels)).abs().max()

    @property
    def _window(self) -> int:
        return min(math.ceil((self.acq.delay + 1.5 / self.acq.f0) / self.dt) + 1, self.nt)

    @cached_property
    def _before(self) -> torch.Tensor:
        """Samples ``(ns, nt, nr)`` before anything can have arrived, less two for the filter."""
        t = self.dt * (torch.arange(self.nt, dtype=torch.float64) + 2.0)
        return t[None, :, None] < self._offsets[:, None, :] / self.fastest


def at_limits(vp: torch.Tensor, velocity: tuple[float, float]) -> float:
    """Return the fraction of cells within one percent of an end of a range of velocities."""
    low, high = velocity
    slack = 0.01 * (high - low)
    return float(((vp < low + slack) | (vp > high - slack)).double().mean())


def data_misfit(predicted: torch.Tensor, d: torch.Tensor) -> float:
    """Return the relative distance of two data sets at the best amplitude, between 0 and 1."""
    norms = (predicted.double().norm() * d.double().norm()).clamp(min=_FLOOR)
    likeness = (predicted.double() * d.double()).sum() / norms
    return float((1.0 - likeness.clamp(0.0, 1.0).square()).sqrt())


def _levels(d: torch.Tensor) -> torch.Tensor:
    """Return the root mean square ``(ns, nr)`` of the traces."""
    return d.square().mean(1).sqrt()


def _db(power: torch.Tensor) -> torch.Tensor:
    return 10.0 * power.clamp(min=_FLOOR).log10()


def _mean(values: torch.Tensor) -> torch.Tensor:
    """Return the mean, zero of nothing."""
    return values.mean() if values.numel() else values.new_zeros(())
