"""Optimisers find known minima, inside and at the bounds, and go on exactly where they stopped."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen

from pylops_vmb.inversion.objective import Value
from pylops_vmb.inversion.optimisers import LBFGS, Adam
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.io import load_checkpoint, save_checkpoint


def plain() -> Preconditioner:
    return Preconditioner(illumination=False)


def run(optimiser, x, function, niter):
    """Return the path and the objectives along it."""
    path, totals = [x], []
    for _ in range(niter):
        x, value = optimiser.step(x, function)
        path.append(x)
        totals.append(value.total)
    return path, totals


@pytest.fixture
def quadratic(rng, differentiable):
    """Return a convex quadratic of 12 cells, its matrix and its free minimum."""
    A = rng.standard_normal((12, 12))
    H = torch.from_numpy(A @ A.T / 12 + np.eye(12))
    best = torch.from_numpy(2500.0 + 800.0 * rng.standard_normal(12))

    def function(x):
        away = (x.reshape(-1) - best) / 1000.0
        return 0.5 * away @ (H @ away)

    return differentiable(function), best


def by_scipy(function, x, bounds):
    def both(v):
        value = function(torch.from_numpy(v).reshape(x.shape))
        return value.total, value.gradient.numpy().ravel()

    options = {"maxiter": 500, "ftol": 1e-15, "gtol": 1e-12}
    return minimize(
        both, x.numpy().ravel(), jac=True, bounds=[bounds] * x.numel(), options=options
    ).x


@pytest.mark.parametrize("bounds", [(1.0, 9000.0), (2200.0, 2800.0)])
def test_lbfgs_finds_the_bounded_minimum_of_a_quadratic(quadratic, bounds):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    want = by_scipy(function, x, bounds)
    found = run(LBFGS(bounds, plain()), x, function, 60)[0][-1].numpy().ravel()
    active = (want == bounds[0]) | (want == bounds[1])
    assert active.any() == (bounds[0] > 2000.0)
    np.testing.assert_array_equal(found[active], want[active])
    np.testing.assert_allclose(found, want, atol=0.05)


def test_lbfgs_walks_the_valley_of_rosenbrock(differentiable):
    def banana(x):
        u, v = x.reshape(-1)
        return (1 - u) ** 2 + 100 * (v - u**2) ** 2

    x = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    optimiser = LBFGS((-2.0, 2.0), plain(), first=0.5, longest=1.0)
    path, totals = run(optimiser, x, differentiable(banana), 80)
    assert totals == sorted(totals, reverse=True)
    assert rosen(path[-1].numpy().ravel()) < 1e-10
    np.testing.assert_allclose(
        path[-1], by_scipy(differentiable(banana), x, (-2.0, 2.0))[None], atol=1e-4
    )


def test_no_trial_step_is_longer_than_allowed(quadratic):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    path, _ = run(LBFGS((1.0, 9000.0), plain(), first=50.0, longest=70.0), x, function, 8)
    steps = [float((b - a).abs().max()) for a, b in pairwise(path)]
    assert max(steps) <= 70.0 * (1 + 1e-12)
    assert steps[0] == pytest.approx(50.0)


def test_lbfgs_says_when_no_step_helps(quadratic):
    function, best = quadratic
    optimiser = LBFGS((1.0, 9000.0), plain())
    at_minimum = best.reshape(4, 3)
    x, _ = optimiser.step(at_minimum, function)
    assert optimiser.stalled
    torch.testing.assert_close(x, at_minimum, rtol=0, atol=0)

    def uphill(x):  # a gradient of the wrong sign: every step along it climbs
        value = function(x)
        return Value(value.misfit, value.total, -value.gradient)

    optimiser = LBFGS((1.0, 9000.0), plain())
    optimiser.step(at_minimum + 100.0, uphill)
    assert optimiser.stalled


def test_lbfgs_respects_bounds_that_hold_every_cell(differentiable):
    optimiser = LBFGS((1500.0, 4500.0), plain())
    x = torch.full((2, 2), 1500.0, dtype=torch.float64)
    found, _ = optimiser.step(x, differentiable(lambda v: v.sum()))
    assert optimiser.stalled
    assert torch.equal(found, x)


@pytest.mark.parametrize("illumination", [False, True])
def test_a_mask_holds_cells_for_every_optimiser(quadratic, illumination):
    function, _ = quadratic
    mask = torch.ones(4, 3, dtype=torch.float64)
    mask[:, 0] = 0.0
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    for make in (LBFGS, Adam):
        found = run(
            make((1.0, 9000.0), Preconditioner(mask=mask, illumination=illumination)),
            x,
            function,
            9,
        )
        moved = found[0][-1] != x
        assert not moved[:, 0].any()
        assert moved[:, 1:].all()


def test_lbfgs_finds_the_minimum_through_a_preconditioner(quadratic):
    function, best = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    optimiser = LBFGS((1.0, 9000.0), Preconditioner(smooth=0.6))
    path, _ = run(optimiser, x, function, 60)
    np.testing.assert_allclose(path[-1].ravel(), best, atol=0.05)


def test_adam_falls_by_steps_of_its_rate(quadratic):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    path, totals = run(Adam((1.0, 9000.0), plain(), lr=30.0, niter=100), x, function, 100)
    assert float((path[1] - path[0]).abs().max()) == pytest.approx(30.0)
    assert totals[-1] < 0.02 * totals[0]
    late = [float((b - a).abs().max()) for a, b in pairwise(path[-4:])]
    assert max(late) < 10.0


def test_adam_respects_bounds(quadratic):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    path, _ = run(Adam((2450.0, 2550.0), plain(), lr=40.0), x, function, 20)
    assert float(path[-1].min()) == 2450.0
    assert float(path[-1].max()) == 2550.0


@pytest.mark.parametrize("make", [LBFGS, Adam])
@pytest.mark.parametrize("illumination", [False, True])
def test_a_saved_state_gives_the_same_iterates_to_the_bit(tmp_path, quadratic, make, illumination):
    function, _ = quadratic

    def fresh():
        return make((2300.0, 2800.0), Preconditioner(smooth=0.7, illumination=illumination))

    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    whole, _ = run(fresh(), x, function, 9)
    for stop in (0, 1, 4):
        optimiser = fresh()
        path, _ = run(optimiser, x, function, stop)
        save_checkpoint(tmp_path / "o", {"x": path[-1], "o": optimiser.state(), "corner": math.inf})
        state, resumed = load_checkpoint(tmp_path / "o"), fresh()
        resumed.restore(state["o"])
        assert state["corner"] == math.inf
        rest, _ = run(resumed, state["x"], function, 9 - stop)
        for got, want in zip(rest, whole[stop:], strict=True):
            assert torch.equal(got, want)


def counted(function):
    """Return a function, and the list of the points where it was asked."""
    points = []

    def asked(x):
        points.append(x)
        return function(x)

    return asked, points


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_trial_that_is_not_finite_is_shortened(quadratic, bad):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)

    def cliff(v):  # beyond 20 m/s from the start there is no objective
        value = function(v)
        return value if float((v - x).abs().max()) < 20.0 else Value(bad, bad, value.gradient)

    asked, points = counted(cliff)
    path, totals = run(LBFGS((1.0, 9000.0), plain()), x, asked, 3)
    assert float((points[1] - x).abs().max()) == pytest.approx(50.0)
    assert float((path[1] - x).abs().max()) == pytest.approx(0.4**2 * 50.0)
    assert totals == sorted(totals, reverse=True)
    assert math.isfinite(totals[-1])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_point_without_an_objective_is_asked_once(quadratic, bad):
    function, _ = quadratic
    asked, points = counted(lambda x: Value(bad, bad, function(x).gradient))
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    new, value = LBFGS((1.0, 9000.0), plain()).step(x, asked)
    assert (len(points), torch.equal(new, x), math.isfinite(value.total)) == (1, True, False)


def test_no_trial_is_spent_where_bounds_hold_every_cell(differentiable):
    asked, points = counted(differentiable(lambda v: v.sum()))
    LBFGS((1500.0, 4500.0), plain()).step(torch.full((2, 2), 1500.0), asked)
    assert len(points) == 1


def basins(x):
    """Return a cosine of period 800 m/s, lower the further to the left."""
    away = x - 2500.0
    return (1.0 - torch.cos(2 * torch.pi * away / 800.0) + 5e-4 * away).sum()


@pytest.mark.parametrize("start", [2240.0, 2300.0, 2750.0])
def test_steps_stay_in_the_basin_where_they_began(differentiable, start):
    x = torch.tensor([[start]], dtype=torch.float64)
    path, totals = run(LBFGS((500.0, 4500.0), plain()), x, differentiable(basins), 12)
    assert abs(float(path[-1]) - 2480.0) < 20.0  # the nearest minimum, though others are lower
    assert totals == sorted(totals, reverse=True)


def test_a_step_that_succeeds_ends_a_stall(quadratic):
    function, best = quadratic
    optimiser = LBFGS((1.0, 9000.0), plain())
    optimiser.step(best.reshape(4, 3), function)
    assert optimiser.stalled
    optimiser.forget_value()
    optimiser.step(best.reshape(4, 3) + 100.0, function)
    assert not optimiser.stalled


@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_adam_steps_by_the_weights_of_the_mask(quadratic, smooth):
    function, _ = quadratic
    mask = torch.linspace(0.0, 1.0, 12, dtype=torch.float64).reshape(4, 3)
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    adam = Adam((1.0, 9000.0), Preconditioner(mask=mask, smooth=smooth), lr=30.0)
    (_, first), _ = run(adam, x, function, 1)
    torch.testing.assert_close((first - x).abs(), 30.0 * mask)


def test_adam_stays_within_bounds_when_its_rate_is_far_too_large(quadratic):
    function, _ = quadratic
    x = torch.full((4, 3), 2500.0, dtype=torch.float64)
    path, totals = run(Adam((2000.0, 3000.0), plain(), lr=1e6), x, function, 10)
    assert all(2000.0 <= float(p.min()) <= float(p.max()) <= 3000.0 for p in path)
    assert all(map(math.isfinite, totals))
