"""When not to trust: held-out data of the training pass, and damaged ones are named."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import hilbert

from pylops_vmb.errors import (
    AmplitudeWarning,
    CardWarning,
    GeometryWarning,
    SpectrumWarning,
    VelocityWarning,
    VMBValueError,
)
from pylops_vmb.learned import (
    Card,
    LearnedInversion,
    Preprocessing,
    available,
    predictions_of,
    signature_of,
)
from pylops_vmb.learned.checking import _turned
from pylops_vmb.learned.measures import data_misfit
from pylops_vmb.networks import build
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.survey import Acquisition, LowCut

Sample = tuple[torch.Tensor, torch.Tensor]
CLASSES = {
    "spectrum": SpectrumWarning,
    "amplitude": AmplitudeWarning,
    "geometry": GeometryWarning,
    "velocity": VelocityWarning,
}


@pytest.fixture
def acq() -> Acquisition:
    """Return the survey of this folder with a record long enough for low frequencies."""
    return Acquisition.fixed_spread(
        [0.0, 40.0, 80.0], 10.0 * np.arange(9), nt=200, dt=4e-3, f0=12.0, zs=0.0
    )


@pytest.fixture
def gathers(acq: Acquisition) -> Callable[[int], np.ndarray]:
    """Return a maker of gathers ``(ns, nr, nt)``: a direct wave and a reflection, seeded."""

    def make(seed: int, f0: float = 12.0, fast: float = 1.0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        v, depth, strength = rng.uniform(1500, 3000) * fast, rng.uniform(150, 300), 0.2
        offset = np.abs(acq.offsets)[:, :, None]
        far = np.hypot(offset, 2 * depth)
        return sum(
            factor * ricker(acq.t - acq.delay - way / v, f0) / np.sqrt(1 + way / 10.0)
            for factor, way in ((1.0, offset), (strength, far))
        )

    return make


def ricker(t: np.ndarray, f0: float) -> np.ndarray:
    a = (np.pi * f0 * t) ** 2
    return (1.0 - 2.0 * a) * np.exp(-a)


@pytest.fixture
def G(card: Card, net: torch.nn.Module, acq: Acquisition, gathers) -> LearnedInversion:
    """Return an untrained network whose card has the signature of 60 gathers."""
    config = card.network["config"] | {"in_shape": [100, 9]}
    preprocessing = Preprocessing(step=2, gain=0.5)
    samples = [sample(gathers(seed), preprocessing) for seed in range(60)]
    signature = signature_of(samples, acq, preprocessing)
    torch.manual_seed(3)
    network = {"name": "fcnvmb-repaired", "config": config}
    entries = {"acq": acq, "preprocessing": preprocessing, "network": network}
    made = LearnedInversion(
        build("fcnvmb-repaired", **config), replace(card, signature=signature, **entries)
    )
    F = Constant(made)
    decimate = preprocessing.decimate
    found = predictions_of(made, samples, signature.velocity, model=lambda _, vp: decimate(F(vp)))
    return LearnedInversion(
        made.net, replace(made.card, signature=replace(signature, predictions=found))
    )


def sample(d: np.ndarray, preprocessing: Preprocessing) -> Sample:
    return preprocessing.decimate(torch.from_numpy(d)).float(), torch.tensor([[[1500.0, 4500.0]]])


class Constant(NonlinearOperator):
    """A modelling that gives the same gathers whatever the velocity is."""

    def __init__(self, G: LearnedInversion) -> None:
        super().__init__(G.dimsd, G.dims)
        t = torch.from_numpy(G.acq.t - G.acq.delay)
        a = (np.pi * 12.0 * t) ** 2
        self.d = ((1 - 2 * a) * torch.exp(-a)).expand(G.dims)

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return self.d.to(x) + 0.0 * x.sum()


def quietly(G: LearnedInversion, d, F=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        return G.check(d, F)


def test_data_of_the_training_pass_whatever_their_amplitude(G, gathers):
    passed = [bool(G.check(scale * gathers(1000 + i))) for i, scale in enumerate([1, 1e6] * 10)]
    assert sum(passed) >= 19
    report = G.check(gathers(1000), Constant(G))
    assert (bool(report), report.findings, report.categories) == (True, (), ())
    expected = "tiny: nothing speaks against these data, compared with 60 samples of its training"
    assert str(report) == expected


def noisy(d: np.ndarray) -> np.ndarray:
    return d + np.random.default_rng(0).standard_normal(d.shape) * np.sqrt(np.mean(d**2))


def with_dead(d: np.ndarray) -> np.ndarray:
    d[:, [1, 4, 7]] = 0.0
    return d


DAMAGE = {
    "low-cut": (lambda d: LowCut(4.0)(d, 4e-3), "spectrum", "low frequencies are missing"),
    "noise": (noisy, "spectrum", "there is noise above the band of the wavelet"),
    "early noise": (noisy, "amplitude", "there is noise before the first arrivals"),
    "phase": (lambda d: hilbert(d).imag, "spectrum", "first arrivals have another shape, phase"),
    "polarity": (lambda d: -d, "amplitude", "the polarity is flipped"),
    "late": (lambda d: np.roll(d, 10, axis=-1), "spectrum", "first arrivals have another shape"),
    "dead": (with_dead, "amplitude", "there are dead traces"),
    "clipped": (lambda d: d.clip(-0.1, 0.1), "amplitude", "amplitudes are clipped or balanced"),
    "late events": (
        lambda d: d + 0.5 * np.roll(d, 120, axis=-1),
        "amplitude",
        "late arrivals are stronger",
    ),
    "a weak shot": (
        lambda d: d * np.array([0.1, 1, 1])[:, None, None],
        "amplitude",
        "shots differ in strength",
    ),
    "reversed": (lambda d: d[:, ::-1].copy(), "geometry", "the strongest trace is not the one"),
    "shots swapped": (lambda d: d[[2, 1, 0]], "geometry", "the strongest trace is not the one"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_and_warned_about_in_its_category(G, gathers, damage):
    change, category, what = DAMAGE[damage]
    d = change(gathers(1000))
    with pytest.warns(CardWarning) as caught:
        report = G.check(d)
    assert not report
    assert category in report.categories
    assert any(found.what.startswith(what) for found in report.findings)
    assert what in str(report)
    assert [w.category for w in caught] == [CLASSES[f.category] for f in report.findings]
    assert {w.filename for w in caught} == {__file__}
    assert all(str(w.message).startswith("tiny: ") for w in caught)


@pytest.mark.parametrize(
    ("pulse", "low", "expected"),
    [
        (-0.99, 0.97, "the polarity is flipped"),
        (-0.6, 0.4, "the polarity is flipped or the time zero is wrong"),
        (0.2, -0.3, None),  # fits as it is, and turned over
        (0.2, 0.97, None),
    ],
)
def test_a_polarity_is_flipped_only_where_the_sign_alone_explains_it(pulse, low, expected):
    found = _turned(pulse, {"pulse": (low, 0.98, 1.0)})
    assert (found.what if found else None) == expected


@pytest.mark.parametrize("f0", [9.6, 14.4])
def test_a_wavelet_20_percent_off_is_named(G, gathers, f0):
    report = quietly(G, gathers(1000, f0=f0))
    assert {"first arrivals have another shape, phase or time zero"} < {
        found.what for found in report.findings
    }
    assert report.categories[0] == "spectrum"


def test_a_finding_has_three_parts_and_a_severity(G, gathers):
    report = quietly(G, with_dead(gathers(1000)))
    (found,) = (found for found in report.findings if "dead" in found.what)
    assert found.severity == "serious"
    assert str(found) == (
        "amplitude (serious): there are dead traces, got 0.333 of the traces instead of 0 to 0. "
        "Interpolate dead traces."
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, r"tiny: data hold no signal, got zeros only\. Check how"),
        (np.nan, r"tiny: data must be finite, got 5400 NaN or infinite values\. Mute"),
    ],
)
def test_unusable_data_are_found_and_nothing_is_predicted(G, value, message):
    with pytest.warns(AmplitudeWarning, match=message):
        report = G.check(np.full(G.dims, value))
    assert [found.severity for found in report.findings] == ["serious"]


def test_kinds_shapes_and_precisions_give_one_answer(G, gathers):
    d = noisy(gathers(1000))
    expected = str(quietly(G, d))
    for same in (d.ravel(), torch.from_numpy(d), torch.from_numpy(d).requires_grad_()):
        assert str(quietly(G, same)) == expected
    categories = quietly(G, d).categories
    assert quietly(G, d.astype(np.float32)).categories == categories
    before = d.copy()
    quietly(G, d)
    np.testing.assert_array_equal(d, before)


def test_the_data_misfit_tells_what_the_gathers_do_not(G, gathers):
    signature = replace(
        G.card.signature,
        predictions=G.card.signature.predictions | {"data_misfit": (0, 0.01, 0.02)},
    )
    strict = LearnedInversion(G.net, replace(G.card, signature=signature))
    d = gathers(1000)
    assert strict.check(d)
    with pytest.warns(VelocityWarning, match="explains the data worse than in the training") as w:
        report = strict.check(d, Constant(G))
    assert (len(w), report.categories) == (1, ("velocity",))


class Fast(torch.nn.Module):
    """A network that sees one velocity everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.vp = torch.nn.Parameter(torch.full((1, 1, 6, 8), 4499.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.vp + 0.0 * x.sum()


def test_a_prediction_at_the_limits_is_said(G, gathers):
    signature = replace(G.card.signature, predictions={"at_limits": (0.0, 0.0, 0.1)})
    fast = LearnedInversion(Fast(), replace(G.card, signature=signature))
    message = "lies at an end of the velocities of the training, got 1 of the cells instead of 0"
    with pytest.warns(VelocityWarning, match=message):
        fast.check(gathers(1000))


def test_modelling_of_another_survey_is_refused(G, gathers):
    F = Constant(G)
    F.dimsd = (3, 9, 100)
    with pytest.raises(VMBValueError, match=r"F: must map \(8, 6\) to \(3, 9, 200\)"):
        G.check(gathers(1000), F)
    with pytest.raises(VMBValueError, match=r"d: must have shape \(ns, nr, nt\) = \(3, 9, 200\)"):
        G.check(gathers(1000)[:2])


def test_another_survey_is_a_finding_of_geometry(G, gathers, acq):
    shifted = acq._replace(srcs=acq.srcs + np.array([[15.0], [0.0]]))
    with pytest.warns(CardWarning, match="another survey"):
        other = G.for_survey(shifted)
    with pytest.warns(GeometryWarning, match="the survey is not the one of the training, got sour"):
        assert "geometry" in other.check(gathers(1000)).categories


def test_a_card_without_a_signature_has_only_its_wavelet(G, gathers):
    plain = G.card.to_dict()
    del plain["signature"]  # as a file of an older version
    old = LearnedInversion(G.net, Card.from_dict(json.loads(json.dumps(plain))))
    report = old.check(gathers(1000))
    assert report
    assert str(report).endswith(
        "compared with the wavelet of its card alone, which has no signature of the training data"
    )
    with pytest.warns(SpectrumWarning, match="low frequencies are missing, got nothing below"):
        old.check(LowCut(6.0)(gathers(1000), 4e-3))
    with pytest.warns(SpectrumWarning, match="another peak, got .* Hz instead of 1"):
        old.check(gathers(1000, f0=20.0))


def test_the_signature_goes_through_json_and_files(G, tmp_path):
    assert Card.from_dict(json.loads(json.dumps(G.card.to_dict()))) == G.card
    G.save(tmp_path / "net.safetensors")
    assert LearnedInversion.load(tmp_path / "net.safetensors").card == G.card


def test_a_signature_is_made_of_measured_quantiles(G):
    signature = G.card.signature
    assert (signature.samples, signature.velocity) == (60, (1500.0, 4500.0))
    assert signature.gathers["dead"] == (0.0, 0.0, 0.0)
    assert signature.gathers["apex_m"] == (0.0, 0.0, 0.0)
    assert all(low <= middle <= high for low, middle, high in signature.gathers.values())
    assert np.linalg.norm(signature.pulse) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(VMBValueError, match="samples: must hold gathers to measure, got none"):
        signature_of([], G.acq, G.card.preprocessing)
    with pytest.raises(VMBValueError, match="samples: must hold gathers to predict from, got none"):
        predictions_of(G, [], signature.velocity)


def test_the_misfit_ignores_amplitude_and_not_sign():
    d = torch.tensor([3.0, 4.0])
    assert data_misfit(7.0 * d, d) == pytest.approx(0.0, abs=1e-7)
    assert data_misfit(-d, d) == 1.0
    assert data_misfit(torch.tensor([5.0, 0.0]), d) == pytest.approx(0.8)


@pytest.mark.parametrize("name", available())
def test_every_network_that_ships_is_a_document(name):
    G = LearnedInversion.from_pretrained(name)  # checks the hash
    card = G.card
    assert card.name == name
    assert card.licence == "LGPL-3.0-or-later"
    assert any("starting model for an inversion" in limit for limit in card.limits)
    assert len(card.training["sha256_float32"]) == 64
    assert card.signature.samples == 1000
    assert {"power_0", "pulse", "far_db", "late_db", "dead", "apex_m"} <= set(
        card.signature.gathers
    )
    assert set(card.signature.predictions) == {"at_limits", "data_misfit"}
    assert card.metrics["validation_mae_m_s"] < 400.0
