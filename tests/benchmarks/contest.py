"""Contenders at one problem, in turn, each in a fresh process, and what they computed."""

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
from tests.benchmarks.gradient import Results, added, make_problem, median_of, run_alone
from tests.benchmarks.peers import first_shots

PYLOPS, RAW = "AcousticWave2D", "deepwave"


class Size(NamedTuple):
    """A problem, and how its contenders are run.

    Attributes
    ----------
    grid, acq
        The problem.
    few : :obj:`int`
        How many shots those are given that store the fields of all of them.
    warm_up : :obj:`int`, optional
        Shots of the first call, which does not count; by default all.
    left_out : sequence of :obj:`str`
        Contenders that do not take part.
    """

    grid: vmb.Grid
    acq: vmb.Acquisition
    few: int
    warm_up: int | None = None
    left_out: Sequence[str] = ()


class Row(NamedTuple):
    """One contender: what it computes, how, and what its result must agree with, how closely.

    The last is a relative difference, or, for PyLops' propagator, whose absorbing zone sends
    echoes, one less the cosine.
    """

    call: str
    label: str
    like: str = ""
    within: float = 0.0


ROWS = {
    "ours-forward": Row("forward", "ours"),
    "deepwave-forward": Row("forward", "deepwave's defaults", "ours-forward", 0.02),
    "pylops-forward": Row("forward", PYLOPS, "ours-forward", 0.1),
    "ours-born": Row("Born", "ours"),
    "ours-born-once": Row("Born", "ours, with the set-up of its Jacobian", "ours-born", 1e-6),
    "deepwave-born": Row("Born", "deepwave's defaults", "ours-born", 5e-3),
    "pylops-born": Row("Born", PYLOPS, "ours-born", 0.4),
    "ours-adjoint": Row("adjoint", "ours"),
    "ours-again": Row("adjoint", "ours, again at the same model", "ours-adjoint", 1e-4),
    "deepwave-adjoint": Row("adjoint", "deepwave's defaults, autograd", "deepwave-defaults", 0.1),
    "pylops-adjoint": Row("adjoint", f"{PYLOPS}, each time", "ours-adjoint", 0.2),
    "ours": Row("gradient", "ours, as fwi"),
    "ours-by-shot": Row("gradient", "ours, one shot at a time", "ours", 1e-4),
    "deepwave-defaults": Row("gradient", "deepwave's defaults, backward()", "ours-adjoint", 0.1),
    "deepwave-by-shot": Row("gradient", "the same, one shot at a time", "ours", 0.1),
    "pylops": Row("gradient", f"{PYLOPS}.H @ residual", "ours", 0.2),
}
FEW = ("ours-adjoint", "ours-again", "deepwave-adjoint", "pylops-adjoint", "deepwave-defaults")
"""Those that store the field of all shots, and what they are compared with: they get fewer."""
PEERS = {
    "forward": {PYLOPS: "pylops-forward", RAW: "deepwave-forward"},
    "Born": {PYLOPS: "pylops-born", RAW: "deepwave-born"},
    "adjoint": {PYLOPS: "pylops-adjoint", RAW: "deepwave-adjoint"},
    "gradient": {PYLOPS: "pylops", RAW: "deepwave-defaults"},
}
BUSY = ("ours-forward", "ours-born", "ours-adjoint", "ours")


