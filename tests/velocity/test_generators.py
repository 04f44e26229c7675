"""Tests of the generators: reproducible by index, in range, and true to their names."""

import json

import numpy as np
import pytest

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.velocity import (
    CurvedLayers,
    EvenLayers,
    FaultedLayers,
    FlatLayers,
    Gradients,
    Mixture,
    RoughLayers,
    SaltBasin,
    SaltBodies,
    SaltRidges,
    SmoothFields,
    VelocityGenerator,
    fcnvmb_like,
    openfwi_family,
    openfwi_like,
    seg_salt_like,
)

DIMS = (34, 25)
FAMILIES = [
    FlatLayers,
    CurvedLayers,
    EvenLayers,
    RoughLayers,
    FaultedLayers,
    SaltBodies,
    SaltRidges,
    SaltBasin,
    Gradients,
    SmoothFields,
]


def every_generator(seed=3):
    return [*(family(DIMS, seed=seed) for family in FAMILIES), openfwi_like(DIMS, seed)]


@pytest.mark.parametrize("gen", every_generator(), ids=lambda gen: type(gen).__name__)
class TestContract:
    def test_index_alone_decides(self, gen):
        there = [gen[i] for i in range(8)]
        fresh = VelocityGenerator.from_config(gen.config)
        back = [fresh.sample(i) for i in reversed(range(8))][::-1]
        np.testing.assert_array_equal(there, back)
        np.testing.assert_array_equal(gen.batch(5, 3), there[5:])

    def test_models_differ_by_index_and_seed(self, gen):
        other = VelocityGenerator.from_config({**gen.config, "seed": gen.seed + 1})
        assert not np.array_equal(gen[0], gen[1])
        assert not np.array_equal(gen[0], other[0])

    def test_form_and_range(self, gen):
        vp = gen[2]
        assert vp.shape == DIMS
        assert vp.dtype == np.float32
        assert vp.flags.c_contiguous
        models = gen.batch(0, 60)
        assert models.shape == (60, *DIMS)
        assert models.min() >= 1500.0
        assert models.max() <= 4500.0
        assert np.ptp(models) > 2000.0

    def test_config_is_json_and_rebuilds(self, gen):
        assert VelocityGenerator.from_config(json.loads(json.dumps(gen.config))) == gen


@pytest.mark.parametrize("dims", [(301, 201), (70, 70), (8, 8)])
def test_presets_work_on_any_grid(dims):
    for preset in (openfwi_like, fcnvmb_like, seg_salt_like):
        models = preset(dims, 1).batch(0, 4)
        assert models.shape == (4, *dims)
        assert np.isfinite(models).all()


def test_flat_layers_are_laterally_constant_and_folded_ones_are_not():
    flat, folded = FlatLayers(DIMS).batch(0, 30), CurvedLayers(DIMS).batch(0, 30)
    assert (flat == flat[:, :1]).all()
    assert (folded != folded[:, :1]).any(axis=(1, 2)).mean() > 0.9


def test_layer_counts_stay_within_bounds():
    counts = [len(np.unique(vp[0])) for vp in FlatLayers((8, 200), layers=(3, 5)).batch(0, 80)]
    assert set(counts) == {3, 4, 5}


def test_share_of_models_that_rise_with_depth():
    models = FlatLayers(DIMS, rising=0.6, layers=(4, 6)).batch(0, 300)
    rises = (np.diff(models[:, 0], axis=1) >= 0).all(axis=1)
    assert rises.mean() == pytest.approx(0.6, abs=0.08)


def test_faded_layers_change_inside():
    sharp = FlatLayers(DIMS, layers=(2, 4), faded=0.0).batch(0, 20)
    faded = FlatLayers(DIMS, layers=(3, 4), faded=1.0).batch(0, 20)
    assert max(len(np.unique(vp)) for vp in sharp) <= 4
    assert min(len(np.unique(vp)) for vp in faded) > 4


def test_relief_is_bounded_by_its_parameter():
    gen = CurvedLayers((60, 100), layers=(2, 2), relief=(0.1, 0.2, 0.3), conformal=1.0)
    for vp in gen.batch(0, 20):
        interface = (vp == vp[:, :1]).sum(axis=1)
        assert 9 <= np.ptp(interface) <= 31


def test_vertical_fault_displaces_one_side_by_its_throw():
    throw = 5
    flat = FlatLayers((40, 50), layers=(2, 2))
    gen = FaultedLayers(
        (40, 50), background=flat, faults=(1, 1), throw=(throw / 50,) * 2, dip=(90.0, 90.0)
    )
    for vp in gen.batch(0, 20):
        depth = (vp == vp[:, :1]).sum(axis=1)
        jumps = np.flatnonzero(np.diff(depth))
        assert len(jumps) == 1
        assert abs(depth[-1] - depth[0]) == throw


def test_fault_follows_its_dip():
    flat = FlatLayers((100, 100), layers=(8, 8))
    faulted = FaultedLayers(
        (100, 100), background=flat, faults=(1, 1), throw=(0.1, 0.1), dip=(45.0, 45.0)
    )
    for vp in faulted.batch(0, 10):
        differs_from_left, differs_from_right = vp != vp[:1], vp != vp[-1:]
        columns = np.arange(100)
        rows = np.flatnonzero((vp[0] != vp[-1]) & differs_from_left.any(0))
        rows = [k for k in rows if np.diff(vp[:, k]).astype(bool).sum() == 1]
        edge = [int(columns[differs_from_left[:, k]].min()) for k in rows]
        assert all(differs_from_right[:at, k].all() for at, k in zip(edge, rows, strict=True))
        slope = np.diff(edge) / np.diff(rows)
        np.testing.assert_allclose(np.abs(slope), 1.0, atol=0.5)


