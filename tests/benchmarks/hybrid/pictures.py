"""Pictures of the comparison of starts: errors by method, and example models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb.plotting import plot_comparison
from pylops_vmb.survey import Grid
from tests.benchmarks.hybrid.jobs import Row
from tests.benchmarks.hybrid.rows import read_run
from tests.benchmarks.openfwi_maps import UNIT

DPI = 80
Points = Mapping[str, Mapping[str, float]]
"""Error by model by column."""


def draw_errors(path: Path, panels: Mapping[tuple[str, str], Points]) -> None:
    """Draw a panel a condition and family: one line a model, a bar at the mean.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        The picture.
    panels : :obj:`dict`
        By titles of condition and family: by title of the column, the mean absolute error in
        units of 1500 m/s by model.
    """
    import matplotlib.pyplot as plt  # noqa: PLC0415  only where there is something to draw

    conditions, families = (list(dict.fromkeys(titles)) for titles in zip(*panels, strict=True))
    size = (3.4 * len(families) + 0.6, 3.2 * len(conditions) + 0.6)
    figure, axes = plt.subplots(
        len(conditions),
        len(families),
        figsize=size,
        squeeze=False,
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for (condition, family), points in panels.items():
        ax = axes[conditions.index(condition), families.index(family)]
        _draw_panel(ax, points)
        ax.set_title(f"{family}, {condition}", fontsize=9)
    for ax in axes[:, 0]:
        ax.set_ylabel("MAE (m/s)")
    save(figure, path)


def _draw_panel(ax: Any, points: Points) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter  # noqa: PLC0415

    columns = list(points)
    models = [model for model in points[columns[0]] if all(model in points[c] for c in columns)]
    values = UNIT * np.array([[points[column][model] for column in columns] for model in models])
    ax.plot(values.T, color="0.7", linewidth=0.7, marker=".", markersize=4)
    for at, column in enumerate(values.T):
        ax.hlines(column.mean(), at - 0.3, at + 0.3, color=f"C{at}", linewidth=3, zorder=3)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks(range(len(columns)), columns, rotation=20, fontsize=7, ha="right")
    ax.grid(axis="y", which="both", alpha=0.3)


def draw_examples(path: Path, folder: Path, examples: Sequence[Mapping[str, Row]]) -> None:
    """Draw the truth, what the network says, and what each method makes of it, a row each.

    Parameters
    ----------
    path, folder : :obj:`pathlib.Path`
        The picture, and where the runs are.
    examples : sequence of :obj:`dict`
        For one model under one condition, the runs by title of their method; where a run has
        a prediction, it comes before the result.
    """
    import matplotlib.pyplot as plt  # noqa: PLC0415

    rows = [_models(folder, runs) for runs in examples]
    columns = max(map(len, rows))
    size = (2.3 * columns + 0.8, 2.3 * len(rows))
    figure, axes = plt.subplots(
        len(rows), columns, figsize=size, squeeze=False, layout="constrained"
    )
    for row, models, runs in zip(axes, rows, examples, strict=True):
        plot_comparison(models, Grid.openfwi(), axes=row[: len(models)])
        _tidy(row, next(iter(runs.values())), last=row is axes[-1])
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write a figure as a small picture, of 256 colours."""
    import matplotlib.pyplot as plt  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415 - matplotlib has it

    figure.savefig(path, dpi=DPI)
    plt.close(figure)
    with Image.open(path) as drawn:
        small = drawn.convert("RGB").quantize(256)
    small.save(path, optimize=True)


def _models(folder: Path, runs: Mapping[str, Row]) -> dict[str, Any]:
    models: dict[str, Any] = {}
    for title, row in runs.items():
        kept = read_run(folder, row["key"])
        models["truth"] = kept["true"]
        if "prediction" in kept:
            error = UNIT * row["prediction_mae"]
            models[f"network alone\n{error:.0f} m/s"] = kept["prediction"]
        models[f"{title.removesuffix(' (hybrid)')}\n{UNIT * row['mae']:.0f} m/s"] = kept["vp"]
    return models


def _tidy(axes: Sequence[Any], row: Row, *, last: bool) -> None:
    for ax in axes:
        ax.title.set_fontsize(8)
        ax.tick_params(labelsize=7, labelleft=ax is axes[0], labelbottom=last)
        ax.xaxis.label.set_visible(last)
    axes[0].set_ylabel(f"{row['model']}, {row['condition']}\n{axes[0].get_ylabel()}", fontsize=8)
