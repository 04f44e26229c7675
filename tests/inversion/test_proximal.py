"""The misfit for pyproximal: its gradient is its derivative, and the solvers descend on it."""

import sys
from itertools import pairwise

import numpy as np
import pylops
import pyproximal
import pytest
import torch
from pyproximal.optimization.primal import ProximalGradient
from pyproximal.optimization.primaldual import PrimalDual

import pylops_vmb as vmb
from pylops_vmb import inversion
from pylops_vmb.errors import VMBImportError, VMBValueError


def slope_error(function, x, *, step, seed=0):
    """Return how far a gradient is from central differences of order four, relatively.

    The direction holds as much of the gradient as of noise: along noise alone the slope would
    be small beside its rounding.
    """
    noise, gradient = np.random.default_rng(seed).standard_normal(x.shape), function.grad(x)
    dx = noise / np.linalg.norm(noise) + gradient / np.linalg.norm(gradient)
    up, down, far, near = (function(x + h * step * dx) for h in (1, -1, 2, -2))
    slope = (8 * (up - down) - (far - near)) / (12 * step)
    return abs(slope - gradient @ dx) / (np.linalg.norm(gradient) * np.linalg.norm(dx))


@pytest.fixture
def f(F, dobs):
    return vmb.L2Misfit(F, dobs)


@pytest.fixture
def x(x0):
    return x0.flatten()


@pytest.fixture
def seen():
    """Return a list of iterates and the callback that fills it."""
    iterates = []
    return iterates, lambda x: iterates.append(x.copy())


def falls(totals):
    return all(after < before for before, after in pairwise(totals))


def mean_error(x, true):
    return np.abs(x - true.ravel()).mean()


def test_both_spellings_are_one_class():
    assert vmb.L2Misfit is inversion.L2Misfit
    assert issubclass(vmb.L2Misfit, pyproximal.Nonlinear)
    with pytest.raises(AttributeError, match="no attribute 'L3Misfit'"):
        _ = inversion.L3Misfit


def test_without_pyproximal_the_install_line_is_shown(monkeypatch):
    monkeypatch.delitem(sys.modules, "pylops_vmb.inversion.proximal")
    monkeypatch.setitem(sys.modules, "pyproximal", None)
    with pytest.raises(VMBImportError, match=r"pip install 'pylops-vmb\[prox\]'"):
        _ = inversion.L2Misfit


def test_the_value_is_the_misfit_that_fwi_lists(F, dobs, x):
    for band in (20.0, None):
        cost = vmb.fwi(F, dobs, x, niter=1, bands=(band,), optimiser="adam", tv=0.0).cost
        assert vmb.L2Misfit(F, dobs, band=band)(x) == pytest.approx(cost[0])
    assert vmb.L2Misfit(F, dobs, sigma=3.0)(x) == pytest.approx(3.0 * cost[0])


@pytest.mark.parametrize("band", [None, 30.0])
def test_the_gradient_of_the_waves(F, true, rng, band):
    f = vmb.L2Misfit(F, F(true.astype("float64")), sigma=2.0, band=band)
    x = 2200.0 + 20.0 * rng.standard_normal(F.shape[1])
    assert slope_error(f, x, step=2.0) < 1e-6


def test_the_gradient_on_paper_and_a_wrong_one(paper, rng, monkeypatch):
    f = vmb.L2Misfit(paper, paper(2500.0 + 200.0 * rng.standard_normal(paper.dims)))
    x = 2500.0 + 100.0 * rng.standard_normal(12)
    assert slope_error(f, x, step=1.0) < 1e-9
    right = f.grad
    for wrong in (lambda v: 1.001 * right(v), lambda v: right(v)[::-1], lambda v: 0.5 * right(v)):
        monkeypatch.setattr(f, "grad", wrong)
        assert slope_error(f, x, step=1.0) > 1e-4


def test_kinds_and_shapes_come_out_as_they_came_in(f, x0):
    value, plain = f.fungrad(x0)
    assert (plain.shape, plain.dtype, f(x0)) == (x0.shape, np.float32, value)
    tensor = torch.from_numpy(x0.ravel()).double()
    gradient = f.grad(tensor)
    assert (gradient.dtype, gradient.shape) == (torch.float64, tensor.shape)
    np.testing.assert_array_equal(gradient.numpy().astype("float32"), plain.ravel())


def test_what_was_just_computed_is_kept(f, x):
    f.grad(x)
    f.grad(x.copy())
    f(x)
    assert f._objective.evaluations == 1
    for evaluations in (2, 3):  # in the same memory
        x[0] += 1.0
        f.grad(x)
        assert f._objective.evaluations == evaluations


def test_the_lipschitz_constant_is_the_largest_eigenvalue(paper, rng):
    dobs, x = paper(2500.0 + rng.standard_normal(paper.dims)), np.full(12, 2400.0)
    f, J = vmb.L2Misfit(paper, dobs, sigma=0.5), paper.jacobian(np.full(paper.dims, 2400.0))
    want = np.linalg.norm(J.todense(), 2) ** 2 / np.square(dobs).sum()
    assert f.lipschitz(x, niter=100) == pytest.approx(want, rel=1e-6)
    assert 0.8 * want < f.lipschitz(x, niter=5) <= want


