"""Migration of a point scatterer: where it is, how sharp, and in the kind of the data."""

import numpy as np
import pytest
import torch

from pylops_vmb.inversion import lsm, rtm
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid

DIMS, POINT = (25, 18), (12, 10)
LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}


@pytest.fixture(scope="module")
def F() -> AcousticModelling2D:
    """Return the modelling of three shots into 25 receivers at the top."""
    acq = Acquisition.fixed_spread(
        [20.0, 120.0, 220.0], 10.0 * np.arange(25), nt=130, dt=2e-3, f0=20.0
    )
    return AcousticModelling2D(Grid(DIMS, 10.0), acq, nbl=10)


@pytest.fixture(scope="module")
def vp() -> np.ndarray:
    return np.full(DIMS, 2000.0)


@pytest.fixture(scope="module")
def dd(F, vp) -> np.ndarray:
    """Return what a cell that is faster by 200 m/s scatters."""
    true = vp.copy()
    true[POINT] += 200.0
    return F(true) - F(vp)


@pytest.fixture(scope="module")
def images(F, vp, dd) -> dict[str, np.ndarray]:
    return {"rtm": rtm(F, vp, dd), "lsm": lsm(F, vp, dd, niter=8)[0]}


def spread(image: np.ndarray) -> float:
    """Return the radius of the energy around the point, in cells."""
    x, z = np.indices(image.shape)
    squares = (x - POINT[0]) ** 2 + (z - POINT[1]) ** 2
    return float(np.sqrt(np.sum(squares * image**2) / np.sum(image**2)))


@pytest.mark.parametrize("name", ["rtm", "lsm"])
def test_a_scatterer_is_focused_at_its_place(images, name):
    image = images[name]
    below = image[:, 4:]  # above lie the imprints of sources and receivers
    assert np.unravel_index(below.argmax(), below.shape) == (POINT[0], POINT[1] - 4)


def test_rtm_is_the_descent_of_the_misfit(F, vp, dd, images):
    image = torch.from_numpy(vp).requires_grad_()
    observed = torch.from_numpy(dd + F(vp))
    (0.5 * (F(image) - observed).square().sum()).backward()
    np.testing.assert_allclose(
        images["rtm"], -image.grad, rtol=1e-6, atol=1e-9 * abs(images["rtm"]).max()
    )


def test_least_squares_sharpens_and_fits(F, vp, dd, images):
    image, niter, cost = lsm(F, vp, dd, niter=8)
    assert niter == 8
    assert (np.diff(cost) < 0).all()
    assert cost[0] == pytest.approx(np.linalg.norm(dd))
    assert cost[-1] < 0.3 * cost[0]
    assert cost[-1] == pytest.approx(np.linalg.norm(dd - F.jacobian(vp) @ image), rel=1e-6)
    assert spread(images["lsm"]) < 0.8 * spread(images["rtm"])
    assert 20.0 < images["lsm"][POINT] < 250.0  # m/s, where rtm has no unit of velocity


def test_damping_holds_the_image_down(F, vp, dd):
    free, held = (lsm(F, vp, dd, niter=4, damp=damp)[0] for damp in (0.0, 1.0))
    assert np.linalg.norm(held) < 0.5 * np.linalg.norm(free)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("flat", [False, True])
def test_images_come_in_the_kind_of_the_data(F, vp, dd, images, library, dtype, flat):
    given = LIBRARIES[library](dd.astype(dtype).reshape(-1 if flat else F.dimsd))
    for image, want in (
        (rtm(F, vp, given), images["rtm"]),
        (lsm(F, vp, given, niter=1)[0], lsm(F, vp, dd, niter=1)[0]),
    ):
        assert type(image) is type(given)
        assert image.dtype == given.dtype
        assert tuple(image.shape) == ((450,) if flat else DIMS)
        error = np.linalg.norm(np.asarray(image).reshape(DIMS) - want)
        assert error < 1e-5 * np.linalg.norm(want)
