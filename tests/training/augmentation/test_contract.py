"""The contract of every augmentation: repeatable, rebuilt from its card, dtypes kept."""

import json
import pickle

import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.learned import Preprocessing
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.augmentation import (
    AmplitudeScaling,
    Augmentation,
    Compose,
    DeadTraces,
    FrequencyRemoval,
    Mirror,
    Noise,
    RandomLowCut,
    TimeShift,
    TimeVelocityScaling,
    WaveletChange,
)

ACQ = Acquisition.fixed_spread([20.0, 80.0], range(0, 101, 10), nt=160, dt=2e-3, f0=15.0)
STEP = Preprocessing(step=2, decimation="middle", gain=0.1)
KINDS = [
    Mirror(ACQ, Grid((11, 8), 10.0), tolerance=0.1, p=1.0),
    TimeVelocityScaling(ACQ, vp_range=(1500.0, 4500.0), preprocessing=STEP, wavelet="kept"),
    Noise((5.0, 20.0)),
    Noise(10.0, band=(5.0, 30.0), dt=4e-3),
    DeadTraces((0.1, 0.4), per="receiver"),
    DeadTraces(0.2, kind="noise"),
    AmplitudeScaling(6.0, reversed=0.2),
    TimeShift(0.01, dt=4e-3, per="shot"),
    WaveletChange(ACQ, f0=(12.0, 18.0), phase=(-30.0, 30.0), preprocessing=STEP),
    FrequencyRemoval((3.0, 6.0), dt=4e-3),
    RandomLowCut((3.0, 6.0), dt=4e-3),
]
EVERY = [*KINDS, Compose([Noise(10.0, p=0.5), Compose(KINDS)], p=0.9)]


def sample(index: int = 0, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Return gathers ``(2, 80, 11)`` and a velocity ``(1, 8, 11)``."""
    generator = torch.Generator().manual_seed(index)
    d = torch.randn(2, 80, 11, generator=generator).cumsum(1)
    return d.to(dtype), 2000.0 + 1000.0 * torch.rand(1, 8, 11, generator=generator)


def run(augment: Augmentation, index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Change sample ``index`` with the random numbers that belong to it."""
    return augment(*sample(index), torch.Generator().manual_seed(1000 + index))


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("augment", EVERY, ids=lambda augment: type(augment).__name__)
class TestContract:
    def test_resumed_run_repeats_bits(self, augment):
        whole = [run(augment, i) for i in range(6)]
        torch.manual_seed(77)  # the global generator plays no part
        resumed = Augmentation.from_config(json.loads(json.dumps(augment.config)))
        assert all(same(run(resumed, i), whole[i]) for i in (5, 3, 4))

    def test_leaves_the_global_generator_alone(self, augment):
        before = torch.get_rng_state()
        run(augment, 0)
        assert torch.equal(torch.get_rng_state(), before)

    def test_changes_the_sample_and_not_its_input(self, augment):
        d, vp = sample(1)
        kept = d.clone(), vp.clone()
        changed = augment(d, vp, torch.Generator().manual_seed(1))
        assert same((d, vp), kept)
        assert not torch.equal(changed[0], d)
        assert [x.shape for x in changed] == [x.shape for x in kept]

    def test_seeds_differ(self, augment):
        d, vp = sample(1)
        draws = [augment(d, vp, torch.Generator().manual_seed(i))[0] for i in range(2)]
        assert torch.equal(*draws) == isinstance(augment, Mirror)  # which has nothing to draw

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_dtype_is_kept(self, augment, dtype):
        d, vp = sample(2, dtype)
        changed, moved = augment(d, vp.double(), torch.Generator().manual_seed(2))
        assert changed.dtype == dtype
        assert moved.dtype == torch.float64
        assert changed.isfinite().all()

    def test_config_rebuilds(self, augment):
        rebuilt = Augmentation.from_config(json.loads(json.dumps(augment.config)))
        assert rebuilt == augment
        assert pickle.loads(pickle.dumps(augment)) == augment

    def test_gradient_follows(self, augment):
        d, vp = sample(3, torch.float64)
        d.requires_grad_()
        changed, _ = augment(d, vp, torch.Generator().manual_seed(3))
        (slope,) = torch.autograd.grad(changed.square().sum(), d)
        assert slope.isfinite().all()
        assert slope.any()


def test_probability():
    noise = Noise(10.0, p=0.3)
    touched = [not torch.equal(run(noise, i)[0], sample(i)[0]) for i in range(300)]
    assert sum(touched) == pytest.approx(90, abs=25)
    assert same(run(Noise(10.0, p=0.0), 0), sample(0))


def test_compose_keeps_the_order():
    generator = torch.Generator().manual_seed(0)
    dead, noise = DeadTraces(0.5), Noise(10.0)
    silent = Compose([noise, dead])(*sample(), generator)[0]
    humming = Compose([dead, noise])(*sample(), generator)[0]
    assert int((silent == 0.0).all(dim=1).sum()) == 11
    assert int((humming == 0.0).all(dim=1).sum()) == 0


def test_refusals():
    d, vp = sample()
    with pytest.raises(VMBValueError, match="p: must be at most 1"):
        Noise(10.0, p=2.0)
    with pytest.raises(VMBValueError, match=r"d: must be gathers \(ns, nt, nr\).*not a batch"):
        Noise(10.0)(d[None], vp, torch.Generator())
    with pytest.raises(VMBValueError, match=r"vp: must have shape \(1, nz, nx\)"):
        Noise(10.0)(d, vp[0], torch.Generator())
    with pytest.raises(VMBTypeError, match="steps: must be augmentations"):
        Compose([abs])
    with pytest.raises(VMBValueError, match=r"config\['augmentation'\]: is not a known choice"):
        Augmentation.from_config({"augmentation": "Rotation"})
    with pytest.raises(VMBTypeError, match="config: does not fit Noise"):
        Augmentation.from_config({"augmentation": "Noise", "loudness": 3.0})
