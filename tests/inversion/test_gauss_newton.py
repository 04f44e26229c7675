"""Gauss-Newton: its step on paper, its Hessian for waves, and what every inversion promises."""

import math

import numpy as np
import pylops
import pytest
import torch
from pylops.optimization.callback import Callbacks
from scipy.optimize import lsq_linear

import pylops_vmb as vmb
from pylops_vmb.errors import VMBRuntimeError, VMBValueError
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.levenberg import LevenbergMarquardt, damped_descent
from pylops_vmb.inversion.objective import Height, Value
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.io import load_checkpoint, save_checkpoint
from pylops_vmb.modelling import AcousticModelling2D

SHORT = {"niter": 3, "ninner": 4, "bands": (20.0, None)}


class Linear(vmb.NonlinearOperator):
    """``A v``: one Gauss-Newton step must solve it."""

    def __init__(self) -> None:
        super().__init__((4, 3), (2, 2, 5), dtype="float64")
        self.A = np.random.default_rng(7).standard_normal((20, 12))

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return (torch.from_numpy(self.A).to(x) @ x.reshape(-1)).reshape(self.dimsd)


@pytest.fixture
def linear():
    return Linear()


@pytest.fixture
def noisy(linear, rng):
    """Return data that no velocity explains."""
    d = linear(2500.0 + 40.0 * rng.standard_normal(linear.dims))
    return d + 0.01 * np.abs(d).max() * rng.standard_normal(d.shape)


@pytest.fixture
def start(linear):
    return np.full(linear.dims, 2500.0)


def hessian(linear, dobs, Regs, epsRs, dataregs=()):
    """Return the objective's Hessian on paper, and its minimum."""
    unit = 2.0 * linear.shape[1]
    rows = [
        eps / (1500.0 * math.sqrt(unit)) * R.todense() for R, eps in zip(Regs, epsRs, strict=True)
    ]
    M = np.vstack([linear.A / np.linalg.norm(dobs), *rows])
    size = len(M) - dobs.size
    pulls = [eps / (1500.0 * math.sqrt(unit)) * r for r, eps in zip(dataregs, epsRs, strict=False)]
    pull = np.concatenate(pulls) if pulls else np.zeros(size)
    target = np.concatenate([dobs.ravel() / np.linalg.norm(dobs), pull])
    return 2.0 * M.T @ M, np.linalg.lstsq(M, target, rcond=None)[0]


@pytest.mark.parametrize("illumination", [False, True])
@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_one_step_solves_a_linear_problem(linear, noisy, start, illumination, smooth):
    Regs = [pylops.FirstDerivative(linear.dims, axis=axis, dtype="float64") for axis in (0, 1)]
    epsRs = [3.0, 1.0]
    _, want = hessian(linear, noisy, Regs, epsRs)
    exact = {"niter": 1, "ninner": 60, "damp": 0.0, "Regs": Regs, "epsRs": epsRs}
    exact |= {"illumination": illumination, "smooth": smooth}
    result = vmb.gauss_newton(linear, noisy, start, **exact)
    np.testing.assert_allclose(result.vp.ravel(), want, atol=1e-4)
    assert np.abs(want - 2500.0).max() > 20.0


def test_one_step_solves_a_linear_problem_that_is_pulled_to_a_model(linear, noisy, start, rng):
    Regs, epsRs = (
        [pylops.Identity(12), pylops.FirstDerivative(linear.dims, dtype="float64")],
        [9, 1],
    )
    dataregs = [2500.0 + 100.0 * rng.standard_normal(12), 50.0 * rng.standard_normal(12)]
    _, want = hessian(linear, noisy, Regs, epsRs, dataregs)
    exact = {"niter": 1, "ninner": 60, "damp": 0.0, "Regs": Regs, "epsRs": epsRs}
    vp = vmb.gauss_newton(linear, noisy, start, dataregs=dataregs, **exact).vp
    np.testing.assert_allclose(vp.ravel(), want, atol=1e-4)
    _, free = hessian(linear, noisy, Regs, epsRs)
    assert np.abs(want - free).max() > 20.0


def test_the_bounded_minimum_of_a_linear_problem_is_found(linear, noisy, start):
    low, high = 2440.0, 2560.0
    want = lsq_linear(linear.A, noisy.ravel(), (low, high), tol=1e-14).x
    short = {"niter": 8, "ninner": 60, "damp": 0.0, "bounds": (low, high)}
    vp = vmb.gauss_newton(linear, noisy, start, **short).vp.ravel()
    held = (want < low + 1e-6) | (want > high - 1e-6)
    assert 3 < held.sum() < 11
    np.testing.assert_allclose(vp, want, atol=1e-3)


