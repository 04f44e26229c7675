"""FWI on two layers: it works for every kind of input, and refuses what cannot work."""

import math

import numpy as np
import pylops
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import StartWarning, VMBRuntimeError, VMBTypeError, VMBValueError
from pylops_vmb.inversion import InversionResult, linear_start

ADAM = {"optimiser": "adam", "misfit": "l1", "lr": 20.0}
LBFGS = {"optimiser": "lbfgs", "misfit": "l2"}


@pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
def test_the_misfit_and_the_error_of_the_model_fall(F, true, dobs, x0, settings):
    result = vmb.fwi(F, dobs, x0, niter=8, bands=(20.0, None), **settings)
    assert result.niter <= 16
    for band in (20.0, np.inf):
        misfits = [entry.misfit for entry in result.history if entry.band == band]
        assert misfits[-1] < misfits[0]
    assert result.cost[-1] < 0.3
    assert np.abs(result.vp - true).mean() < 0.9 * np.abs(x0 - true).mean()


def test_the_result_is_a_triple_with_names(F, dobs, x0):
    result = vmb.fwi(F, dobs, x0, niter=2, bands=(20.0, None))
    vp, niter, cost = result
    assert isinstance(result, InversionResult)
    assert result.vp is vp
    assert (niter, cost.shape, vp.shape) == (4, (4,), F.dims)
    assert [entry.number for entry in result.history] == [1, 2, 3, 4]
    assert [entry.band for entry in result.history] == [20.0, 20.0, np.inf, np.inf]
    assert cost.tolist() == [entry.misfit for entry in result.history]
    assert all(entry.objective > entry.misfit for entry in result.history)  # TV is on
    assert result.status == "done"
    assert repr(result).startswith(
        f"InversionResult(done after 4 iterations, misfit {cost[-1]:.4g}:"
    )


def test_kinds_come_out_as_they_came_in(F, dobs, x0):
    short = {"niter": 2, "bands": (None,)}
    plain = vmb.fwi(F, dobs, x0, **short).vp
    assert (type(plain), plain.dtype) == (np.ndarray, np.float32)
    tensor = vmb.fwi(F, torch.from_numpy(dobs), torch.from_numpy(x0), **short).vp
    assert (type(tensor), tensor.dtype, tensor.requires_grad) == (
        torch.Tensor,
        torch.float32,
        False,
    )
    flat = vmb.fwi(F, dobs.ravel(), x0.ravel(), **short).vp
    mixed = vmb.fwi(F, dobs, torch.from_numpy(x0).double(), **short).vp
    for other in (tensor.numpy(), flat, mixed):  # whatever their layout in memory:
        np.testing.assert_array_equal(other, plain)
    double = vmb.fwi(F, dobs.astype("float64"), x0, **short).vp
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, plain, atol=0.5)


def test_data_and_start_are_not_touched(F, dobs, x0):
    data, start = dobs.copy(), x0.copy()
    vmb.fwi(F, data, start, niter=2, bands=(None,))
    np.testing.assert_array_equal(data, dobs)
    np.testing.assert_array_equal(start, x0)


def test_the_layout_in_memory_does_not_matter(F, dobs, x0, rng):
    start = (x0 + rng.uniform(-50, 50, x0.shape)).astype("float32")
    plain, turned = (
        vmb.fwi(F, data, x, niter=3, bands=(None,)).vp
        for data, x in ((dobs.copy("C"), start), (dobs.copy("F"), np.asfortranarray(start)))
    )
    np.testing.assert_array_equal(turned, plain)


@pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
def test_bounds_hold(F, dobs, x0, settings):
    vp = vmb.fwi(F, dobs, x0, niter=6, bands=(None,), bounds=(2150.0, 2250.0), **settings).vp
    assert (vp.min(), vp.max()) == (2150.0, 2250.0)


@pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
def test_a_water_layer_is_held(F, dobs, x0, settings):
    mask = np.ones(F.dims, dtype=bool)
    mask[:, :3] = False
    vp = vmb.fwi(F, dobs, x0, niter=4, bands=(None,), mask=mask, smooth=1.0, **settings).vp
    np.testing.assert_array_equal(vp[:, :3], x0[:, :3])
    assert np.abs(vp[:, 3:] - x0[:, 3:]).max() > 10.0


def test_pylops_operators_regularise(F, dobs, x0):
    Dop = pylops.FirstDerivative(F.dims, axis=1, dtype="float32")
    short = {"niter": 5, "bands": (None,), "tv": 0.0}
    rough, smooth = (
        vmb.fwi(F, dobs, x0, **short, **more).vp for more in ({}, {"Regs": [Dop], "epsRs": [30.0]})
    )
    assert np.abs(np.diff(smooth, axis=1)).mean() < 0.5 * np.abs(np.diff(rough, axis=1)).mean()


