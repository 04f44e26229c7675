"""What tells two trainings apart: sets of equal length, through views, moved files."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from torch.utils.data import ConcatDataset, Subset

from pylops_vmb.errors import VMBFileError
from pylops_vmb.training import GathersOnly, simulate
from pylops_vmb.training.datasets.manifest import portable
from pylops_vmb.training.identity import of_data
from pylops_vmb.training.record import describe
from pylops_vmb.velocity import StoredVelocities


class Files(list):
    """Samples that know their files."""

    preprocessing = SimpleNamespace(config={"step": 2})

    def __init__(self, *files):
        super().__init__([None, None])
        self.files = files


def digest(data):
    return of_data("training", data)["training manifest"]


def test_sets_of_files_differ_by_name_and_size(tmp_path):
    for name, size in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).write_bytes(b"x" * size)
    one, other, longer = (Files((tmp_path / name, tmp_path / "a")) for name in "abc")
    assert len({digest(data) for data in (one, other, longer)}) == 3
    assert digest(one) == digest(Files((tmp_path / "a", tmp_path / "a")))
    coarser = Files((tmp_path / "a", tmp_path / "a"))
    coarser.preprocessing = SimpleNamespace(config={"step": 5})
    assert digest(coarser) != digest(one)


def test_views_are_looked_through(stored):
    part, other = Subset(stored, [0, 1]), Subset(stored, [0, 2])
    views = [stored, part, other, ConcatDataset([part, other]), ConcatDataset([other, part])]
    assert len({digest(view) for view in views}) == len(views)
    assert digest(GathersOnly(part)) == digest(part)
    assert digest([(0, 0)]) is None


def test_a_moved_file_of_models_is_the_same_one(tmp_path, simulation):
    np.save(tmp_path / "vp.npy", np.full((2, 10, 12), 2000.0, np.float32))
    simulation = simulation.__class__(
        StoredVelocities(tmp_path / "vp.npy"),
        simulation.acq,
        simulation.spacing,
        simulation.preprocessing,
    )
    data = simulate(tmp_path / "set", simulation, count=2)
    assert describe(data)["velocity"]["path"] == "vp.npy"
    (tmp_path / "else").mkdir()
    moved = shutil.move(tmp_path / "vp.npy", tmp_path / "else" / "vp.npy")
    again = simulation.__class__(
        StoredVelocities(moved), simulation.acq, simulation.spacing, simulation.preprocessing
    )
    assert len(simulate(tmp_path / "set", again, count=2)) == 2
    np.save(moved, np.full((2, 10, 12), 2100.0, np.float32))
    other = simulation.__class__(
        StoredVelocities(moved), simulation.acq, simulation.spacing, simulation.preprocessing
    )
    with pytest.raises(VMBFileError, match="another velocity"):
        simulate(tmp_path / "set", other, count=2)


def test_portable_keeps_all_but_folders():
    config = {"members": [[1.0, {"path": "/here/vp.npy", "sha256": "f"}]], "seed": 3}
    assert portable(config) == {"members": [[1.0, {"path": "vp.npy", "sha256": "f"}]], "seed": 3}
