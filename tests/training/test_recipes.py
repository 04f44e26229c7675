"""Recipes: from nothing to a weights file that loads, measures and says what it is."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBFileError, VMBMemoryError, VMBValueError
from pylops_vmb.learned import LearnedInversion, Preprocessing
from pylops_vmb.training import recipe
from pylops_vmb.training.augmentation import RandomLowCut
from pylops_vmb.training.recipes import Machine, available, sources

SMALL = {"count": 4, "validation": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of the tiny recipe of two stages and what it made."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder, recipe("tiny-salt", **SMALL).run(folder)


def first_stage(folder) -> LearnedInversion:
    return LearnedInversion.load(folder / "training" / "weights.safetensors")


def test_the_file_loads_and_inverts_its_own_survey(run):
    folder, G = run
    again = LearnedInversion.load(folder / "tiny-salt.safetensors")
    assert again.card == G.card
    d = np.random.default_rng(0).standard_normal(G.dims).astype(np.float32)
    np.testing.assert_array_equal(again(d), G(d))
    assert G(d).shape == (24, 16)


def test_the_card_of_a_stage_tells_how_the_weights_came_about(run):
    card = first_stage(run[0]).card
    assert card.name == "tiny-salt-training"
    assert card.training["samples"] == 4
    assert card.training["data"]["velocity"]["family"] == "Mixture"
    assert [row["epoch"] for row in card.training["history"]] == [1, 2]
    last = card.training["history"][-1]
    for name, column in (("mae_m_s", "mae"), ("rmse_m_s", "rmse"), ("ssim", "ssim")):
        assert card.metrics[f"validation_{name}"] == pytest.approx(last[column], rel=1e-5)
    assert card.metrics["validation_models"] == 2
    assert len(card.training["sha256_float32"]) == 64
    assert card.limits == ("Good for nothing but tests.",)


def test_the_last_stage_starts_from_the_first_and_says_so(run):
    folder, G = run
    first = first_stage(folder)
    assert G.card.name == "tiny-salt"
    parent = G.card.training["parent"]
    assert parent["sha256"] == first.card.training["sha256_float32"]
    assert parent["training"] == first.card.training
    assert G.card.training["data"]["velocity"]["family"] == "SaltBasin"
    assert G.card.metrics["validation_mae_m_s_before"] > 0
    assert "may be forgotten" in G.card.limits[-1]
    stored = LearnedInversion.load(folder / "salt" / "weights.safetensors").net.state_dict()
    for name, value in first.net.state_dict().items():
        frozen = name.split(".")[0] in ("stem", "downs", "center")
        assert torch.equal(value, stored[name]) == frozen, name


def test_training_and_validation_share_no_model(run):
    for stage in ("training", "salt"):
        train, held_out = (
            np.load(run[0] / stage / part / "vp-00000.npy") for part in ("data", "validation")
        )
        assert not any((a == b).all() for a in train for b in held_out)


def test_a_finished_recipe_needs_no_data_and_trains_nothing(run, monkeypatch, tmp_path):
    folder, G = run
    monkeypatch.setattr(sources, "simulate", lambda *_, **__: pytest.fail("simulated again"))
    again = recipe("tiny-salt", **SMALL).run(folder)
    assert again.card == G.card
    for ours, theirs in zip(again.net.parameters(), G.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"training.epochs": 3}, "config"),
        ({"salt.count": 3}, "counts"),
        ({"salt.freeze": ()}, "freeze"),
        ({"settings": {"width": 2, "depth": 2}}, "network"),
    ],
)
def test_weights_of_other_settings_are_refused(run, changes, what):
    with pytest.raises(VMBFileError, match=rf"belongs to another training, got another {what}"):
        recipe("tiny-salt", **SMALL | changes).run(run[0])


def test_weights_of_another_start_are_refused(run):
    found = recipe("tiny-salt", **SMALL)
    other = first_stage(run[0])
    next(other.net.parameters()).add_(1.0)
    with pytest.raises(VMBFileError, match="got another start"):
        found.stages[1].run(run[0] / "salt", other, Machine(), card=run[1].card)


def test_the_stored_numbers_are_the_network_to_half_precision(run):
    assert all((p.half().float() == p).all() for p in run[1].net.parameters())


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_recipe_that_is_killed_in_every_part_ends_with_the_same_bits(tmp_path):
    program = Path(__file__).with_name("killed_recipe.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["ends"] == [-signal.SIGKILL] * 3 + [0, 0]
    assert found["killed"]["weights"] == found["whole"]["weights"]
    assert len(set(found["whole"]["weights"])) == 3
    # a stage has two epochs of two steps; each kill in its fourth step costs one step
    assert (found["whole"]["steps"], found["killed"]["steps"]) == (8, 10)


def test_the_paper_is_the_published_protocol():
    found = recipe("fcnvmb-paper")
    simulated, salt = found.stages
    assert [(s.count, s.validation, s.config.epochs) for s in found.stages] == [
        (1600, 100, 100), (130, 10, 50)
    ]  # fmt: skip
    assert simulated.source.shapes == ((29, 400, 301), (201, 301))
    assert salt.source.shapes == simulated.source.shapes
    config = simulated.config
    assert (config.batch, config.lr, config.loss, config.optimizer) == (10, 1e-3, "mse", "adam")
    assert (config.vp_scale, config.ema, config.schedule) == (1.0, 0.0, "constant")
    assert simulated.source.preprocessing == Preprocessing(5, "middle", scale="none")
    net = simulated.network(found.network, found.settings)
    assert sum(p.numel() for p in net.parameters()) == 31_058_497


def test_every_recipe_builds_and_changes():
    assert {"fcnvmb-mini", "fcnvmb-paper", "openfwi-flatvel-a", "openfwi-style-b"} <= set(
        available()
    )
    for name in available():
        found = recipe(name, epochs=3, network="fcnvmb-repaired", settings={"width": 1})
        assert {stage.config.epochs for stage in found.stages} == {3}
        (ns, *in_shape), out_shape = found.stages[0].source.shapes
        net = found.stages[0].network(found.network, found.settings)
        assert (net.in_channels, net.in_shape, net.out_shape) == (ns, tuple(in_shape), out_shape)


def test_the_embedded_network_is_made_as_it_was():
    found = recipe("fcnvmb-mini", count=200, epochs=3, lr=1e-3)
    (stage,) = found.stages
    assert (stage.count, stage.validation, stage.config.epochs) == (200, 300, 3)
    assert (stage.config.lr, stage.config.batch, stage.config.precision) == (1e-3, 16, "bfloat16")
    assert stage.source.acq.dimsd == (5, 70, 1000)
    assert stage.source.preprocessing == Preprocessing(5, "antialias", "rms", 0.02)
    card = LearnedInversion.from_pretrained().card
    assert card.network["config"] == stage.network(found.network, found.settings).config
    assert card.acq == stage.source.acq
    assert card.limits == found.limits


def test_an_openfwi_folder_is_split_at_its_end_and_lends_its_licence(tmp_path):
    rng = np.random.default_rng(0)
    d = rng.standard_normal((6, 5, 1000, 70)).astype(np.float32)
    vp = rng.uniform(1500, 4500, (6, 1, 70, 70)).astype(np.float32)
    folder = tmp_path / "FlatVel_A"
    folder.mkdir()
    np.save(folder / "data1.npy", d)
    np.save(folder / "model1.npy", vp)
    changes = {"count": 3, "validation": 2, "batch": 3, "epochs": 1, "settings": {"width": 2}}
    G = recipe("openfwi-flatvel-a", data=folder, **changes).run(tmp_path / "out")
    assert "CC BY-NC-SA" in G.card.licence
    assert G.card.training["samples"] == 3
    train, held_out = (
        recipe("openfwi-flatvel-a", data=folder)
        .stages[0]
        .source.samples(tmp_path, (3, 2), Machine())
    )
    np.testing.assert_array_equal(train[0][1], vp[0])
    np.testing.assert_array_equal(held_out[1][1], vp[5])
    with pytest.raises(VMBValueError, match=r"must hold 24000 \+ 6000 models.*got 6"):
        recipe("openfwi-flatvel-a", data=folder).run(tmp_path / "more")


def test_models_of_a_file_are_trained_on_and_then_measured_on(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "vmodel.npz", vp=rng.uniform(2000, 4500, (5, 201, 301)))
    found = recipe("fcnvmb-paper", data=tmp_path / "vmodel.npz", count=3, validation=2)
    source = found.stages[0].source
    assert source._held_out((3, 2)) == 3
    assert "has no licence in force" in source.licence
    assert source.document["velocity"]["path"] == "vmodel.npz"
    assert found.stages[1].source.licence is None
    with pytest.raises(VMBValueError, match=r"must hold 1600 \+ 100 models.*got 5\. Ask for fewer"):
        recipe("fcnvmb-paper", data=tmp_path / "vmodel.npz").needs(Machine(), timed=False)


def test_without_room_nothing_is_begun(tmp_path, monkeypatch):
    found = recipe("tiny")
    monkeypatch.setattr("pylops_vmb.training.estimates.free_memory", lambda _: 1000)
    with pytest.raises(VMBMemoryError, match=r"training: simulate 12 models: takes about"):
        found.run(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_first_process_of_torchrun_simulates_and_the_others_wait(tmp_path, monkeypatch):
    source = recipe("tiny").stages[0].source
    waits = []

    def meanwhile(_seconds):
        waits.append(sorted(path.name for path in tmp_path.iterdir()))
        with monkeypatch.context() as patch:
            patch.setenv("RANK", "0")
            source.samples(tmp_path, (2, 1), Machine())

    monkeypatch.setattr(sources.time, "sleep", meanwhile)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert (Machine().leads, Machine().ranks) == (False, 2)
    data, held_out = source.samples(tmp_path, (2, 1), Machine())
    assert waits == [[]]
    assert (len(data), len(held_out)) == (2, 1)


def test_stages_of_two_surveys_are_refused():
    found = recipe("tiny-salt")
    other = recipe("fcnvmb-mini").stages[0]
    with pytest.raises(VMBValueError, match="training: must have the grid of the first stage"):
        replace(found, stages=(found.stages[0], other))


@pytest.fixture
def tuning(run, monkeypatch):
    """Return a recipe that starts from the first stage of the tiny one, with a low-cut."""
    monkeypatch.setattr(LearnedInversion, "from_pretrained", lambda _: first_stage(run[0]))
    found = recipe("tiny", count=3, validation=2, epochs=1)
    (stage,) = found.stages
    augmented = replace(stage, augment=RandomLowCut((4.0, 8.0), dt=4e-3, p=0.5))
    return replace(found, name="tuned", stages=(augmented,), parent="tiny")


def test_a_recipe_starts_from_its_parent_and_augments(run, tuning, tmp_path):
    G = tuning.run(tmp_path)
    card, parent = G.card, first_stage(run[0])
    assert (card.name, card.training["parent"]["name"]) == ("tuned", "tiny-salt-training")
    assert card.training["parent"]["sha256"] == parent.card.training["sha256_float32"]
    assert card.training["augmentation"] == tuning.stages[0].augment.config
    assert card.limits == (
        "Good for nothing but tests.",
        "Fine-tuned: what tiny-salt-training had learned may be forgotten.",
    )
    assert card.signature.samples == 3
    assert set(card.signature.predictions) == {"at_limits", "data_misfit"}
    assert tuning.run(tmp_path).card == card  # read, not trained again


@pytest.mark.parametrize("what", ["augment", "start"])
def test_weights_of_another_augmentation_or_parent_are_refused(tuning, tmp_path, what):
    tuning.run(tmp_path)
    (stage,) = tuning.stages
    plain = replace(tuning, stages=(replace(stage, augment=None),))
    other = {"augment": plain, "start": replace(tuning, parent=None)}[what]
    with pytest.raises(VMBFileError, match=rf"belongs to another training, got another {what}"):
        other.run(tmp_path)


def test_a_parent_of_another_network_is_refused(tuning, tmp_path):
    other = replace(tuning, settings={"width": 2, "depth": 2})
    with pytest.raises(VMBValueError, match=r"parent: must be a network .* with another network"):
        other.run(tmp_path)


def test_the_tuned_networks_are_made_as_they_were():
    kinds = ("full", "lowcut", "robust")
    full, lowcut, robust = (recipe(f"fcnvmb-mini-{kind}") for kind in kinds)
    parents = ("fcnvmb-mini", "fcnvmb-mini", "fcnvmb-mini-full")
    for found, parent in zip((full, lowcut, robust), parents, strict=True):
        (stage,) = found.stages
        assert found.parent == parent
        assert (stage.count, stage.validation) == (9000, 300)
        config = stage.config
        assert (config.epochs, config.batch, config.lr, config.seed) == (10, 16, 1e-3, 1)
        members = stage.source.document["velocity"]["members"]
        assert [share for share, _ in members] == [0.5, 0.2, 0.3]
        assert any("none of which was trained on" in limit for limit in found.limits)
        assert found._start().card.name == parent
    assert full.stages[0].source == lowcut.stages[0].source
    assert full.stages[0].augment is None
    assert lowcut.stages[0].augment == RandomLowCut((1.5, 8.5), dt=0.005, p=0.85)
    assert any("statistical guess" in limit for limit in lowcut.limits)
    assert robust.stages[0].source == full.stages[0].source
    kinds = [type(part).__name__ for part in robust.stages[0].augment.steps]
    assert kinds == ["WaveletChange", "RandomLowCut", "Noise", "DeadTraces"]
    assert full.limits[0] == lowcut.limits[0] != robust.limits[0]


@pytest.mark.parametrize(
    ("message", "name", "changes"),
    [
        (r"recipe: is not a known choice, got 'huge'\. Use one of 'fcnvmb-mini'", "huge", {}),
        (r"tiny: has no such entries, got \['epoch'\]\. Use some of", "tiny", {"epoch": 3}),
        (r"no such entries, got \['salt\.epochs'\]", "tiny", {"salt.epochs": 3}),
        (r"epochs: must be at least 1, got 0", "tiny", {"epochs": 0}),
        (r"count: must be at least 1, got 0", "tiny", {"count": 0}),
        (r"tiny: is made of generated models only", "tiny", {"data": "."}),
        (r"nowhere: cannot be read", "fcnvmb-paper", {"data": "nowhere"}),
    ],
)
def test_refusals(message, name, changes):
    with pytest.raises((VMBValueError, VMBFileError), match=message):
        recipe(name, **changes)
