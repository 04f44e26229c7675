"""From a survey's gathers to a network's input, and nothing that autograd cannot follow."""

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.signal import firwin

from pylops_vmb._checks import check_choice, check_integer, check_number


@dataclass(frozen=True)
class Preprocessing:
    r"""Decimation, scaling and gain, in this order; part of the operator and of its card.

    Parameters
    ----------
    step : :obj:`int`, optional
        Keep one time sample of every `step`.
    decimation : {"antialias", "middle"}, optional
        ``"antialias"``: zero-phase low-pass below the new Nyquist frequency, then samples
        0, step, 2 step, ...  ``"middle"``: the middle sample of each block without any
        filter, as Yang and Ma (2019) did (index 2 of 5).
    scale : {"rms", "max", "none"}, optional
        Divide the whole survey by its root mean square or its largest amplitude.
    gain : :obj:`float`, optional
        Level :math:`g` of the gain :math:`\mathrm{asinh}(d / g)`, in units of the scaled
        data: amplitudes below it stay linear, those above are compressed.  None for no gain.

    Raises
    ------
    VMBValueError
        If a value is out of range.

    Notes
    -----
    Gathers ``(..., ns, nr, nt)`` become ``(..., ns, nt // step, nr)``, the order of
    networks.

    Examples
    --------
    >>> import torch
    >>> Preprocessing(step=5)(torch.ones(2, 7, 100)).shape
    torch.Size([2, 20, 7])
    """

    step: int = 1
    decimation: str = "antialias"
    scale: str = "rms"
    gain: float | None = None

    def __post_init__(self) -> None:
        check_integer("step", self.step, at_least=1)
        check_choice("decimation", self.decimation, ("antialias", "middle"))
        check_choice("scale", self.scale, ("rms", "max", "none"))
        if self.gain is not None:
            check_number("gain", self.gain, above=0.0)

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build this again; JSON can hold them."""
        return asdict(self)

    def samples(self, nt: int) -> int:
        """Return the number of time samples that remain of `nt`."""
        return nt // self.step

    def __call__(self, d: torch.Tensor) -> torch.Tensor:
        """Turn gathers ``(..., ns, nr, nt)`` into network input ``(..., ns, nt // step, nr)``."""
        return self.normalise(self.decimate(d))

    def decimate(self, d: torch.Tensor) -> torch.Tensor:
        """Return fewer time samples, in network order ``(..., ns, nt // step, nr)``."""
        count = self.samples(d.shape[-1])
        if self.step > 1 and self.decimation == "middle":
            d = d[..., (self.step - 1) // 2 :: self.step]
        elif self.step > 1:
            d = _lowpassed(d, self.step)
        return d[..., :count].transpose(-1, -2)

    def normalise(self, d: torch.Tensor) -> torch.Tensor:
        """Scale each survey ``(..., ns, nt, nr)`` as a whole, and compress its range."""
        tiny = torch.finfo(d.dtype).tiny
        if self.scale == "rms":
            d = d / d.square().mean((-3, -2, -1), keepdim=True).sqrt().clamp(min=tiny)
        elif self.scale == "max":
            d = d / d.abs().amax((-3, -2, -1), keepdim=True).clamp(min=tiny)
        return d if self.gain is None else torch.asinh(d / self.gain)


def _lowpassed(d: torch.Tensor, step: int) -> torch.Tensor:
    """Return every `step`-th sample of low-passed traces, the first one included.

    Samples are dealt to `step` channels, which are convolved at once, so that nothing is
    computed that is thrown away: a twelfth of the time for every fifth sample.
    """
    weight = _weight(step, d.device, d.dtype)
    nt, kept = d.shape[-1], -(-d.shape[-1] // step)
    before = _half(step)
    after = step * (kept + weight.shape[-1] - 1) - nt - before
    traces = torch.nn.functional.pad(d.reshape(-1, nt), (before, after))
    dealt = traces.reshape(len(traces), -1, step).transpose(1, 2)
    return torch.nn.functional.conv1d(dealt, weight).reshape(*d.shape[:-1], kept)


def _half(step: int) -> int:
    """Return the number of samples on either side that the low-pass reaches."""
    return math.ceil(6 * step)


@lru_cache(maxsize=8)
def _weight(step: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Low-pass ``(1, step, k)`` with its half amplitude at 0.8 of the new Nyquist frequency."""
    taps = firwin(2 * _half(step) + 1, 0.8 / step, window="hamming")
    dealt = np.pad(taps, (0, -len(taps) % step)).reshape(-1, step).T
    with torch.inference_mode(False):  # it stays, and a derivative may need it next
        return torch.from_numpy(np.ascontiguousarray(dealt)[None]).to(device, dtype)
