"""What forbids an adaptation, in words and numbers; what comes out otherwise, and its record."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.io import read_gathers
from pylops_vmb.learned import Limits, Mute, adapt
from pylops_vmb.learned.adaptation import broken_limits
from pylops_vmb.survey import Acquisition, LowCut

X = 10.0 * np.arange(21)


def survey(**changes) -> Acquisition:
    """Return a target of 2 shots and 21 receivers, with some changes."""
    spread = {"xs": [50.0, 150.0], "xr": X, "nt": 200, "dt": 4e-3, "f0": 12.0}
    return Acquisition.fixed_spread(**(spread | changes))


def gathers(acq: Acquisition, velocity: float = 2000.0) -> np.ndarray:
    """Return the direct wave of a survey, ``(ns, nr, nt)``."""
    arrival = np.hypot(acq.offsets, 30.0) / velocity
    n = 2 * acq.nt
    spectrum = np.fft.rfft(acq.wav, n=n)
    turn = np.exp(-2j * np.pi * arrival[..., None] * np.fft.rfftfreq(n, acq.dt))
    return np.fft.irfft(spectrum * turn, n=n)[..., : acq.nt]


def names(acq: Acquisition, data=None, **keywords) -> list[str]:
    data = gathers(acq) if data is None else data
    return [one.name for one in broken_limits(data, acq, to=survey(), **keywords)]


BROKEN = {
    "shots": (survey(xs=[50.0]), r"shots: .* \(1 shots, limit 2\)"),
    "aperture": (survey(xr=X[:-2]), r"aperture: receivers from 0 to 180 m .* \(20 m, limit 5\)"),
    "spacing": (survey(xr=X[::5]), r"spacing: receivers are 50 m apart, .* wavelengths"),
    "depth": (survey(zr=40.0), r"depth: receivers lie at another depth \(40 m, limit 12.5\)"),
    "record": (survey(nt=150), r"record: the record ends .* of the record missing"),
    "highs": (survey(f0=5.0, nt=260), r"highs: high frequencies are missing: .* Hz, limit"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_limit_refuses_with_its_number(name: str) -> None:
    acq, sentence = BROKEN[name]
    assert names(acq) == [name]
    with pytest.raises(VMBValueError, match=f"cannot be adapted to the target .*{sentence}"):
        adapt(gathers(acq), acq, to=survey())


def test_a_shot_of_a_few_reciprocal_traces_is_none() -> None:
    acq = survey(xs=[50.0, 60.0])  # a receiver at 150 m recorded both
    assert names(acq) == ["shots"]
    assert broken_limits(gathers(acq), acq, to=survey())[0].got == 1


def test_missing_lows_refuse() -> None:
    acq = survey()
    cut = LowCut(7.0)(gathers(acq), acq.dt)
    assert names(acq, cut) == ["lows"]
    with pytest.raises(VMBValueError, match=r"lows: low frequencies are missing: .* Hz, limit"):
        adapt(cut, acq, to=survey())
    assert names(acq, cut, limits=Limits(lows=10.0)) == []


def test_all_broken_limits_are_named_at_once() -> None:
    acq = survey(xs=[50.0], xr=X[:-2], nt=150)
    assert names(acq) == ["shots", "aperture", "record"]
    with pytest.raises(VMBValueError, match=r"shots: .*aperture: .*record: "):
        adapt(gathers(acq), acq, to=survey())


def test_a_wavelet_that_cannot_be_made_is_refused() -> None:
    t = 4e-3 * np.arange(200)
    hum = np.sin(2 * np.pi * 12.0 * t) * np.exp(-(((t - 0.4) / 0.15) ** 2))
    acq = survey().with_wavelet(hum, f0=12.0)
    with pytest.raises(VMBValueError, match="wavelet: the target's wavelet cannot be made"):
        adapt(gathers(survey()), acq, to=survey())


@pytest.mark.parametrize("name", ["aperture", "spacing", "record", "depth"])
def test_limits_can_be_moved(name: str) -> None:
    loose = {
        "aperture": Limits(aperture=2.0),
        "spacing": Limits(spacing=2.0),
        "record": Limits(record=0.3),
        "depth": Limits(position=0.5),
    }[name]
    acq = BROKEN[name][0]
    assert names(acq, limits=loose) == []
    made = adapt(gathers(acq), acq, to=survey(), limits=loose)
    assert made.data.shape == survey().dimsd
    if name == "record":
        assert not made.data[..., 170:].any()


def test_sparse_has_a_limit_of_its_own() -> None:
    acq = BROKEN["spacing"][0]
    assert names(acq, receivers="sparse", limits=Limits(gap=0.8)) == ["spacing"]
    assert names(acq, receivers="sparse", limits=Limits(gap=0.9)) == []


def test_a_network_with_a_low_cut_forgives_missing_lows(card) -> None:
    acq = card.acq
    cut = LowCut(7.0)(gathers(acq), acq.dt)
    assert [one.name for one in broken_limits(cut, acq, to=card)] == ["lows"]
    augmentation = {"augmentation": "RandomLowCut", "corner": [1.5, 8.5], "dt": 0.005}
    trained = replace(card, training={"augmentation": augmentation})
    assert broken_limits(cut, acq, to=trained) == ()
    many = {"augmentation": "Compose", "of": [{"augmentation": "Noise"}, augmentation]}
    trained = replace(card, training={"augmentation": many})
    assert broken_limits(cut, acq, to=trained) == ()


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ({"to": "fcnvmb"}, VMBTypeError, "to: must be a network, its card, or a survey, got str"),
        ({"receivers": "linear"}, VMBValueError, "receivers: is not a known choice"),
        ({"amplitude": "agc"}, VMBValueError, "amplitude: is not a known choice"),
        ({"origin": np.nan}, VMBValueError, "origin: must be finite"),
        ({"data": np.full(survey().dimsd, np.nan)}, VMBValueError, "data: must be finite"),
        ({"data": np.zeros(survey().dimsd)}, VMBValueError, "data: hold no signal, got zeros only"),
        ({"data": np.ones((2, 20, 200))}, VMBValueError, "data: must have shape"),
    ],
)
def test_wrong_arguments_are_refused(wrong, error, sentence) -> None:
    keywords = {"data": gathers(survey()), "acq": survey(), "to": survey()} | wrong
    data, acq = keywords.pop("data"), keywords.pop("acq")
    with pytest.raises(error, match=sentence):
        adapt(data, acq, **keywords)


@pytest.mark.parametrize("wrong", [{"slowest": 0.0}, {"record": 1.5}, {"lows": -1.0}])
def test_wrong_limits_are_refused(wrong) -> None:
    with pytest.raises(VMBValueError, match=f"{next(iter(wrong))}: must be"):
        Limits(**wrong)


def test_wrong_mutes_are_refused() -> None:
    with pytest.raises(VMBValueError, match="velocity: must be above 0"):
        Mute(0.0)
    with pytest.raises(VMBValueError, match="what: is not a known choice"):
        Mute(1500.0, "bottom")


def test_sparse_needs_regular_receivers() -> None:
    to = survey(xr=X**1.01)
    with pytest.raises(VMBValueError, match="receivers: can be sparse for a target with regular"):
        adapt(gathers(survey(xr=X[::2] * 1.1)), survey(xr=X[::2] * 1.1), to=to, receivers="sparse")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("flat", [False, True])
def test_what_comes_in_goes_out(dtype, library, flat) -> None:
    acq = survey(xr=8.0 * np.arange(27), dt=2e-3, nt=420)
    d = gathers(acq).astype(dtype)
    d = d.ravel() if flat else d
    given = torch.from_numpy(d.copy()) if library == "torch" else d.copy()
    made = adapt(given, acq, to=survey())
    assert type(made.data) is type(given)
    assert made.data.dtype == given.dtype
    assert made.data.shape == survey().dimsd
    exact = gathers(survey())
    assert np.linalg.norm(np.asarray(made.data) - exact) < 0.02 * np.linalg.norm(exact)
    assert np.array_equal(np.asarray(given), d)  # the input stays as it was


def test_the_record_says_each_step_and_goes_into_json() -> None:
    acq = survey(xr=8.0 * np.arange(27), dt=2e-3, nt=420)
    made = adapt(gathers(acq), acq, to=survey(), mute=Mute(2500.0))
    data, back = made
    assert data is made.data
    assert back == survey()
    order = ["sorting", "reciprocity", "3-D to 2-D", "time", "band", "wavelet", "receivers"]
    assert [step.name for step in made.steps] == [*order, "amplitude", "mute"]
    plain = json.loads(json.dumps(made.steps.to_list(), allow_nan=False))
    assert plain[3]["figures"] == {"samples_before": 420, "samples_after": 210}
    assert "time: 2 ms to 4 ms" in str(made.steps)
    assert made.steps["receivers"].figures["widest_gap_m"] == 8.0
    with pytest.raises(KeyError, match="nothing"):
        made.steps["nothing"]
    for other in (copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert other.steps == made.steps
        assert np.array_equal(other.data, made.data)


def test_reciprocity_adds_only_what_is_missing() -> None:
    acq = survey(xs=[50.0, 95.0, 150.0])
    made = adapt(gathers(acq), acq, to=survey())
    assert made.steps["reciprocity"].figures == {"traces": 0, "whole_shots": 0}
    assert made.steps["receivers"].what == "as they are"


def test_dead_traces_are_not_used() -> None:
    acq = survey()
    d = gathers(acq)
    spoilt = d.copy()
    spoilt[:, 7] = 0.0
    made = adapt(spoilt, acq, to=survey(), limits=Limits(spacing=2.0))
    assert made.steps["sorting"].figures["dead_traces"] == 2
    assert np.linalg.norm(made.data[:, 7] - d[:, 7]) < 0.05 * np.linalg.norm(d[:, 7])


def test_wavelets_by_shot_are_matched_by_shot() -> None:
    acq = survey()
    wav = np.stack([acq.wav, -2.0 * acq.wav])
    d = gathers(acq) * np.array([1.0, -2.0])[:, None, None]
    made = adapt(d, acq.with_wavelet(wav, acq.wavc), to=survey(), amplitude="none")
    assert made.steps["wavelet"].figures["filters"] == 2
    exact = gathers(survey())
    assert np.linalg.norm(made.data - exact) < 0.01 * np.linalg.norm(exact)


def test_mutes_silence_what_they_say() -> None:
    acq = survey()
    d = np.random.default_rng(3).standard_normal(acq.dimsd) + gathers(acq)
    top = adapt(d, acq, to=acq, mute=Mute(2000.0)).data
    early = acq.t < np.abs(acq.offsets)[..., None] / 2000.0 - 1.0 / acq.f0
    late = acq.t > np.abs(acq.offsets)[..., None] / 2000.0
    untouched = adapt(d, acq, to=acq).data
    assert not top[early].any()
    assert np.array_equal(top[late], untouched[late])
    clean = gathers(acq)
    direct = adapt(clean, acq, to=acq, mute=Mute(1900.0, "direct"))
    assert np.linalg.norm(direct.data) < 0.02 * np.linalg.norm(clean)
    assert direct.steps["mute"].figures["energy_removed"] > 0.999


def test_adapted_data_feed_the_network(G) -> None:
    acq = G.card.acq
    x = np.arange(0.0, 81.0, 8.0)
    given = Acquisition.fixed_spread(acq.srcs[0], x, nt=140, dt=2e-3, f0=14.0, zs=10.0)
    made = vmb.adapt(gathers(given), given, to=G)
    vp = G(made.data)
    assert vp.shape == G.grid.dims
    assert np.isfinite(vp).all()


@pytest.mark.filterwarnings("ignore::pylops_vmb.errors.VMBWarning")
def test_viking_is_refused_with_reasons(data_dir) -> None:
    data, acq = read_gathers(data_dir / "field_viking" / "viking_small.segy")
    G = vmb.LearnedInversion.from_pretrained()
    found = {one.name: one for one in broken_limits(data, acq, to=G)}
    assert set(found) == {"shots", "aperture", "lows"}
    assert (found["shots"].got, found["shots"].allowed) == (1, 5)
    assert 6.5 < found["lows"].got < 8.0
    with pytest.raises(VMBValueError, match="cannot be adapted to fcnvmb-mini without inventing"):
        vmb.adapt(data, acq, to=G)
