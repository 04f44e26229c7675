"""The preconditioner is symmetric and positive, and its Gaussian is that of scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion.masks import check_mask
from pylops_vmb.inversion.preconditioning import Preconditioner, gaussian

LIKE = torch.zeros(2, dtype=torch.float64)


@pytest.fixture
def field(rng):
    return torch.from_numpy(rng.standard_normal((24, 16)))


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.5, 0.625, 1.0, 1.125, 2.3, 5.0, 9.0])
def test_the_gaussian_is_that_of_scipy(field, sigma):
    want = gaussian_filter(field.numpy(), sigma, mode="nearest")
    np.testing.assert_allclose(gaussian(field, sigma), want, atol=1e-12)


def test_the_gaussian_keeps_the_layout_in_memory(field):
    assert gaussian(field, 2.0).is_contiguous()


def test_the_gaussian_tells_the_axes_apart():
    spike = torch.zeros(7, 31, dtype=torch.float64)
    spike[3, 15] = 1.0
    assert gaussian(spike, 1.0).shape == (7, 31)


def test_illumination_lifts_what_is_deep_and_is_found_once(field):
    decay = torch.exp(-torch.arange(16) / 4.0).double()
    precondition = Preconditioner()
    precondition.adapt(field * decay)
    lifted = precondition(torch.ones(24, 16, dtype=torch.float64)).mean(0)
    assert float(lifted[-1]) > 5.0 * float(lifted[0])
    assert float(lifted.max()) <= 100.0
    before = precondition(field)
    precondition.adapt(field)
    assert torch.equal(precondition(field), before)


def test_illumination_of_a_gradient_that_vanishes_is_finite():
    precondition = Preconditioner()
    precondition.adapt(torch.zeros(4, 3))
    assert bool(precondition(torch.ones(4, 3)).isfinite().all())


def test_without_illumination_nothing_is_adapted(field):
    precondition = Preconditioner(illumination=False)
    precondition.adapt(field)
    assert torch.equal(precondition(field), field)


def test_it_is_positive(field):
    precondition = Preconditioner(smooth=1.5)
    precondition.adapt(field)
    assert float((field * precondition(field)).sum()) > 0.0


def test_masks_are_read_from_booleans_and_weights(field):
    water = np.ones((24, 16), dtype=bool)
    water[:, :4] = False
    mask = check_mask(water, (24, 16), LIKE)
    assert mask.dtype == torch.float64
    out = Preconditioner(mask=mask, smooth=1.0, illumination=False)(field)
    assert not out[:, :4].any()
    assert out[:, 4:].all()
    assert check_mask(None, (24, 16), LIKE) is None


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((16, 24)), "seem to be swapped"),
        (np.full((24, 16), 2.0), "mask: must be at most 1"),
        (np.full((24, 16), -1.0), "mask: must be at least 0"),
        (np.full((24, 16), np.nan), "mask: must be at least 0"),
    ],
)
def test_masks_that_cannot_be_weights_are_refused(mask, message):
    with pytest.raises(VMBValueError, match=message):
        check_mask(mask, (24, 16), LIKE)
