"""Recipes: from nothing to a weights file that loads, measures and says what it is."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.training import recipe


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of the tiny recipe and what it made."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder, recipe("tiny", count=5, validation=2).run(folder)


def test_the_file_loads_and_inverts_its_own_survey(run):
    folder, G = run
    again = LearnedInversion.load(folder / "tiny.safetensors")
    assert again.card == G.card
    d = np.random.default_rng(0).standard_normal(G.dims).astype(np.float32)
    np.testing.assert_array_equal(again(d), G(d))
    assert G(d).shape == (24, 16)


def test_the_card_tells_how_the_weights_came_about(run):
    card = run[1].card
    assert card.training["samples"] == 5
    assert [row["epoch"] for row in card.training["history"]] == [1, 2]
    assert card.metrics["validation_mae_m_s"] == card.training["history"][-1]["mae"] > 0
    assert card.metrics["validation_models"] == 2
    assert len(card.training["sha256_float32"]) == 64
    assert card.limits


def test_training_and_validation_share_no_model(run):
    folder = run[0]
    train, held_out = (np.load(folder / d / "vp-00000.npy") for d in ("data", "validation"))
    assert not any((a == b).all() for a in train for b in held_out)


def test_running_again_resumes_to_the_same_weights(run):
    folder, G = run
    again = recipe("tiny", count=5, validation=2).run(folder)
    assert again.card.training["sha256_float32"] == G.card.training["sha256_float32"]


def test_a_fresh_run_gives_the_same_weights(run, tmp_path):
    again = recipe("tiny", count=5, validation=2).run(tmp_path)
    assert again.card.training["sha256_float32"] == run[1].card.training["sha256_float32"]
    for ours, theirs in zip(again.net.parameters(), run[1].net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_stored_numbers_are_the_network_to_half_precision(run):
    assert all((p.half().float() == p).all() for p in run[1].net.parameters())


def test_entries_can_be_changed():
    changed = recipe("fcnvmb-mini", count=200, epochs=3, lr=1e-3)
    assert (changed.count, changed.config.epochs, changed.config.lr) == (200, 3, 1e-3)
    assert changed.simulation.acq.dimsd == (5, 70, 1000)
    assert changed.config.batch == recipe("fcnvmb-mini").config.batch


@pytest.mark.parametrize(
    ("message", "name", "changes"),
    [
        (
            r"recipe: is not a known choice, got 'huge'\. Use one of 'fcnvmb-mini', 'tiny'",
            "huge",
            {},
        ),
        (r"tiny: has no such entries, got \['epoch'\]\. Use some of", "tiny", {"epoch": 3}),
        (r"epochs: must be at least 1, got 0", "tiny", {"epochs": 0}),
    ],
)
def test_refusals(message, name, changes):
    with pytest.raises(VMBValueError, match=message):
        recipe(name, **changes)
