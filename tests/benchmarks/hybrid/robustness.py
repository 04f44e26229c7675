"""Network, hybrid and plain FWI where data are damaged: what is lost, what FWI recovers.

Low frequencies that were never recorded, noise, dead traces, a wavelet unlike the believed one,
velocities outside of the training.  ``robustness.png`` has a panel for each; the verdict asks
whether FWI recovers half of the accuracy that the damage takes from the network.
``low_frequencies.png`` answers how many hertz are low: three starts against what is missing.
A second call with the same ``--out`` does what is missing; ``--report`` only reads.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import InversionResult
from tests.benchmarks.hybrid import damage, methods
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.hybrid.damage import CLEAN, DAMAGES, KINDS, Damage
from tests.benchmarks.hybrid.damage_sheets import write_fragments
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.methods import Method
from tests.benchmarks.hybrid.models import FAMILIES, Velocity, read_models
from tests.benchmarks.hybrid.rows import Run
from tests.benchmarks.hybrid.sheets import (
    add_common,
    average,
    costs,
    measured,
    publish,
    save,
    spread,
)
from tests.benchmarks.report import NotMeasuredError, Report

NETWORK, LOWCUT, ROBUST = "network", "network-lowcut", "network-robust"
ENOUGH = 0.5
"""Share of what the damage takes from the network that FWI must give back."""

BANDS = 4
"""Bands of the clean data; where less is recorded there may be fewer."""


class Network(NamedTuple):
    """A network's place among the methods: what it is called, and which weights it has."""

    method: str
    weights: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    add_common(parser, "robustness", niter=6)
    parser.add_argument("--count", type=int, default=1, help="models a family (default 1)")
    parser.add_argument("--models", default=",".join(FAMILIES), help="families of models")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds of damage")
    parser.add_argument("--weights", default="fcnvmb-mini-full", help="network, a file or a name")
    parser.add_argument(
        "--weights-lowcut",
        default="fcnvmb-mini-lowcut",
        help="network for data without low frequencies; left out where there is none",
    )
    parser.add_argument(
        "--weights-robust",
        default="fcnvmb-mini-robust",
        help="network for damaged data; left out where there is none",
    )


def run(options: argparse.Namespace) -> Report:
    """Measure what is missing, and report all of it."""
    networks = known_networks(options)
    runs = measured(options, planned(options, networks))
    rows = table(list(runs.values()), options.kinds.split(","))
    draw(options, rows)
    report = Report(
        "robustness",
        f"network before and after FWI, {_count(runs)} models, {BANDS * options.niter} iterations; "
        "mean absolute error in units of 1500 m/s",
        rows,
        notes=notes(rows, networks),
        settings={"networks": [network.weights for network in networks]},
    )
    publish(argparse.Namespace(out=options.out, docs=None), report, runs)
    if options.docs:
        write_fragments(options.docs, report)
    return report


def known_networks(options: argparse.Namespace) -> list[Network]:
    """Return the network, and those for data without low frequencies and for damage, if there."""
    others = [Network(LOWCUT, options.weights_lowcut), Network(ROBUST, options.weights_robust)]
    return [Network(NETWORK, options.weights), *(n for n in others if _known(n.weights))]


def _count(runs: Mapping[str, Row]) -> int:
    return len({row["model"] for row in runs.values()})


def _known(weights: str) -> bool:
    try:
        methods.read_network(weights)
    except VMBValueError:
        return False
    return True


def planned(options: argparse.Namespace, networks: Sequence[Network]) -> list[Run]:
    """Return the runs that the options ask for, all of a model after each other."""
    kinds = options.kinds.split(",")
    chosen = {name: d for name, d in DAMAGES.items() if name == CLEAN or d.kind in kinds}
    return [
        run
        for model in read_models(options.models.split(","), options.count)
        for name, one in chosen.items()
        for run in _runs(options, networks, partial(Run, model, name), one)
    ]


