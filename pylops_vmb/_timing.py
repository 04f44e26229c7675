"""Time and memory of a call, and calls in turn; the standard library alone, for any environment."""

import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """Seconds of one call: by the clock, and of the processor (all threads added)."""

    wall: float
    cpu: float


def timed(call: Callable[[], Any]) -> Sample:
    """Time one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)


def alternate(calls: Mapping[str, Callable[[], Any]], *, rounds: int) -> dict[str, list[Sample]]:
    """Time some calls in turn (A B A B), after one call of each that does not count."""
    for call in calls.values():
        call()
    samples: dict[str, list[Sample]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                samples[name].append(timed(call))
    finally:
        gc.enable()
    return samples


def median(samples: Sequence[Sample], *, clock: str = "wall") -> float:
    """Return the median of one of the two clocks, in s."""
    return float(statistics.median(getattr(sample, clock) for sample in samples))


def ratio(these: Sequence[Sample], those: Sequence[Sample], *, clock: str = "wall") -> float:
    """Return the median, over the rounds, of the ratio within a round."""
    shares = (getattr(a, clock) / getattr(b, clock) for a, b in zip(these, those, strict=True))
    return float(statistics.median(shares))


def run_and_measure(
    call: Callable[[], Any],
    *,
    warm_up: Callable[[], Any] | None = None,
    at_least: float = 0.0,
) -> tuple[Any, dict[str, Any]]:
    """Call twice: the first call compiles, fills caches and sets the peak; time the second.

    Parameters
    ----------
    call : callable
        What to measure.
    warm_up : callable, optional
        The first call, if it shall do less.
    at_least : :obj:`float`, optional
        Repeat the second call until so many seconds were timed.

    Returns
    -------
    result
        Of the last call.
    figures : :obj:`dict`
        Seconds ``wall`` and ``cpu`` of the second call, or the medians of its repetitions,
        ``first`` of the first one;
        ``baseline`` and ``peak`` resident memory in MiB before the calls and at most.
    """
    results: list[Any] = []

    def keep() -> None:
        results[:] = [call()]

    gc.collect()
    forget_peak()
    baseline = resident()
    first, others = timed(warm_up or keep), [timed(keep)]
    while sum(sample.wall for sample in others) < at_least:
        others.append(timed(keep))
    seconds = {"first": first.wall, "wall": median(others), "cpu": median(others, clock="cpu")}
    return results[0], seconds | {"baseline": baseline, "peak": peak()}


def resident() -> float:
    """Return the memory that this process holds now, MiB."""
    return _status("VmRSS") or peak()


def peak() -> float:
    """Return the most memory that this process held, MiB.

    ``VmHWM`` is ``getrusage``'s ``ru_maxrss`` without the size of the parent process,
    which Linux lets a child inherit.
    """
    known = _status("VmHWM")
    if known is not None:
        return known
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak() -> None:
    """Let `peak` begin anew, where the system can."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5", encoding="ascii")


def _status(key: str) -> float | None:
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    sizes = [float(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{key}:")]
    return sizes[0] if sizes else None
