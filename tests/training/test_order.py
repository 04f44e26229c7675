"""The order of samples: each once an epoch, the same after a resumption, shared by processes."""

from itertools import chain

import pytest

from pylops_vmb.training.order import Order, mixed


@pytest.mark.parametrize(
    ("count", "batch", "sizes"),
    [
        (6, 3, [3, 3]),
        (8, 3, [3, 3, 2]),
        (7, 3, [3, 4]),  # a last one of a single sample joins the batch before it
        (3, 1, [1, 1, 1]),
        (1, 4, [1]),
        (5, 4, [5]),
        (2, 4, [2]),
    ],
)
def test_batches_of_an_epoch(count, batch, sizes):
    order = Order(count, batch, seed=9)
    assert order.steps == len(sizes)
    for epoch in (0, 1):
        rows = order.rows(epoch)
        assert [len(taken) for taken in rows] == sizes
        assert sorted(chain(*rows)) == list(range(count))


def test_epochs_and_seeds_are_shuffled_apart():
    orders = [Order(20, 4, seed).rows(epoch) for seed, epoch in ((0, 0), (0, 1), (5, 0))]
    assert len({str(rows) for rows in orders}) == 3
    assert Order(20, 4, 5).rows(0) == Order(20, 4, 5).rows(0)


@pytest.mark.parametrize("first", range(9))
def test_parts_go_on_anywhere(first):
    order = Order(7, 3, seed=9)  # four epochs of two steps
    whole = list(order.parts(0, 8))
    assert list(order.parts(first, 8)) == whole[first:]
    assert [part.epoch for part in whole] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert list(order.parts(0, first)) == whole[:first]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_processes_share_each_batch(size):
    alone = list(Order(11, 4, seed=2).parts(0, 6))
    teams = [list(Order(11, 4, seed=2, rank=rank, size=size).parts(0, 6)) for rank in range(size)]
    for step, part in enumerate(alone):
        parts = [team[step] for team in teams]
        rows = [row for mine in parts for row in mine.rows[: mine.real]]
        assert rows == part.rows
        assert {mine.batch for mine in parts} == {len(part.rows)}
        counts = [mine.real for mine in parts]
        assert counts == sorted(counts, reverse=True)
        assert max(counts) - min(counts) <= 1


def test_a_process_without_samples_keeps_in_step():
    (part,) = Order(2, 2, seed=0, rank=2, size=3).parts(0, 1)
    assert (part.real, len(part.rows), part.batch) == (0, 1, 2)


def test_seeds_are_mixed_without_clashes():
    seeds = {mixed(a, b, c) for a in range(6) for b in range(6) for c in range(6)}
    assert len(seeds) == 6**3
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert mixed(1, 2) == mixed(1, 2)