def test_proximal_gradient_with_total_variation(F, f, x, true, seen):
    iterates, callback = seen
    g = pyproximal.TV(F.dims, sigma=1e-6)
    ProximalGradient(f, g, x, tau=1.0 / f.lipschitz(x), niter=8, callback=callback)
    totals = [f(v) + g(v) for v in (x, *iterates)]
    assert falls(totals)
    assert totals[-1] < 0.2 * totals[0]
    assert mean_error(iterates[-1], true) < 0.95 * mean_error(x, true)


@pytest.mark.parametrize("acceleration", [None, "fista"])
def test_proximal_gradient_in_a_box(f, x, true, acceleration, seen):
    iterates, callback = seen
    box = pyproximal.Box(2150.0, 2230.0)
    more = {"niter": 5, "acceleration": acceleration, "callback": callback}
    ProximalGradient(f, box, x, tau=1.0 / f.lipschitz(x), **more)
    assert falls([f(v) for v in (x, *iterates)])
    assert f(iterates[-1]) < 0.6 * f(x)
    assert iterates[-1].min() >= 2150.0
    assert iterates[-1].max() == 2230.0
    assert mean_error(iterates[-1], true) < mean_error(x, true)


def test_backtracking_starts_at_one_and_so_needs_a_scale(F, dobs, f, x):
    scaled = vmb.L2Misfit(F, dobs, sigma=8.0 / f.lipschitz(x))  # 1 is 8 times too long
    found = ProximalGradient(scaled, pyproximal.Box(1500.0, 4500.0), x, tau=None, niter=3)
    assert f(found) < 0.5 * f(x)


def test_primal_dual_with_total_variation(F, dobs, x, true, seen):
    iterates, callback = seen
    f = vmb.L2Misfit(F, dobs, niter=3)
    g, A = pyproximal.L21(ndim=2, sigma=1e-6), pylops.Gradient(F.dims, kind="forward", dtype="f4")
    tau = 1.0 / f.lipschitz(x)
    PrimalDual(f, g, A, x, tau=tau, mu=0.99 / (8.0 * tau), niter=5, callback=callback)
    totals = [f(v) + g(A @ v) for v in (x, *iterates)]
    assert falls(totals)
    assert totals[-1] < 0.3 * totals[0]
    assert mean_error(iterates[-1], true) < 0.95 * mean_error(x, true)


@pytest.mark.parametrize("warm", [True, False])
def test_the_proximal_point_is_that_on_paper(paper, rng, warm):
    f = vmb.L2Misfit(paper, paper(2500.0 + 50.0 * rng.standard_normal((4, 3))), niter=40, warm=warm)
    y, tau = 2500.0 + 30.0 * rng.standard_normal(12), 0.5 / f.lipschitz(np.full(12, 2500.0))
    for _ in range(2):
        x = f.prox(y, tau)
        np.testing.assert_allclose(x, y - tau * f.grad(x), atol=1e-3)
        assert np.abs(x - y).max() > 0.5
    assert (f.x0 is None) != warm


def test_the_proximal_point_is_within_the_bounds(paper, rng):
    dobs = paper(2500.0 + 50.0 * rng.standard_normal((4, 3)))
    f = vmb.L2Misfit(paper, dobs, bounds=(2495.0, 2505.0))
    x = f.prox(np.linspace(2400.0, 2600.0, 12), 1e5)
    assert (x.min(), x.max()) == (2495.0, 2505.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0.0}, "sigma: must be above 0"),
        ({"band": -1.0}, "band: must be above 0"),
        ({"niter": 0}, "niter: must be at least 1"),
        ({"bounds": (4500.0, 1500.0)}, "bounds: must be positive and increase"),
        ({"bounds": (1500.0, 9000.0)}, "bounds: must not exceed max_vel = 5500 m/s"),
    ],
)
def test_settings_that_make_no_sense_are_refused(F, dobs, settings, message):
    with pytest.raises(VMBValueError, match=message):
        vmb.L2Misfit(F, dobs, **settings)


def test_what_cannot_be_compared_is_refused(F, f, dobs, paper):
    with pytest.raises(VMBValueError, match="dobs: hold no signal"):
        vmb.L2Misfit(F, 0 * dobs)
    with pytest.raises(VMBValueError, match="band: needs a survey, and Saturating has none"):
        vmb.L2Misfit(paper, np.ones(paper.dimsd), band=5.0)
    with pytest.raises(VMBValueError, match=r"x: must have shape \(nx, nz\)"):
        f(np.ones(5))
    with pytest.raises(VMBValueError, match="vp: must not exceed max_vel"):
        f.grad(np.full(F.dims, 9000.0))
