"""A training killed at any moment ends with the bits of one that was never killed."""

import logging
import os
import resource
import signal

import pytest
import torch

from pylops_vmb.errors import FileWarning, VMBFileError, VMBRuntimeError
from pylops_vmb.io import load_checkpoint
from pylops_vmb.training import checkpoints, tally

EACH, SECOND = {"every_steps": 1}, {"every_steps": 2}  # 2 steps an epoch: batches of 3 and 4
VARIANTS = {
    "plain": {"epochs": 3},
    "float16": {"precision": "float16", "clip": 0.5, "accumulate": 2, "batch": 2},
    "bfloat16": {"precision": "bfloat16", "schedule": "cosine", "optimizer": "adam", "batch": 2},
    "patient": {"epochs": 9, "patience": 1, "monitor": "mae", "lr": 0.5, "ema": 0.0},
    "workers": {"workers": 1, "augmented": True, "net": {"dropout": 0.2, "norm": True}},
}
KILLS = [
    *[("plain", {"step": step}, EACH) for step in range(1, 6)],
    *[("plain", {"step": step}, SECOND) for step in (1, 3, 4)],
    *[("plain", {"rename": number}, EACH) for number in (1, 2, 3)],
    ("float16", {"step": 4}, EACH),
    ("float16", {"rename": 2}, SECOND),
    ("bfloat16", {"step": 2}, EACH),
    ("patient", {"step": 4}, EACH),
    ("patient", {"step": 3}, SECOND),
    ("workers", {"step": 1}, EACH),
    ("workers", {"step": 3}, SECOND),
]


def label(kill):
    variant, when, fit = kill
    ((what, number),) = when.items()
    return f"{variant}-{what}{number}-every{fit['every_steps']}"


@pytest.fixture(scope="module")
def ended(run_trainings):
    """Run each variant in one go, and killed and resumed at all moments."""
    jobs = [{"name": name, **settings} for name, settings in VARIANTS.items()]
    for kill in KILLS:
        job = {"name": label(kill), **VARIANTS[kill[0]]}
        jobs += [job | {"kill": kill[1], "fit": kill[2]}, job]
    return run_trainings(*jobs)


def test_the_kills_are_real(ended):
    count = len(VARIANTS)
    assert ended.codes == [[0]] * count + [[-signal.SIGKILL], [0]] * len(KILLS)


@pytest.mark.parametrize("kill", KILLS, ids=label)
def test_a_killed_training_ends_with_the_same_bits(ended, assert_same, kill):
    whole, resumed = ended[kill[0]], ended[label(kill)]
    started = resumed.pop("started")
    ((what, number),) = kill[1].items()
    every = kill[2]["every_steps"]
    saved = number if what == "step" else (number - 1) * every
    assert started in range(saved - every + 1, saved + 1) if saved else started == 0
    assert whole.pop("started") == 0
    assert_same(resumed, whole)


def test_the_variants_do_what_they_are_for(ended):
    assert len(ended["patient"]["history"]) < 9
    scaler = ended["float16"]["method"]["descent"]["scaler"]
    assert scaler["_growth_tracker"] > 0
    plain, other = ended["plain"]["history"][0]["loss"], ended["bfloat16"]["history"][0]["loss"]
    assert plain != other


@pytest.fixture
def make(trainings, tmp_path):
    def make(name="one", **changes):
        return trainings.make(tmp_path, name, **changes)

    return make


class KilledError(Exception):
    """Stands for a kill between two steps."""


def stop_before(trainer, number, error=KilledError):
    """Make step `number` (from 0) fail."""
    step = trainer.method.step

    def counted(inputs, vp):
        if trainer._done == number:
            raise error
        return step(inputs, vp)

    trainer.method.step = counted


def stopped(trainer, number, **fit):
    stop_before(trainer, number)
    with pytest.raises(KilledError):
        trainer.fit(**fit)


def test_checkpoints_are_due_by_time_or_by_steps(make):
    for fit, stop, kept in (
        ({"every": 0.0}, 5, 5),
        ({"every_steps": 2}, 5, 4),
        ({"every_steps": 3}, 5, 3),
        ({"every": 1e9}, 5, 0),
        ({"every": 1e9}, 9, 7),  # the end of the first epoch
    ):
        name = f"{fit} {stop}"
        stopped(make(name, batch=1), stop, **fit)
        assert make(name, batch=1)._done == kept


def test_a_finished_training_is_not_repeated(make, trainings, assert_same):
    first = make(patience=5)
    first.fit()
    again = make(patience=5)
    stop_before(again, 4)
    again.fit()
    assert_same(trainings.result(again), trainings.result(first))


def test_random_numbers_of_the_caller_are_left_alone(make):
    trainer = make()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    trainer.fit()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    other = make("other")
    torch.manual_seed(98)
    other.fit()
    assert torch.equal(other.net.layers[0].weight, trainer.net.layers[0].weight)


