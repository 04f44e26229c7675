"""The presets against the models that they follow, where VMB_DATA names their folder.

Bounds are Kolmogorov-Smirnov distances. Two halves of one real set of these sizes are up to 0.09
apart, a family that does not fit 0.3 to 1.
"""

import io
import zipfile

import numpy as np
import pytest
from scipy.io import loadmat

from pylops_vmb.velocity import (
    CurvedLayers,
    SaltBodies,
    fcnvmb_like,
    openfwi_family,
    openfwi_like,
    seg_salt_like,
)
from pylops_vmb.velocity.statistics import describe, distances

WRONG = {
    "flatvel_a": ("flatvel_b", "curvevel_a", "flatfault_a"),
    "curvevel_a": ("curvevel_b", "flatvel_a", "curvefault_a"),
}


def worst(drawn, real):
    """Return the figure in which two sets differ most, and by how much."""
    found = distances(drawn, real)
    name = max(found, key=lambda name: np.nan_to_num(found[name], nan=1.0))
    return name, np.nan_to_num(found[name], nan=1.0)


def present(path):
    if not path.exists():
        pytest.skip(f"needs {path.name} in the folder VMB_DATA")
    return path


@pytest.fixture(scope="module")
def yang_and_ma(data_dir):
    path = present(data_dir / "fcnvmb" / "simulate_train" / "vmodel_1_1600.npz")
    models = np.load(path)["vp"][::10]
    return describe((vp.T for vp in models), vp_salt=4500.0)


def read_maps(data_dir, name):
    path = present(data_dir / "openfwi" / f"{name}_test_vmodel.zip")
    with zipfile.ZipFile(path) as archive:
        maps = [np.load(io.BytesIO(archive.read(entry))) for entry in archive.namelist()]
    return np.concatenate(maps)[:, 0].transpose(0, 2, 1)


@pytest.fixture(scope="module")
def openfwi(data_dir):
    names = {"flatvel_a": "FlatVelA", "curvevel_a": "CurveVelA"}
    return {family: describe(read_maps(data_dir, name)) for family, name in names.items()}


def test_fcnvmb_like_fits_the_models_of_yang_and_ma(yang_and_ma):
    drawn = describe(fcnvmb_like(seed=1).batch(0, 160), vp_salt=4500.0)
    name, distance = worst(drawn, yang_and_ma)
    assert distance < 0.2, name


def test_another_generator_does_not_fit_them(yang_and_ma):
    layers = CurvedLayers((301, 201), vp_range=(2000.0, 4000.0), layers=(5, 10), rising=1.0)
    drawn = describe(SaltBodies(layers.dims, background=layers).batch(0, 60), vp_salt=4500.0)
    found = distances(drawn, yang_and_ma)
    assert sum(distance > 0.3 for distance in found.values()) >= 6


@pytest.mark.parametrize("name", ["flatvel_a", "curvevel_a"])
def test_openfwi_family_fits_its_maps(openfwi, name):
    figure, distance = worst(describe(openfwi_family(name, seed=1).batch(0, 500)), openfwi[name])
    assert distance < 0.18, figure


@pytest.mark.parametrize(
    ("name", "other"), [(name, other) for name, others in WRONG.items() for other in others]
)
def test_another_family_does_not_fit_them(openfwi, name, other):
    _, distance = worst(describe(openfwi_family(other, seed=1).batch(0, 200)), openfwi[name])
    assert distance > 0.3


def test_openfwi_like_is_broader_than_one_family(openfwi):
    drawn = describe(openfwi_like().batch(0, 200))
    for real in openfwi.values():
        assert worst(drawn, real)[1] > 0.3


def basin_figures(vp):
    """Return mean velocities at ten depths, share of falling steps, and the salt's area and top."""
    salt, water = vp > 4400.0, vp <= 1500.0
    sediment = np.where(salt | water, np.nan, vp)
    falls = (np.diff(sediment, axis=1) < 0.0).mean()
    at = [sediment[:, int(share * vp.shape[1])] for share in np.linspace(0.06, 0.84, 10)]
    top = salt.any(axis=0).argmax() if salt.any() else np.nan
    return np.array([*map(np.nanmean, at), falls, water.mean(), salt.mean(), top])


def test_seg_salt_like_spans_the_slices(data_dir):
    folder = present(data_dir / "fcnvmb" / "segsalt")
    slices = [loadmat(path)["svmodel"].T.astype(float) for path in sorted(folder.glob("*.mat"))]
    assert slices
    real = np.array([basin_figures(vp) for vp in slices])
    drawn = np.array(
        [basin_figures(vp.astype(float)) for vp in seg_salt_like(seed=1).batch(0, 120)]
    )
    low, high = np.nanquantile(drawn, [0.01, 0.99], axis=0)
    inside = np.isnan(real) | ((real >= low) & (real <= high))
    assert inside.mean() > 0.95
    centre = np.nanmean(drawn[:, :10], axis=0) / np.mean(real[:, :10], axis=0)
    np.testing.assert_allclose(centre, 1.0, atol=0.04)
