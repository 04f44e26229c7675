"""Views of data sets: splits repeat, parts cover, torch's own views and loaders take them."""

import pickle

import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset

from pylops_vmb.errors import VMBValueError
from pylops_vmb.training import GathersOnly, OpenFWISet, split


def samples(count):
    return [
        (torch.full((2, 6, 3), float(i)), torch.full((1, 4, 3), float(i))) for i in range(count)
    ]


def test_a_split_repeats_and_covers():
    first, second = split(range(100), 0.2, seed=3)
    assert (len(first), len(second)) == (80, 20)
    assert sorted([*first, *second]) == list(range(100))
    assert list(second) == list(split(range(100), 0.2, seed=3)[1])
    assert list(second) != list(split(range(100), 0.2, seed=4)[1])
    # these numbers shall not change: a validation set that was held out must stay held out
    assert list(split(range(10), 0.3, seed=0)[1]) == [8, 6, 2]


@pytest.mark.parametrize(
    ("count", "fraction", "sizes"),
    [(10, 0.0, (10, 0)), (10, 1.0, (0, 10)), (2, 0.1, (1, 1)), (2, 0.9, (1, 1)), (1, 0.5, (1, 0))],
)
def test_no_part_is_empty_without_need(count, fraction, sizes):
    assert tuple(map(len, split(range(count), fraction, seed=0))) == sizes


def test_a_fraction_out_of_range_is_refused():
    with pytest.raises(VMBValueError, match=r"fraction: must be at most 1.0, got 20"):
        split(range(10), 20, seed=0)


def test_gathers_alone():
    alone = GathersOnly(samples(3))
    assert len(alone) == 3
    assert [float(d[0, 0, 0]) for d in alone] == [0.0, 1.0, 2.0]
    assert alone[-1].shape == (2, 6, 3)


def test_views_of_torch_take_every_set(stored, write_openfwi, tmp_path, preprocessing):
    write_openfwi(tmp_path / "data1.npy", tmp_path / "model1.npy")
    other = OpenFWISet(tmp_path, preprocessing)
    both = pickle.loads(pickle.dumps(ConcatDataset([Subset(stored, [5, 2]), other])))
    assert len(both) == 4
    assert torch.equal(both[1][0], stored[2][0])
    assert torch.equal(both[3][1], other[1][1])


@pytest.mark.slow
def test_a_background_process_reads_the_same(stored):
    loader = DataLoader(stored, 3, num_workers=1, multiprocessing_context="spawn")
    gathers = torch.cat([d for d, _ in loader])
    assert torch.equal(gathers, torch.stack([d for d, _ in stored]))