def test_without_a_start_the_velocity_grows_with_depth(F, grid, dobs):
    solver = vmb.FWI(F, niter=1, bounds=(1500.0, 4500.0))
    x = solver.setup(dobs)
    np.testing.assert_array_equal(x.numpy(), linear_start(grid, (1500.0, 4000.0)))
    assert np.all(np.diff(solver.bands) > 0)


def test_a_start_outside_the_bounds_is_clipped_and_said(F, dobs, x0):
    with pytest.warns(StartWarning, match=r"x0: leaves the bounds .* got 2\.2 to 2\.2 m/s"):
        x = vmb.FWI(F).setup(dobs, x0=x0 / 1000.0)
    assert float(x.max()) == 1500.0


def test_an_operator_without_a_survey_is_inverted_in_one_band(paper, rng):
    true = 2500.0 + 300.0 * rng.standard_normal(paper.dims)
    x0 = np.full(paper.dims, 2500.0)
    result = vmb.fwi(paper, paper(true), x0, niter=40, tv=0.0, illumination=False)
    assert {entry.band for entry in result.history} == {np.inf}
    assert result.cost[-1] < 1e-4
    assert np.abs(result.vp - true).mean() < 0.4 * np.abs(x0 - true).mean()
    with pytest.raises(VMBValueError, match=r"x0: is needed, because Saturating has no grid"):
        vmb.fwi(paper, paper(true))


def test_it_says_that_it_converged(paper, rng):
    dobs = paper(2500.0 + 30.0 * rng.standard_normal(paper.dims))
    x0 = np.full(paper.dims, 2500.0)
    result = vmb.fwi(paper, dobs, x0, niter=200, tol=0.01, tv=0.01)
    assert (result.status, "lower tol" in result.message) == ("converged", True)
    assert 10 < result.niter < 200


def test_it_says_that_it_stalled(paper):
    x0 = np.full(paper.dims, 2500.0)
    result = vmb.fwi(paper, paper(x0), x0, niter=5, tv=0.0)
    assert (result.status, result.niter, "another start" in result.message) == ("stalled", 1, True)
    np.testing.assert_array_equal(result.vp, x0)


def test_memory_is_that_of_the_costliest_band_in_the_units_of_pylops(F, paper, dobs, x0):
    size = F.for_band(F.acq.fmax).memory.needed
    assert 0 < size < F.memory.needed
    assert vmb.FWI(F).memory_usage() == vmb.FWI(F, bands=(5.0, None)).memory_usage() == size
    assert vmb.FWI(F).memory_usage(unit="MB", show=True) == size / 2**20
    wide = vmb.FWI(F, misfit="envelope", bands=(5.0, 40.0))  # whose residual is broadband
    F = F.for_band(40.0 * 1e3 ** (1 / 8))
    assert size < wide.memory_usage() == F.memory.needed
    assert wide.memory_usage() < vmb.FWI(F, misfit="envelope").memory_usage()
    wide.setup(dobs.astype("float64"), x0)
    assert wide.memory_usage() == F.plan("float64").needed
    assert vmb.FWI(paper).memory_usage() == 0.0
    with pytest.raises(VMBValueError, match="unit: is not a known choice"):
        vmb.FWI(F).memory_usage(unit="MiB")


def test_the_plan_that_is_logged_is_the_one_that_runs(F, dobs, x0, caplog):
    with caplog.at_level("INFO", "pylops_vmb"):
        solver = vmb.FWI(F, niter=1, bands=(5.0,))
        solver.solve(dobs, x0)
    (part, *_) = solver._stage._objective._parts
    assert solver._plan().per_shot == part.F.memory.per_shot < F.memory.per_shot
    assert f"{solver._plan()}; bands up to 5 Hz" in caplog.text


def test_a_perfect_start_has_converged(paper):
    x0 = np.full(paper.dims, 2500.0)
    result = vmb.fwi(paper, paper(x0), x0, optimiser="adam", tol=0.1, tv=0.0)
    assert (result.status, set(result.cost)) == ("converged", {0.0})
    assert result.niter < 30


