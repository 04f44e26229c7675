r"""Gathers made smooth along the receivers before these are interpolated.

Waves that leave a source arrive later with offset: their slowness along the line lies between 0
and :math:`1/v` on either side of it.  Advanced by half of that,

.. math::
    d(h, t) \to d(h, t + \tau(h)) / a(h), \qquad \tau(h) = \frac{\sqrt{h^2 + h_0^2}}{2 v},

it lies between :math:`-1/2v` and :math:`1/2v`, so that receivers may be twice as far apart before
waves are aliased.  Each trace is divided by its level :math:`a(h)`, so that the strong ones near
the source do not ring into others.  Both are undone after the interpolation, the levels being
interpolated by themselves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.interpolate import Akima1DInterpolator, make_interp_spline

from pylops_vmb.learned.adaptation.sorting import Floats

_FLOOR = 1e-6
"""No trace is taken to be weaker than this part of the strongest one."""
_FEW = 3
"""With fewer traces levels are interpolated linearly."""


@dataclass(frozen=True)
class Moveout:
    """The moveout of a shot.

    Parameters
    ----------
    slowest : :obj:`float`
        Slowest velocity along the line, m/s.
    rounding : :obj:`float`
        Offset below which it is rounded off, m.
    dt : :obj:`float`
        Time step, s.
    """

    slowest: float
    rounding: float
    dt: float

    @property
    def cone(self) -> float:
        """Slowest velocity along the line that is left, m/s."""
        return 2.0 * self.slowest

    def __call__(self, traces: torch.Tensor, offsets: Floats) -> torch.Tensor:
        """Advance traces ``(n, nt)`` at offsets ``(n,)`` in m."""
        return self._shift(traces, offsets, 1.0)

    def undo(self, traces: torch.Tensor, offsets: Floats) -> torch.Tensor:
        """Delay them again."""
        return self._shift(traces, offsets, -1.0)

    def _shift(self, traces: torch.Tensor, offsets: Floats, sign: float) -> torch.Tensor:
        """Shift circularly: what leaves the record at one end comes back when it is undone."""
        n = traces.shape[-1]
        tau = np.hypot(offsets, self.rounding) / self.cone
        phase: Any = 2.0 * np.pi * np.outer(tau, np.fft.rfftfreq(n, self.dt))
        turn = torch.polar(torch.ones(phase.shape, dtype=torch.float64), torch.from_numpy(phase))
        if n % 2 == 0:  # a real signal has no phase at Nyquist's frequency
            turn[:, -1] = 1.0
        spectrum = torch.fft.rfft(traces) * (turn if sign > 0 else turn.conj()).to(
            device=traces.device, dtype=torch.complex(traces[:1, :1], traces[:1, :1]).dtype
        )
        shifted: torch.Tensor = torch.fft.irfft(spectrum, n=n)
        return shifted


def levels(traces: torch.Tensor) -> torch.Tensor:
    """Return the levels ``(n, 1)`` of traces ``(n, nt)``; none is zero."""
    rms = traces.square().mean(-1, keepdim=True).sqrt()
    return rms.clamp(min=float(rms.max()) * _FLOOR)


def levels_at(level: torch.Tensor, x: Floats, wanted: Floats) -> torch.Tensor:
    """Interpolate levels ``(n, 1)`` at `x`, by their logarithms, to other positions, m."""
    spline = make_interp_spline if len(x) < _FEW else Akima1DInterpolator
    given = {"k": 1} if len(x) < _FEW else {"method": "makima"}
    found = spline(x, level[:, 0].log().double().cpu().numpy(), **given)
    return torch.from_numpy(np.exp(found(np.clip(wanted, x[0], x[-1])))).to(level)[:, None]
