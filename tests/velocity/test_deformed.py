"""Deformed models: rotated, stretched, cropped, mirrored and mixed as asked for."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.velocity import CurvedLayers, Deformed, VelocityGenerator, openfwi_like

DIMS = (40, 30)


@dataclass(frozen=True)
class Fixed(VelocityGenerator):
    """A box of 4000 m/s, beside the middle, in 2000 m/s; or, every other time, plain 3000 m/s."""

    plain: float = 0.0

    def _draw(self, rng):
        vp = np.full(self.dims, 2000.0)
        vp[8:16, 10:20] = 4000.0
        return np.full(self.dims, 3000.0) if rng.uniform() < self.plain else vp


def box(vp):
    """Return the cells ``(n, 2)`` of the box, counted from the middle of the grid."""
    return np.argwhere(vp > 3000.0) - 0.5 * (np.array(vp.shape) - 1.0)


def test_reproducible_by_index_and_rebuilt_from_config():
    gen = Deformed(
        openfwi_like(DIMS), dims=(32, 24), seed=5, rotation=8.0, stretch=(0.8, 1.2), mixed=0.5
    )
    there = [gen[i] for i in range(6)]
    fresh = VelocityGenerator.from_config(json.loads(json.dumps(gen.config)))
    assert fresh == gen
    np.testing.assert_array_equal([fresh[i] for i in reversed(range(6))][::-1], there)
    assert there[0].shape == (32, 24)
    assert there[0].dtype == np.float32
    assert not np.array_equal(there[0], there[1])
    assert not np.array_equal(there[0], Deformed(openfwi_like(DIMS), dims=(32, 24), seed=6)[0])


def test_nothing_asked_nothing_changed():
    np.testing.assert_array_equal(Deformed(Fixed(DIMS))[0], Fixed(DIMS)[0])


def test_mirror():
    models = Deformed(Fixed(DIMS), mirror=0.5, seed=1).batch(0, 40)
    mirrored = [np.array_equal(vp, Fixed(DIMS)[0][::-1]) for vp in models]
    kept = [np.array_equal(vp, Fixed(DIMS)[0]) for vp in models]
    assert sum(mirrored) + sum(kept) == 40
    assert 10 < sum(mirrored) < 30


def test_rotation_turns_about_the_middle():
    before, angles = box(Fixed(DIMS)[0]).mean(axis=0), []
    for vp in Deformed(Fixed(DIMS), rotation=20.0).batch(0, 30):
        after = box(vp).mean(axis=0)
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), abs=0.3)
        turned = np.arctan2(*after[::-1]) - np.arctan2(*before[::-1])
        angles.append(np.rad2deg((turned + np.pi) % (2.0 * np.pi) - np.pi))
    assert -22.0 < min(angles) < -12.0
    assert 12.0 < max(angles) < 22.0


def test_stretch_by_a_known_factor():
    vp = Deformed(Fixed(DIMS), stretch=(0.5, 0.5))[0]
    assert box(vp).mean(axis=0) == pytest.approx(0.5 * box(Fixed(DIMS)[0]).mean(axis=0), abs=0.6)
    assert int((vp > 3000.0).sum()) == pytest.approx(20, abs=4)


def test_layers_keep_their_velocities():
    layers = CurvedLayers(DIMS)
    deformed = Deformed(layers, rotation=10.0, stretch=(0.9, 1.1))
    moved = deformed.draw(np.random.default_rng(3))
    assert set(np.unique(moved)) <= set(np.unique(layers.draw(np.random.default_rng(3))))


def test_crop_is_a_window_of_the_model():
    whole, starts = Fixed(DIMS)[0], set()
    windows = np.lib.stride_tricks.sliding_window_view(whole, (30, 28))
    for vp in Deformed(Fixed(DIMS), dims=(30, 28)).batch(0, 20):
        found = np.argwhere((windows == vp).all(axis=(2, 3)))
        assert len(found) > 0
        starts.add(tuple(found[0]))
    assert len(starts) > 8


def test_mixtures_lie_between_two_models():
    models = Deformed(Fixed(DIMS, plain=0.5), mixed=1.0).batch(0, 20)
    values = [np.unique(vp).round(1) for vp in models]
    blends = [pair for pair in values if len(pair) == 2 and 2000.0 < pair[0] < 3000.0]
    assert len(blends) > 3
    assert all(sum(pair) == pytest.approx(6000.0, abs=1.0) for pair in blends)


def test_refusals():
    with pytest.raises(VMBTypeError, match="generator: must draw velocity models"):
        Deformed(np.zeros(DIMS))
    with pytest.raises(VMBValueError, match=r"dims: must fit .* got \(50, 30\)"):
        Deformed(Fixed(DIMS), dims=(50, 30))
    with pytest.raises(VMBValueError, match="rotation: must be at most 90"):
        Deformed(Fixed(DIMS), rotation=400.0)
