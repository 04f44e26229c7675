"""Metrics against scikit-image, a direct convolution and numbers worked out by hand."""

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.metrics import structural_similarity

from pylops_vmb.errors import VMBValueError
from pylops_vmb.metrics import (
    coverage,
    log_likelihood,
    mae,
    psnr,
    relative_l2,
    rmse,
    salt_iou,
    scores,
    ssim,
)


@pytest.fixture
def models():
    rng = np.random.default_rng(7)
    true = 1500.0 + 40.0 * np.arange(31)[None, :] + rng.normal(0.0, 60.0, (23, 31))
    return true + rng.normal(0.0, 150.0, true.shape), true


def direct_gaussian_ssim(a, b):
    """SSIM of pytorch-ssim, from torch's 2-D convolution with its 11 x 11 window."""
    line = torch.exp(-((torch.arange(11.0, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    line /= line.sum()
    window = torch.outer(line, line)[None, None]
    a, b = (torch.from_numpy((x - 1500.0) / 3000.0)[None, None] for x in (a, b))

    def mean(x):
        return torch.nn.functional.conv2d(x, window, padding=5)

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2
    cov = mean(a * b) - mu_a * mu_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mu_a * mu_b + c1) * (2 * cov + c2)
    return float((top / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))).mean())


def test_errors_by_hand():
    vp, true = np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]])
    assert mae(vp, true) == 1.5
    assert rmse(vp, true) == pytest.approx(np.sqrt(4.5))
    assert relative_l2(vp, true) == pytest.approx(3.0 / np.sqrt(5.0))


def test_overlap_of_salt_by_hand():
    true = np.full((4, 5), 2000.0)
    vp = true.copy()
    assert np.isnan(salt_iou(vp, true))
    true[:2], vp[1:3] = 4500.0, 4500.0
    assert salt_iou(vp, true) == pytest.approx(1 / 3)
    assert salt_iou(true, true) == 1.0
    assert salt_iou(vp, true, above=4600.0) != salt_iou(vp, true)
    seen_in_vain = np.stack([true, vp]), np.stack([true, np.full_like(true, 2000.0)])
    assert salt_iou(*seen_in_vain) == pytest.approx(0.5)


def test_psnr_is_twenty_db_for_a_tenth_of_the_range(models):
    _, true = models
    assert psnr(true + 300.0, true) == pytest.approx(20.0)
    assert psnr(true, true) == np.inf


def test_gaussian_ssim_is_that_of_a_direct_convolution(models):
    assert ssim(*models) == pytest.approx(direct_gaussian_ssim(*models), abs=1e-12)


def test_uniform_ssim_is_that_of_scikit_image(models):
    a, b = ((x - 1500.0) / 3000.0 for x in models)
    theirs = structural_similarity(a, b, data_range=1.0)
    assert ssim(*models, convention="uniform") == pytest.approx(theirs, abs=1e-6)


def test_the_two_conventions_differ(models):
    assert abs(ssim(*models) - ssim(*models, convention="uniform")) > 1e-3


def test_the_range_scales_both(models):
    wide = ssim(*models, vp_range=(0.0, 6000.0))
    assert wide > ssim(*models)


@pytest.mark.parametrize("convention", ["gaussian", "uniform"])
def test_equal_models_score_one(models, convention):
    assert ssim(models[0], models[0], convention=convention) == pytest.approx(1.0)


def test_kinds_agree(models):
    vp, true = (torch.from_numpy(x).requires_grad_() for x in models)
    ours = scores(vp, true)
    assert ours == scores(*models)
    assert all(type(value) is float for value in ours.values())
    assert set(ours) == {"mae", "rmse", "ssim", "ssim_uniform", "psnr"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: mae(a, a[:-1]), "vp: must have the shape of true"),
        (lambda a: mae(a, a * np.nan), "true: must be finite"),
        (lambda a: ssim(a[:5], a[:5]), "at least 11 x 11 cells"),
        (lambda a: ssim(a[:5], a[:5], convention="uniform"), "at least 7 x 7 cells"),
        (lambda a: ssim(a[None], a[None]), "one at a time"),
        (lambda a: ssim(a, a, convention="box"), "Use one of 'gaussian', 'uniform'"),
        (lambda a: psnr(a, a, vp_range=(4500, 1500)), "vp_range: must rise"),
        (lambda a: relative_l2(a, 0 * a), "dobs: hold no signal"),
    ],
)
def test_refusals(models, call, message):
    with pytest.raises(VMBValueError, match=message):
        call(models[0])


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
def test_coverage_keeps_what_the_levels_promise(law):
    rng, levels = np.random.default_rng(3), (0.5, 0.68, 0.9, 0.95)
    std = rng.uniform(10.0, 200.0, (300, 300))
    error = rng.normal(0.0, std) if law == "gaussian" else rng.laplace(0.0, std / np.sqrt(2.0))
    assert coverage(error, std, levels, law=law) == pytest.approx(levels, abs=0.005)
    assert (coverage(error, 0.5 * std, levels, law=law) < np.subtract(levels, 0.1)).all()
    scales = (0.8, 1.0, 1.25)
    best = [log_likelihood(error, scale * std, law=law) for scale in scales]
    assert max(best) == best[1]


def test_log_likelihood_is_that_of_scipy():
    rng = np.random.default_rng(4)
    error, std = rng.normal(0.0, 50.0, 40), rng.uniform(10.0, 90.0, 40)
    assert log_likelihood(error, std) == pytest.approx(stats.norm(0.0, std).logpdf(error).mean())
    theirs = stats.laplace(0.0, std / np.sqrt(2.0)).logpdf(error).mean()
    assert log_likelihood(error, std, law="laplace") == pytest.approx(theirs)
    assert np.isfinite(log_likelihood([1.0], [0.0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: coverage(e, e[:-1], [0.5]), "error: must have the shape of std"),
        (lambda e: coverage(e, -np.abs(e), [0.5]), "std: must be at least 0"),
        (lambda e: coverage(e, np.abs(e), [1.0]), "levels: must be below 1"),
        (lambda e: coverage(e, np.abs(e), [0.0]), "levels: must be above 0"),
        (lambda e: log_likelihood(e, np.abs(e), law="cauchy"), "Use one of 'laplace', 'gaussian'"),
    ],
)
def test_refusals_of_deviations(models, call, message):
    with pytest.raises(VMBValueError, match=message):
        call(models[0])
