"""The protocol of Yang and Ma (2019) at a third of its scale: survey, data, networks, training.

Every third cell of their own models, 67 x 101 cells of 30 m; 10 shots, 101 receivers, 2 s, a
6 Hz Ricker wavelet; 3 ms samples of which the middle one of each block of five is kept, as
theirs, so that gathers are 133 x 101: all lengths and times are a third of the published ones.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.learned import Preprocessing
from pylops_vmb.metrics import mae, rmse, ssim
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition
from pylops_vmb.training import ShardedSet, Simulation, Trainer, TrainingConfig, simulate
from pylops_vmb.velocity import StoredVelocities, VelocityGenerator
from tests.benchmarks.report import data_folder

SPACING, COLUMNS = 30.0, (3, 13, 24, 34, 45, 55, 66, 76, 87, 97)
WIDTH = 16
"""Filters of the first level, 64 as published: the networks are scaled down, too."""
HOUSE = TrainingConfig(epochs=10, batch=10, lr=2e-3, ema=0.98, precision="bfloat16")
PUBLISHED = replace(
    HOUSE,
    lr=1e-3,
    loss="mse",
    vp_scale=1.0,
    optimizer="adam",
    weight_decay=0.0,
    schedule="constant",
    ema=0.0,
)
AS_STORED = Preprocessing(step=5, decimation="middle", scale="none")
SCALED = Preprocessing(step=5, decimation="middle", scale="rms", gain=0.02)


class ScaledLabels(nn.Module):
    """A network whose output -1 to 1 stands for 1500 to 4500 m/s."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: Tensor) -> Tensor:
        """Return velocity in m/s."""
        labels: Tensor = self.net(inputs)
        return 3000.0 + 1500.0 * labels.float()


def faithful(sizes: dict[str, Any]) -> nn.Module:
    """Return FCNVMB as published, narrower."""
    channels, shape = sizes["in_channels"], sizes["out_shape"]
    return build("fcnvmb", in_channels=channels, n_classes=1, out_shape=shape, width=WIDTH)


def dense(body: str) -> Callable[[dict[str, Any]], nn.Module]:
    """Return the maker of an FCN or a U-Net with batch norm and a head for velocity."""
    settings = {"batchnorm": True}
    return lambda sizes: build("dense-velocity", body=body, width=WIDTH, settings=settings, **sizes)


def named(name: str) -> Callable[[dict[str, Any]], nn.Module]:
    """Return the maker of a registered network of the common width."""
    return lambda sizes: build(name, width=WIDTH, **sizes)


@dataclass(frozen=True)
class Contender:
    """A network and how it is trained."""

    title: str
    make: Callable[[dict[str, Any]], nn.Module]
    config: TrainingConfig = HOUSE
    preprocessing: Preprocessing = field(default=SCALED)


CONTENDERS = {
    "faithful": Contender(
        "FCNVMB as published, faster", faithful, replace(PUBLISHED, lr=3e-2), AS_STORED
    ),
    "faithful-slow": Contender("FCNVMB as published", faithful, PUBLISHED, AS_STORED),
    "faithful-scaled": Contender(
        "FCNVMB, our scaling and training", lambda sizes: ScaledLabels(faithful(sizes))
    ),
    "repaired": Contender("FCNVMB repaired", named("fcnvmb-repaired")),
    "unet": Contender("U-Net", dense("unet")),
    "fcn-8s": Contender("FCN-8s", dense("fcn-8s")),
    "inversionnet": Contender("InversionNet", named("inversionnet")),
}


def survey() -> Acquisition:
    """Return the survey."""
    return Acquisition.fixed_spread(
        [SPACING * column for column in COLUMNS],
        SPACING * np.arange(101),
        nt=667,
        dt=3e-3,
        f0=6.0,
        zs=30.0,
    )


def simulation(velocity: VelocityGenerator) -> Simulation:
    """Return how gathers of some models are made."""
    return Simulation(velocity, survey(), (SPACING, SPACING), AS_STORED)


def published_models(part: str) -> StoredVelocities:
    """Return the models of Yang and Ma: "train" (1600) or "test" (the 50 at hand)."""
    name = {"train": "train/vmodel_1_1600", "test": "test/vmodel_1601_1650"}[part]
    path = data_folder() / "fcnvmb" / f"simulate_{name}.npz"
    return StoredVelocities(path, order="zx", every=3)


def published_set(folder: Path, part: str, *, processes: int = 1) -> ShardedSet:
    """Return the gathers and models of a part, simulated if they are not there."""
    models = published_models(part)
    return simulate(folder / part, simulation(models), count=len(models), processes=processes)


def sizes_of(data: ShardedSet) -> dict[str, Any]:
    """Return the keywords of a network for a data set."""
    d, vp = data[0]
    return {
        "in_channels": d.shape[0],
        "in_shape": tuple(d.shape[1:]),
        "out_shape": tuple(vp.shape[1:]),
    }


def trained(
    folder: Path, name: str, *, seed: int, epochs: int, data: Any, validation: Any
) -> tuple[nn.Module, dict[str, Any]]:
    """Return a contender's network and its training, both kept in the folder."""
    path = folder / f"{name}-{seed}.safetensors"
    return train(path, CONTENDERS[name], seed=seed, epochs=epochs, data=data, validation=validation)


def train(
    path: Path,
    contender: Contender,
    *,
    seed: int,
    epochs: int,
    data: Any,
    validation: Any,
    start: nn.Module | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Return a network and its training; trained now, or read if it was before."""
    torch.manual_seed(seed)
    net = contender.make(sizes_of(validation))
    if start is not None:
        net.load_state_dict(start.state_dict())
    if not path.exists():
        config = replace(contender.config, seed=seed, epochs=epochs)
        cpu, wall = time.process_time(), time.monotonic()
        trainer = Trainer(
            net,
            data,
            validation,
            preprocessing=contender.preprocessing,
            config=config,
            checkpoint=path.with_suffix(".checkpoint"),
        )
        averaged = trainer.fit()
        about = {
            "config": asdict(config),
            "history": trainer.history,
            "cpu_seconds": time.process_time() - cpu,
            "seconds": time.monotonic() - wall,
        }
        write_weights(path, averaged.state_dict(), about)
        path.with_suffix(".checkpoint").unlink()
    tensors, about = read_weights(path)
    net.load_state_dict(tensors)
    return net.eval(), about


@torch.no_grad()
def predictions(net: nn.Module, data: Any, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Return the predicted models ``(n, nz, nx)`` of a data set, in float32."""
    return np.stack([net(preprocessing.normalise(d)[None])[0, 0].numpy() for d, _ in data])


def truths(data: Any) -> NDArray[np.float32]:
    """Return the models ``(n, nz, nx)`` of a data set."""
    return np.stack([vp[0].numpy() for _, vp in data])


def scores(vp: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
    """Return MAE and RMSE in m/s over all cells and the mean SSIM of the models."""
    return {
        "MAE": mae(vp, true),
        "RMSE": rmse(vp, true),
        "SSIM": float(np.mean([ssim(a, b) for a, b in zip(vp, true, strict=True)])),
    }
