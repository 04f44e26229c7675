"""Acquisition: geometries, presets, changes, JSON, and what it refuses."""

import json

import numpy as np
import pytest

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.survey import Acquisition, Grid, ricker

XS, XR = [100.0, 200.0, 300.0], [0.0, 50.0, 100.0, 150.0]
TIME = {"nt": 300, "dt": 2e-3, "f0": 15.0}
WAV = ricker(15.0, 2e-3)[0]


@pytest.fixture
def spread() -> Acquisition:
    return Acquisition.fixed_spread(XS, XR, zs=10.0, zr=20.0, **TIME)


@pytest.fixture
def streamer() -> Acquisition:
    return Acquisition.streamer(XS, [-50.0, -100.0], zs=5.0, zr=15.0, **TIME)


def per_shot(acq: Acquisition, rng) -> Acquisition:
    """Return the survey with another wavelet for every shot."""
    return acq.with_wavelet(rng.standard_normal((acq.ns, 40)), wavc=20)


def test_fixed_spread(spread):
    assert (spread.ns, spread.nr, spread.nt, spread.dimsd) == (3, 4, 300, (3, 4, 300))
    np.testing.assert_array_equal(spread.srcs, [XS, [10.0] * 3])
    np.testing.assert_array_equal(spread.recs, [XR, [20.0] * 4])
    assert spread.receivers.shape == (2, 3, 4)
    np.testing.assert_array_equal(spread.receivers[:, 1], spread.recs)
    np.testing.assert_array_equal(spread.offsets[1], np.subtract(XR, 200.0))


def test_streamer_moves_with_the_source(streamer):
    assert (streamer.recs.shape, streamer.nr) == ((2, 3, 2), 2)
    np.testing.assert_array_equal(streamer.recs[0], [[50, 0], [150, 100], [250, 200]])
    np.testing.assert_array_equal(streamer.recs[1], np.full((3, 2), 15.0))
    np.testing.assert_array_equal(streamer.offsets, np.tile([-50.0, -100.0], (3, 1)))


def test_time_axis_and_delay(spread):
    wav, wavc = ricker(15.0, 2e-3)
    np.testing.assert_array_equal(spread.wav, wav)
    assert spread.delay == wavc * 2e-3
    assert (spread.t[0], spread.t[-1]) == (0.0, pytest.approx(299 * 2e-3))
    assert spread.band()[1] == pytest.approx(15.0, abs=1.0)


def test_arrays_are_copies(spread):
    srcs = np.array([[100.0], [0.0]])
    acq = Acquisition(srcs, [[0.0], [0.0]], nt=300, dt=2e-3, wav=WAV)
    srcs[:] = -1.0
    assert acq.srcs[0, 0] == 100.0


def test_openfwi_preset_has_the_published_geometry():
    acq = Acquisition.openfwi()
    acq.check(Grid.openfwi())
    assert acq.dimsd == (5, 70, 1000)
    np.testing.assert_array_equal(acq.srcs, [[0, 170, 340, 520, 690], [10] * 5])
    np.testing.assert_array_equal(acq.recs, [10 * np.arange(70), [10] * 70])
    # the first sample of 147 is dropped: data one sample earlier, as in the published files
    wav, wavc = ricker(15.0, 1e-3)
    assert (acq.wav.size, acq.wavc) == (146, wavc - 1)
    np.testing.assert_array_equal(acq.wav, wav[1:])


def test_fcnvmb_preset_has_the_published_geometry():
    acq = Acquisition.fcnvmb()
    acq.check(Grid.fcnvmb())
    assert acq.dimsd == (29, 301, 2000)
    assert (acq.dt, acq.f0) == (1e-3, 20.0)


def test_select_takes_receivers_and_wavelets_of_the_shots(streamer, rng):
    acq = per_shot(streamer, rng)
    for shots in (slice(1, 3), [2, 0]):
        part = acq.select(shots)
        np.testing.assert_array_equal(part.srcs, acq.srcs[:, shots])
        np.testing.assert_array_equal(part.recs, acq.recs[:, shots])
        np.testing.assert_array_equal(part.wav, acq.wav[shots])
        assert (part.ns, part.nt, part.wavc, part.f0) == (2, acq.nt, acq.wavc, acq.f0)


def test_select_keeps_a_fixed_spread(spread):
    assert spread.select(slice(0, 1)).recs.shape == (2, 4)


