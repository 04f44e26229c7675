"""What the runs of the three starts say: table, verdicts, CSV, pictures, page."""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import page
from tests.benchmarks.hybrid import conditions, models, pictures, tables
from tests.benchmarks.hybrid.curves import compare
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.methods import TITLES
from tests.benchmarks.hybrid.rows import read_run
from tests.benchmarks.openfwi_maps import UNIT
from tests.benchmarks.report import Report, verdict

OF_LINEAR = {"full": 0.6, "lowcut": 0.4}
"""Target of the network's MAE over that from the linear start, by condition."""
OF_ORACLE, OF_ITERATIONS = 1.5, 1 / 3
EVERY_FAMILY = "all"
RATIO = "iterations / linear's"
_WHAT = ("condition", "family", "method", "models")
_SHOWN = (
    "start MAE",
    *(key for title in tables.SCORES for key in (title, f"{title} ±")),
    "MAE / linear's",
    RATIO,
    "gradients",
    "CPU s",
)
_ABOUT = """\
The same FWI from three starts: linear in depth, the network's through the gate of
:func:`~pylops_vmb.hybrid.hybrid`, and an oracle's, the smoothed truth, named as such because it
is what most published comparisons start from and nobody has.  On generated models that no
training has seen, and on maps of OpenFWI's FlatVel-A and CurveVel-A, with all frequencies and
without what lies below 4 Hz in data and wavelet.

``VMB_DATA=DIR python -m tests.benchmarks starts --processes 2 --docs docs/hybrid_benchmarks.rst``
makes this page; a second call goes on where the first was stopped.
"""


def report(folder: Path, rows: Sequence[Row]) -> Report:
    """Return the table with verdicts and remarks; write CSV and pictures into the folder."""
    runs = with_iterations(folder, rows)
    table = summarise(runs)
    tables.write_csv(folder / "starts.csv", runs)
    tables.write_csv(folder / "starts_table.csv", table)
    draw(folder, runs)
    return Report(
        "starts",
        "three kinds of start for the same FWI; MAE and RMSE in units of 1500 m/s",
        table,
        notes=[*verdicts(runs), *remarks(rows, runs)],
        settings={"runs": len(runs)},
    )


def write_page(path: Path, folder: Path, found: Report) -> None:
    """Write the page with its pictures beside it."""
    shown = [{key: row.get(key) for key in (*_WHAT, *_SHOWN)} for row in found.rows]
    parts = [page.title("Hybrid inversion: three kinds of start", "="), _ABOUT]
    for title in conditions.TITLES.values():
        some = [row for row in shown if row["condition"] == title]
        if some:
            lines = [{key: row[key] for key in row if key != "condition"} for row in some]
            parts += [page.title(title.capitalize()), page.list_table(lines)]
    parts += [page.title("Targets, and how it was measured"), page.bullets(found.notes)]
    parts += [page.picture(folder / "starts.png", path, alt="MAE of each model by method")]
    if (examples := folder / "starts_generated.png").exists():
        parts += [page.picture(examples, path, alt="Generated models by method")]
    path.write_text("\n".join(parts), encoding="utf-8")


def with_iterations(folder: Path, rows: Sequence[Row]) -> list[Row]:
    """Return the runs to be compared, with what it takes them to be where the linear ones end."""
    runs = [dict(row) for row in _sorted(tables.paired(rows))]
    for some in tables.groups(runs, "condition", "model").values():
        by_method = {run["method"]: run for run in some}
        if "linear" in by_method:
            linear, total = by_method["linear"], by_method["linear"]["gradients"]
            reference = read_run(folder, linear["key"])
            for run in some:
                run |= compare(read_run(folder, run["key"]), reference, total)
    return runs