def test_gradients_rise_smoothly_without_anomalies():
    models = Gradients((40, 60), anomalies=0.0).batch(0, 30)
    steps = np.diff(models, axis=2)
    assert (steps >= 0).all()
    assert steps.max() < 0.12 * 3000
    rough = Gradients((40, 60), anomalies=1.0).batch(0, 30)
    assert (np.diff(rough, axis=2) < 0).any(axis=(1, 2)).mean() > 0.2


def test_salt_takes_the_area_that_was_asked():
    gen = SaltBodies(
        (50, 40), background=Gradients((50, 40), vp_range=(1500, 4000)), area=(0.1, 0.1)
    )
    salt = gen.batch(0, 10) == 4500.0
    np.testing.assert_allclose(salt.mean(axis=(1, 2)), 0.1, atol=1e-12)


def test_mixture_keeps_its_weights():
    mixture = openfwi_like(DIMS, 0)
    members = [member for _, member in mixture.members]
    drawn = [members.index(mixture.member(i)) for i in range(400)]
    shares = np.bincount(drawn, minlength=6) / 400
    np.testing.assert_allclose(shares, [0.15, 0.30, 0.15, 0.30, 0.05, 0.05], atol=0.06)


def test_member_is_the_one_that_draws():
    gen = Mixture({FlatLayers(DIMS): 1, Gradients(DIMS): 1}, seed=4)
    flat = [isinstance(gen.member(i), FlatLayers) for i in range(20)]
    constant = [bool((gen[i] == gen[i][0]).all()) for i in range(20)]
    assert flat == constant
    assert len(set(flat)) == 2


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: FlatLayers(40), VMBTypeError, "dims: must be two integers, got 40"),
        (lambda: FlatLayers((40, 4)), VMBValueError, "nz: must be at least 8, got 4"),
        (lambda: FlatLayers(DIMS, seed=-1), VMBValueError, "seed: must be at least 0, got -1"),
        (lambda: FlatLayers(DIMS, vp_range=(3e3, 2e3)), VMBValueError, "vp_range: must not fall"),
        (lambda: FlatLayers(DIMS, vp_range=3e3), VMBTypeError, "vp_range: must be 2 numbers"),
        (lambda: FlatLayers(DIMS, layers=(1, 4)), VMBValueError, "layers: must be at least 2"),
        (lambda: FlatLayers(DIMS, rising=1.2), VMBValueError, "rising: must be at most 1.0"),
        (lambda: FlatLayers(DIMS)[-1], VMBValueError, "index: must be at least 0, got -1"),
        (lambda: CurvedLayers(DIMS, relief=(0, 1)), VMBTypeError, "relief: must be 3 numbers"),
        (lambda: FaultedLayers(DIMS, dip=(5, 90)), VMBValueError, "dip: must be at least 10.0"),
        (
            lambda: FaultedLayers(DIMS, background=Gradients(DIMS)),
            VMBTypeError,
            "background: must be FlatLayers, got Gradients",
        ),
        (
            lambda: FaultedLayers(DIMS, background=FlatLayers((9, 9))),
            VMBValueError,
            r"background: must have dims \(34, 25\), got \(9, 9\)",
        ),
        (
            lambda: SaltBodies(DIMS, background=2000.0),
            VMBTypeError,
            "background: must be VelocityGenerator, got float",
        ),
        (
            lambda: RoughLayers(DIMS, layers=(5, 12), thinnest=0.08),
            VMBValueError,
            "thinnest: leaves no room for the layers, got 12 layers of 0.08",
        ),
        (lambda: EvenLayers(DIMS, relief=-0.1), VMBValueError, "relief: must be at least 0.0"),
        (lambda: SaltRidges(DIMS, lens=2), VMBValueError, "lens: must be at most 1.0"),
        (lambda: SaltBasin(DIMS, area=(0.1, 0.8)), VMBValueError, "area: must be at most 0.5"),
        (lambda: SmoothFields(DIMS, waves=(0, 4)), VMBValueError, "waves: must be at least 1"),
        (lambda: openfwi_family("marmousi"), VMBValueError, "name: is not a known choice"),
        (lambda: SaltBodies(DIMS, vp_salt=6e3), VMBValueError, "vp_salt: must be at most 4500"),
        (lambda: Mixture([]), VMBValueError, "members: must share one grid"),
        (
            lambda: Mixture([(1, FlatLayers(DIMS)), (1, FlatLayers((9, 9)))]),
            VMBValueError,
            "members: must share one grid",
        ),
        (lambda: Mixture([(1, "flat")]), VMBTypeError, "members: must hold generators, got str"),
        (lambda: Mixture([(0, FlatLayers(DIMS))]), VMBValueError, "weight: must be above 0.0"),
        (
            lambda: VelocityGenerator.from_config({"family": "Granite"}),
            VMBValueError,
            "is not a known choice, got 'Granite'",
        ),
        (
            lambda: VelocityGenerator.from_config({"family": "FlatLayers", "dip": 3}),
            VMBTypeError,
            "config: does not fit FlatLayers",
        ),
    ],
)
def test_refusals_say_what_was_wrong(build, error, message):
    with pytest.raises(error, match=message):
        build()
