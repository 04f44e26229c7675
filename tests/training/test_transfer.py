"""Transfer learning: a copy learns, what is frozen stays to the bit, and the card tells of both."""

import copy
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import Subset

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.io import weights_digest
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.networks import build
from pylops_vmb.networks.parts import parts
from pylops_vmb.survey import Grid
from pylops_vmb.training import TrainingConfig, finetune, simulate
from pylops_vmb.training.batchnorm import share_batchnorm
from pylops_vmb.training.record import validation_scores
from pylops_vmb.training.transfer import FineTuning

SIZES = {"in_channels": 2, "in_shape": (25, 10), "out_shape": (12, 10)}
NETWORKS = {
    "fcnvmb": {"in_channels": 2, "out_shape": (12, 10), "n_classes": 1, "width": 2},
    "fcnvmb-repaired": {**SIZES, "width": 4, "depth": 2},
    "inversionnet": {**SIZES, "width": 2},
    "dense-velocity": {**SIZES, "width": 2, "body": "unet", "settings": {"batchnorm": True}},
}
QUICK = TrainingConfig(epochs=2, batch=3, lr=1e-3, seed=2, ema=0.5)


class Counted:
    """Samples that count how often each was read."""

    def __init__(self, pairs):
        self.pairs, self.read = pairs, [0] * len(pairs)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        self.read[index] += 1
        return self.pairs[index]


@pytest.fixture(scope="module")
def pairs(stored):
    """Return six samples in memory."""
    return [stored[number] for number in range(6)]


@pytest.fixture(scope="module")
def parent(simulation):
    """Return what makes an untrained inversion with statistics in its batch norms."""

    def make(name="fcnvmb-repaired"):
        torch.manual_seed(3)
        net = build(name, **NETWORKS[name])
        for key, buffer in net.named_buffers():
            if key.endswith("running_mean"):
                buffer.fill_(0.25)
        network = {"name": name, "config": net.config}
        grid = Grid(simulation.velocity.dims, simulation.spacing)
        limits = ("Untrained.",)
        card = Card(
            "parent", network, grid, simulation.acq, simulation.preprocessing, limits=limits
        )
        return LearnedInversion(net, card)

    return make


def changed(G, tuned):
    """Return the names of the tensors that differ, batch statistics included."""
    ours, theirs = G.net.state_dict(), tuned.net.state_dict()
    assert ours.keys() == theirs.keys()
    return {name for name in ours if not torch.equal(ours[name], theirs[name])}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_of_every_network_learns_and_the_parent_stays(parent, pairs, name):
    G = parent(name)
    before = weights_digest(G.net.state_dict())
    tuned = finetune(G, pairs, validation=pairs, config=QUICK)
    assert weights_digest(G.net.state_dict()) == before
    assert not any(p.requires_grad for p in (*G.net.parameters(), *tuned.net.parameters()))
    assert {key for key, _ in G.net.named_parameters()} <= changed(G, tuned)
    assert type(tuned.net) is type(G.net)
    assert tuned.card.network == G.card.network


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("part", ["encoder", "all but last"])
def test_frozen_parts_stay_to_the_bit_with_their_statistics(parent, pairs, name, part):
    G = parent(name)
    tuned = finetune(G, pairs, validation=pairs, freeze=part, config=QUICK)
    frozen = parts(G.net)[part]
    layers = {key.rpartition(".")[0] for key in frozen}
    moved = changed(G, tuned)
    assert moved
    assert not {key for key in moved if key.rpartition(".")[0] in layers}
    assert {type(layer) for layer in tuned.net.modules()} == {
        type(layer) for layer in G.net.modules()
    }


@pytest.mark.parametrize("wrap", [lambda net: net, share_batchnorm])
def test_frozen_batch_norm_uses_its_running_statistics(parent, wrap):
    method = FineTuning(parent(), QUICK, freeze="encoder", lr={})
    method.prepare(4, device=torch.device("cpu"), wrap=wrap)
    method.step(torch.randn(3, 2, 25, 10), torch.full((3, 1, 12, 10), 2000.0))
    modes = {
        key: layer.training
        for key, layer in method.net.named_modules()
        if hasattr(layer, "running_mean")
    }
    assert len(modes) == 11
    for key, training in modes.items():
        assert training == key.startswith("ups"), key


