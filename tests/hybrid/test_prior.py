"""The network as a prior: the term on paper, its weights, its loss at the gate, and resuming."""

import math

import numpy as np
import pylops
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.hybrid.prior import Prediction, Weights, confidence, pulled
from pylops_vmb.hybrid.settings import HybridSettings

SHORT = {"niter": 2, "bands": (20.0, None), "profile": 0}


@pytest.fixture
def near(case):
    return (case.true + 40.0).astype("float32")


def test_the_term_on_paper(rng):
    v0, weights = (torch.from_numpy(rng.uniform(1.0, 2.0, (4, 3))) for _ in "vw")
    vp = 2000.0 + 100.0 * torch.from_numpy(rng.standard_normal((4, 3)))
    given = HybridSettings(prior=0.3, tv=0.0, Regs=[pylops.Identity(12)], epsRs=[0.0])
    settings = pulled(given, Prediction(1500.0 * v0, weights))
    (penalty,) = settings.penalties()
    want = 0.3**2 / 24 * float((weights * (vp / 1500.0 - v0)).square().sum())
    assert float(penalty(vp)) == pytest.approx(want)
    assert pulled(HybridSettings(), Prediction(v0)).Regs == ()


def test_weights_are_an_operator_for_every_kind(rng):
    weights = torch.from_numpy(rng.uniform(0.5, 2.0, (4, 3)))
    W, x = Weights(weights), rng.standard_normal(12)
    np.testing.assert_allclose(W @ x, weights.numpy().ravel() * x)
    assert isinstance(W @ torch.from_numpy(x), torch.Tensor)
    assert pylops.utils.dottest(W, rtol=1e-12)


def test_a_cell_counts_by_the_inverse_of_its_spread():
    spread = torch.tensor([[100.0, 200.0], [300.0, 1e-9]])
    weights = confidence(spread)
    assert float(weights[0, 0] / weights[0, 1]) == pytest.approx(2.0) or weights.min() == 0.2
    assert float(weights.min()) >= 0.2
    assert float(weights.max()) <= 5.0
    alike = confidence(torch.full((2, 3), 70.0))
    torch.testing.assert_close(alike, torch.ones(2, 3))
    torch.testing.assert_close(confidence(torch.zeros(2, 3)), torch.ones(2, 3))
    unsure = confidence(torch.tensor([[math.nan, 100.0], [100.0, 100.0]]))
    assert (float(unsure[0, 0]), bool(unsure.isfinite().all())) == (pytest.approx(0.2), True)


def test_a_heavy_prior_keeps_the_prediction_and_a_light_one_changes_little(case, network, near):
    G, more = network(near), SHORT | {"x0": case.fallback, "smooth_start": 0.0}
    free, light, heavy = (vmb.hybrid(case.F, case.d, G, prior=p, **more) for p in (0, 1e-4, 1e3))
    assert free.start == light.start == heavy.start == "network"
    moved = [np.abs(result.vp - near).mean() for result in (free, light, heavy)]
    assert moved[1] == pytest.approx(moved[0], rel=0.05)
    assert moved[2] < 0.05 * moved[0]


def test_the_prior_is_where_the_network_is_sure(case, network, near):
    G = network(near)
    spread = np.full(case.grid.dims, 1.0, "float32")
    spread[:, 8:] = 100.0
    G.spread = lambda d: torch.from_numpy(spread).to(d)
    more = {"x0": case.fallback, "smooth_start": 0.0, "niter": 12, "bands": (None,), "profile": 0}
    result = vmb.hybrid(case.F, case.d, G, prior=3.0, **more)
    moved = np.abs(result.vp - near)
    plain = vmb.hybrid(case.F, case.d, G, **more)
    held = moved[:, :8].mean() / np.abs(plain.vp - near)[:, :8].mean()
    free = moved[:, 8:].mean() / np.abs(plain.vp - near)[:, 8:].mean()
    assert held < 0.5 * free


def test_a_network_that_loses_is_no_prior(case, network):
    G = network(np.full(case.grid.dims, 4000.0))
    more = SHORT | {"x0": case.fallback}
    pulled_to, free = (vmb.hybrid(case.F, case.d, G, prior=p, **more) for p in (1e3, 0.0))
    assert pulled_to.start == "x0"
    np.testing.assert_array_equal(pulled_to.vp, free.vp)


def test_a_resumed_run_has_the_same_prior(tmp_path, case, network, near, raising):
    G, path = network(near), tmp_path / "run.safetensors"
    G.spread = lambda d: torch.linspace(1.0, 2.0, 384).reshape(24, 16).to(d)
    more = SHORT | {"x0": case.fallback, "prior": 0.5}
    whole = vmb.hybrid(case.F, case.d, G, **more)
    with pytest.raises(ZeroDivisionError):
        vmb.hybrid(case.F, case.d, G, callbacks=[raising(3)], checkpoint=path, **more)
    other = network(case.true)  # is not asked again
    resumed = vmb.hybrid(case.F, case.d, other, checkpoint=path, **more)
    np.testing.assert_array_equal(resumed.vp, whole.vp)


def test_a_negative_weight_is_refused(case, network):
    with pytest.raises(VMBValueError, match="prior: must be at least 0"):
        vmb.Hybrid(case.F, network(case.true), prior=-0.1)
