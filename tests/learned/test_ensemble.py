"""Ensembles and dropout: contract, spread, calibration, files, refusals."""

import json
import math

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.learned import Calibration, Dropout, Ensemble, LearnedInversion
from pylops_vmb.learned.calibration import fit
from pylops_vmb.metrics import coverage
from pylops_vmb.networks import build
from pylops_vmb.survey import Grid
from pylops_vmb.testing import check_nonlinear_operator


@pytest.fixture
def networks(net, card):
    """Return three networks of different weights."""
    made = [LearnedInversion(net, card)]
    for seed in (1, 2):
        torch.manual_seed(seed)
        made.append(LearnedInversion(build("fcnvmb-repaired", **card.network["config"]), card))
    return made


@pytest.fixture(params=["ensemble", "dropout"])
def E(request, networks):
    if request.param == "ensemble":
        return Ensemble(networks)
    return Dropout(networks[0], p=0.2, draws=4, seed=5)


@pytest.fixture
def pairs(E, rng):
    """Return gathers, and truths 100 m/s around the prediction."""
    made = []
    for _ in range(6):
        d = rng.standard_normal((3, 9, 60))
        made.append((d, E(d) + rng.laplace(0.0, 100.0 / math.sqrt(2.0), (8, 6))))
    return made


def test_the_whole_contract_of_a_nonlinear_operator(E, d):
    check_nonlinear_operator(E, d)


def test_an_ensemble_is_the_mean_and_spreads_as_its_members(networks, d):
    E = Ensemble(networks)
    each = np.stack([G(d) for G in networks])
    np.testing.assert_allclose(E.members(d), each, rtol=1e-12)
    np.testing.assert_allclose(E(d), each.mean(0), rtol=1e-12)
    np.testing.assert_allclose(E.spread(d), each.std(0, ddof=1), rtol=1e-9)
    assert repr(E) == "<48x1620 Ensemble of 3 with dtype=float32>"
    assert (E.grid, E.acq) == (networks[0].grid, networks[0].acq)


def test_dropout_keeps_the_prediction_and_the_network(networks, d):
    G = networks[0]
    before = {name: value.clone() for name, value in G.net.state_dict().items()}
    prediction = G(d)
    E = Dropout(G, p=0.2, draws=8, seed=5)
    std = E.spread(d)
    np.testing.assert_array_equal(E(d), prediction)
    np.testing.assert_array_equal(G(d), prediction)
    assert all(torch.equal(value, before[name]) for name, value in G.net.state_dict().items())
    assert std.shape == (8, 6)
    assert std.min() > 0.0
    assert E.networks[0].net.final.weight is G.net.final.weight  # nothing is stored twice


def test_dropout_follows_its_seed(networks, d):
    G = networks[0]
    std = Dropout(G, p=0.2, draws=4, seed=5).spread(d)
    np.testing.assert_array_equal(Dropout(G, p=0.2, draws=4, seed=5).spread(d), std)
    assert not np.allclose(Dropout(G, p=0.2, draws=4, seed=6).spread(d), std)
    members = Dropout(G, p=0.2, draws=4, seed=5).members(d)
    assert len({values.tobytes() for values in members}) == 4
    assert Dropout(G, p=0.02, draws=4, seed=5).spread(d).mean() < std.mean()


def test_dropout_drops_its_share_of_channels(networks):
    layer = Dropout(networks[0], p=0.3, draws=2).networks[1].net.stem[2][1]
    maps = layer(torch.ones(2, 4000, 3, 3))
    dropped = float((maps == 0.0).double().mean())
    assert dropped == pytest.approx(0.3, abs=0.03)
    assert torch.unique(maps).tolist() == pytest.approx([0.0, 1.0 / 0.7])
    assert torch.equal(maps[0, :, 0, 0], maps[1, :, 2, 1])  # whole channels


def test_kinds_are_kept(E, d):
    for make in (
        lambda a: a,
        lambda a: a.astype(np.float32),
        lambda a: torch.from_numpy(a).float(),
        lambda a: torch.from_numpy(a).requires_grad_(),
    ):
        given = make(d)
        for made in (E.spread(given), E.members(given)):
            assert (type(made), made.dtype) == (type(given), given.dtype)
            assert not getattr(made, "requires_grad", False)
        assert E.members(given).shape[1:] == E.spread(given).shape == (8, 6)
    assert E.spread(d.ravel()).shape == (48,)
    assert E.members(d.ravel()).shape == (len(E.networks), 48)


@pytest.mark.cuda
def test_tensors_on_a_device_stay_there(E, d):
    std = E.spread(torch.from_numpy(d).cuda())
    assert std.is_cuda
    np.testing.assert_allclose(std.cpu(), E.spread(d), rtol=1e-6)


def test_calibration_makes_the_coverage_honest(E, pairs):
    fitted = E.calibrated(pairs)
    report = fitted.calibration.after
    assert report.covered == pytest.approx(report.levels, abs=0.06)
    assert report.log_likelihood > fitted.calibration.before.log_likelihood
    assert report.models == 6
    d, _ = pairs[0]
    np.testing.assert_allclose(
        fitted.spread(d),
        np.hypot(fitted.calibration.scale * E.spread(d), fitted.calibration.floor),
    )
    assert fitted.spread(d).mean() == pytest.approx(100.0, rel=0.1)
    assert E.calibration == Calibration()  # the first one is as it was
    np.testing.assert_array_equal(fitted(d), E(d))
    assert fitted.reliability(pairs) == report
    assert E.reliability(pairs) == fitted.calibration.before
    again = fitted.calibrated(pairs)  # starts from the raw spread, not from itself
    assert again.calibration == fitted.calibration