def _runs(
    options: argparse.Namespace, networks: Sequence[Network], make: Any, one: Damage
) -> list[Run]:
    """Return the runs of one model under one condition."""
    make = partial(make, observe=one.observe, folder=options.out)
    labels, settings = {"niter": options.niter}, {"niter": options.niter} | dict(one.settings)
    evenly = partial(in_equal_steps, **settings)
    found = [make("linear", invert=partial(evenly, method=linear), labels=labels)]
    if one.kind in ("", "lowcut"):
        found.append(make("oracle", invert=partial(evenly, method=methods.oracle), labels=labels))
    for method, weights in networks:
        if method == LOWCUT and one.kind != "lowcut":
            continue
        found.append(
            make(
                method,
                invert=partial(evenly, method=partial(methods.network, weights=weights)),
                predict=partial(predicted, weights=weights, bounds=one.bounds),
                labels=labels | {"network": methods.identity(weights)},
            )
        )
    return found


def in_equal_steps(
    problem: Problem, callbacks: Sequence[Any], *, method: Method, niter: int, **settings: Any
) -> InversionResult:
    """Run a method with as many iterations in few bands as in `BANDS`, where data have few."""
    bands = methods.shared(problem, settings)["bands"]
    return method(problem, callbacks, niter=round(niter * BANDS / len(bands)), **settings)


def linear(problem: Problem, callbacks: Sequence[Any], **settings: Any) -> InversionResult:
    """FWI from a velocity that grows linearly with depth, within the bounds: the default start."""
    words = methods.shared(problem, settings)
    return vmb.fwi(problem.F, problem.dobs, callbacks=callbacks, **words)


def predicted(problem: Problem, *, weights: str, bounds: tuple[float, float]) -> Velocity:
    """Return what a network says, within the bounds of the inversion."""
    vp = methods.for_problem(weights, problem)(problem.dobs)
    return np.asarray(np.clip(vp, *bounds))


def table(rows: Sequence[Row], kinds: Sequence[str]) -> list[Row]:
    """Return a row for each condition and network: before, after, without network, verdict."""
    clean = [row for row in rows if row["condition"] == CLEAN and row["method"] == NETWORK]
    if not clean:
        raise NotMeasuredError("needs the network on clean data, which all is compared with")
    intact, found = average(clean, "prediction_mae"), []
    for kind in kinds:
        for method in (NETWORK, LOWCUT, ROBUST):
            for name in damage.of_kind(kind):
                here = {
                    m: [r for r in rows if r["condition"] == name and r["method"] == m]
                    for m in (method, "linear", "oracle")
                }
                if here[method]:
                    found.append(_row(name, kind, method, here, intact=intact))
    return found


def _row(name: str, kind: str, method: str, here: Mapping[str, list[Row]], *, intact: float) -> Row:
    network, others = here[method], {m: r for m, r in here.items() if m != method and r}
    before, after = average(network, "prediction_mae"), average(network, "mae")
    row: Row = {
        "damage": KINDS[kind],
        "severity": damage.label(name, kind),
        "network": method,
        "before": before,
        "after": after,
        "after, spread": spread(network, "mae"),
    }
    for title, rows in others.items():
        row[title] = average(rows, "mae")
    taken = sum(entry["start"].startswith("network") for entry in network)
    row |= {"network start taken": f"{taken} of {len(network)}"}
    row |= verdict(before, after, intact=intact)
    return row | costs(network)


def verdict(before: float, after: float, *, intact: float) -> Row:
    """Say which share of what the damage took from the network FWI gives back.

    Parameters
    ----------
    before, after : :obj:`float`
        Error of the network on damaged data, and of FWI from it.
    intact : :obj:`float`
        Error of the network on clean data.
    """
    lost = before - intact
    if lost <= 0.0:
        return {"lost": lost, "recovered": None, "half recovered": "nothing lost"}
    share = (before - after) / lost
    return {"lost": lost, "recovered": share, "half recovered": "yes" if share >= ENOUGH else "NO"}