def test_rates_by_part_reach_optimiser_and_weights(parent, pairs):
    G, tiny = parent(), 1e-12
    config = TrainingConfig(epochs=2, batch=3, lr=1e-2, weight_decay=0.0, ema=0.0)
    tuned = finetune(G, pairs, validation=pairs, lr={"encoder": tiny}, config=config)
    before, after = dict(G.net.named_parameters()), dict(tuned.net.named_parameters())
    moved = {key: float((after[key] - before[key]).abs().max()) for key in before}
    slow = parts(G.net)["encoder"]
    assert max(moved[key] for key in slow) < 1e-10
    assert min(moved[key] for key in set(moved) - slow) > 1e-5
    method = FineTuning(G, config, freeze=(), lr={"encoder": tiny})
    method.prepare(10, device=torch.device("cpu"), wrap=lambda net: net)
    groups = method.descent.optimizer.param_groups
    assert sorted(group["max_lr"] for group in groups) == [tiny, 1e-2]
    assert sum(len(group["params"]) for group in groups) == len(before)


def test_the_card_tells_parent_data_and_scores_before_and_after(parent, pairs, stored):
    G = parent()
    tuned = finetune(G, stored, validation=pairs, freeze=["stem"], config=QUICK, name="salty")
    card, training = tuned.card, tuned.card.training
    assert (card.name, card.licence, card.limits[0]) == ("salty", G.card.licence, "Untrained.")
    assert "may be forgotten" in card.limits[1]
    assert training["parent"]["name"] == "parent"
    assert training["parent"]["sha256"] == weights_digest(G.net.state_dict())
    assert training["data"]["velocity"] == stored.manifest["velocity"]
    assert (training["samples"], training["replayed"], training["freeze"]) == (7, 0, ["stem"])
    assert training["config"]["seed"] == 2
    assert [row["epoch"] for row in training["history"]] == [1, 2]
    assert training["sha256_float32"] == weights_digest(tuned.net.state_dict())
    for net, suffix in ((G.net, "_before"), (tuned.net, "")):
        scores = validation_scores(net, pairs, preprocessing=G.card.preprocessing)
        for key in ("validation_mae_m_s", "validation_rmse_m_s"):
            assert card.metrics[key + suffix] == pytest.approx(scores[key], rel=1e-6)
    assert card.metrics["validation_models"] == 6
    assert Card.from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_scores_are_those_of_all_cells(parent, pairs):
    G = parent()
    scores = validation_scores(G.net, pairs, preprocessing=G.card.preprocessing)
    d, vp = (torch.stack(part) for part in zip(*pairs, strict=True))
    with torch.no_grad():
        error = (G.net(G.card.preprocessing.normalise(d)) - vp).double()
    assert scores["validation_mae_m_s"] == pytest.approx(float(error.abs().mean()), rel=1e-5)
    rmse = float(error.square().mean().sqrt())
    assert scores["validation_rmse_m_s"] == pytest.approx(rmse, rel=1e-5)
    assert "validation_ssim" not in scores  # 10 columns are fewer than its window


def test_a_tenth_is_held_out_by_default_and_never_trained_on(parent, pairs, monkeypatch):
    seen = []
    step = FineTuning.step

    def noted(self, inputs, vp):
        seen.extend(float(one.sum()) for one in vp)
        return step(self, inputs, vp)

    monkeypatch.setattr(FineTuning, "step", noted)
    tuned = finetune(parent(), pairs, config=QUICK)
    assert tuned.card.training["samples"] == 5
    assert tuned.card.metrics["validation_models"] == 1
    assert len(set(seen)) == 5
    assert len(seen) == 2 * 5


