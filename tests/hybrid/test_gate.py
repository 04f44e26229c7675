"""The gate: rules, race, best model of depth alone, and what the mask holds."""

import math

import numpy as np
import pytest

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.hybrid import misfit_of
from pylops_vmb.hybrid.gate import (
    Runner,
    below,
    best_fallback,
    best_of_network,
    handicapped,
    is_clear,
)
from pylops_vmb.inversion import Iteration

SHORT = {"niter": 6, "bands": (20.0, None)}


@pytest.fixture
def middling(case):
    """Return a network's answer that is neither good nor hopeless."""
    return (case.true + 200.0).astype("float32")


def test_the_prediction_as_it_is_must_be_better_in_every_band():
    starts = {"network": (0.1, 0.5), "network, smoothed": (0.2, 0.6)}
    assert best_of_network(starts) == "network"
    assert best_of_network(starts | {"network": (0.1, 0.7)}) == "network, smoothed"
    assert best_of_network({"network": (0.1, 0.7)}) == "network"


def test_the_best_fallback_is_that_of_the_lowest_band():
    starts = {"x0": (0.3, 0.1), "network": (0.1, 0.1), "profile": (0.07, 0.9)}
    assert best_fallback(starts) == "profile"
    assert best_fallback(starts | {"profile": (0.3, 0.0)}) == "x0"


def test_a_model_fitted_to_the_data_must_be_better_by_a_factor_of_four():
    starts = {"x0": (0.3, 0.1), "profile": (0.08, 0.02)}
    assert handicapped(starts, "profile") == pytest.approx((0.32, 0.08))
    raced = [Iteration(1, 15.0, 0.08, 0.09, 1, 0.0)]
    ranks = [Runner(name, None, None, raced).rank for name in ("profile", "x0", "network")]
    assert ranks == pytest.approx([0.32, 0.08, 0.08])
    assert best_fallback(starts) == "x0"
    assert best_fallback(starts | {"profile": (0.07, 0.02)}) == "profile"


def test_below_means_in_every_band_and_by_far_in_the_lowest():
    assert below((0.1, 0.2), (0.5, 0.3), factor=0.25)
    assert not below((0.2, 0.2), (0.5, 0.3), factor=0.25)
    assert not below((0.1, 0.3), (0.5, 0.3), factor=0.25)
    assert not below((math.inf,), (math.inf,))
    assert is_clear((0.5, 0.3), (0.1, 0.2))
    assert is_clear((math.inf, math.inf), (0.5, 0.3))
    assert not is_clear((0.2, 0.2), (0.5, 0.3))


def test_the_race_is_run_by_both_and_kept_by_the_winner(case, network, middling):
    more = SHORT | {"x0": case.fallback, "profile": 0, "race": 2, "smooth_start": 0.0}
    result = vmb.hybrid(case.F, case.d, network(middling), **more)
    losing = vmb.fwi(case.F, case.d, case.fallback, **SHORT | {"niter": 2, "bands": (20.0,)})
    winning = vmb.fwi(case.F, case.d, middling, **SHORT)
    assert result.start == "network"
    assert "network: after 2 iterations below 20 Hz its data misfit is" in result.reason
    np.testing.assert_array_equal(result.vp, winning.vp)
    assert result.cost.tolist() == winning.cost.tolist()
    spent = losing.history[-1].evaluations
    want = [e.evaluations + spent * (e.band == 20.0) for e in winning.history]
    assert [entry.evaluations for entry in result.history] == want
    assert [entry.number for entry in result.history] == list(range(1, 13))


def test_a_race_as_long_as_the_inversion_is_the_inversion(case, network, middling):
    more = {"x0": case.fallback, "niter": 2, "bands": (20.0,), "profile": 0, "race": 9}
    result = vmb.hybrid(case.F, case.d, network(middling), smooth_start=0.0, **more)
    assert (result.niter, result.status) == (2, "done")


def test_the_best_model_of_depth_alone_is_a_candidate(case, network):
    G = network(np.full(case.grid.dims, 4000.0))
    solver = vmb.Hybrid(case.F, G, race=0, profile=6, **SHORT)
    x = solver.setup(case.d, x0=case.fallback)
    assert solver.start == "profile"
    assert solver.starts["profile"][0] < 0.5 * solver.starts["x0"][0]
    assert bool((x == x[:1]).all())
    profile = vmb.inversion.fit_profile(
        case.F, case.d, case.fallback, niter=6, bands=(20.0,), tv=0.01
    )
    np.testing.assert_allclose(x, profile.vp, atol=0.01)
    x = solver.step(x)
    spent = profile.history[-1].evaluations
    assert solver.history[0].evaluations == spent + 2


