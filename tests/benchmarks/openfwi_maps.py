"""Learned inversion of OpenFWI's velocity maps: MAE, RMSE and both SSIMs.

Reads ``openfwi/FlatVelA_test_vmodel.zip`` and ``openfwi/CurveVelA_test_vmodel.zip`` (arrays
``(n, 1, nz, nx)`` in m/s) from the folder VMB_DATA.  Gathers are simulated with the preset
`Acquisition.openfwi`; the network was never trained on these maps.
"""

import argparse
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylops_vmb as vmb
from tests.benchmarks.report import Report, data_folder

UNIT = 1500.0
"""MAE and RMSE are published in this unit (m/s): half of the range of the labels."""
PUBLIC = 0.25
"""MAE of the public models on families that they were not trained on."""
FAMILIES = {"FlatVel-A": "FlatVelA_test_vmodel.zip", "CurveVel-A": "CurveVelA_test_vmodel.zip"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--weights", type=Path, metavar="PATH", help="instead of the pretrained")
    parser.add_argument("--count", type=int, default=20, help="first maps each (default 20)")


def run(options: argparse.Namespace) -> Report:
    """Measure."""
    folder = data_folder() / "openfwi"
    grid, acq = vmb.Grid.openfwi(), vmb.Acquisition.openfwi()
    F, G = vmb.AcousticModelling2D(grid, acq), load(options.weights)
    found = {
        family: [_scores(F, G, vp) for vp in read_maps(folder / file, options.count)]
        for family, file in FAMILIES.items()
    }
    rows = [_row(family, scores) for family, scores in found.items()]
    rows.append(_row("both", [score for scores in found.values() for score in scores]))
    rows.append({"maps": "public models on foreign families", "MAE": PUBLIC})
    return Report(
        "openfwi_maps",
        f"{G.name} on the first {options.count} maps, MAE and RMSE in units of 1500 m/s",
        rows,
        notes=[
            "Noise-free gathers simulated with the preset; SSIM with the Gaussian window "
            "(OpenFWI's), SSIM (7 x 7) with scikit-image's default.",
            "RMSE is the root of the mean square over all maps, the others are means over maps.",
            f"{PUBLIC} is what public models reach when tested on a family they were not "
            "trained on; theirs are other maps, so the two are beside each other, no more.",
        ],
        settings={"network": G.card.to_dict()["training"], "count": options.count, "maps": found},
    )


def load(weights: Path | None) -> vmb.LearnedInversion:
    """Return the embedded network, or the one in a file."""
    return vmb.LearnedInversion.load(weights) if weights else vmb.LearnedInversion.from_pretrained()


def read_maps(path: Path, count: int) -> NDArray[np.float32]:
    """Return the first maps ``(count, nx, nz)`` of a zip of arrays, in the order of the zip."""
    maps: list[NDArray[np.float32]] = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy") and len(maps) < count:
                with archive.open(name) as file:
                    maps.extend(np.load(file, allow_pickle=False)[: count - len(maps), 0])
    return np.ascontiguousarray(np.stack(maps).transpose(0, 2, 1))


def _scores(
    F: vmb.AcousticModelling2D, G: vmb.LearnedInversion, vp: NDArray[np.float32]
) -> dict[str, float]:
    return vmb.metrics.scores(G(F(vp)), vp)


def _row(name: str, scores: list[dict[str, float]]) -> dict[str, Any]:
    mean = {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}
    return {
        "maps": f"{name} ({len(scores)})",
        "MAE": mean["mae"] / UNIT,
        "RMSE": float(np.sqrt(np.mean([score["rmse"] ** 2 for score in scores]))) / UNIT,
        "SSIM": mean["ssim"],
        "SSIM (7 x 7)": mean["ssim_uniform"],
        "MAE m/s": mean["mae"],
    }
