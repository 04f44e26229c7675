"""What arrives too early, or with the direct wave, silenced."""

from dataclasses import dataclass

import numpy as np
import torch

from pylops_vmb._checks import check_choice, check_number
from pylops_vmb.survey import Acquisition


@dataclass(frozen=True)
class Mute:
    r"""What to silence.

    Parameters
    ----------
    velocity : :obj:`float`
        Of the fastest first arrival ("top") or of the direct wave ("direct"), m/s.
    what : {"top", "direct"}, optional
        "top": what comes before the first arrival.  "direct": the direct wave as well.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Notes
    -----
    With the offset :math:`h` silence ends at :math:`|h| / v` ("top") or at
    :math:`|h| / v + t_0 + 1.5 / f_0` ("direct", with the delay :math:`t_0` of the wavelet), after
    a cosine taper of one period :math:`1 / f_0`.
    """

    velocity: float
    what: str = "top"

    def __post_init__(self) -> None:
        check_number("velocity", self.velocity, above=0.0, unit="m/s")
        check_choice("what", self.what, ("top", "direct"))

    def __call__(self, d: torch.Tensor, acq: Acquisition) -> torch.Tensor:
        """Return gathers ``(ns, nr, nt)`` with the mute applied."""
        period = 1.0 / acq.f0
        end = np.abs(acq.offsets) / self.velocity
        if self.what == "direct":
            end = end + acq.delay + 1.5 * period
        into = (acq.t - (end[..., None] - period)) / period
        weight = np.sin(0.5 * np.pi * np.clip(into, 0.0, 1.0)) ** 2
        return d * torch.from_numpy(weight).to(d)
