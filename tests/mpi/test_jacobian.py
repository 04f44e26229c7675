"""The Jacobian over processes: the products of one process, and PyLops-MPI's own solver."""

import numpy as np
import pytest


@pytest.mark.parametrize("several", ["two", pytest.param("four", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("ns", [1, 3])  # one shot leaves processes without any
def test_products_are_those_of_one_process(request, alone, several, ns, dtype, rtol):
    for found in request.getfixturevalue(several)["jacobian"]:
        for product in ("Jx", "JHy"):
            name = f"{ns} {dtype} {product}"
            expected = alone["jacobian"][name]
            assert (found[name].shape, found[name].dtype) == (expected.shape, np.dtype(dtype))
            atol = rtol * np.abs(expected).max()
            np.testing.assert_allclose(found[name], expected, rtol=0.0, atol=atol)


@pytest.mark.parametrize("ns", [1, 3])
def test_its_least_squares_solver_gives_the_same_image(two, alone, ns):
    name = f"{ns} float64 cgls"
    for found in two["jacobian"]:
        np.testing.assert_allclose(found[name], alone["jacobian"][name], rtol=1e-8)