@pytest.mark.parametrize("law", ["laplace", "gaussian"])
@pytest.mark.parametrize(("scale", "floor"), [(3.0, 0.0), (0.5, 40.0), (0.0, 80.0)])
def test_fit_finds_scale_and_floor(rng, law, scale, floor):
    spread = rng.gamma(2.0, 50.0, (20, 40, 40))
    std = np.hypot(scale * spread, floor)
    width = std / math.sqrt(2.0)
    error = rng.laplace(0.0, width) if law == "laplace" else rng.normal(0.0, std)
    found = fit(error, spread, law=law)
    assert found.scale == pytest.approx(scale, rel=0.02, abs=0.1)
    assert found.floor == pytest.approx(floor, rel=0.03, abs=1.5)
    assert found.after.covered == pytest.approx((0.5, 0.68, 0.9, 0.95), abs=0.01)
    covered = coverage(error, np.hypot(found.scale * spread, found.floor), [0.9], law=law)
    assert covered == pytest.approx(found.after.covered[2])


def test_correlation_is_that_of_ranks(rng):
    spread = rng.gamma(2.0, 50.0, (2, 8, 6))
    assert fit(spread**3, spread).after.correlation == pytest.approx(1.0)
    assert (
        abs(fit(rng.permuted(spread.ravel()).reshape(spread.shape), spread).after.correlation) < 0.3
    )


def test_save_and_load_are_exact(E, d, pairs, tmp_path):
    path, fitted = tmp_path / "e.safetensors", E.calibrated(pairs)
    fitted.save(path)
    again = type(E).load(path)
    assert type(again) is type(E)
    np.testing.assert_array_equal(again(d), E(d))
    np.testing.assert_array_equal(again.spread(d), fitted.spread(d))
    assert again.calibration == fitted.calibration
    assert again.name == E.name
    half = tmp_path / "half.safetensors"
    fitted.save(half, dtype=torch.float16)
    assert half.stat().st_size < 0.85 * path.stat().st_size


def test_files_of_another_kind_or_damaged_are_refused(networks, tmp_path):
    path = tmp_path / "e.safetensors"
    Ensemble(networks).save(path)
    for load in (Dropout.load, LearnedInversion.load):
        with pytest.raises(VMBFileError, match="got ensemble"):
            load(path)
    damaged = bytearray(path.read_bytes())
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(VMBFileError, match="damaged"):
        Ensemble.load(path)


def test_a_calibration_of_another_version_is_refused():
    plain = json.loads(json.dumps(Calibration(2.0, 30.0).to_dict()))
    assert Calibration.from_dict(plain) == Calibration(2.0, 30.0)
    with pytest.raises(VMBFileError, match=r"missing \['law'\].*Calibrate again"):
        Calibration.from_dict({key: value for key, value in plain.items() if key != "law"})


def test_another_survey_keeps_everything_else(E, pairs, survey):
    fitted = E.calibrated(pairs)
    fine = survey(nt=240, dt=1e-3)
    other = fitted.for_survey(fine)
    assert type(other) is type(E)
    assert (other.dims, other.acq, other.calibration) == ((3, 9, 240), fine, fitted.calibration)
    smooth = [np.sin(2 * np.pi * 8 * t) * np.ones((3, 9, 1)) for t in (E.acq.t, fine.t)]
    np.testing.assert_allclose(other.spread(smooth[1]), fitted.spread(smooth[0]), rtol=1e-2)


def test_the_reports_can_be_read(E, pairs):
    words = str(E.calibrated(pairs).calibration)
    assert words.startswith("laplace law, spread x ")
    assert "before" in words
    assert "(6 models)" in words


def test_refusals(networks, card, d, survey):
    G = networks[0]
    E = Ensemble(networks)
    other_time = G.for_survey(survey(nt=240, dt=1e-3))
    elsewhere = LearnedInversion(G.net, type(card)(**(vars(card) | {"grid": Grid((8, 6), 20.0)})))
    cases = [
        (lambda: Ensemble([G]), r"networks: must be at least two, got 1\. .*Dropout\(G\)"),
        (lambda: Ensemble([G, elsewhere]), r"networks\[1\]: must share grid and survey"),
        (
            lambda: Ensemble([G, other_time]),
            r"networks\[1\]: must share",
        ),
        (lambda: E.spread(np.zeros_like(d)), "d: holds no signal"),
        (lambda: E.calibrated([]), "pairs: must hold at least one, got none"),
        (lambda: E.calibrated([(d, E(d))] * 2), "pairs: must show errors"),
        (lambda: E.calibrated([(d, np.ones((6, 8)))]), "vp: must have shape"),
        (lambda: E.calibrated([(d, E(d) + 1.0)], law="cauchy"), "law: is not a known choice"),
        (lambda: Dropout(G, p=0.0), "p: must be above 0"),
        (lambda: Dropout(G, p=1.0), "p: must be below 1"),
        (lambda: Dropout(G, draws=1), "draws: must be at least 2"),
        (lambda: Calibration(floor=-1.0), "floor: must be at least 0.0 m/s"),
    ]
    for call, message in cases:
        with pytest.raises(VMBValueError, match=message):
            call()


def test_a_network_without_activation_layers_is_refused(card):
    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

    with pytest.raises(VMBValueError, match="G: must have activation layers"):
        Dropout(LearnedInversion(Flat(), card))