class Contest:
    """All contenders at one problem.

    Parameters
    ----------
    size : `Size`
        The problem.
    devito : :obj:`pathlib.Path` or :obj:`None`
        Interpreter that has Devito; without one PyLops' propagator does not take part.
    busy : :obj:`bool`, optional
        Also run ours beside a process that keeps a core busy.

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

    def __init__(self, size: Size, devito: Path | None, *, busy: bool = False) -> None:
        self.size, self._devito = size, devito
        self.names = [name for name in ROWS if self._takes_part(name)]
        self.results: Results = {name: [] for name in self.names}
        self.busy: Results = {f"{name} {n}": [] for name in BUSY if busy for n in (2, 1)}
        self.products: dict[str, NDArray[Any]] = {}

    @property
    def title(self) -> str:
        """Cells and shots."""
        nx, nz = self.size.grid.dims
        return f"{nx} x {nz} x {self.size.acq.ns} shots"

    def run(self, rounds: int) -> None:
        """Run all contenders in turn, and refuse results that are not the same."""
        with tempfile.TemporaryDirectory() as folder:
            everything = make_problem(self.size.grid, self.size.acq)
            problems = {name: Path(folder) / f"problem-{name}.npz" for name in ("all", "few")}
            np.savez(problems["all"], **everything)
            np.savez(problems["few"], **first_shots(everything, self.size.few))
            for number in range(rounds):
                self._round(Path(folder), problems)
                if number == 0:
                    self._of_few(Path(folder), problems["few"])
                    self.check()

    def check(self) -> None:
        """Refuse a contender that computes something else.

        Raises
        ------
        AssertionError
            If a result is further from what it is compared with than its row allows.
        """
        for name in self.names:
            row = ROWS[name]
            if row.like in self.products and self.scale(name) == self.scale(row.like):
                far = self.distance(name, row.like)
                if not far <= row.within:
                    raise AssertionError(f"{self.title}: {name} is {far:.1e} from {row.like}")

    def distance(self, name: str, other: str) -> float:
        """Return how far two results are apart, in the measure of `Row`."""
        mine, theirs = (_inside(self.products[key]).ravel() for key in (name, other))
        if name.startswith("pylops"):
            return 1.0 - float(mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs))
        return float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs))

    def scale(self, name: str) -> float:
        """Return by how much more shots the others have than this contender."""
        few = min(self.size.few, self.size.acq.ns)
        return self.size.acq.ns / few if name in FEW else 1.0

    def error(self) -> float:
        """Return the relative difference of our gradient from the exact one, of the few shots."""
        mine, exact = self.products["few"], self.products["ours-adjoint"]
        return float(np.linalg.norm(mine - exact) / np.linalg.norm(exact))

    def rows(self) -> list[dict[str, Any]]:
        """Return the lines of the table."""
        beside = [
            {"call": ROWS[key.split()[0]].call, "how": f"ours, a core busy, threads: {key[-1]}"}
            | _figures(figures)
            for key, figures in self.busy.items()
        ]
        return [*(self._row(name) for name in self.names), *beside]

    def faster(self, name: str, other: str, clock: str = "wall") -> float:
        """Return the time of another contender over that of this one, for as many shots."""
        more = self.scale(other) / self.scale(name)
        return more * ratio(self.results[other], self.results[name], clock)

    def memory(self, name: str, other: str) -> float:
        """Return the memory that this contender adds over that of another, for as many shots."""
        more = self.scale(other) / self.scale(name)
        return added(self.results[name]) / (more * added(self.results[other]))

    def _takes_part(self, name: str) -> bool:
        absent = self._devito is None and name.startswith("pylops")
        return not absent and name not in self.size.left_out

    def _round(self, folder: Path, problems: Mapping[str, Path]) -> None:
        warm_up = [] if self.size.warm_up is None else [str(self.size.warm_up)]
        for name in self.names:
            problem = problems["few" if name in FEW else "all"]
            product = folder / f"{name}.npy"
            command = self._command(name)
            self.results[name].append(run_alone(command, problem, product, warm_up=warm_up))
            self.products[name] = np.load(product)
        with busy_core() if self.busy else nullcontext():
            for key, figures in self.busy.items():
                name, count = key.split()
                product, command = folder / "busy.npy", self._command(name)
                figures.append(run_alone(command, problems["all"], product, threads=int(count)))

    def _of_few(self, folder: Path, problem: Path) -> None:
        run_alone(self._command("ours"), problem, folder / "few.npy", warm_up=["1"])
        self.products["few"] = np.load(folder / "few.npy")

    def _command(self, name: str) -> list[str]:
        peer = name.startswith("pylops")
        python = str(self._devito) if peer else sys.executable
        module = "contender_devito" if peer else "contender"
        return [python, "-m", f"tests.benchmarks.{module}", name]

    def _row(self, name: str) -> dict[str, Any]:
        call, label, like, _ = ROWS[name]
        if self.scale(name) > 1.0:
            label += f", {self.size.few} shots"
        row = {"call": call, "how": label} | _figures(self.results[name])
        peers = PEERS[call] if name.startswith("ours") else {}
        for peer, other in peers.items():
            if other in self.results:
                row[f"times faster than {peer}"] = self.faster(name, other)
        if like in self.products and self.scale(name) == self.scale(like):
            key = "1 - cosine" if name.startswith("pylops") else "difference"
            row |= {key: self.distance(name, like)}
        return row


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another process."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


def ratio(
    these: Sequence[Mapping[str, Any]], those: Sequence[Mapping[str, Any]], clock: str = "wall"
) -> float:
    """Return the median, over the rounds, of the ratio within a round."""
    return statistics.median(a[clock] / b[clock] for a, b in zip(these, those, strict=True))


def _figures(figures: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "wall s": median_of(figures, "wall"),
        "processor s": median_of(figures, "cpu"),
        "added MiB": added(figures),
        "peak MiB": median_of(figures, "peak"),
    }


def _inside(product: NDArray[Any]) -> NDArray[Any]:
    """Leave out the cells along the edges of a model: PyLops does not reach into the zone there."""
    return product[1:-1, 1:-1] if product.ndim == 2 else product