@pytest.mark.parametrize("race", [0, 1])
def test_a_network_that_explains_the_data_nearly_as_well_as_the_profile_starts(case, network, race):
    more = SHORT | {"profile": 6, "race": race, "smooth_start": 0.0}
    fitted = vmb.Hybrid(case.F, network(4000.0 + 0.0 * case.true), **more)
    fitted.setup(case.d, x0=case.fallback)
    (low, *_) = fitted.starts["profile"]
    for part, name in ((2.0, "network"), (8.0, "profile")):
        G = network(_as_good_as(part * low, case))
        solver = vmb.Hybrid(case.F, G, **more)
        solver.setup(case.d, x0=case.fallback)
        assert solver.starts["profile"][0] < solver.starts["network"][0]
        assert solver.start == name


def _as_good_as(wanted, case):
    """Return a model between the truth and the fallback with a misfit in the lowest band."""
    near, far = 0.0, 1.0
    for _ in range(14):
        share = 0.5 * (near + far)
        vp = case.true + share * (case.fallback - case.true)
        if misfit_of(case.F, case.d, vp, corner=20.0) < wanted:
            near = share
        else:
            far = share
    return vp


def test_cells_that_the_mask_holds_are_those_of_the_fallback(case, network, middling):
    mask = np.ones(case.grid.dims)
    mask[:, :3] = 0.0
    mask[:8, 3] = 0.0
    for wrong in (middling, 4000.0 + 0.0 * middling):
        result = vmb.hybrid(case.F, case.d, network(wrong), x0=case.fallback, mask=mask, **SHORT)
        assert np.all(result.vp[mask == 0.0] == case.fallback[mask == 0.0])
        assert np.any(result.vp[mask > 0.0] != case.fallback[mask > 0.0])


def test_the_wavelet_of_each_candidate_is_estimated_where_it_will_be(case, network):
    loud = 3.0 * case.d
    more = SHORT | {"profile": 0, "race": 0, "smooth_start": 0.0}
    for estimate, misfit in ((True, 0.02), (False, 0.3)):
        solver = vmb.Hybrid(case.F, network(case.true), estimate_source=estimate, **more)
        solver.setup(loud, x0=case.fallback)
        assert (solver.starts["network"][0] < misfit) is estimate


@pytest.mark.parametrize("race", [0, 2])
def test_a_start_that_explains_the_data_skips_the_low_bands(tmp_path, case, network, race, raising):
    more = {"x0": case.fallback, "profile": 0, "race": race, "smooth_start": 0.0}
    more |= {"niter": 3, "bands": (15.0, 25.0, None)}
    G = network(_as_good_as(0.02, case))
    whole = vmb.hybrid(case.F, case.d, G, skip=0.2, **more)
    assert whole.start == "network"
    raced = [entry for entry in whole.history if entry.band == 15.0]
    assert len(raced) in (0, race)
    assert {entry.band for entry in whole.history} - {15.0} == {math.inf}
    assert whole.niter == 9
    if not raced:
        alone = vmb.fwi(case.F, case.d, _as_good_as(0.02, case), niter=9, bands=(None,))
        np.testing.assert_allclose(whole.vp, alone.vp, atol=0.1)
    path = tmp_path / "run.safetensors"
    with pytest.raises(ZeroDivisionError):
        vmb.hybrid(case.F, case.d, G, skip=0.2, checkpoint=path, callbacks=[raising(4)], **more)
    resumed = vmb.hybrid(case.F, case.d, G, skip=0.2, checkpoint=path, **more)
    np.testing.assert_array_equal(resumed.vp, whole.vp)
    every = vmb.hybrid(case.F, case.d, G, **more)
    assert [entry.band for entry in every.history] == [*[15.0] * 3, *[25.0] * 3, *[math.inf] * 3]


def test_a_fallback_skips_nothing(case, network):
    G = network(4400.0 + 0.0 * case.true)
    more = {"x0": case.true, "profile": 0, "race": 0, "niter": 1, "bands": (15.0, None)}
    result = vmb.hybrid(case.F, case.d, G, skip=0.2, **more)
    assert result.start == "x0"
    assert [entry.band for entry in result.history] == [15.0, math.inf]


@pytest.mark.parametrize("name", ["profile", "race"])
def test_counts_are_checked(case, network, name):
    with pytest.raises(VMBValueError, match=f"{name}: must be at least 0, got -1"):
        vmb.Hybrid(case.F, network(case.true), **{name: -1})