def test_damping_is_that_of_levenberg_and_marquardt(linear, noisy, start):
    H, best = hessian(linear, noisy, [], [])
    g = H @ (start.ravel() - best)
    scale = (g @ H @ g) / (g @ g)
    want = start.ravel() - np.linalg.solve(H + 0.3 * scale * np.eye(12), g)
    short = {"niter": 1, "ninner": 60, "damp": 0.3, "illumination": False}
    vp = vmb.gauss_newton(linear, noisy, start, **short).vp
    np.testing.assert_allclose(vp.ravel(), want, atol=1e-4)
    assert np.linalg.norm(vp.ravel() - best) > 1.0


@pytest.mark.parametrize("corner", [20.0, math.inf])
def test_the_hessian_is_that_of_the_jacobian(F, acq, dobs, x0, corner, rng):
    lowpass = LowPass(corner, acq.nt, acq.dt)
    x = torch.from_numpy(x0).double()
    data = torch.from_numpy(dobs).double()
    p, q = (torch.from_numpy(rng.standard_normal(F.dims)) for _ in "pq")
    _, curve = Objective(F, data, misfit="l2", lowpass=lowpass).linearize(x)
    (curvature, image), (_, other) = curve(p), curve(q)
    J, scale = F.jacobian(x), 2.0 / float(lowpass(data).square().sum())
    want = scale * (J.H @ lowpass(lowpass(J @ p)))
    assert curvature == pytest.approx(scale * float(lowpass(J @ p).square().sum()), rel=1e-5)
    assert float((image - want).norm() / want.norm()) < 1e-3
    # <L J p, L J p> by the forward product, and by forward and adjoint: a dot test in the band
    assert float((p * image).sum()) == pytest.approx(curvature, rel=1e-3)
    size = math.sqrt(curvature * float((q * other).sum()))
    assert abs(float((q * image).sum() - (p * other).sum())) < 1e-3 * size


def test_wavefields_that_do_not_fit_are_simulated_again(grid, acq, F, dobs, x0, rng):
    tight = AcousticModelling2D(grid, acq, memory=1.5 * F.for_band(47.0).memory.per_shot)
    x, p = torch.from_numpy(x0), torch.from_numpy(rng.standard_normal(F.dims)).float()
    lowpass, found = LowPass(20.0, acq.nt, acq.dt), []
    for operator, keeps in ((F, True), (tight, False)):
        objective = Objective(operator, torch.from_numpy(dobs), misfit="l2", lowpass=lowpass)
        _, curve = objective.linearize(x)
        (derivatives,) = curve.args
        assert len(derivatives._kept) == (2 if keeps else 0)
        found.append(curve(p))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-5, atol=1e-14)


def test_an_iteration_does_more_than_one_of_lbfgs(F, true, dobs, x0):
    plain = vmb.fwi(F, dobs, x0, niter=3, bands=(None,), tv=0.0)
    result = vmb.gauss_newton(F, dobs, x0, niter=3, ninner=5, bands=(None,))
    assert result.niter == plain.niter == 3
    assert all(result.cost < 0.6 * plain.cost)
    assert result.cost[-1] < 0.1 * plain.cost[-1]
    assert np.abs(result.vp - true).mean() < np.abs(plain.vp - true).mean()
    assert [entry.evaluations for entry in result.history] == [6, 12, 18]


def test_bounds_hold(F, dobs, x0):
    vp = vmb.gauss_newton(F, dobs, x0, **SHORT, bounds=(2150.0, 2250.0)).vp
    assert (vp.min(), vp.max()) == (2150.0, 2250.0)


def test_a_water_layer_is_held(F, dobs, x0):
    mask = np.ones(F.dims, dtype=bool)
    mask[:, :3] = False
    vp = vmb.gauss_newton(F, dobs, x0, **SHORT, mask=mask, smooth=1.0).vp
    np.testing.assert_array_equal(vp[:, :3], x0[:, :3])
    assert np.abs(vp[:, 3:] - x0[:, 3:]).max() > 10.0


def test_kinds_come_out_as_they_came_in(F, dobs, x0):
    short = {"niter": 1, "ninner": 2, "bands": (None,)}
    plain = vmb.gauss_newton(F, dobs, x0, **short).vp
    tensor = vmb.gauss_newton(F, torch.from_numpy(dobs), torch.from_numpy(x0), **short).vp
    double = vmb.gauss_newton(F, dobs.astype("float64"), x0, **short).vp
    assert (type(plain), plain.dtype, double.dtype) == (np.ndarray, np.float32, np.float64)
    assert (type(tensor), tensor.dtype, tensor.requires_grad) == (
        torch.Tensor,
        torch.float32,
        False,
    )
    np.testing.assert_array_equal(tensor.numpy(), plain)
    np.testing.assert_allclose(double, plain, atol=1.0)


