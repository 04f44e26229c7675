"""Surveys as they are shot: missing and dead traces, delays, lines across the map, shot keys."""

import numpy as np
import pytest

from pylops_vmb.errors import FileWarning, VMBFileError, VMBValueError
from pylops_vmb.io import open_gathers, read_gathers, read_traces, summary, write_gathers
from pylops_vmb.survey import Acquisition

NT, F0 = 20, 40.0
FLDR, SX = np.repeat([7, 8, 9], 4), np.repeat([100, 200, 300], 4)
FIXED, STREAMER = np.tile([10, 20, 30, 40], 3), SX - np.tile([40, 30, 20, 10], 3)
KEPT = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]  # the second shot lost a trace, the third its last


@pytest.fixture
def traces(rng):
    return rng.integers(1, 9, (12, NT)).astype(np.float32)


def words(which=slice(None), **more):
    """Return headers of a fixed spread."""
    base = {"fldr": FLDR, "sx": SX, "gx": FIXED, "tracf": np.tile([1, 2, 3, 4], 3)} | more
    return {name: np.broadcast_to(value, 12)[which] for name, value in base.items()}


@pytest.mark.parametrize("gx", [FIXED, FIXED[::-1], STREAMER], ids=["fixed", "falling", "streamer"])
def test_missing_traces_become_zeros_at_their_places(make_segy, traces, gx):
    whole = make_segy(traces, **words(gx=gx))
    want, acq = read_gathers(whole, f0=F0)
    path = make_segy(traces[KEPT], **words(KEPT, gx=gx))
    with pytest.raises(VMBFileError, match=r"got 3 to 4 traces.*Pass missing='fill'"):
        read_gathers(path, f0=F0)
    got, found = read_gathers(path, f0=F0, missing="fill")
    want[1, 1], want[2, 3] = 0.0, 0.0
    assert np.array_equal(got, want)
    assert found == acq


def test_missing_traces_are_placed_by_channel_where_positions_jitter(make_segy, traces, rng):
    jitter = STREAMER * 100 + rng.integers(-9, 9, 12)
    path = make_segy(traces[KEPT], **words(KEPT, sx=100 * SX, gx=jitter, scalco=-100))
    got, found = read_gathers(path, f0=F0, missing="fill")
    assert got.shape == (3, 4, NT)
    assert not got[1, 1].any()
    assert not got[2, 3].any()
    assert (np.abs(got).max(axis=-1) > 0).sum() == 10
    np.testing.assert_allclose(found.offsets, np.tile([-40, -30, -20, -10], (3, 1)), atol=0.1)
    np.testing.assert_array_equal(found.recs[0].ravel()[KEPT], jitter[KEPT] / 100)


