"""Loading: samples in their order, augmented by seed, the same bits with any number of workers."""

import pytest
import torch

from pylops_vmb.training.loading import AugmentedSet, batches
from pylops_vmb.training.order import Order

ORDER = Order(7, 3, seed=9)


def loaded(trainings, *, augment=None, workers=0, first=0, seed=9):
    samples = AugmentedSet(trainings.Noise(7), augment, seed)
    return list(batches(samples, ORDER.parts(first, 4), workers=workers))


def same(ours, theirs):
    return all(
        torch.equal(a, b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_batches_hold_their_samples_in_order(trainings):
    noise = trainings.Noise(7)
    for part, (d, vp) in zip(ORDER.parts(0, 4), loaded(trainings), strict=True):
        assert torch.equal(d, torch.stack([noise[row][0] for row in part.rows]))
        assert torch.equal(vp, torch.stack([noise[row][1] for row in part.rows]))


def smoothed(d, vp, generator):
    """Add noise summed over so many values that several threads would split them."""
    noise = torch.randn(50_000, generator=generator)
    return d + noise.sum() + noise.cumsum(0)[-1], vp


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # where there is one core
@pytest.mark.parametrize("threads", [1, 2])
def test_workers_change_no_bit(trainings, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = loaded(trainings, augment=smoothed)
        assert torch.get_num_threads() == threads
        assert same(alone, loaded(trainings, augment=smoothed, workers=2))
    finally:
        torch.set_num_threads(before)


def test_augmentation_depends_on_seed_epoch_and_sample_alone(trainings):
    augment = trainings.noisy
    whole = loaded(trainings, augment=augment)
    assert same(loaded(trainings, augment=augment, first=1), whole[1:])
    assert not same(whole[:1], loaded(trainings, augment=augment, seed=8)[:1])
    samples = AugmentedSet(trainings.Noise(7), augment, 9)
    first, other = samples[0, 3][0], samples[1, 3][0]
    assert not torch.equal(first, other)
    assert not torch.equal(first.flip(-1), other)
    assert torch.equal(first, samples[0, 3][0])


def test_loading_draws_no_global_random_numbers(trainings):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    for workers in (0, 1):
        loaded(trainings, augment=trainings.noisy, workers=workers)
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_a_sample_is_raised(trainings, workers):
    samples = AugmentedSet(trainings.Failing(7), None, 9)
    with pytest.raises(OSError, match="sample 5 cannot be read"):
        list(batches(samples, ORDER.parts(0, 4), workers=workers))
