"""Tests of the figures of velocity models, on models whose figures are known."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBValueError
from pylops_vmb.velocity.statistics import describe, distances, interfaces, layer_velocities

NX, NZ = 40, 50


def layered(depth=20.0, top=1600.0, bottom=2600.0):
    """Return two layers ``(nx, nz)`` that meet at ``depth``, a number or one a column."""
    rows = np.arange(NZ)[None, :]
    return np.where(rows < np.broadcast_to(depth, (NX,))[:, None], top, bottom)


def figures(vp, **settings):
    return {name: values[0] for name, values in describe([vp], **settings).items()}


def test_layers_are_listed_from_the_shallowest_down():
    vp = layered(depth=10, top=3000.0, bottom=2000.0)
    vp[:, 30:] = 2500.0
    np.testing.assert_array_equal(layer_velocities(vp), [3000.0, 2000.0, 2500.0])
    assert figures(vp)["falls"] == 1.0
    assert figures(layered())["falls"] == 0.0


def test_a_few_cells_are_no_layer():
    vp = layered()
    vp[3, 3] = 4000.0
    assert len(layer_velocities(vp)) == 2
    assert len(layer_velocities(vp, least=0.0)) == 3


def test_figures_of_layers():
    found = figures(layered(depth=20))
    assert (found["layers"], found["vp_top"], found["vp_bottom"]) == (2.0, 1600.0, 2600.0)
    assert found["vp_rise"] == 1000.0
    assert found["vp_mean"] == pytest.approx(1600.0 * 0.4 + 2600.0 * 0.6)
    assert found["first_layer"] == found["thinnest"] == 20.0
    assert found["relief_mean"] == found["slope"] == 0.0


def test_relief_and_wavelength_of_a_sine():
    x = np.arange(NX)
    found = figures(layered(depth=np.rint(25 + 10 * np.sin(2 * np.pi * x / 20))))
    assert found["relief_mean"] == found["relief_max"] == 20.0
    assert found["wavelength"] == pytest.approx(20.0, rel=0.05)
    assert found["slope"] == pytest.approx(4 * 10 / 20, rel=0.1)


def test_salt_hides_interfaces_but_not_their_figures():
    vp = layered(depth=20 + np.arange(NX) % 2)
    vp[5:15, 10:40] = 4500.0
    depths = interfaces(vp, vp_salt=4500.0)
    assert np.isnan(depths[0, 5:15]).all()
    assert set(depths[0, 15:]) == {20.0, 21.0}
    found = figures(vp, vp_salt=4500.0)
    assert found["layers"] == 2.0
    assert found["relief_max"] == 1.0
    assert found["salt_area"] == pytest.approx(10 * 30 / (NX * NZ))
    assert (found["salt_top"], found["salt_bottom"]) == (10 / NZ, 40 / NZ)
    assert (found["salt_centre"], found["salt_width"]) == (10 / NX, 10 / NX)


def test_what_a_model_lacks_is_nan():
    constant = figures(np.full((NX, NZ), 2000.0))
    assert constant["layers"] == 1.0
    assert np.isnan(constant["relief_mean"])
    assert constant["salt_area"] == 0.0
    assert np.isnan(constant["salt_top"])


def test_distances_of_equal_and_of_separate_sets():
    slow = describe(layered(depth=k) for k in range(5, 25))
    fast = describe(layered(depth=k, top=3000.0, bottom=4000.0) for k in range(5, 25))
    assert set(distances(slow, slow).values()) == {0.0}
    apart = distances(slow, fast)
    assert apart["vp_top"] == 1.0
    assert apart["first_layer"] == 0.0


def test_a_figure_that_only_one_set_has():
    salty = layered()
    salty[5:15, 10:40] = 4500.0
    without, with_salt = (describe([vp], vp_salt=4500.0) for vp in (layered(), salty))
    assert np.isnan(distances(without, with_salt)["salt_top"])
    assert distances(without, without)["salt_top"] == 0.0


def test_no_models_are_refused():
    with pytest.raises(VMBValueError, match="models: must hold a model, got none"):
        describe([])


def test_sets_that_are_almost_equal_are_compared_without_a_warning():
    figure = np.arange(150.0)  # where SciPy's exact probability, which nobody asked for, fails
    apart = distances({"salt_area": figure}, {"salt_area": figure + 0.5})
    assert apart["salt_area"] == pytest.approx(1 / 150)