def summarise(runs: Sequence[Row]) -> list[Row]:
    """Return the table, by condition, family (and all) and method."""
    every = [run | {"family": EVERY_FAMILY} for run in runs]
    table: list[Row] = []
    for (condition, family), some in tables.groups([*runs, *every], "condition", "family").items():
        what = {"condition": conditions.TITLES[condition]}
        what["family"] = models.FAMILIES.get(family, family)
        by_method = {method: these for (method,), these in tables.groups(some, "method").items()}
        for method, these in by_method.items():
            if "prediction_mae" in these[0]:
                alone = tables.scores(these, "prediction_")
                table.append(what | {"method": tables.ALONE, "models": len(these)} | alone)
            line = what | {"method": TITLES[method]} | tables.summary(these)
            if "linear" in by_method:
                line["MAE / linear's"] = tables.ratio(these, by_method["linear"])
                line[RATIO] = tables.middle(run["misfit_iterations"] for run in these)
            table.append(line)
    return table


def verdicts(runs: Sequence[Row]) -> list[str]:
    """Return the targets, each with what was reached."""
    lines: list[str] = []
    for (condition,), some in tables.groups(runs, "condition").items():
        by_method = {method: these for (method,), these in tables.groups(some, "method").items()}
        if "network" not in by_method:
            continue
        network, where = by_method["network"], conditions.TITLES[condition]
        if "linear" in by_method:
            of_linear = tables.ratio(network, by_method["linear"])
            target = OF_LINEAR[condition]
            lines.append(verdict(f"{where}: MAE over linear's", of_linear, at_most=target))
            lines.append(_iterations(f"{where}:", network))
            lines += _besides(where, network, by_method["linear"])
        if "linear" in by_method and "skipping" in by_method:
            lines += _quicker(f"{where}, with skip:", by_method)
        if "oracle" in by_method:
            of_oracle = tables.ratio(network, by_method["oracle"])
            lines.append(verdict(f"{where}: MAE over ORACLE's", of_oracle, at_most=OF_ORACLE))
    return lines


def _iterations(where: str, runs: Sequence[Row]) -> str:
    needed = tables.middle(run["misfit_iterations"] for run in runs)
    what = f"{where} median iterations to linear's misfit over linear's"
    return verdict(what, needed, at_most=OF_ITERATIONS)


def _quicker(where: str, by_method: dict[str, list[Row]]) -> list[str]:
    """Return what leaving out the bands that are explained saves, and what it costs."""
    skipping, network, linear = (by_method[m] for m in ("skipping", "network", "linear"))
    of_linear, of_network = tables.ratio(skipping, linear), tables.ratio(skipping, network)
    spent = tables.ratio(skipping, network, "gradients")
    return [
        _iterations(where, skipping),
        f"{where} MAE is {of_linear:.3g} of linear's and {of_network:.3g} of that without, by "
        f"{spent:.3g} of its gradients; above linear's by more than 5 % on "
        f"{tables.worse(skipping, linear)} of {len(linear)} models",
    ]


def remarks(rows: Sequence[Row], runs: Sequence[Row]) -> list[str]:
    """Return how it was measured."""
    networks = sorted({f"{row['condition']} {row['network']}" for row in runs if "network" in row})
    niter = sorted({row["niter"] for row in runs})
    notes = [
        f"{'/'.join(map(str, niter))} iterations a band, bands from the spectrum of the data, the "
        "defaults of fwi otherwise; the same for all methods of a condition.",
        "ORACLE starts from the truth (Gaussian, sigma 10 cells), which nobody has; no other "
        "method sees the truth.  Data: the modelling that inverts, without noise.",
        "Means over models, ± one standard deviation; misfit is the relative L2 of all data of "
        "the condition; ratios of MAE are those of means.",
        f"{RATIO}: the iteration at which a run first has the misfit where the linear one ends, "
        "over that one's iterations; the median.",
        "Gradients, like iterations, include those that chose a start; the candidates' simulations "
        "are in the seconds.  Seconds are of one thread on a shared machine, CPU seconds without "
        "the waiting; simulations for the curves are in neither.",
        "The start of a hybrid run is what won at the gate, after the iterations of the race.",
        *(f"Start taken by hybrid: {text}." for text in _taken(runs)),
        *([f"Networks: {', '.join(networks)}."] if networks else []),
    ]
    left = len(rows) - len(runs)
    return notes + (
        [f"{left} runs are left out: replaced, or their model is not done."] * (left > 0)
    )


