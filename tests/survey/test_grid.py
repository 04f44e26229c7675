"""Grid: axes, cell numbers, and what it refuses."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.survey import Grid


def test_axes_and_extent_start_at_the_origin():
    grid = Grid(dims=(4, 3), spacing=(10.0, 5.0), origin=(-20.0, 100.0))
    np.testing.assert_array_equal(grid.x, [-20.0, -10.0, 0.0, 10.0])
    np.testing.assert_array_equal(grid.z, [100.0, 105.0, 110.0])
    assert grid.extent == (-20.0, 10.0, 100.0, 110.0)


def test_one_spacing_serves_both_axes():
    assert Grid((4, 3), 10.0) == Grid((4, 3), (10.0, 10.0))


def test_cells_are_fractional_and_keep_trailing_axes():
    grid = Grid((4, 3), (10.0, 5.0), origin=(-20.0, 100.0))
    coords = np.array([[[-20.0, -15.0]], [[100.0, 110.0]]])
    np.testing.assert_allclose(grid.cells(coords), [[[0.0, 0.5]], [[0.0, 2.0]]])


def test_contains_includes_the_edge_and_nothing_beyond():
    grid = Grid((4, 3), 10.0)
    x = [0.0, 30.0, 30.1, -0.1, 10.0]
    z = [0.0, 20.0, 10.0, 10.0, 20.1]
    assert grid.contains([x, z]).tolist() == [True, True, False, False, False]


def test_presets_have_the_published_sizes():
    assert (Grid.openfwi().dims, Grid.openfwi().spacing) == ((70, 70), (10.0, 10.0))
    assert (Grid.fcnvmb().dims, Grid.fcnvmb().spacing) == ((301, 201), (10.0, 10.0))


def test_repr_says_size_spacing_and_extent():
    assert repr(Grid((70, 50), (10.0, 5.0), origin=(100.0, 0.0))) == (
        "Grid(70 x 50 cells of 10 m x 5 m, x 100 to 790 m, z 0 to 245 m)"
    )


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (VMBValueError, r"dims: must be two cell counts, got 70\. Pass \(nx, nz\)", (70, 10.0)),
        (VMBValueError, r"dims: must be two cell counts, got \(7,\)", ((7,), 10.0)),
        (VMBValueError, r"dims: must be at least 2, got 1", ((1, 70), 10.0)),
        (VMBTypeError, r"dims: must be an integer, got 7\.0", ((7.0, 70), 10.0)),
        (VMBValueError, r"spacing: must be above 0\.0 m, got 0\. .*in m\.", ((7, 7), (0.0, 1.0))),
        (VMBValueError, r"spacing: must be finite, got nan", ((7, 7), float("nan"))),
        (VMBValueError, r"spacing: must be two numbers, got 3\.", ((7, 7), (1.0, 2.0, 3.0))),
        (VMBValueError, r"origin: must be two coordinates, got 1\.", ((7, 7), 10.0, (1.0,))),
    ],
)
def test_refusals(error, message, arguments):
    with pytest.raises(error, match=message):
        Grid(*arguments)