def test_with_wavelet_replaces_wavelet_delay_and_peak(spread):
    wav, wavc = ricker(8.0, 2e-3)
    acq = spread.with_wavelet(wav, wavc)
    assert acq.f0 == pytest.approx(8.0, abs=1.0)
    assert acq.delay == wavc * 2e-3
    np.testing.assert_array_equal(acq.recs, spread.recs)


@pytest.mark.parametrize("geometry", ["spread", "streamer"])
def test_json_round_trip_is_exact(geometry, request, rng):
    acq = request.getfixturevalue(geometry)
    for survey in (acq, per_shot(acq, rng)):
        plain = json.loads(json.dumps(survey.to_dict()))
        assert Acquisition.from_dict(plain) == survey
        assert Acquisition.from_dict(plain).dimsd == survey.dimsd


@pytest.mark.parametrize("change", ["srcs", "recs", "wav", "wavc", "dt", "nt"])
def test_equality_sees_every_field(spread, change):
    plain = spread.to_dict()
    plain[change] = (np.asarray(plain[change]) * 2).tolist()
    assert Acquisition.from_dict(plain) != spread


def test_repr(spread, streamer):
    common = "nt=300, dt=2 ms, f0=15 Hz)"
    assert repr(spread) == f"Acquisition(3 shots x 4 receivers, fixed spread, {common}"
    assert repr(streamer) == f"Acquisition(3 shots x 2 receivers, receivers by shot, {common}"


def make(**changes):
    """Return a survey with some arguments changed."""
    fields = {"srcs": [XS, [0.0] * 3], "recs": [XR, [0.0] * 4], "nt": 300, "dt": 2e-3, "wav": WAV}
    fields |= changes
    return Acquisition(fields.pop("srcs"), fields.pop("recs"), **fields)


@pytest.mark.parametrize(
    ("error", "message", "changes"),
    [
        (VMBValueError, r"srcs: must have the rows x and z.*\(3,\).*\(2, ns\)", {"srcs": XS}),
        (VMBValueError, r"srcs: must have the rows.*\(3, 2\)", {"srcs": np.ones((3, 2))}),
        (VMBValueError, r"srcs: must have the rows.*\(2, 0\)", {"srcs": np.ones((2, 0))}),
        (VMBValueError, r"srcs: must be finite, got 1 NaN", {"srcs": [[np.nan], [0.0]]}),
        (VMBValueError, r"recs: must have the rows.*\(2, nr\) or \(2, ns, nr\)", {"recs": XR}),
        (
            VMBValueError,
            r"recs: must hold one spread for each of the 3 shots, got 2 spreads",
            {"recs": np.ones((2, 2, 4))},
        ),
        (VMBValueError, r"nt: must be at least 2, got 1", {"nt": 1}),
        (VMBTypeError, r"nt: must be an integer, got 300\.0", {"nt": 300.0}),
        (VMBValueError, r"dt: must be above 0\.0 s, got -0\.002", {"dt": -2e-3}),
        (
            VMBValueError,
            r"wav: must not be longer than the record of 300 samples, got 301",
            {"wav": np.ones(301)},
        ),
        (
            VMBValueError,
            r"wav: must be one wavelet \(nw,\).*got shape \(2, 9\)\. Pass 3 wavelets",
            {"wav": np.ones((2, 9))},
        ),
        (VMBValueError, r"wav: must be finite", {"wav": [1.0, np.inf]}),
        (VMBValueError, r"traces: hold no signal", {"wav": np.zeros(9)}),
        (VMBValueError, r"wavc: must be at least 0, got -1", {"wavc": -1}),
        (VMBValueError, r"f0: must be above 0\.0, got 0", {"f0": 0.0}),
    ],
)
def test_refusals(error, message, changes):
    with pytest.raises(error, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (
            r"acq: source 1 lies outside the grid \(x 0 to 300 m, z 0 to 300 m\), "
            r"got x = 310 m, z = 0 m\. Move the source.*metres, not in cells",
            {"srcs": [[0.0, 310.0], [0.0, 0.0]]},
        ),
        (r"acq: receiver 2 lies outside.*got x = 0 m, z = -10 m", {"recs": [[0] * 3, [0, 0, -10]]}),
    ],
)
def test_a_survey_outside_the_grid_is_refused(message, changes):
    with pytest.raises(VMBValueError, match=message):
        make(**changes).check(Grid((31, 31), 10.0))
