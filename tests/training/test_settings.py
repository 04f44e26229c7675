"""Settings of a training: what they refuse, and how they are kept."""

import json

import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.training import TrainingConfig
from pylops_vmb.training.settings import optimizer_of


@pytest.mark.parametrize(
    ("error", "message", "settings"),
    [
        (VMBValueError, r"epochs: must be at least 1, got 0", {"epochs": 0}),
        (VMBTypeError, r"batch: must be an integer, got 1\.5", {"batch": 1.5}),
        (VMBValueError, r"accumulate: must be at least 1, got 0", {"accumulate": 0}),
        (VMBValueError, r"seed: must be at least 0, got -1", {"seed": -1}),
        (VMBValueError, r"lr: must be above 0\.0, got 0", {"lr": 0.0}),
        (VMBValueError, r"vp_scale: must be above 0\.0, got 0", {"vp_scale": 0.0}),
        (VMBValueError, r"weight_decay: must be at least 0\.0, got -1", {"weight_decay": -1.0}),
        (VMBValueError, r"ema: must be at most 1\.0, got 2", {"ema": 2.0}),
        (VMBValueError, r"warmup: must be at most 1\.0, got 1\.5", {"warmup": 1.5}),
        (VMBValueError, r"clip: must be above 0\.0, got 0", {"clip": 0.0}),
        (VMBValueError, r"patience: must be at least 1, got 0", {"patience": 0}),
        (VMBValueError, r"loss: is not a known choice, got 'l2'.*'l1', 'mse'", {"loss": "l2"}),
        (VMBValueError, r"precision: is not.*got 'half'.*'float16'", {"precision": "half"}),
        (VMBValueError, r"optimizer: is not.*got 'sgd'.*'adamw'", {"optimizer": "sgd"}),
        (VMBValueError, r"schedule: is not.*got 'step'.*'cosine'", {"schedule": "step"}),
        (VMBValueError, r"monitor: is not.*got 'lr'.*'ssim'", {"monitor": "lr"}),
        (
            VMBValueError,
            r"optimizer_settings: are refused by torch's adam .*got \{'momentum': 0\.9\}.*betas",
            {"optimizer": "adam", "optimizer_settings": {"momentum": 0.9}},
        ),
        (
            VMBValueError,
            r"optimizer_settings: are refused .*Invalid beta",
            {"optimizer_settings": {"betas": (2.0, 0.9)}},
        ),
    ],
)
def test_settings_are_checked(error, message, settings):
    with pytest.raises(error, match=message):
        TrainingConfig(**settings)


def test_the_document_is_plain_and_tells_settings_apart():
    def own(a, b):
        return (a - b).abs().mean()

    for loss, named in (("l1", "l1"), ({"l1": 1.0, own: 0.5}, own.__qualname__)):
        document = TrainingConfig(loss=loss).document
        assert named in json.dumps(document)
        assert document["lr"] == 2e-3
    assert TrainingConfig(ema_warmup=False).document != TrainingConfig().document


def test_the_optimiser_takes_the_settings_and_changes_go_first():
    config = TrainingConfig(
        lr=0.3, weight_decay=0.2, optimizer="adam", optimizer_settings={"betas": (0.5, 0.6)}
    )
    optimizer = optimizer_of([torch.zeros(1)], config)
    assert type(optimizer) is torch.optim.Adam
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"], group["betas"]) == (0.3, 0.2, (0.5, 0.6))
    (group,) = optimizer_of([torch.zeros(1)], config, lr=0.1).param_groups
    assert group["lr"] == 0.1
