"""Seeds keep their meaning: the digests of some samples are pinned.

The embedded weights name the models that they were trained on by a generator and a seed. A change
of these digests means that the same card describes other models.
"""

import hashlib

import numpy as np
import pytest

from pylops_vmb.velocity import (
    CurvedLayers,
    FaultedLayers,
    FlatLayers,
    Gradients,
    SaltBodies,
    fcnvmb_like,
    openfwi_family,
    openfwi_like,
    seg_salt_like,
)

DIMS = (34, 25)


def digest(models) -> str:
    """Return a digest of velocities in whole m/s, which the last bit of a sine cannot change."""
    return hashlib.sha256(np.rint(models).astype("<i2").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("dims", "start", "count", "expected"),
    [
        ((70, 70), 0, 64, "9dd866e70042fa6e"),
        ((70, 70), 9000, 16, "08ee8816309b7611"),
        ((24, 16), 0, 12, "23507fbfbe2b8636"),
    ],
)
def test_models_of_the_embedded_weights(dims, start, count, expected):
    assert digest(openfwi_like(dims, seed=0).batch(start, count)) == expected


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (FlatLayers, "3ef2750d1724c630"),
        (CurvedLayers, "12946c11cd89492b"),
        (FaultedLayers, "c8822a9995851472"),
        (SaltBodies, "4b7543db4037f1f8"),
        (Gradients, "4cf8d99e2ca2e943"),
    ],
)
def test_families(family, expected):
    assert digest(family(DIMS, seed=3).batch(0, 8)) == expected


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        (fcnvmb_like(DIMS, 1), "d9748e1eedbd5baf"),
        (seg_salt_like(DIMS, 1), "bbe4b829b27be681"),
        (openfwi_family("flatvel_a", DIMS, 1), "92ccc5a14359eff7"),
        (openfwi_family("curvefault_b", DIMS, 1), "412f63973e784884"),
        (openfwi_family("style_a", DIMS, 1), "0c7cf05d6ca065b7"),
    ],
    ids=["fcnvmb_like", "seg_salt_like", "flatvel_a", "curvefault_b", "style_a"],
)
def test_presets(generator, expected):
    assert digest(generator.batch(0, 8)) == expected
