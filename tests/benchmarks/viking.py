"""Real marine data (Viking Graben, line 12, four shots): read, refused, inverted, judged.

Reads ``field_viking/viking_small.segy`` from the folder VMB_DATA.  Nobody knows the true velocity:
what counts is how well data are explained that took no part, and how much of that the wavelet
alone explains.  Pictures go to ``--out``; ``--docs`` writes the tables of the page.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import field, field_pictures
from tests.benchmarks.page import between, bullets, list_table
from tests.benchmarks.report import Report, data_folder

_NETWORKS = ("fcnvmb-mini", "fcnvmb-mini-lowcut")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="pictures go here")
    parser.add_argument(
        "--docs", type=Path, metavar="FILE", help="page whose table and picture are written"
    )


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    started = time.perf_counter()
    here = field.found(data_folder())
    problem = field.problem(here)
    begin = field.start(problem)
    result = field.invert(problem, begin)
    models = {
        "start, its own wavelet": (problem.wavelet(begin.vp), begin.vp),
        "start, wavelet of the result": (problem.wavelet(result.vp), begin.vp),
        "result, wavelet of the start": (problem.wavelet(begin.vp), result.vp),
        "result, its own wavelet": (problem.wavelet(result.vp), result.vp),
    }
    predicted = {label: F(vp) for label, (F, vp) in models.items()}
    rows = list(_rows(problem, predicted))
    notes = [*_notes(here, problem, begin), f"{time.perf_counter() - started:.0f} s in all"]
    settings = {"seabed_m": begin.seabed, "top_m_s": begin.top, "slope_1_s": begin.slope}
    report = Report("viking", "FWI of field data for one profile", rows, notes, settings)
    ends = {"start": "start, its own wavelet", "result": "result, its own wavelet"}
    outcome = field_pictures.Outcome(
        here,
        problem,
        velocities={"start": begin.vp, "result": result.vp},
        modellings={name: models[label][0] for name, label in ends.items()},
        predicted={name: predicted[label] for name, label in ends.items()},
    )
    if options.out is not None:
        field_pictures.draw(options.out, outcome)
    if options.docs is not None:
        between(options.docs, "viking", f"{list_table(report.rows)}\n{bullets(report.notes)}")
        field_pictures.page(options.docs.parent / "_static" / "viking.png", outcome)
    return report


def _rows(problem: field.Problem, predicted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    dt = problem.F.acq.dt
    for traces, which in problem.held_out().items():
        for band in field.BANDS:
            dobs = field.in_part(problem.dobs, dt, band)
            row: dict[str, Any] = {"traces": traces, "band": f"{band[0]:g} to {band[1]:g} Hz"}
            for label, d in predicted.items():
                found = field.fit(field.in_part(d, dt, band), dobs, which)
                row[label] = f"{found['misfit']:.2f} ({found['likeness']:.2f})"
            row["next shot"] = f"{field.repeatability(problem, band):.2f}"
            yield row


def _notes(here: field.Found, problem: field.Problem, begin: field.Start) -> Iterator[str]:
    yield "relative L2 misfit, and in brackets the mean correlation of the traces"
    yield "next shot: relative difference of neighbouring shots at equal offsets (25 m further)"
    yield (
        f"start: water of {field.WATER:g} m/s to {begin.seabed:g} m, below it "
        f"{begin.top:g} m/s + {begin.slope:g} /s, the best of 27 on the first shot"
    )
    dead = np.flatnonzero(~problem.dobs.any((0, 2)))
    yield f"channels {', '.join(map(str, dead + 1))} have another gain and are left out"
    for network in _NETWORKS:
        broken = field.refused(here, network)
        reasons = "; ".join(f"{one.name}: {one.what} ({one.numbers})" for one in broken)
        yield f"{network} refuses these data: {reasons}"
