"""The trainer: learns, resumes to the bit after any step, and refuses what diverges."""

import warnings
from itertools import chain

import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBRuntimeError, VMBTypeError, VMBValueError
from pylops_vmb.training import TrainingConfig

STEPS = 6  # two epochs of seven samples in batches of 3, 3 and 1


class KilledError(Exception):
    """Stands for a kill between two steps."""


def kill_after(trainer, steps: int, monkeypatch) -> None:
    """Train until `steps` steps are done, checkpointing after each, then stop."""
    step = trainer._step

    def counted(rows):
        if trainer._done == steps:
            raise KilledError
        step(rows)

    monkeypatch.setattr(trainer, "_step", counted)
    with pytest.raises(KilledError):
        trainer.fit(every=0.0)


def everything(trainer) -> dict[str, torch.Tensor]:
    """Return all numbers that a training ends with."""
    state = {f"net.{k}": v for k, v in trainer.net.state_dict().items()}
    state |= {f"average.{k}": v for k, v in trainer.average.state_dict().items()}
    for number, moments in trainer.optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{number}.{k}": v for k, v in moments.items()}
    return state


def assert_same(first, second) -> None:
    ours, theirs = everything(first), everything(second)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    for row, other in zip(first.history, second.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


@pytest.fixture(scope="module")
def whole(maker, tmp_path_factory):
    """Return a training in one go."""
    trainer = maker(tmp_path_factory.mktemp("whole"))()
    trainer.fit()
    return trainer


@pytest.mark.parametrize("steps", range(1, STEPS))
def test_an_interrupted_training_ends_with_the_same_bits(make, whole, monkeypatch, steps):
    kill_after(make("broken"), steps, monkeypatch)
    resumed = make("broken")
    assert resumed._done == steps
    resumed.fit()
    assert_same(resumed, whole)


def test_work_since_the_last_checkpoint_is_done_again(make, whole, monkeypatch):
    broken = make("broken")
    step = broken._step

    def counted(rows):
        if broken._done == 5:
            raise KilledError
        step(rows)

    monkeypatch.setattr(broken, "_step", counted)
    with pytest.raises(KilledError):
        broken.fit(every=1e9)  # saved at the end of the first epoch only
    resumed = make("broken")
    assert resumed._done == 3
    resumed.fit()
    assert_same(resumed, whole)


def test_a_finished_training_is_not_repeated(maker, whole, monkeypatch):
    again = maker(whole.checkpoint.parent)()
    monkeypatch.setattr(again, "_step", lambda _: pytest.fail("trained again"))
    again.fit()
    assert_same(again, whole)


def test_the_checkpoint_of_another_training_is_refused(maker, whole):
    with pytest.raises(VMBFileError, match=r"belongs to another training.*remove it to start"):
        maker(whole.checkpoint.parent)(lr=2e-3)


def test_every_sample_is_used_once_an_epoch(make):
    trainer = make()
    for epoch in (0, 1):
        rows = list(trainer._batches(epoch, 0))
        assert [len(batch) for batch in rows] == [3, 3, 1]
        assert sorted(chain(*rows)) == list(range(7))
    assert list(trainer._batches(0, 1)) == list(trainer._batches(0, 0))[1:]
    assert list(trainer._batches(0, 0)) != list(trainer._batches(1, 0))


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_training_lowers_the_loss(make, loss):
    trainer = make(epochs=8, loss=loss, lr=1e-2, ema=0.5)
    before = trainer.evaluate(trainer.validation)
    net = trainer.fit()
    assert not net.training
    losses = [row["loss"] for row in trainer.history]
    assert losses[-1] < 0.7 * losses[0]
    assert trainer.history[-1]["mae"] == trainer.evaluate(trainer.validation) < before


def test_the_two_losses_are_what_they_are_called(make):
    rows = [0, 1]
    for loss, formula in (("l1", lambda e: e.abs().mean()), ("mse", lambda e: e.square().mean())):
        trainer = make(loss, loss=loss, vp_scale=1000.0)
        trainer.net.eval()
        inputs, vp = trainer._load(trainer.data, rows)
        expected = formula((trainer.net(inputs) - vp) / 1000.0)
        torch.testing.assert_close(trainer._loss(trainer.net, rows), expected)


def test_the_error_is_the_mean_over_all_samples(make):
    trainer = make()  # batches of 3, 3 and 1 must not weigh alike
    net = trainer.average.module.eval()
    with torch.no_grad():
        inputs, vp = trainer._load(trainer.data, range(7))
        expected = float((net(inputs) - vp).abs().mean())
    assert trainer.evaluate(trainer.data) == pytest.approx(expected, rel=1e-5)


def test_divergence_is_refused_and_the_checkpoint_stays_good(make):
    trainer = make(epochs=4)
    step = trainer._step

    def poisoned(rows):
        if trainer._done == 3:
            with torch.no_grad():
                next(trainer.net.parameters()).fill_(float("nan"))
        step(rows)

    trainer._step = poisoned
    with pytest.raises(VMBRuntimeError, match=r"training: diverged in epoch 2.*Lower lr"):
        trainer.fit()
    resumed = make(epochs=4)
    assert resumed._done == 3
    assert all(value.isfinite().all() for value in resumed.net.state_dict().values())


def test_bfloat16_runs_and_keeps_float32_weights(make, whole):
    trainer = make(precision="bfloat16")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = trainer.fit()
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert trainer.history[-1]["loss"] > 0
    loss, exact = (made.history[-1]["loss"] for made in (trainer, whole))
    assert loss == pytest.approx(exact, rel=0.05)
    assert loss != exact


@pytest.mark.parametrize(
    ("error", "message", "settings"),
    [
        (VMBValueError, r"epochs: must be at least 1, got 0", {"epochs": 0}),
        (VMBTypeError, r"batch: must be an integer, got 1\.5", {"batch": 1.5}),
        (VMBValueError, r"lr: must be above 0\.0, got 0", {"lr": 0.0}),
        (VMBValueError, r"ema: must be at most 1\.0, got 2", {"ema": 2.0}),
        (VMBValueError, r"loss: is not a known choice, got 'l2'.*'l1', 'mse'", {"loss": "l2"}),
        (VMBValueError, r"precision: is not a known choice", {"precision": "float16"}),
    ],
)
def test_settings_are_checked(error, message, settings):
    with pytest.raises(error, match=message):
        TrainingConfig(**settings)
