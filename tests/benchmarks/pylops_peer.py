"""Forward and Born modelling, its adjoint and one FWI gradient: ours beside both peers.

70 x 70 cells, 5 shots, 1000 steps (OpenFWI) and 301 x 201 cells, 29 shots, 2000 steps
(FCNVMB), in steps of 1 ms with stencils of order 4 and 20 absorbing cells for all.  The peers
are the propagator called directly with its defaults, and PyLops' AcousticWave2D.  The
contenders take turns, each in a fresh process, so that its peak memory is its own.
AcousticWave2D needs Devito, which wants an environment of its own:

    make .venv-devito/.installed
"""

import argparse
from collections.abc import Iterator
from typing import Any

import pylops_vmb as vmb
from tests.benchmarks.contest import BUSY, PEERS, PYLOPS, RAW, ROWS, Contest, Size, ratio
from tests.benchmarks.gradient import CALLS, median_of
from tests.benchmarks.peers import NO_DEVITO, add_devito, devito_python
from tests.benchmarks.report import Report, threads, verdict

SIZES = {
    "70": lambda: Size(vmb.Grid.openfwi(), vmb.Acquisition.openfwi(), 5),
    "201": lambda: Size(
        vmb.Grid.fcnvmb(),
        vmb.Acquisition.fcnvmb(),
        5,
        warm_up=1,
        left_out=("ours-again", "ours-born-once", "ours-by-shot"),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    add_devito(parser)
    parser.add_argument("--size", choices=[*SIZES, "both"], default="both", help="default both")
    parser.add_argument("--rounds", type=int, default=5, help="processes each (default 5)")
    parser.add_argument(
        "--large-rounds", type=int, default=5, help="the same for 201 (default 5: 15 min in all)"
    )
    parser.add_argument("--busy", action="store_true", help="size 70 also beside a busy core")
    parser.add_argument("--shots", type=int, help="only the first shots, for a trial")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    devito = devito_python(options.devito_python)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    kept = {}
    for size in list(SIZES) if options.size == "both" else [options.size]:
        contest = Contest(
            _cut(SIZES[size](), options.shots), devito, busy=options.busy and size == "70"
        )
        contest.run(options.rounds if size == "70" else options.large_rounds)
        rows += [{"size": contest.title} | row for row in contest.rows()]
        notes += [f"{contest.title}, {note}" for note in verdicts(contest)]
        kept[size] = {"alone": contest.results, "busy": contest.busy}
    return Report(
        "pylops_peer",
        "ours, the propagator called directly, and PyLops' AcousticWave2D",
        rows,
        notes=[*notes, *([] if devito else [NO_DEVITO]), *_remarks(options)],
        settings={
            "rounds": options.rounds,
            "large_rounds": options.large_rounds,
            "shots": options.shots,
            "results": kept,
        },
    )


def verdicts(contest: Contest) -> Iterator[str]:
    """Return the targets and whether they are met."""
    for name in ("ours-forward", "ours-born"):
        overhead = 100.0 * (1.0 / contest.faster(name, name.replace("ours", RAW)) - 1.0)
        what = f"{ROWS[name].call}, overhead over {RAW}'s defaults in %"
        yield verdict(what, overhead, at_most=3.0)
    what = "gradient, relative difference of ours from the exact one"
    yield verdict(what, contest.error(), at_most=1e-4)
    for name in ("ours", "ours-by-shot"):
        if name in contest.results:
            yield from _gradient(contest, name)
    if "pylops" in contest.results:
        for name, least in (("ours-born", 6.0), ("ours-adjoint", 2.5)):
            call = ROWS[name].call
            faster = contest.faster(name, PEERS[call][PYLOPS])
            yield verdict(f"{call}, times faster than {PYLOPS}", faster, at_least=least)
    if "ours-again" in contest.results:
        yield _again(contest)
    for name in BUSY if contest.busy else ():
        two, one = (contest.busy[f"{name} {count}"] for count in (2, 1))
        what = f"{ROWS[name].call} with a core busy, two threads over one"
        yield verdict(what, ratio(two, one), at_most=1.0)


def _gradient(contest: Contest, name: str) -> Iterator[str]:
    what = f"gradient, {ROWS[name].label},"
    for peer, other in PEERS["gradient"].items():
        if other not in contest.results:
            continue
        more = contest.scale(other)
        scaled = f" ({contest.size.few} shots measured, times {more:.3g})" if more > 1 else ""
        faster, share = contest.faster(name, other), contest.memory(name, other)
        yield verdict(f"{what} times faster than {peer}{scaled}", faster, at_least=2.0)
        yield verdict(f"{what} memory over {peer}{scaled}", share, at_most=0.25)


def _again(contest: Contest) -> str:
    first, again, forward = (
        median_of(contest.results[f"ours-{name}"], "wall")
        for name in ("adjoint", "again", "forward")
    )
    what = "repeated adjoint over the first one less forward modelling"
    return verdict(what, again / (first - forward), at_most=1.0)


def _cut(size: Size, shots: int | None) -> Size:
    if shots is None:
        return size
    acq = size.acq.select(slice(0, shots))
    return size._replace(acq=acq, few=min(shots, size.few))


def _remarks(options: argparse.Namespace) -> list[str]:
    return [
        f"Medians of {options.rounds} fresh processes each ({options.large_rounds} at 301 x 201), "
        f"in turn; {threads()}.",
        CALLS,
        "At 301 x 201 the first call takes one shot, to halve the time of the contest.",
        "deepwave's defaults are courant_number 0.6, max_vel that of the model, an absorbing layer "
        "of 20 cells, every step stored; accuracy=4 and pml_freq are given, everything is "
        "prepared beforehand, and all shots are one call, as in its documentation.  It stores "
        "the field of all of them: where that is 18 GiB, its gradient is measured with the first "
        "shots, and its time and memory are scaled to all; adjoints are all of the first shots.",
        "Operators are set up beforehand: for Born modelling and a repeated adjoint that includes "
        "our Jacobian, which stores fields for its adjoint at once (the peak shows it, the added "
        "memory does not), for PyLops its AcousticWave2D.  Its adjoint runs the forward pass each "
        "time, and is what its gradient is compared by: it is handed the residual, while ours and "
        "deepwave's gradients model the data and compare them.",
        "Difference: relative, from ours.  deepwave's default max_vel is that of the model at "
        "hand, and its absorbing layer follows; with our max_vel and courant_number the same calls "
        "agree to 1e-6.  Its gradients are given data of its own.  The exact gradient is that with "
        "every step stored, of the first shots.  Cosine: of PyLops and ours, without the cells "
        "along the edges, through which ours reaches into the absorbing zone; PyLops' zone sends "
        "echoes.",
    ]
