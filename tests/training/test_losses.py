"""Velocity losses: against the metrics and formulas by hand, and what they refuse."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.metrics import mae, ssim
from pylops_vmb.training.losses import velocity_loss


def half_square(prediction, vp):
    return 0.5 * (prediction - vp).square().mean()


@pytest.fixture
def models(rng):
    """Return predicted and true velocities ``(3, 1, 19, 14)`` in m/s, float64."""
    true = 1600.0 + 120.0 * np.arange(19)[:, None] + rng.normal(0.0, 60.0, (3, 1, 19, 14))
    return torch.from_numpy(true + rng.normal(0.0, 200.0, true.shape)), torch.from_numpy(true)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
def test_ssim_is_that_of_the_metrics(models, dtype, tolerance):
    a, b = (models[i].to(getattr(torch, dtype)) for i in (0, 1))
    expected = np.mean([1.0 - ssim(p[0], q[0]) for p, q in zip(a, b, strict=True)])
    loss = velocity_loss("ssim")(a, b)
    assert loss.dtype == a.dtype
    assert float(loss) == pytest.approx(expected, abs=tolerance)
    assert expected > 0.1


def test_ssim_has_its_own_range(models):
    a, b = models
    expected = 1.0 - np.mean([ssim(a[i, 0], b[i, 0], vp_range=(1000.0, 6000.0)) for i in range(3)])
    loss = velocity_loss("ssim", vp_range=(1000.0, 6000.0))(a, b)
    assert float(loss) == pytest.approx(expected, abs=1e-12)


def test_pointwise_losses_by_hand(models):
    a, b = models
    error = (a - b) / 1000.0
    bent = torch.where(error.abs() <= 0.1, 0.5 * error**2, 0.1 * (error.abs() - 0.05))
    for name, values in (("l1", error.abs()), ("mse", error**2), ("huber", bent)):
        loss = velocity_loss(name, vp_scale=1000.0)(a, b)
        torch.testing.assert_close(loss, values.mean())
    assert float(velocity_loss("l1", vp_scale=1.0)(a, b)) == pytest.approx(mae(a, b))


def test_terms_are_weighted_and_functions_join_them(models):
    single = {term: velocity_loss(term)(*models) for term in ("l1", "ssim", half_square)}
    loss = velocity_loss({"l1": 1.0, "ssim": 0.2, half_square: 3.0})
    expected = single["l1"] + 0.2 * single["ssim"] + 3.0 * single[half_square]
    torch.testing.assert_close(loss(*models), expected)
    torch.testing.assert_close(single[half_square], 0.5 * velocity_loss("mse")(*models))
    assert loss.terms[:2] == [["l1", 1.0], ["ssim", 0.2]]
    assert loss.terms[2][0].endswith("test_losses.half_square")


def test_two_functions_of_one_name_both_count(models):
    loss = velocity_loss({lambda p, v: (p - v).mean(): 1.0, lambda p, v: (p + v).mean(): 1.0})
    torch.testing.assert_close(loss(*models), 2.0 * models[0].mean() / 1500.0)


@pytest.mark.parametrize("name", ["l1", "mse", "huber", "ssim"])
def test_gradients_are_exact(models, name):
    a, b = models[0][:1, :, :12, :12], models[1][:1, :, :12, :12]
    loss = velocity_loss(name)
    a = a.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(a, b), a)
    direction = torch.cos(torch.arange(a.numel(), dtype=a.dtype)).reshape(a.shape)
    step = 1e-4
    rise = (loss(a + step * direction, b) - loss(a - step * direction, b)).detach() / (2 * step)
    assert float((slope * direction).sum()) == pytest.approx(float(rise), rel=1e-5)


def product(prediction, vp):
    return (prediction.flatten(1) @ vp.flatten(1).T).mean()


@pytest.mark.parametrize("term", ["l1", "ssim", product])
def test_low_precision_is_compared_in_float32(models, term):
    a, b = models[0].bfloat16(), models[1].float()
    exact = velocity_loss(term)(a.float(), b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = velocity_loss(term)(a, b)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, exact)


@pytest.mark.parametrize(
    ("error", "message", "spec", "settings"),
    [
        (VMBValueError, r"loss: is not a known choice, got 'l2'.*'l1', 'mse'", "l2", {}),
        (VMBValueError, r"loss: must not be empty, got \{\}.*Write", {}, {}),
        (VMBValueError, r"loss: must be above 0\.0, got 0", {"l1": 0.0}, {}),
        (VMBTypeError, r"loss: must be a name, a function.*got list", ["l1"], {}),
        (VMBValueError, r"vp_scale: must be above 0\.0 m/s, got 0", "l1", {"vp_scale": 0.0}),
        (VMBValueError, r"vp_range: must rise, got", "ssim", {"vp_range": (4500.0, 1500.0)}),
    ],
)
def test_what_is_refused(error, message, spec, settings):
    with pytest.raises(error, match=message):
        velocity_loss(spec, **settings)


def test_models_of_another_size_are_refused(models):
    with pytest.raises(VMBValueError, match=r"prediction: must have the shape.*Build the network"):
        velocity_loss("l1")(models[0][..., 1:], models[1])
