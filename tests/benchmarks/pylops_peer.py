"""Ours beside PyLops' AcousticWave2D: forward, Born modelling, its adjoint, and one FWI gradient.

70 x 70 cells, 5 shots, 1000 steps (OpenFWI) and 301 x 201 cells, 29 shots, 2000 steps
(FCNVMB), in steps of 1 ms with stencils of order 4 and 20 absorbing cells for all.  The
contenders take turns, each in a fresh process, so that its peak memory is its own.  PyLops'
operator needs Devito, which wants an environment of its own (`gradient --help` makes one):

    python -m tests.benchmarks pylops_peer --devito-python devito-env/bin/python
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import pylops_vmb as vmb
from tests.benchmarks.gradient import CALLS, Results, added, make_problem, median_of, run_alone
from tests.benchmarks.report import NotMeasuredError, Report, threads, verdict


class Size(NamedTuple):
    """A problem, how many of its shots the raw propagator takes, and what runs on a busy core."""

    grid: vmb.Grid
    acq: vmb.Acquisition
    raw_shots: int
    busy: Sequence[str] = ()


class Row(NamedTuple):
    """One contender: what it computes, how, and what it is compared with."""

    call: str
    label: str
    peer: str | None = None


ROWS = {
    "ours-forward": Row("forward", "ours", "pylops-forward"),
    "pylops-forward": Row("forward", "AcousticWave2D"),
    "ours-born": Row("Born", "ours", "pylops-born"),
    "pylops-born": Row("Born", "AcousticWave2D"),
    "ours-adjoint": Row("adjoint", "ours", "pylops"),
    "ours-again": Row("adjoint", "ours, again at the same model", "pylops"),
    "pylops": Row("adjoint", "AcousticWave2D, each time"),
    "ours": Row("gradient", "ours, as fwi", "pylops"),
    "ours-by-shot": Row("gradient", "ours, one shot at a time", "pylops"),
    "deepwave-defaults": Row("gradient", "deepwave's defaults, all shots", "pylops"),
    "deepwave-by-shot": Row("gradient", "deepwave's defaults, one shot at a time", "pylops"),
}
RAW = "deepwave-defaults"
BUSY = ("ours-forward", "ours-born", "ours-adjoint", "ours")
SIZES = {
    "70": lambda: Size(vmb.Grid.openfwi(), vmb.Acquisition.openfwi(), 5, BUSY),
    "201": lambda: Size(vmb.Grid.fcnvmb(), vmb.Acquisition.fcnvmb(), 5),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--devito-python", type=Path, metavar="PATH", help="has Devito: needed")
    parser.add_argument("--size", choices=[*SIZES, "both"], default="both", help="default both")
    parser.add_argument("--rounds", type=int, default=3, help="processes each (default 3)")
    parser.add_argument("--shots", type=int, help="only the first shots, for a trial")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    if options.devito_python is None:
        raise NotMeasuredError("needs an interpreter that has Devito: pass --devito-python")
    sizes = list(SIZES) if options.size == "both" else [options.size]
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    kept = {}
    for size in sizes:
        contest = Contest(_cut(SIZES[size](), options.shots), options.devito_python)
        contest.run(options.rounds)
        rows += [{"size": contest.title} | row for row in contest.rows()]
        notes += [f"{contest.title}, {note}" for note in contest.verdicts()]
        kept[size] = {"alone": contest.results, "busy": contest.busy}
    return Report(
        "pylops_peer",
        "ours and PyLops' AcousticWave2D, the same grid, order, time step and shots",
        rows,
        notes=[*notes, *_remarks(options)],
        settings={"rounds": options.rounds, "shots": options.shots, "results": kept},
    )


class Contest:
    """All contenders at one problem.

    Parameters
    ----------
    size : `Size`
        The problem.
    devito : :obj:`pathlib.Path`
        Interpreter that has Devito.

    Attributes
    ----------
    results : :obj:`dict`
        Figures of each contender by round.
    busy : :obj:`dict`
        The same for two threads and one beside a process that keeps a core busy, by
        contender and threads.
    products : :obj:`dict`
        What each contender computed.
    """

    def __init__(self, size: Size, devito: Path) -> None:
        self.size, self._devito = size, devito
        self.results: Results = {name: [] for name in ROWS}
        self.busy: Results = {f"{name} {n}": [] for name in size.busy for n in (2, 1)}
        self.products: dict[str, NDArray[Any]] = {}

    @property
    def title(self) -> str:
        """Cells and shots."""
        nx, nz = self.size.grid.dims
        return f"{nx} x {nz} x {self.size.acq.ns} shots"

    @property
    def raw_shots(self) -> int:
        """How many shots the raw propagator was given."""
        return min(self.size.raw_shots, self.size.acq.ns)

    def run(self, rounds: int) -> None:
        """Run all contenders in turn, with the machine as it is and with one core kept busy."""
        with tempfile.TemporaryDirectory() as folder:
            everything = make_problem(self.size.grid, self.size.acq)
            problems = {name: Path(folder) / f"problem-{name}.npz" for name in ("all", "raw")}
            np.savez(problems["all"], **everything)
            np.savez(problems["raw"], **_first(everything, self.raw_shots))
            for _ in range(rounds):
                self._round(Path(folder), problems)

    def _round(self, folder: Path, problems: Mapping[str, Path]) -> None:
        for name in ROWS:
            problem = problems["raw" if name == RAW else "all"]
            product = folder / f"{name}.npy"
            self.results[name].append(run_alone(self._command(name), problem, product))
            self.products[name] = np.load(product)
        with busy_core() if self.busy else nullcontext():
            for key, figures in self.busy.items():
                name, count = key.split()
                product = folder / "busy.npy"
                figures.append(
                    run_alone(self._command(name), problems["all"], product, threads=int(count))
                )

    def _command(self, name: str) -> list[str]:
        peer = name.startswith("pylops")
        python = str(self._devito.absolute()) if peer else sys.executable
        module = "contender_devito" if peer else "contender"
        return [python, "-m", f"tests.benchmarks.{module}", name]

    def rows(self) -> list[dict[str, Any]]:
        """Return the lines of the table."""
        beside = [
            {"call": ROWS[key.split()[0]].call, "how": f"ours, a core busy, threads: {key[-1]}"}
            | self._figures(figures)
            for key, figures in self.busy.items()
        ]
        return [*(self._row(name) for name in ROWS), *beside]

    def _row(self, name: str) -> dict[str, Any]:
        call, label, peer = ROWS[name]
        if name == RAW and self.raw_shots < self.size.acq.ns:
            label = f"deepwave's defaults, {self.raw_shots} shots"
            peer = None
        row = {"call": call, "how": label} | self._figures(self.results[name])
        if peer is None:
            return row
        ours, theirs = (_inside(self.products[key]).ravel() for key in (name, peer))
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        return row | {
            "times faster": self._faster(name, peer),
            "(processor)": self._faster(name, peer, "cpu"),
            "cosine": float(cosine),
        }

    @staticmethod
    def _figures(figures: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "wall s": median_of(figures, "wall"),
            "processor s": median_of(figures, "cpu"),
            "added MiB": added(figures),
            "peak MiB": median_of(figures, "peak"),
        }

    def _faster(self, name: str, peer: str, clock: str = "wall") -> float:
        return _ratio(self.results[peer], self.results[name], clock)

    def verdicts(self) -> list[str]:
        """Return the targets and whether they are met."""
        large = self.size.grid.dims != vmb.Grid.openfwi().dims
        return [*(self._large() if large else self._small()), *self._beside()]

    def _small(self) -> list[str]:
        born = self._faster("ours-born", "pylops-born")
        adjoint = self._faster("ours-adjoint", "pylops")
        first, again, forward = (
            median_of(self.results[f"ours-{name}"], "wall")
            for name in ("adjoint", "again", "forward")
        )
        return [
            verdict("times faster, Born", born, at_least=6.0),
            verdict("times faster, adjoint with its forward pass", adjoint, at_least=2.5),
            verdict(
                "repeated adjoint over the first one less forward modelling",
                again / (first - forward),
                at_most=1.0,
            ),
        ]

    def _large(self) -> list[str]:
        return [note for name in ("ours", "ours-by-shot") for note in self._gradient(name)]

    def _gradient(self, name: str) -> Iterator[str]:
        more = self.size.acq.ns / self.raw_shots
        raw = f"deepwave's defaults ({self.raw_shots} shots measured, times {more:.3g})"
        peers = {"AcousticWave2D": ("pylops", 1.0), raw: (RAW, more)}
        what = f"gradient, {ROWS[name].label},"
        for peer, (other, factor) in peers.items():
            faster = factor * self._faster(name, other)
            yield verdict(f"{what} times faster than {peer}", faster, at_least=2.0)
        for peer, (other, factor) in peers.items():
            share = added(self.results[name]) / (factor * added(self.results[other]))
            yield verdict(f"{what} memory over {peer}", share, at_most=0.25)

    def _beside(self) -> list[str]:
        return [
            verdict(
                f"{ROWS[name].call} with a core busy, two threads over one",
                _ratio(self.busy[f"{name} 2"], self.busy[f"{name} 1"]),
                at_most=1.0,
            )
            for name in self.size.busy
        ]


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another process."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


def _ratio(
    these: Sequence[Mapping[str, Any]], those: Sequence[Mapping[str, Any]], clock: str = "wall"
) -> float:
    """Return the median, over the rounds, of the ratio within a round."""
    return statistics.median(a[clock] / b[clock] for a, b in zip(these, those, strict=True))


def _inside(product: NDArray[Any]) -> NDArray[Any]:
    """Leave out the cells along the edges of a model: only ours reaches into the absorbing zone."""
    return product[1:-1, 1:-1] if product.ndim == 2 else product


def _cut(size: Size, shots: int | None) -> Size:
    return size if shots is None else size._replace(acq=size.acq.select(slice(0, shots)))


def _first(problem: Mapping[str, Any], shots: int) -> dict[str, Any]:
    cut = {key: problem[key][:shots] for key in ("dobs", "residual")}
    return dict(problem) | cut | {"srcs": problem["srcs"][:, :shots]}


def _remarks(options: argparse.Namespace) -> list[str]:
    return [
        f"Medians of {options.rounds} fresh processes each, in turn; {threads()}.",
        CALLS,
        "Operators are set up beforehand: for Born modelling and a repeated adjoint that includes "
        "our Jacobian, for PyLops its AcousticWave2D.  Its adjoint runs the forward pass each "
        "time, and is what its gradient is compared by: it is handed the residual, while ours and "
        "deepwave's gradients model the data and compare them.",
        "Cosine is that with PyLops' result without the cells along the edges, through which ours "
        "reaches into the absorbing zone; the zones themselves differ, PyLops' sends echoes.",
    ]