def test_regularisation_of_another_size_is_refused(F, dobs, x0):
    for R, got in ((pylops.Laplacian((16, 23)), r"shape \(368, 368\)"), (np.abs, "ufunc")):
        solver = vmb.FWI(F, Regs=[pylops.Identity(384), R], epsRs=[1.0, 1.0])
        message = rf"Regs: operator 1 must take velocity \(nx, nz\) = \(24, 16\).* got {got}\. B"
        with pytest.raises(VMBValueError, match=message):
            solver.setup(dobs, x0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: np.where(np.arange(d.size).reshape(d.shape) == 99, np.nan, d),
            "dobs: must be finite, got 1 NaN",
        ),
        (lambda d: 0 * d, "dobs: hold no signal, got zeros only"),
        (lambda d: d[:1], r"dobs: must have shape \(ns, nr, nt\)"),
        (lambda d: d.transpose(0, 2, 1), "axes seem to be swapped"),
        (lambda d: d + 1j, "dobs: must be real"),
    ],
)
def test_data_that_cannot_be_inverted_are_refused(F, dobs, x0, change, message):
    with pytest.raises((VMBValueError, VMBTypeError), match=message):
        vmb.fwi(F, change(dobs), x0)


@pytest.mark.parametrize(
    ("x0", "message"),
    [
        (np.full((16, 24), 2000.0), "x0: .*axes seem to be swapped"),
        (np.full((24, 16), np.nan), "x0: must be finite"),
        (2000.0, "x0: must have shape"),
    ],
)
def test_starts_that_cannot_be_used_are_refused(F, dobs, x0, message):
    with pytest.raises(VMBValueError, match=message):
        vmb.fwi(F, dobs, x0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"iterations": 3}, "iterations"),
        ({"niter": 0}, "niter: must be at least 1"),
        ({"niter": 2.5}, "niter: must be an integer"),
        ({"misfit": "l3"}, "misfit: is not a known choice"),
        ({"optimiser": "sgd"}, "optimiser: is not a known choice"),
        ({"bounds": (3000.0, 2000.0)}, "bounds: must be positive and increase"),
        ({"bounds": (1500.0, 6000.0)}, "bounds: must not exceed max_vel = 5500 m/s"),
        ({"lr": 0.0}, "lr: must be above 0"),
        ({"tv": -1.0}, "tv: must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(F, settings, message):
    with pytest.raises((VMBValueError, TypeError), match=message):
        vmb.FWI(F, **settings)


def test_each_band_may_have_a_misfit_of_its_own(F, x0, dobs):
    more = {"niter": 2, "bands": (15.0, 25.0, None)}
    mixed = vmb.fwi(F, dobs, x0, misfit=("l2", "agc"), **more)
    low = vmb.fwi(F, dobs, x0, **more | {"bands": (15.0,)})
    high = vmb.fwi(F, dobs, low.vp, misfit="agc", **more | {"bands": (25.0, None)})
    np.testing.assert_array_equal(mixed.vp, high.vp)
    assert mixed.cost.tolist() == [*low.cost, *high.cost]
    plain = vmb.fwi(F, dobs, x0, **more)
    assert np.abs(plain.vp - mixed.vp).max() > 1.0


def test_each_band_may_have_a_number_of_iterations_of_its_own(F, x0, dobs):
    more = {"bands": (15.0, 25.0, None), "niter": (1, 3)}
    result = vmb.fwi(F, dobs, x0, **more)
    assert [entry.band for entry in result.history] == [15.0, *[25.0] * 3, *[math.inf] * 3]
    resumed = vmb.FWI(F, **more)
    assert resumed.settings.iterations(3) == result.niter == 7


def test_misfits_of_bands_that_make_no_sense_are_refused(F):
    with pytest.raises(VMBValueError, match="misfit: must not be empty"):
        vmb.FWI(F, misfit=())
    with pytest.raises(VMBValueError, match="niter: must not be empty"):
        vmb.FWI(F, niter=())
    with pytest.raises(VMBValueError, match="niter: must be at least 1, got 0"):
        vmb.FWI(F, niter=(3, 0))
    with pytest.raises(VMBValueError, match="misfit: is not a known choice, got 'l3'"):
        vmb.FWI(F, misfit=("l2", "l3"))
    with pytest.raises(VMBValueError, match="misfit: must be 'l2'"):
        vmb.GaussNewton(F, misfit=("l2", "agc"))


def test_only_nonlinear_operators_are_inverted(F, x0, dobs):
    with pytest.raises(VMBTypeError, match="F: must be a nonlinear operator, got Jacobian"):
        vmb.fwi(F.jacobian(x0), dobs)


class Diverging(vmb.NonlinearOperator):
    """Gives NaN as soon as it is asked."""

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x - x)


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_an_objective_that_is_not_finite_is_said(optimiser):
    message = r"inversion: diverged in iteration 1 of the band, got an objective of (nan|inf)\."
    start = np.full((6, 5), 2000.0)
    with pytest.raises(VMBRuntimeError, match=message):
        vmb.fwi(Diverging((6, 5), (6, 5)), np.ones((6, 5)), start, optimiser=optimiser)
