"""A clock that stops while an inversion's model is judged; for any environment."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._timing import forget_peak, peak, resident


class EnoughError(Exception):
    """The last target is reached, or all gradients are spent."""


class Watch:
    """Seconds and calls that an inversion took to each misfit.

    Parameters
    ----------
    last : :obj:`float`
        Relative data misfit at which the inversion ends.
    most : :obj:`int`
        Gradients after which it ends.

    Attributes
    ----------
    curve : :obj:`list`
        Of each model: seconds by the clock, of the processor, gradients so far, misfit.
    vp : :obj:`numpy.ndarray`
        The last model.
    """

    def __init__(self, *, last: float, most: int) -> None:
        self._last, self._most = last, most
        self.curve: list[tuple[float, float, int, float]] = []
        self.vp: NDArray[Any] = np.empty(0)
        forget_peak()
        self._baseline = resident()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __call__(self, vp: NDArray[Any], misfit: Callable[[], float], *, calls: int) -> None:
        """Note a model; what `misfit` takes does not count.

        Raises
        ------
        EnoughError
            If that ends the inversion.
        """
        wall, cpu = time.perf_counter(), time.process_time()
        value = misfit()
        self.vp = np.array(vp, np.float32)
        self.curve.append((wall - self._wall, cpu - self._cpu, calls, value))
        if value <= self._last or calls >= self._most:
            raise EnoughError
        self._wall += time.perf_counter() - wall
        self._cpu += time.process_time() - cpu

    def figures(self) -> dict[str, Any]:
        """Return the curve and the memory that the inversion added, MiB."""
        return {"curve": self.curve, "added": peak() - self._baseline}


def reached(
    curve: Sequence[Sequence[float]], target: float
) -> tuple[float | None, float | None, int | None]:
    """Return the seconds by both clocks and the gradients to a misfit; None if it was not reached.

    Examples
    --------
    >>> reached([(1.0, 2.0, 1, 0.5), (2.0, 4.0, 2, 0.1), (3.0, 6.0, 3, 0.2)], 0.2)
    (2.0, 4.0, 2)
    """
    for wall, cpu, calls, misfit in curve:
        if misfit <= target:
            return wall, cpu, int(calls)
    return None, None, None


def relative(d: NDArray[Any], dobs: NDArray[Any]) -> float:
    """Return the relative L2 misfit."""
    return float(np.linalg.norm((d - dobs).ravel()) / np.linalg.norm(dobs.ravel()))


def lowpass(d: NDArray[Any], corner: float | None, dt: float) -> NDArray[Any]:
    r"""Filter traces by the symmetric :math:`1 / (1 + (f / f_c)^8)`, which is its own adjoint."""
    if corner is None:
        return d
    length = 2 * d.shape[-1]
    response = 1.0 / (1.0 + (np.fft.rfftfreq(length, dt) / corner) ** 8)
    return np.fft.irfft(np.fft.rfft(d, length) * response, length)[..., : d.shape[-1]]