def test_replayed_samples_are_trained_on_as_well(parent, pairs):
    old = Counted(pairs[:2])
    tuned = finetune(parent(), pairs[2:4], validation=pairs[4:], replay=old, config=QUICK)
    assert min(old.read) >= QUICK.epochs
    assert (tuned.card.training["samples"], tuned.card.training["replayed"]) == (2, 2)


def test_a_killed_run_goes_on_to_the_same_bits(parent, pairs, tmp_path, monkeypatch):
    G, path = parent(), tmp_path / "checkpoint.safetensors"
    settings = {"validation": pairs, "freeze": "encoder", "lr": {"last": 1e-4}, "config": QUICK}
    whole = finetune(G, pairs, **settings)
    step = FineTuning.step
    state = SimpleNamespace(left=3)  # dies in the second of two epochs of two steps

    def dying(self, inputs, vp):
        state.left -= 1
        if state.left < 0:
            raise ZeroDivisionError
        return step(self, inputs, vp)

    with monkeypatch.context() as patch:
        patch.setattr(FineTuning, "step", dying)
        with pytest.raises(ZeroDivisionError):
            finetune(G, pairs, checkpoint=path, **settings)
    resumed = finetune(G, pairs, checkpoint=path, **settings)
    assert not changed(whole, resumed)
    for other in ({"freeze": "decoder"}, {"lr": {}}):
        with pytest.raises(VMBFileError, match="belongs to another training"):
            finetune(G, pairs, checkpoint=path, **settings | other)
    stranger = LearnedInversion(copy.deepcopy(G.net), G.card)
    next(stranger.net.parameters()).add_(1.0)
    with pytest.raises(VMBFileError, match="belongs to another training"):
        finetune(stranger, pairs, checkpoint=path, **settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"freeze": "*"}, r"freeze: leaves nothing to train, got '\*'"),
        ({"freeze": ["encoder", "decoder"]}, "freeze: leaves nothing to train"),
        ({"freeze": "attention"}, r"freeze: stands for no parameter of RepairedFCNVMB, got 'att"),
        ({"lr": {"encoder": 0.0}}, r"lr\['encoder'\]: must be above 0\.0"),
        ({"lr": {"nothing": 1e-3}}, "lr: stands for no parameter"),
        ({"data": []}, "data: must hold samples, got none"),
        ({"validation": []}, "validation: must hold samples"),
        ({"data": "one"}, "data: cannot be divided for a validation, got 1 sample"),
        (
            {"data": "wide"},
            r"data: must have the sizes of parent, gathers \(ns, nt, nr\) = \(2, 25, 10\) and "
            r"velocity \(1, nz, nx\) = \(1, 12, 10\), got \(2, 25, 11\) and \(1, 12, 10\)\. Sim",
        ),
        ({"replay": "wide"}, "replay: must have the sizes of parent"),
    ],
)
def test_refusals(parent, pairs, change, message):
    wide = [(torch.zeros(2, 25, 11), pairs[0][1])]
    known = {"one": pairs[:1], "wide": wide}
    change = {k: known.get(v, v) if isinstance(v, str) else v for k, v in change.items()}
    data = change.pop("data", pairs)
    with pytest.raises(VMBValueError, match=message):
        finetune(parent(), data, config=QUICK, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"acq": "other"}, "another survey"),
        ({"spacing": (10.0, 5.0)}, "another spacing"),
        ({"preprocessing": Preprocessing(step=4, decimation="middle", gain=0.05)}, "decimation"),
    ],
)
def test_samples_of_another_survey_are_refused(parent, simulation, tmp_path, change, message):
    if "acq" in change:
        acq = simulation.acq
        change = {"acq": acq.with_wavelet(2.0 * np.asarray(acq.wav), acq.wavc)}
    data = simulate(tmp_path / "data", replace(simulation, **change), count=2)
    with pytest.raises(VMBValueError, match=f"must be made for the survey of .*{message}"):
        finetune(parent(), Subset(data, [0, 1]))