def test_drawn_shots_are_inverted(F, true, dobs, x0):
    result = vmb.gauss_newton(F, dobs, x0, niter=4, ninner=4, bands=(20.0,), shots=1)
    assert vmb.fwi(F, dobs, result.vp, niter=1, bands=(20.0,)).cost[0] < 0.1
    assert np.abs(result.vp - true).mean() < np.abs(x0 - true).mean()


def test_a_run_that_fails_is_resumed_to_the_bit(tmp_path, F, dobs, x0, raising):
    path, settings = tmp_path / "run.safetensors", SHORT | {"smooth": 0.5}
    whole = vmb.gauss_newton(F, dobs, x0, **settings)
    for after in (1, 4):  # in the first band, in the second
        with pytest.raises(ZeroDivisionError):
            vmb.gauss_newton(F, dobs, x0, callbacks=[raising(after)], checkpoint=path, **settings)
    resumed = vmb.gauss_newton(F, dobs, x0, checkpoint=path, **settings)
    np.testing.assert_array_equal(resumed.vp, whole.vp)
    for field in ("number", "band", "misfit", "objective", "evaluations"):
        want = [getattr(entry, field) for entry in whole.history]
        assert [getattr(entry, field) for entry in resumed.history] == want


class Uphill:
    """An objective whose gradient has the wrong sign: every step along it climbs."""

    def linearize(self, x):
        value = self.height(x)
        return Value(value.misfit, value.total, -2.0 * x), lambda p: (
            2.0 * float((p * p).sum()),
            2 * p,
        )

    def height(self, x):
        total = float((x * x).sum())
        return Height(total, total)


@pytest.mark.parametrize("damp", [0.0, 0.5])
def test_a_rejected_step_changes_the_damping_only(tmp_path, damp):
    optimiser = LevenbergMarquardt((-9.0, 9.0), Preconditioner(illumination=False), damp=damp)
    x, raised = torch.ones(2, 2, dtype=torch.float64), max(10.0 * damp, 1e-3)
    for number in range(1, 5):
        new, value = optimiser.step(x, Uphill())
        assert new is x
        assert value.total == 4.0
        assert optimiser.state()["damp"] == pytest.approx(raised * 10.0 ** (number - 1))
        assert optimiser.stalled == (number == 4)
    save_checkpoint(tmp_path / "o", optimiser.state())
    other = LevenbergMarquardt((-9.0, 9.0), Preconditioner(illumination=False))
    other.restore(load_checkpoint(tmp_path / "o"))
    assert other.state() == optimiser.state()


def test_success_lowers_the_damping(linear, noisy, start):
    objective = Objective(linear, torch.from_numpy(noisy), misfit="l2")
    optimiser = LevenbergMarquardt((1500.0, 4500.0), Preconditioner(illumination=False), damp=0.1)
    optimiser.step(torch.from_numpy(start), objective)
    assert optimiser.state()["damp"] == pytest.approx(0.03)


def test_conjugate_gradients_end_where_there_is_nothing_to_do(rng):
    zero = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(damped_descent(pytest.fail, zero, niter=5, damp=0.1), zero)
    flat = damped_descent(lambda u: (0.0, 0 * u), zero + 1.0, niter=5, damp=0.1)
    assert torch.equal(flat, zero)


def test_perfect_data_stall(F, dobs, true):
    result = vmb.gauss_newton(F, dobs, true, **SHORT)
    assert result.status == "stalled"
    np.testing.assert_array_equal(result.vp, true)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"misfit": "l1"}, r"misfit: must be 'l2', .* got 'l1'\. Invert other misfits with fwi"),
        ({"misfit": {"l2": 1.0, "l1": 1.0}}, "misfit: must be 'l2'"),
        ({"ninner": 0}, "ninner: must be at least 1"),
        ({"damp": -1.0}, "damp: must be at least 0"),
        ({"tv": 0.1}, "tv"),
        ({"Regs": [pylops.Identity(2)]}, "epsRs: must hold one weight"),
    ],
)
def test_settings_that_make_no_sense_are_refused(F, settings, message):
    with pytest.raises((VMBValueError, TypeError), match=message):
        vmb.GaussNewton(F, **settings)


class Spoilt(Linear):
    """Its derivative is NaN; what is simulated is counted."""

    count = 0

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return super()._apply(x) + 0.0 * (x - x.detach()).sum().sqrt()


def test_a_gradient_of_nan_ends_the_run_at_once():
    spoilt, optimisers = Spoilt(), []

    class Noting(Callbacks):
        def on_step_begin(self, solver, _):
            optimisers.append(solver._stage._optimiser)

    solver = vmb.GaussNewton(spoilt, callbacks=[Noting()], bands=(None,))
    with pytest.raises(VMBRuntimeError, match="diverged in iteration 1 of the band"):
        solver.solve(np.ones(spoilt.dimsd), np.full(spoilt.dims, 2000.0))
    assert spoilt.count == 1
    assert optimisers[0].state()["precondition"] == {"root": None}
