"""The acceptance run on a real OpenFWI pair: FWI from a linear start against hybrid.

Reads ``openfwi/CF_sample0_seismic.npy`` and ``CF_sample0_velocity.npy`` from the folder
VMB_DATA.  The true velocity enters the scores and, with ``--oracle``, a row that says so;
nothing else sees it.  ``--recipe openfwi`` gives the settings of that recipe to all methods;
``--lowcut 4`` removes what is below 4 Hz from the data before anybody sees them.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import pylops_vmb as vmb
from pylops_vmb.hybrid import RECIPES
from pylops_vmb.inversion import InversionResult, linear_start
from pylops_vmb.survey import LowCut
from tests.benchmarks.openfwi_maps import UNIT, load
from tests.benchmarks.report import Report, data_folder, threads, verdict

Model = NDArray[np.float32]


class Pair(NamedTuple):
    """A survey with its observed data ``(ns, nr, nt)`` and the velocity ``(nx, nz)`` behind it."""

    F: vmb.AcousticModelling2D
    dobs: Model
    true: Model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--weights", type=Path, metavar="PATH", help="instead of the pretrained")
    parser.add_argument("--oracle", action="store_true", help="add FWI from the smoothed truth")
    parser.add_argument("--recipe", choices=RECIPES, help="settings of a recipe, for all methods")
    parser.add_argument("--lowcut", type=float, metavar="HZ", help="remove what is below")
    parser.add_argument("--niter", type=int, help="iterations a band, for a trial")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save models and a picture here")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    pair = cut_pair(read_pair(data_folder() / "openfwi"), options.lowcut)
    G = load(options.weights).for_survey(pair.F.acq)
    settings = dict(RECIPES[options.recipe]) if options.recipe else {}
    settings |= {} if options.niter is None else {"niter": options.niter}
    starts, rows = _starts(pair, G, options.oracle), []
    models = {"true": pair.true, "network": starts["no inversion: network"]}
    for name, (start, invert) in _runs(pair, G, options.oracle, settings).items():
        began = time.perf_counter()
        result = invert()
        row = _row(pair, result.vp, name, start=getattr(result, "start", start))
        rows.append(row | {"iterations": result.niter, "s": time.perf_counter() - began})
        models[name] = result.vp
    rows += [_row(pair, vp, name) for name, vp in starts.items()]
    if options.out:
        _save(options.out, models, pair.F.grid)
    return Report(
        "cf_sample0",
        f"CF_sample0, {G.name}, MAE and RMSE in units of 1500 m/s",
        rows,
        notes=[*_verdicts(rows, options), *_remarks(options, settings)],
        settings={"settings": settings, "network": G.card.to_dict()["training"]},
    )


def read_pair(folder: Path) -> Pair:
    """Return the real gathers with the preset's survey, and their velocity."""
    files = (folder / f"CF_sample0_{kind}.npy" for kind in ("seismic", "velocity"))
    dobs, true = (np.ascontiguousarray(vmb.io.read_openfwi(file)[0]) for file in files)
    return Pair(vmb.AcousticModelling2D(vmb.Grid.openfwi(), vmb.Acquisition.openfwi()), dobs, true)


def cut_pair(pair: Pair, corner: float | None) -> Pair:
    """Return what an instrument with a low-cut would have recorded, and its modelling."""
    if corner is None:
        return pair
    cut, acq = LowCut(corner), pair.F.acq
    F = vmb.AcousticModelling2D(pair.F.grid, cut.on(acq))
    return Pair(F, cut(pair.dobs, acq.dt), pair.true)


def _runs(
    pair: Pair, G: vmb.LearnedInversion, oracle: bool, settings: Mapping[str, Any]
) -> dict[str, tuple[str, Callable[[], InversionResult]]]:
    F, dobs, true = pair
    linear = linear_start(F.grid, (1500.0, 4000.0))
    runs: dict[str, tuple[str, Callable[[], InversionResult]]] = {
        "fwi": ("linear", lambda: vmb.fwi(F, dobs, x0=linear, **settings)),
        "hybrid": ("", lambda: vmb.hybrid(F, dobs, G, **settings)),
    }
    if oracle:
        runs["fwi (oracle)"] = (
            "smoothed truth",
            lambda: vmb.fwi(F, dobs, x0=smoothed(true), **settings),
        )
    return runs


def _starts(pair: Pair, G: vmb.LearnedInversion, oracle: bool) -> dict[str, Model]:
    models = {
        "no inversion: linear": linear_start(pair.F.grid, (1500.0, 4000.0)),
        "no inversion: network": np.clip(G(pair.dobs), 1500.0, 4500.0),
    }
    if oracle:
        models["no inversion: smoothed truth (oracle)"] = smoothed(pair.true)
    return models


def smoothed(true: Model) -> Model:
    """Return the oracle start of the literature: the truth behind a Gaussian of 10 cells."""
    return np.asarray(gaussian_filter(true, 10.0), np.float32)


def _row(pair: Pair, vp: Model, name: str, *, start: str | None = None) -> dict[str, Any]:
    scores = vmb.metrics.scores(vp, pair.true)
    return {
        "method": name,
        "start": start,
        "MAE": scores["mae"] / UNIT,
        "RMSE": scores["rmse"] / UNIT,
        "SSIM": scores["ssim"],
        "SSIM (7 x 7)": scores["ssim_uniform"],
        "data misfit": vmb.metrics.relative_l2(pair.F(vp), pair.dobs),
    }


def _verdicts(rows: list[dict[str, Any]], options: argparse.Namespace) -> list[str]:
    by_method = {row["method"]: row for row in rows}
    fwi, hybrid = by_method["fwi"], by_method["hybrid"]
    found = []
    if options.oracle and not options.lowcut:
        found = [verdict("MAE from the oracle", by_method["fwi (oracle)"]["MAE"], at_most=0.05)]
    if not options.lowcut:
        found.append(verdict("SSIM of hybrid", hybrid["SSIM"], at_least=0.82))
    return [
        *found,
        verdict("MAE of hybrid", hybrid["MAE"], at_most=0.12 if options.lowcut else 0.085),
        verdict("MAE of hybrid over that of fwi", hybrid["MAE"] / fwi["MAE"], at_most=0.8),
        verdict("seconds of hybrid", hybrid["s"], at_most=600.0),
        f"iterations of hybrid and fwi: {hybrid['iterations']} and {fwi['iterations']}",
    ]


def _remarks(options: argparse.Namespace, settings: Mapping[str, Any]) -> list[str]:
    notes = [
        "Defaults throughout" + (f", except {settings}: a trial." if settings else "."),
        f"Data misfit is the relative L2 in the full band; {threads()}.",
    ]
    if options.oracle:
        notes.append("The oracle's start is the truth, smoothed (Gaussian, sigma 10 cells).")
    return notes


def _save(folder: Path, models: Mapping[str, Model], grid: vmb.Grid) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, vp in models.items():
        file = name.replace(" ", "_").replace("(", "").replace(")", "")
        vmb.io.write_npz(folder / f"{file}.npz", vp, grid)
    axes = vmb.plotting.plot_comparison(models, grid)
    axes[0].figure.savefig(folder / "cf_sample0.png", dpi=150, bbox_inches="tight")