def test_a_resumed_epoch_counts_the_seconds_before_the_kill(make):
    trainer = make(batch=2)
    stopped(trainer, 2, every_steps=1)
    resumed = make(batch=2)
    assert 0.0 < resumed._seconds <= trainer._seconds


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr": 2e-3}, r"lr = 0\.01, here 0\.002"),
        ({"count": 8}, "training samples = 7, here 8"),
        ({"net": {"dropout": 0.2, "norm": True}}, "network shapes"),
        ({"augment": lambda d, vp, _: (d, vp)}, "augmentation = None, here .*lambda"),
        ({"loss": {"l1": 1.0, "mse": 0.5}}, r"loss = l1, here \[\['l1', 1\.0\], \['mse', 0\.5\]\]"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(make, changes, words):
    stopped(make(), 1, every_steps=1)
    message = rf"belongs to another training, got {words}.*remove it to start"
    with pytest.raises(VMBFileError, match=message):
        make(**changes)


def test_another_data_set_of_the_same_size_is_refused(make, trainings):
    def data(velocity):
        noise = trainings.Noise(7)
        noise.manifest = {"velocity": velocity}
        return noise

    stopped(make(data=data("salt")), 1, every_steps=1)
    assert make(data=data("salt"))._done == 1
    with pytest.raises(VMBFileError, match="training manifest"):
        make(data=data("faults"))
    subset = torch.utils.data.Subset
    stopped(make("part", data=subset(data("salt"), [0, 1, 2])), 1, every_steps=1)
    with pytest.raises(VMBFileError, match="training manifest"):
        make("part", data=subset(data("salt"), [0, 1, 3]))


def test_other_versions_are_a_warning(make, monkeypatch):
    stopped(make(), 1, every_steps=1)
    monkeypatch.setattr(checkpoints, "_VERSIONS", {"pylops_vmb": "9", "torch": "9"})
    with pytest.warns(FileWarning, match=r"written by other versions.*start afresh"):
        assert make()._done == 1


def test_nan_is_refused_before_it_reaches_the_checkpoint(make):
    trainer = make(batch=2)
    step = trainer.method.step

    def poisoned(inputs, vp):
        if trainer._done == 2:
            with torch.no_grad():
                trainer.net.layers[0].weight.fill_(float("nan"))
        return step(inputs, vp)

    trainer.method.step = poisoned
    message = r"training: diverged before step 4, in epoch 1, got loss nan.*Lower lr.*from before"
    with pytest.raises(VMBRuntimeError, match=message):
        trainer.fit(every_steps=1)
    resumed = make(batch=2)
    assert resumed._done == 2
    assert checkpoints.all_finite(resumed.net)


def test_useless_weights_behind_a_good_loss_are_refused(make):
    trainer = make(batch=2)
    step = trainer.method.step

    def poisoned(inputs, vp):
        values = step(inputs, vp)
        if trainer._done == 1:
            with torch.no_grad():
                trainer.net.layers[0].weight.fill_(float("inf"))
        return values

    trainer.method.step = poisoned
    with pytest.raises(VMBRuntimeError, match="got weights that are NaN or infinite"):
        trainer.fit(every_steps=1)
    assert make(batch=2)._done == 1


def test_a_full_disk_keeps_the_last_good_checkpoint(make, trainings, assert_same):
    """The limit on the size of files stands for the disk: the write fails half way."""
    whole = make("whole")
    whole.fit()
    stopped(make(), 1, every_steps=1)
    good = make().checkpoint.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        trainer = make()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, hard))
        with pytest.raises(VMBFileError, match=r"could not be written.*kept, got .*Free some"):
            trainer.fit(every_steps=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert trainer.checkpoint.read_bytes() == good
    assert sorted(p.name for p in trainer.checkpoint.parent.iterdir()) == [
        "one.safetensors",
        "whole.safetensors",
    ]
    resumed = make()
    resumed.fit()
    assert_same(trainings.result(resumed), trainings.result(whole))


def test_ctrl_c_saves_and_says_how_to_go_on(make, trainings, assert_same):
    whole = make("whole")
    whole.fit()
    trainer = make()
    step = trainer.method.step

    def interrupted(inputs, vp):
        if trainer._done == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(inputs, vp)

    trainer.method.step = interrupted
    message = r"stopped after step 2 of 4, got Ctrl-C\. Start the same .*one\.safetensors"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match=message):
            trainer.fit()
    finally:
        signal.signal(signal.SIGINT, before)
    resumed = make()
    assert resumed._done == 2
    resumed.fit()
    assert_same(trainings.result(resumed), trainings.result(whole))


def test_the_checkpoint_holds_no_pickle_and_no_wrapped_names(make):
    trainer = make()
    trainer.fit()
    state = load_checkpoint(trainer.checkpoint)["state"]
    assert set(state["method"]["net"]) == set(trainer.net.state_dict())
    assert state["done"] == 4


def test_the_folder_must_exist(make):
    with pytest.raises(VMBFileError, match=r"checkpoint: its folder does not exist.*Create"):
        make("missing/one")


def test_useless_sums_are_named():
    assert tally.useless({"loss": 1.0, "other": float("inf")}) == "other inf"
    assert tally.useless({"loss": 1.0}) == ""


def test_epochs_are_logged(make, caplog):
    with caplog.at_level(logging.INFO, "pylops_vmb"):
        make(epochs=1).fit()
    assert "epoch 1: loss" in caplog.text
