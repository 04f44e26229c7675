"""The history of a training: its table, its file, its best epoch."""

import csv
import os

import pytest

from pylops_vmb.errors import VMBFileError, VMBValueError
from pylops_vmb.training import History
from pylops_vmb.training.history import added, means

ROWS = [
    {"epoch": 1, "loss": 0.5, "mae": 301.25, "ssim": 0.2, "lr": 1e-3, "seconds": 12.34},
    {"epoch": 2, "loss": 0.25, "mae": 154.0, "ssim": 0.6, "lr": 2e-3, "seconds": 2.0},
    {"epoch": 3, "loss": 0.3, "mae": 154.0, "ssim": 0.6, "lr": 0.0, "seconds": 2.0, "gap": 1.5},
]


def test_the_table_is_aligned_and_leaves_gaps():
    assert str(History(ROWS)).splitlines() == [
        "epoch    loss    mae    ssim        lr  seconds     gap",
        "    1  0.5000  301.2  0.2000  1.00e-03     12.3        ",
        "    2  0.2500  154.0  0.6000  2.00e-03      2.0        ",
        "    3  0.3000  154.0  0.6000  0.00e+00      2.0  1.5000",
    ]
    assert str(History()) == ""


def test_the_best_epoch_is_the_first_of_the_best():
    history = History(ROWS)
    assert [history.best(name) for name in ("mae", "loss", "ssim")] == [1, 1, 1]
    assert History(ROWS[:1]).best("mae") == 0
    assert History().best("mae") is None
    with pytest.raises(VMBValueError, match=r"monitor: is no column.*got rmse.*'epoch', 'loss'"):
        history.best("rmse")


def test_a_row_without_the_column_is_never_the_best():
    assert History([{"epoch": 1}, {"epoch": 2, "ssim": -0.5}]).best("ssim") == 1


def test_the_file_holds_every_digit(tmp_path):
    path = tmp_path / "history.csv"
    rows = [row | {"loss": row["loss"] / 3} for row in ROWS]
    History(rows).write_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [{name: float(v) for name, v in row.items() if v} for row in read] == rows
    assert read[0]["gap"] == ""


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "history.csv"
    History(ROWS[:1]).write_csv(path)
    before = path.read_bytes()

    def failing(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        History(ROWS).write_csv(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["history.csv"]
    with pytest.raises(VMBFileError, match="missing"):
        History(ROWS).write_csv(tmp_path / "missing" / "history.csv")


def test_sums_over_parts_become_means():
    sums = added([{"loss": 1.0, "mae": 2.0}, {}, {"loss": 3.0}])
    assert sums == {"loss": 4.0, "mae": 2.0}
    assert means(sums, 4) == {"loss": 1.0, "mae": 0.5}
    assert added([]) == {}