def test_spreads_without_a_common_place_are_refused(make_segy, traces):
    path = make_segy(traces[KEPT], **words(KEPT, gx=np.arange(12) ** 2, tracf=np.arange(12)))
    with pytest.raises(VMBFileError, match=r"no spread that its shots share.*got 33 %: 10 traces"):
        read_gathers(path, f0=F0, missing="fill")
    path = make_segy(traces[KEPT], **words(KEPT, gx=FIXED // 20, tracf=0))
    with pytest.raises(VMBFileError, match="two traces of a shot share their place"):
        read_gathers(path, f0=F0, missing="fill")


def test_shots_of_any_size_are_read_one_by_one(make_segy, traces):
    path = make_segy(traces[KEPT], **words(KEPT))
    gathers = open_gathers(path, f0=F0)
    assert len(gathers) == 3
    assert gathers.nrs.tolist() == [4, 3, 3]
    assert "3 shots by fldr x 3 to 4 receivers" in repr(gathers)
    for i, (d, acq) in enumerate(gathers):
        rows = [k for k in KEPT if FLDR[k] == 7 + i]
        assert np.array_equal(d, traces[rows][None])
        assert acq.recs.tolist() == [FIXED[rows].tolist(), [0.0] * len(rows)]
        assert acq.srcs.tolist() == [[SX[rows[0]]], [0.0]]
    assert np.array_equal(gathers[-1][0], gathers[2][0])
    with pytest.raises(IndexError):
        gathers[3]


def test_dead_traces_are_zeros_and_auxiliary_ones_left_out(make_segy, traces):
    trid = np.array([1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 3, 1])
    lost = {"sx": np.where(trid == 2, 0, SX), "gx": np.where(trid == 2, 0, FIXED)}
    path = make_segy(traces, **words(trid=trid, **lost))
    with pytest.warns(FileWarning, match="dead traces, which are set to zero.*got 2 of 12"):
        d, acq = read_gathers(path, f0=F0)
    want = traces.reshape(3, 4, NT).copy()
    want[0, 2], want[2, 2] = 0.0, 0.0
    assert np.array_equal(d, want)
    assert acq.srcs[0].tolist() == [100.0, 200.0, 300.0]
    assert np.array_equal(read_traces(path)[0], traces)
    path = make_segy(traces, **words(trid=np.tile([1, 1, 6, 1], 3)))
    with pytest.warns(FileWarning, match="auxiliary traces, which are left out, got 3 of 12"):
        d, _ = read_gathers(path, f0=F0)
    assert np.array_equal(d, traces.reshape(3, 4, NT)[:, [0, 1, 3]])
    path = make_segy(traces, **words(trid=6))
    with pytest.raises(VMBFileError, match="holds no positions"):
        open_gathers(path)


def test_components_are_doubted(make_segy, traces):
    path = make_segy(traces, **words(trid=np.tile([12, 13, 14, 12], 3)))
    with pytest.warns(FileWarning, match="several kinds.*got identification codes 12, 13, 14"):
        read_gathers(path, f0=F0)


@pytest.mark.parametrize(
    ("delrt", "sut", "early"),
    [(8, 0, 2), (80, -10, 2), (4, 2, 2), (-8, 0, -2), ([0, 4, 8, 12] * 3, 0, 3)],
)
def test_delays_move_traces_to_their_time(make_segy, traces, delrt, sut, early):
    path = make_segy(traces, **words(delrt=delrt, sut=sut))
    with pytest.warns(FileWarning, match="not recorded from time zero; zeros stand before"):
        d, acq = read_gathers(path, f0=F0)
    assert acq.nt == d.shape[-1] == NT + early
    late = np.broadcast_to(delrt, 12) * (sut if sut > 0 else 1) / (10 if sut < 0 else 1) / 4
    for row, trace, first in zip(d.reshape(12, -1), traces, late.astype(int), strict=True):
        want = np.zeros(NT + 9)
        want[max(first, 0) : first + NT] = trace[max(-first, 0) :]
        assert np.array_equal(row, want[: NT + early])
    with pytest.warns(FileWarning, match="is read as if it were, got a delay of"):
        d, acq = read_gathers(path, f0=F0, delays="ignore")
    assert np.array_equal(d.reshape(12, -1), traces)


@pytest.mark.parametrize("delrt", [10_000, -200])
def test_delays_out_of_proportion_are_refused(make_segy, traces, delrt):
    path = make_segy(traces, **words(delrt=delrt))
    with pytest.raises(VMBFileError, match=f"near time zero: 20 samples of 4 ms, got .* {delrt} "):
        read_gathers(path, f0=F0)


@pytest.mark.parametrize("azimuth", [0.0, 30.0, 90.0, 135.0, 200.0])
def test_lines_across_the_map_are_projected(make_segy, traces, azimuth):
    across = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    (sx, sy), (gx, gy) = (
        np.rint(100 * (np.outer(across, x) + np.array([[5e5], [6e6]]))) for x in (SX, FIXED)
    )
    path = make_segy(traces, **words(sx=sx, sy=sy, gx=gx, gy=gy, scalco=-100))
    if azimuth == 90.0:
        _, acq = read_gathers(path, f0=F0)
        assert acq.srcs[0].tolist() == [500_100.0, 500_200.0, 500_300.0]
        return
    with pytest.warns(FileWarning, match="not along x; positions are projected"):
        d, acq = read_gathers(path, f0=F0)
    assert np.array_equal(d.reshape(12, NT), traces)
    distances = np.abs(acq.offsets)
    np.testing.assert_allclose(distances, np.abs(FIXED - SX).reshape(3, 4), atol=0.02)
    assert min(acq.srcs[0].min(), acq.recs[0].min()) == pytest.approx(0.0, abs=1e-6)
    assert acq.recs.ndim == 2


def test_crooked_lines_are_refused_with_the_distance(make_segy, traces):
    gy = np.tile([0, 0, 35, 0], 3)
    path = make_segy(traces, **words(gy=gy))
    with pytest.raises(
        VMBFileError, match=r"crooked line.*limit is 2\.92 m, got positions up to 27\.89 m from"
    ):
        read_gathers(path, f0=F0)
    with pytest.warns(FileWarning, match=r"not quite along x; y is left out, got y from 0 to 35"):
        _, acq = read_gathers(path, f0=F0, crooked=40.0)
    assert acq.recs[0].tolist() == [10.0, 20.0, 30.0, 40.0]
    with pytest.warns(FileWarning, match=r"not along x; positions are projected.*m beside it"):
        read_gathers(path, f0=F0, crooked=30.0)
    with pytest.raises(VMBValueError, match="crooked: must be at least 0"):
        read_gathers(path, crooked=-1.0)


def test_shots_are_told_by_their_source_positions_on_a_line_along_y(make_segy, traces):
    path = make_segy(traces, **words(fldr=1, sx=5, gx=5, sy=SX, gy=FIXED))
    with pytest.warns(FileWarning, match="azimuth of 0 degrees"):
        gathers = open_gathers(path, f0=F0)
    assert gathers.shot_key == "sx"
    assert gathers.srcs[0].tolist() == [90.0, 190.0, 290.0]


def test_one_trace_a_shot_may_be_a_stack(make_segy, traces):
    path = make_segy(traces, **words(fldr=np.arange(12), sx=10 * np.arange(12)))
    with pytest.warns(FileWarning, match="one trace a shot: it may be a stacked section"):
        read_gathers(path, f0=F0)


def test_receivers_at_zero_alone_are_no_positions(make_segy, traces):
    path = make_segy(traces, **words(gx=0))
    with pytest.raises(VMBFileError, match=r"no receiver positions, got zeros only.*read_traces"):
        read_gathers(path, f0=F0)


def test_elevations_and_feet(make_segy, traces):
    heights = {"sdepth": 15, "selev": 1000, "gelev": 985, "scalel": -10, "scalco": 10}
    path = make_segy(traces, binary={3255: ("h", 2)}, **words(**heights))
    _, acq = read_gathers(path, f0=F0)
    np.testing.assert_allclose(acq.srcs[:, 0], [0.3048 * 1000, 0.3048 * -98.5])
    np.testing.assert_allclose(acq.recs[:, 0], [0.3048 * 100, 0.3048 * -98.5])


def test_samples_that_are_no_numbers_give_no_wavelet(make_segy, traces):
    traces[3, 4] = np.nan
    path = make_segy(traces, **words())
    with pytest.raises(VMBFileError, match=r"no wavelet can be guessed.*got 1 NaN"):
        read_gathers(path)
    assert np.isnan(read_gathers(path, f0=F0)[0]).sum() == 1


def test_traces_of_zeros_are_written_as_dead(tmp_path, rng):
    acq = Acquisition.fixed_spread([0.0, 40.0], [0.0, 10.0], nt=50, dt=0.004, f0=30.0)
    data = rng.normal(size=acq.dimsd).astype(np.float32)
    data[1, 0] = 0.0
    write_gathers(tmp_path / "g.sgy", data, acq)
    with pytest.warns(FileWarning, match="dead traces.*got 1 of 4"):
        got, found = read_gathers(tmp_path / "g.sgy", f0=30.0)
    assert np.array_equal(got, data)
    assert found == acq


def test_summary_says_what_was_found_and_what_is_doubtful(make_segy, traces):
    path = make_segy(traces, **words(delrt=8, ns=1500, trid=np.repeat([1, 1, 2], 4)))
    found = summary(path)
    assert found.gathers == "3 shots by fldr of 4 receivers"
    assert found.delays == (0.008, 0.008)
    assert found.dead == 4
    text = str(found)
    assert "12 traces of 20 samples, interval 4000 us, from 8 ms on, 4 dead" in text
    assert text.count("doubtful: line.sgy: ") == len(found.doubts) == 3
    for words_ in ("got 1500 in the trace headers", "not recorded from time zero", "got 4 of 12"):
        assert words_ in text
    refused = summary(make_segy(traces, **words(gx=0)))
    assert refused.gathers.startswith("cannot be read: line.sgy: holds no receiver positions")
