"""Tests of the ready-made generators and of the families that they use."""

import numpy as np
import pytest

from pylops_vmb.velocity import (
    OPENFWI_FAMILIES,
    EvenLayers,
    RoughLayers,
    SaltBasin,
    SaltRidges,
    SmoothFields,
    VelocityGenerator,
    fcnvmb_like,
    openfwi_family,
    seg_salt_like,
)
from pylops_vmb.velocity.statistics import describe, interfaces, layer_velocities

DIMS = (60, 50)


class TestRoughLayers:
    def test_layers_are_never_thinner_than_asked(self):
        gen = RoughLayers((40, 200), layers=(6, 6), thinnest=0.1, roughness=0.0)
        for vp in gen.batch(0, 20):
            depths = interfaces(vp)[:, 0]
            assert np.diff(depths, prepend=0.0, append=200.0).min() >= 19
            assert min(depths[0], 200 - depths[-1]) >= 24

    def test_interfaces_share_a_form_of_the_spread_asked(self):
        gen = RoughLayers((300, 400), layers=(4, 4), roughness=0.02)
        forms = [interfaces(vp) for vp in gen.batch(0, 30)]
        shared = [np.ptp(form[0] - form[1]) for form in forms]
        assert max(shared) <= 1.0
        spread = np.mean([form[0].std() for form in forms])
        assert spread == pytest.approx(0.02 * 400, rel=0.15)

    def test_flares_stay_near_the_sides(self):
        gen = RoughLayers((300, 400), layers=(4, 4), roughness=0.0, flare=0.03, reach=0.03)
        form = np.array([interfaces(vp)[0] for vp in gen.batch(0, 20)])
        assert np.ptp(form[:, 18:-18], axis=1).max() == 0.0
        assert np.std(form[:, 0] - form[:, 150]) > 4.0

    def test_rougher_share_is_twice_as_rough(self):
        plain, rough = (
            RoughLayers(DIMS, seed=2, roughness=0.02, rougher=share) for share in (0.0, 1.0)
        )
        ratio = [
            np.ptp(rough._form(np.random.default_rng(i)))
            / np.ptp(plain._form(np.random.default_rng(i)))
            for i in range(5)
        ]
        np.testing.assert_allclose(ratio, 2.0)


class TestEvenLayers:
    def test_flat_layers_have_one_thickness_but_the_first(self):
        for vp in EvenLayers((8, 700), seed=1).batch(0, 30):
            depths = interfaces(vp)[:, 0]
            inner = np.diff(depths)
            count = round(700 / inner.mean()) if len(inner) else 3
            assert 3 <= count <= 7
            assert np.abs(inner - 700 / count).max(initial=0.0) <= 0.02 * 700 + 1
            assert 0.5 - 1e-2 <= depths[0] * count / 700 <= 1.5 + 1e-2

    def test_folds_are_conformal_and_grow_to_the_right(self):
        gen = EvenLayers((140, 400), layers=(3, 3), relief=0.03)
        forms = np.array([interfaces(vp)[0] for vp in gen.batch(0, 60)])
        spread = (forms - forms.mean(axis=1, keepdims=True)).std(axis=0)
        assert spread[-40:].mean() > 1.5 * spread[:40].mean()

    def test_bend_sets_the_wavelength(self):
        short, long = (
            np.nanmedian(
                describe(EvenLayers((140, 200), relief=0.1, bend=bend).batch(0, 40))["wavelength"]
            )
            for bend in (0.1, 0.2)
        )
        assert long / short == pytest.approx(2.0, rel=0.25)


class TestSaltRidges:
    def test_ridges_stand_on_the_bottom_and_lenses_do_not(self):
        for share, stands in ((0.0, True), (1.0, False)):
            salt = SaltRidges(DIMS, lens=share).batch(0, 20) == 4500.0
            assert (salt.any(axis=(1, 2))).all()
            assert (salt[:, :, -1].any(axis=1) == stands).all()

    def test_share_without_salt(self):
        models = SaltRidges(DIMS, share=0.5, vp_range=(1500.0, 4500.0)).batch(0, 200)
        bare = (models < 4500.0).all(axis=(1, 2)).mean()
        assert bare == pytest.approx(0.5, abs=0.1)


