"""A folder with a model, its gathers and a network, and a function that runs commands in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pylops_vmb.cli import main
from pylops_vmb.io import write_gathers, write_npz
from pylops_vmb.learned import Card, LearnedInversion, Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.networks import build
from pylops_vmb.survey import Acquisition, Grid

GRID = Grid((24, 16), 10.0)


@pytest.fixture(scope="session")
def survey() -> Acquisition:
    """Return a survey whose wavelet starts one sample late, as that of OpenFWI does."""
    acq = Acquisition.fixed_spread(
        [40.0, 120.0, 200.0], GRID.x, nt=160, dt=2e-3, f0=15.0, zs=10.0, zr=10.0
    )
    return Acquisition(
        acq.srcs, acq.recs, nt=160, dt=2e-3, wav=acq.wav[1:], wavc=acq.wavc - 1, f0=15.0
    )


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, survey: Acquisition) -> Path:
    """Return a folder with a model, its gathers, and an untrained network."""
    folder = tmp_path_factory.mktemp("cli")
    vp = np.full(GRID.dims, 2000.0, np.float32)
    vp[:, 8:] = 2600.0
    write_npz(folder / "true.npz", vp, GRID)
    torch.manual_seed(0)
    net = build(
        "fcnvmb-repaired", in_channels=3, in_shape=(80, 24), out_shape=(16, 24), width=4, depth=2
    )
    network = {"name": "fcnvmb-repaired", "config": net.config}
    card = Card("tiny-net", network, GRID, survey, Preprocessing(step=2), limits=("Untrained.",))
    LearnedInversion(net, card).save(folder / "net.safetensors")
    # as if a contractor had shot them: no report beside the file says what the wavelet was
    write_gathers(folder / "field.sgy", AcousticModelling2D(GRID, survey)(vp), survey)
    return folder


@pytest.fixture
def cli(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command in the room and gives code, stdout and stderr."""
    monkeypatch.chdir(room)

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        streams = capsys.readouterr()
        return code, streams.out, streams.err

    return run