def notes(rows: Sequence[Row], networks: Sequence[Network]) -> list[str]:
    """Return what the table says in sentences."""
    failed = [
        f"{row['damage']} {row['severity']} ({row['network']})"
        for row in rows
        if row["half recovered"] == "NO"
    ]
    found = [
        "Before: the network's prediction; after: hybrid inversion; linear and oracle: FWI from "
        "a linear start and from the smoothed truth. All by the same bands and iterations.",
        "Lost: error of the network on damaged data minus that on clean data. Recovered: "
        "(before - after) / lost. A share says little where little was lost.",
        "Noise is white in the band of the wavelet; its ratio is that of whole gathers, whose "
        "energy is mostly the direct wave's. Dead traces are zeros, which no misfit compares. "
        "The network sees all of it.",
        f"FWI recovers less than half: {', '.join(failed) or 'nowhere'}.",
    ]
    if len(networks) < len((NETWORK, LOWCUT, ROBUST)):
        found.append("Not all networks were there.")
    return found


def draw(options: argparse.Namespace, rows: Sequence[Row]) -> None:
    """Draw a panel for each kind of damage, and the low frequencies alone."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where there is something to draw

    kinds = [kind for kind in options.kinds.split(",") if of(rows, kind)]
    across = min(3, len(kinds))
    down = -(-len(kinds) // across)
    size = (4.2 * across, 3.4 * down + 0.6)
    figure, axes = plt.subplots(down, across, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat[len(kinds) :]:
        ax.set_axis_off()
    for ax, kind in zip(axes.flat, kinds, strict=False):
        panel(ax, of(rows, kind), title=KINDS[kind])
    axes[0, 0].set_ylabel("MAE / 1500 m/s")
    legend(figure, columns=4)
    save(figure, options.out / "robustness.png")
    if "lowcut" in kinds:
        figure, ax = plt.subplots(figsize=(6.0, 5.2), layout="constrained")
        panel(ax, of(rows, "lowcut"), title="how many hertz are low?")
        ax.set_xlabel("nothing recorded below, Hz")
        ax.set_ylabel("MAE / 1500 m/s")
        legend(figure, columns=2)
        save(figure, options.out / "low_frequencies.png")


def legend(figure: Any, *, columns: int) -> None:
    """Name the lines below the panels, where none is hidden."""
    lines = {line.get_label(): line for ax in figure.axes for line in ax.lines}
    place = {"loc": "outside lower center", "ncols": columns}
    figure.legend(lines.values(), lines.keys(), fontsize="small", **place)


def of(rows: Sequence[Row], kind: str) -> list[Row]:
    """Return the rows of a kind of damage."""
    return [row for row in rows if row["damage"] == KINDS[kind]]


LINES = {
    (NETWORK, "before"): ("network", {"color": "C1", "linestyle": "--"}),
    (NETWORK, "after"): ("network + FWI", {"color": "C1", "marker": "o"}),
    (LOWCUT, "before"): ("low-cut network", {"color": "C2", "linestyle": "--"}),
    (LOWCUT, "after"): ("low-cut network + FWI", {"color": "C2", "marker": "o"}),
    (ROBUST, "before"): ("robust network", {"color": "C3", "linestyle": "--"}),
    (ROBUST, "after"): ("robust network + FWI", {"color": "C3", "marker": "o"}),
    (NETWORK, "linear"): ("linear + FWI", {"color": "C0", "marker": "s"}),
    (NETWORK, "oracle"): ("ORACLE + FWI", {"color": "0.5", "marker": "^"}),
}


def panel(ax: Any, rows: Sequence[Row], *, title: str) -> None:
    """Draw error against severity; clean data are on the left."""
    labels = list(dict.fromkeys(row["severity"] for row in rows))
    if "1" in labels:  # velocity: the true factor stands in the middle
        labels.sort(key=float)
    for (method, column), (name, style) in LINES.items():
        points = {
            labels.index(row["severity"]): row[column]
            for row in rows
            if row["network"] == method and row.get(column) is not None
        }
        if points:
            ax.plot(sorted(points), [points[i] for i in sorted(points)], label=name, **style)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_ylim(bottom=0.0)
    ax.set_title(title)
