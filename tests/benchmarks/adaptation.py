"""Adaptation to another survey: each step alone, and all together, against the exact gathers.

One model (three layers and a body) is shot by another survey, its gathers are adapted to the target
survey, and compared with gathers that were modelled there.  Seconds in all; no data needed.
"""

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pylops_vmb.learned import Limits, adapt
from pylops_vmb.learned.adaptation import Adapted
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from tests.benchmarks.page import between, bullets, list_table
from tests.benchmarks.report import Report

GRID = Grid((101, 60), 5.0, (-50.0, -40.0))
NEAR = 50.0
"""Offsets in m below which the field of the source itself changes from trace to trace."""
Gathers = np.ndarray[Any, np.dtype[np.float32]]


class Case(NamedTuple):
    """A survey that differs from the target, and how it is adapted."""

    label: str
    acq: Acquisition
    keywords: dict[str, Any]
    spoil: Callable[[Gathers], Gathers] = lambda d: d


def survey(**changes: Any) -> Acquisition:
    """Return the target survey (3 shots, 41 receivers 10 m apart, 15 Hz) with some changes."""
    spread = {"xs": [50.0, 200.0, 350.0], "xr": 10.0 * np.arange(41), "nt": 300, "dt": 0.002}
    return Acquisition.fixed_spread(**(spread | {"f0": 15.0, "zs": 10.0, "zr": 10.0} | changes))


def cases() -> dict[str, Case]:
    """Return all cases by name."""
    xs = survey().srcs[0]
    every = 10.0 * np.arange(41)
    loose = Limits(spacing=1.0)
    fine = {"xr": 8.0 * np.arange(51)}
    stations = np.array([50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0])
    given = [
        Case("sorting: five shots and the receivers in another order",
             survey(xs=[350.0, 275.0, 50.0, 125.0, 200.0], xr=every[::-1]), {}),
        Case("reciprocity: a wanted shot was a receiver only",
             survey(xs=np.delete(every, 20), xr=every), {}),
        Case("time: 1 ms instead of 2 ms", survey(dt=0.001, nt=620), {}),
        Case("time: 4 ms instead of 2 ms", survey(dt=0.004, nt=156), {}),
        Case("wavelet: 20 Hz instead of 15 Hz", survey(f0=20.0, nt=320), {}),
        Case("wavelet: 25 Hz instead of 15 Hz", survey(f0=25.0, nt=320), {}),
        Case("receivers: 8 m instead of 10 m, spline", survey(**fine), {}),
        Case("receivers: 20 m, spline", survey(xr=every[::2]), {}),
        Case("receivers: 40 m, spline", survey(xr=every[::4]), {"limits": loose}),
        Case("receivers: 20 m, sparse", survey(xr=every[::2]), {"receivers": "sparse"}),
        Case("receivers: 40 m, sparse", survey(xr=every[::4]), {"receivers": "sparse"}),
        Case("a third of the traces dead, spline", survey(),
             {"limits": Limits(spacing=2.0)}, _dead),
        Case("a third of the traces dead, sparse", survey(),
             {"limits": Limits(gap=2.0), "receivers": "sparse"}, _dead),
        Case("amplitude: shots 0, 5 and -5 dB", survey(), {}, _uneven),
        Case("all: seven shots, 8 m, 1 ms, 22 Hz",
             survey(xs=stations[::-1], **fine, dt=0.001, nt=640, f0=22.0), {}),
    ]  # fmt: skip
    assert all(np.isin(xs, case.acq.srcs[0]).all() or "recipro" in case.label for case in given)
    return {case.label: case for case in given}


def adapted(case: Case) -> Adapted:
    """Model, spoil and adapt the data of a case."""
    return adapt(case.spoil(modelled(case.acq)), case.acq, to=survey(), **case.keywords)


def errors(data: Gathers) -> tuple[float, float]:
    """Return the relative L2 error of all traces, and of those further than `NEAR`."""
    exact, far = target(), np.abs(survey().offsets) >= NEAR
    off = data - exact
    return (
        float(np.linalg.norm(off) / np.linalg.norm(exact)),
        float(np.linalg.norm(off[far]) / np.linalg.norm(exact[far])),
    )


@cache
def target() -> Gathers:
    """Return the gathers that were modelled at the target survey."""
    return modelled(survey())


def modelled(acq: Acquisition) -> Gathers:
    """Return the gathers of a survey, ``(ns, nr, nt)``."""
    vp = np.full(GRID.dims, 1800.0, np.float32)
    vp[:, 24:] = 2200.0
    vp[40:70, 34:] = 2600.0
    vp[:, 48:] = 2800.0
    F = AcousticModelling2D(GRID, acq, space_order=8, time_correction=True, max_vel=3000.0)
    return np.asarray(F(vp))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--docs", type=Path, metavar="FILE", help="page whose table is written")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    rows = []
    for case in cases().values():
        everything, far = errors(adapted(case).data)
        rows.append({"what differs": case.label, "rel. L2": everything, "beyond 50 m": far})
    notes = (
        "relative L2 error of the adapted gathers against gathers modelled at the target survey",
        "wavelengths: 46 m at the target's highest frequency (32.5 Hz) and 1500 m/s",
    )
    if options.docs is not None:
        between(options.docs, "adaptation", f"{list_table(rows)}\n{bullets(notes)}")
    return Report("adaptation", "gathers of another survey, adapted", rows, notes)


def _dead(d: Gathers) -> Gathers:
    rng = np.random.default_rng(1)
    d = d.copy()
    for gather in d:
        gather[rng.permutation(np.arange(1, 40))[:13]] = 0.0
    return d


def _uneven(d: Gathers) -> Gathers:
    return d * (10.0 ** (np.array([0.0, 5.0, -5.0], np.float32) / 20.0))[:, None, None]