class TestSaltBasin:
    def test_water_lies_on_top_and_salt_below_it(self):
        for vp in SaltBasin(DIMS, share=1.0).batch(0, 20):
            assert (vp[:, 0] == 1500.0).all()
            assert (np.diff((vp == 1500.0).astype(int), axis=1) <= 0).all()
            assert (vp == 4482.0).any()

    def test_salt_takes_an_area_within_the_bounds(self):
        salt = SaltBasin(DIMS, share=1.0, area=(0.05, 0.1)).batch(0, 30) == 4482.0
        area = salt.mean(axis=(1, 2))
        assert (area >= 0.05 - 1e-3).all()
        assert (area <= 0.1 + 1e-3).all()

    def test_share_without_salt(self):
        models = SaltBasin(DIMS, share=0.6).batch(0, 200)
        assert (models == 4482.0).any(axis=(1, 2)).mean() == pytest.approx(0.6, abs=0.1)

    def test_lines_do_not_add_up_where_they_cross(self):
        assert SaltBasin((120, 100), share=0.0).batch(0, 40).max() < 3700.0


def test_smooth_fields_have_the_waves_asked():
    few, many = (
        np.mean(np.abs(np.diff(SmoothFields((64, 64), waves=(n, n)).batch(0, 20), axis=2)))
        for n in (4, 16)
    )
    assert many > 2.0 * few


@pytest.fixture(scope="module")
def fcnvmb():
    return describe(fcnvmb_like((150, 201), 0).batch(0, 120), vp_salt=4500.0)


def test_fcnvmb_like_layers_and_velocities(fcnvmb):
    assert set(fcnvmb["layers"]) == set(range(5, 11))
    assert fcnvmb["falls"].max() == 0.0
    assert fcnvmb["vp_top"].min() >= 2000.0
    assert fcnvmb["vp_bottom"].max() <= 4000.0


def test_fcnvmb_like_relief_and_thickness(fcnvmb):
    assert np.median(fcnvmb["relief_mean"]) == pytest.approx(6.75, abs=1.5)
    assert fcnvmb["thinnest"].min() >= 14.0


def test_fcnvmb_like_salt(fcnvmb):
    assert fcnvmb["salt_area"].min() > 0.0
    assert fcnvmb["salt_area"].mean() == pytest.approx(0.116, abs=0.012)
    assert np.median(fcnvmb["salt_width"]) == pytest.approx(0.76, abs=0.02)
    assert (fcnvmb["salt_bottom"] == 1.0).mean() == pytest.approx(0.5, abs=0.12)


class TestOpenFWIFamilies:
    @pytest.mark.parametrize("name", OPENFWI_FAMILIES)
    def test_range_and_config(self, name):
        gen = openfwi_family(name, (24, 24), 3)
        models = gen.batch(0, 40)
        assert models.min() >= 1500.0
        assert models.max() <= 4500.0
        assert np.ptp(models) > 2000.0
        np.testing.assert_array_equal(VelocityGenerator.from_config(gen.config)[5], models[5])

    @pytest.mark.parametrize("name", ["flatvel", "curvevel"])
    def test_velocity_rises_in_a_and_not_in_b(self, name):
        falls = {
            version: np.mean(
                [(np.diff(vp[0]) < 0).any() for vp in openfwi_family(name + version).batch(0, 40)]
            )
            for version in ("_a", "_b")
        }
        assert falls["_a"] == 0.0
        assert falls["_b"] > 0.7

    def test_flat_curved_and_faulted_differ(self):
        flat = openfwi_family("flatvel_a").batch(0, 20)
        assert (flat == flat[:, :1]).all()
        for name in ("curvevel_a", "flatfault_a", "curvefault_a"):
            bent = openfwi_family(name).batch(0, 20)
            assert (bent != bent[:, :1]).any(axis=(1, 2)).mean() > 0.8

    def test_families_of_one_seed_share_nothing(self):
        a, b = (layer_velocities(openfwi_family(f"flatvel_{v}", seed=1)[0]) for v in "ab")
        assert not set(a) & set(b)


def test_seg_salt_like_has_salt_in_most_models():
    models = seg_salt_like(DIMS, 0).batch(0, 200)
    assert (models == 4482.0).any(axis=(1, 2)).mean() == pytest.approx(0.8, abs=0.08)
    assert models.min() == 1500.0