def draw(folder: Path, runs: Sequence[Row]) -> None:
    """Draw the pictures into the folder; the page shows no maps that others made."""
    panels, examples, generated = {}, [], []
    for (condition, family), some in tables.groups(runs, "condition", "family").items():
        titles = conditions.TITLES[condition], models.FAMILIES[family]
        by_method = tables.groups(some, "method")
        panels[titles] = _points(by_method)
        by_model = [
            {TITLES[method]: these[number] for (method,), these in by_method.items()}
            for number in range(min(3, *map(len, by_method.values())))
        ]
        examples.append(by_model[0])
        generated += by_model if family == "generator" else []
    pictures.draw_errors(folder / "starts.png", panels)
    pictures.draw_examples(folder / "starts_models.png", folder, examples)
    if generated:
        pictures.draw_examples(folder / "starts_generated.png", folder, generated)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    orders = {"condition": list(conditions.TITLES), "family": list(models.FAMILIES)}
    by_model = sorted(rows, key=lambda row: row["model"])
    return tables.in_order(by_model, **orders, method=list(TITLES))


def _points(by_method: dict[tuple[str, ...], list[Row]]) -> dict[str, dict[str, float]]:
    points: dict[str, dict[str, float]] = {}
    for (method,), these in by_method.items():
        if "prediction_mae" in these[0]:
            points[tables.ALONE] = {run["model"]: run["prediction_mae"] for run in these}
        points[TITLES[method]] = {run["model"]: run["mae"] for run in these}
    return points


def _besides(where: str, network: Sequence[Row], linear: Sequence[Row]) -> list[str]:
    """Return what has no target: gradients, harm, and whether the cost is equal."""
    harmed = tables.worse(network, linear)
    lines = [f"{where}: MAE above linear's by more than 5 % on {harmed} of {len(network)} models"]
    needed = tables.middle(run["mae_iterations"] for run in network)
    lines.append(f"{where}: median iterations to linear's MAE over linear's: {needed:.3g}")
    counted = [run for run in network if "misfit_gradients" in run]
    if counted:
        lines += _equal_gradients(where, counted, linear)
    spent = {key: tables.ratio(network, linear, key) for key in ("gradients", "cpu_seconds")}
    words = "{gradients:.3g} times the gradients, {cpu_seconds:.3g} times the CPU seconds"
    return [*lines, f"{where}: cost of network + FWI is {words.format(**spent)} of linear + FWI"]


def _equal_gradients(where: str, network: Sequence[Row], linear: Sequence[Row]) -> list[str]:
    """Return what the network reached with the gradients of the linear run, where it is known."""
    known = {run["model"] for run in network}
    those = [run for run in linear if run["model"] in known]
    needed = tables.middle(run["misfit_gradients"] for run in network)
    equal = [run | {"mae": run["mae_equal_gradients"] / UNIT} for run in network]
    of_linear, target = tables.ratio(equal, those), OF_LINEAR[those[0]["condition"]]
    what = f"{where}: MAE over linear's after as many gradients ({len(those)} models)"
    return [
        verdict(what, of_linear, at_most=target),
        f"{where}: median gradients to linear's misfit over linear's: {needed:.3g}",
    ]


def _taken(runs: Sequence[Row]) -> list[str]:
    found = []
    hybrid = [run for run in runs if run["method"] == "network"]
    for (condition,), some in tables.groups(hybrid, "condition").items():
        counts = {start: len(these) for (start,), these in tables.groups(some, "start").items()}
        words = ", ".join(f"{start} {count}" for start, count in counts.items())
        found.append(f"{conditions.TITLES[condition]}: {words}")
    return found
