"""Decimation, scaling and gain, each against what it promises."""

import numpy as np
import pytest
import torch
from scipy.signal import firwin

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.learned import Preprocessing


def tone(frequency: float, *, nt=1000, dt=1e-3) -> torch.Tensor:
    """Return a gather ``(1, 1, nt)`` that holds one frequency."""
    t = dt * torch.arange(nt, dtype=torch.float64)
    return torch.cos(2 * np.pi * frequency * t)[None, None]


def middle(d: torch.Tensor) -> torch.Tensor:
    """Return what is left away from the ends of the record."""
    return d[..., 20:-20, :]


def test_antialias_suppresses_what_would_fold():
    pre = Preprocessing(step=5, scale="none")  # new Nyquist 100 Hz
    for frequency in (120.0, 150.0, 180.0, 400.0):
        assert middle(pre(tone(frequency))).abs().max() < 5e-3


def test_antialias_keeps_what_fits_without_delay():
    pre = Preprocessing(step=5, scale="none")
    for frequency in (5.0, 15.0, 40.0):
        kept, wanted = pre(tone(frequency))[0], tone(frequency)[0, :, ::5].T
        assert (middle(kept) - middle(wanted)).abs().max() < 5e-3


def test_middle_folds_because_it_has_no_filter():
    folded = Preprocessing(step=5, decimation="middle", scale="none")(tone(180.0))
    assert middle(folded).abs().max() > 0.9


@pytest.mark.parametrize("nt", [63, 64, 7])
@pytest.mark.parametrize("step", [2, 3, 5])
def test_decimation_is_a_low_pass_of_which_every_nth_sample_is_kept(nt, step):
    torch.manual_seed(0)
    d = torch.randn(2, 3, nt, dtype=torch.float64)
    taps = torch.from_numpy(firwin(12 * step + 1, 0.8 / step, window="hamming"))
    whole = torch.nn.functional.conv1d(d.reshape(6, 1, nt), taps[None, None], padding=6 * step)
    expected = whole.reshape(2, 3, nt)[..., ::step][..., : nt // step].transpose(-1, -2)
    torch.testing.assert_close(Preprocessing(step=step).decimate(d), expected)


@pytest.mark.parametrize(("step", "first"), [(5, 2), (4, 1), (3, 1), (2, 0), (1, 0)])
def test_middle_takes_the_middle_of_each_block(step, first):
    d = torch.arange(60.0).expand(2, 3, 60)
    kept = Preprocessing(step=step, decimation="middle", scale="none")(d)
    assert kept.shape == (2, 60 // step, 3)
    np.testing.assert_array_equal(kept[0, :, 0], np.arange(first, 60, step))


@pytest.mark.parametrize("decimation", ["antialias", "middle"])
@pytest.mark.parametrize(("nt", "step"), [(1000, 5), (998, 5), (60, 1), (7, 3)])
def test_samples_says_how_many_remain(decimation, nt, step):
    pre = Preprocessing(step=step, decimation=decimation)
    made = pre(torch.ones(2, 3, nt))
    assert made.shape == (2, nt // step, 3)
    assert pre.samples(nt) == nt // step


def test_axes_become_those_of_networks():
    d = torch.arange(24.0).reshape(2, 3, 4)
    made = Preprocessing(scale="none")(d)
    np.testing.assert_array_equal(made, d.transpose(-1, -2))


@pytest.mark.parametrize("scale", ["rms", "max"])
def test_scaling_forgets_the_amplitude_of_each_survey(scale):
    d = torch.randn(2, 3, 4, 50, generator=torch.Generator().manual_seed(0))
    pre = Preprocessing(scale=scale)
    made = pre(d * torch.tensor([1.0, 1e4])[:, None, None, None])
    torch.testing.assert_close(made, pre(d))
    size = made.square().mean((-3, -2, -1)).sqrt() if scale == "rms" else made.abs().amax((1, 2, 3))
    torch.testing.assert_close(size, torch.ones(2))


def test_scaling_keeps_the_ratio_of_shots():
    d = torch.ones(2, 3, 50) * torch.tensor([1.0, 3.0])[:, None, None]
    made = Preprocessing(scale="rms")(d)
    torch.testing.assert_close(made[1], 3 * made[0])


def test_gain_is_linear_below_its_level_and_compresses_above():
    pre = Preprocessing(scale="none", gain=0.5)
    d = torch.tensor([1e-4, 0.5, -500.0], dtype=torch.float64)[None, None]
    made = pre(d).flatten()
    torch.testing.assert_close(made, torch.asinh(d / 0.5).flatten())
    assert made[0] == pytest.approx(2e-4, rel=1e-6)
    assert -8.0 < made[2] < -7.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    for decimation in ("antialias", "middle"):
        made = Preprocessing(step=2, decimation=decimation, gain=0.1)(
            torch.ones(1, 2, 40).to(dtype)
        )
        assert made.dtype == dtype


def test_zeros_stay_zeros():
    assert not Preprocessing(step=2, gain=0.1)(torch.zeros(1, 2, 40)).any()


@pytest.mark.parametrize("scale", ["rms", "max", "none"])
@pytest.mark.parametrize("decimation", ["antialias", "middle"])
def test_it_is_differentiable(scale, decimation):
    d = torch.randn(2, 2, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    pre = Preprocessing(step=3, decimation=decimation, scale=scale, gain=0.3)
    assert torch.autograd.gradcheck(pre, d.requires_grad_())


def test_config_builds_it_again():
    pre = Preprocessing(step=5, decimation="middle", scale="max", gain=0.02)
    assert Preprocessing(**pre.config) == pre


@pytest.mark.parametrize(
    ("error", "message", "settings"),
    [
        (VMBValueError, r"step: must be at least 1, got 0", {"step": 0}),
        (VMBTypeError, r"step: must be an integer, got 2\.5", {"step": 2.5}),
        (VMBValueError, r"decimation: is not a known choice, got 'first'", {"decimation": "first"}),
        (VMBValueError, r"scale: is not a known choice, got 'std'.*'rms'", {"scale": "std"}),
        (VMBValueError, r"gain: must be above 0\.0, got 0", {"gain": 0.0}),
    ],
)
def test_refusals(error, message, settings):
    with pytest.raises(error, match=message):
        Preprocessing(**settings)
