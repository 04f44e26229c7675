"""The machinery of the benchmark of starts: jobs that resume, rows, and the tables of them."""

import fcntl
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import pylops_vmb as vmb
from tests.benchmarks import page
from tests.benchmarks.hybrid import starts_report, tables
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.hybrid.curves import first_below
from tests.benchmarks.hybrid.jobs import read_rows, run_jobs
from tests.benchmarks.hybrid.models import Model
from tests.benchmarks.hybrid.rows import Run, read_run


def job(folder: Path, name: str) -> dict[str, object]:
    """Count the calls of a name in a file."""
    with (folder / "calls").open("a") as file:
        file.write(f"{name}\n")
    if (folder / "broken").exists() and name == "b":
        raise ValueError("broken")
    return {"name": name}


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().split()


@pytest.fixture
def jobs(tmp_path):
    return {name: partial(job, tmp_path, name) for name in "abc"}


class TestJobs:
    def test_a_second_call_does_only_what_is_missing(self, tmp_path, jobs):
        run_jobs(tmp_path, {"a": jobs["a"]}, processes=0)
        run_jobs(tmp_path, jobs, processes=0)
        assert calls(tmp_path) == ["a", "b", "c"]
        assert list(read_rows(tmp_path).values()) == [{"key": n, "name": n} for n in "abc"]

    def test_a_failed_job_is_said_after_the_others_and_done_the_next_time(self, tmp_path, jobs):
        (tmp_path / "broken").touch()
        with pytest.raises(RuntimeError, match=r"1 of 3 jobs failed, first b"):
            run_jobs(tmp_path, jobs, processes=0)
        (tmp_path / "broken").unlink()
        assert list(read_rows(tmp_path)) == ["a", "c"]
        run_jobs(tmp_path, jobs, processes=0)
        assert list(read_rows(tmp_path)) == ["a", "c", "b"]
        assert calls(tmp_path) == ["a", "b", "c", "b"]

    def test_half_a_line_of_a_killed_run_is_no_row_and_spoils_no_other(self, tmp_path, jobs):
        run_jobs(tmp_path, {"a": jobs["a"]}, processes=0)
        with (tmp_path / "rows.jsonl").open("a") as file:
            file.write('{"key": "b", "na')
        assert list(read_rows(tmp_path)) == ["a"]
        run_jobs(tmp_path, jobs, processes=0)
        assert list(read_rows(tmp_path)) == ["a", "b", "c"]

    def test_what_another_command_works_on_is_left_to_it(self, tmp_path, jobs):
        (tmp_path / "claims").mkdir()
        with (tmp_path / "claims" / "b").open("w") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX)
            run_jobs(tmp_path, jobs, processes=0)
        assert calls(tmp_path) == ["a", "c"]

    @pytest.mark.slow
    def test_workers_write_the_same_rows(self, tmp_path, jobs):
        run_jobs(tmp_path, jobs, processes=2)
        assert sorted(read_rows(tmp_path)) == ["a", "b", "c"]
        assert sorted(calls(tmp_path)) == ["a", "b", "c"]


@pytest.fixture(scope="module")
def small():
    grid = vmb.Grid((24, 16), 10.0)
    xr = 10.0 * np.arange(24)
    acq = vmb.Acquisition.fixed_spread([50.0, 180.0], xr, nt=160, dt=0.001, f0=20.0)
    F = vmb.AcousticModelling2D(grid, acq)
    true = np.full(grid.dims, 2000.0, dtype="float32")
    true[:, 8:] = 2500.0
    return Problem(F, F(true), true)


@pytest.fixture(scope="module")
def measured(small, tmp_path_factory):
    """Return row, folder and result of three iterations in each of three bands."""
    folder, results = tmp_path_factory.mktemp("runs"), []

    def invert(problem, callbacks):
        x0 = np.full(problem.F.dims, 2300.0, dtype="float32")
        words = {"bands": (12.0, 15.0, None), "niter": 3, "callbacks": callbacks}
        results.append(vmb.fwi(problem.F, problem.dobs, x0, **words))
        return results[-1]

    run = Run(
        Model("flat-00", "flat", small.true),
        "full",
        "constant",
        observe=lambda _: small,
        invert=invert,
        folder=folder,
        labels={"niter": 3},
        predict=lambda problem: problem.true + 75.0,
    )
    return run, run(), results[0]


class TestRun:
    def test_key_tells_runs_apart(self, measured):
        assert measured[0].key == "full-flat-00-constant-3"

    def test_scores_are_those_of_the_result_in_units_of_1500(self, measured, small):
        _, row, result = measured
        vp = result.vp
        assert row["mae"] == pytest.approx(vmb.metrics.mae(vp, small.true) / 1500.0)
        assert row["ssim_uniform"] == pytest.approx(
            vmb.metrics.scores(vp, small.true)["ssim_uniform"]
        )
        assert row["misfit"] == pytest.approx(vmb.metrics.relative_l2(small.F(vp), small.dobs))
        assert row["start_mae"] == pytest.approx(250.0 / 1500.0)
        assert row["prediction_mae"] == pytest.approx(0.05)

    def test_gradients_are_added_over_bands(self, measured):
        _, row, result = measured
        low, middle, full = (result.history[last].evaluations for last in (2, 5, 8))
        assert (row["iterations"], row["gradients"]) == (9, low + middle + full)
        assert row["simulations"] == 0
        assert row["bands"] == [12.0, 15.0, None]

    def test_a_row_is_plain_json(self, measured):
        assert json.loads(json.dumps(measured[1])) == measured[1]

    def test_curves_go_from_the_start_to_the_result(self, measured, small):
        run, row, result = measured
        kept = read_run(run.folder, run.key)
        assert list(kept["iteration"]) == [0, 2, 4, 6, 8, 9]
        first, *_, last = result.history
        assert list(kept["gradients"][[0, -1]]) == [first.evaluations, row["gradients"]]
        assert last.evaluations < row["gradients"]
        assert kept["misfit"][0] == pytest.approx(row["start_misfit"])
        assert kept["misfit"][-1] == pytest.approx(row["misfit"])
        assert kept["mae"][0] == pytest.approx(250.0)
        np.testing.assert_array_equal(kept["vp"], result.vp)
        np.testing.assert_array_equal(kept["true"], small.true)

    def test_an_interrupted_inversion_is_no_row(self, small, tmp_path):
        stopped = vmb.inversion.InversionResult(small.true, status="interrupted", message="")
        run = Run(
            Model("flat-00", "flat", small.true),
            "full",
            "stopped",
            observe=lambda _: small,
            invert=lambda *_: stopped,
            folder=tmp_path,
        )
        with pytest.raises(InterruptedError, match=r"full-flat-00-stopped was stopped"):
            run()


MAE = {"linear": (0.10, 0.30), "network": (0.06, 0.18), "oracle": (0.05, 0.11)}
"""Of two models by method."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of invented runs: the network is at linear's last misfit after a quarter."""
    folder = tmp_path_factory.mktemp("starts")
    (folder / "runs").mkdir()
    vp, rows = np.linspace(1500.0, 4000.0, 4900, dtype="float32").reshape(70, 70), []
    for method, maes in MAE.items():
        for number, mae in enumerate(maes):
            rows.append(invented(method, f"flatvel-{number:02d}", mae))
            kept = {"true": vp, "start": vp, "vp": vp, "iteration": [0, 10, 40]}
            kept["mae"] = [900.0, 1500.0 * mae * 1.2, 1500.0 * mae]
            kept |= {"prediction": vp, "gradients": [9, 20, 55]} if method == "network" else {}
            kept["misfit"] = [0.9, 0.5, 0.2] if method == "linear" else [0.5, 0.2, 0.1]
            np.savez(folder / "runs" / f"{rows[-1]['key']}.npz", **kept)
    rows.append(invented("linear", "flatvel-02", 0.9))  # its other runs are not done
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def invented(method: str, model: str, mae: float) -> dict[str, object]:
    names = ("mae", "rmse", "ssim", "ssim_uniform", "misfit")
    what = {"key": f"full-{model}-{method}-10", "condition": "full", "method": method}
    what |= {"model": model, "family": "flatvel", "niter": 10, "start": method, "starts": {}}
    prefixes = ("", "start_", *(["prediction_"] if method == "network" else []))
    what |= {prefix + name: mae for prefix in prefixes for name in names}
    what |= {"network": "mini-1234"} if method == "network" else {}
    cost = {"iterations": 40, "gradients": 50}
    return what | cost | {"seconds": 20.0, "cpu_seconds": 18.0, "bands": [3.9, None]}


@pytest.fixture(scope="module")
def report(folder):
    return starts_report.report(folder, list(read_rows(folder).values()))


class TestReport:
    def test_means_and_spreads_are_over_models_that_all_methods_have(self, report):
        lines = {line["method"]: line for line in report.rows if line["family"] == "FlatVel-A"}
        linear, network = lines["linear + FWI"], lines["network + FWI (hybrid)"]
        assert (linear["models"], linear["MAE"]) == (2, pytest.approx(0.2))
        assert linear["MAE ±"] == pytest.approx(0.1 * 2**0.5)
        assert network["MAE / linear's"] == pytest.approx(0.6)
        assert network["iterations / linear's"] == 0.25
        assert network["gradients"] == 50

    def test_an_oracle_is_called_one(self, report):
        assert {line["method"] for line in report.rows if "oracle" in line["method"].lower()} == {
            "ORACLE + FWI"
        }

    def test_verdicts_are_met_and_missed(self, report):
        text = "\n".join(report.notes)
        assert "MAE over linear's: 0.6, target at most 0.6: met" in text
        assert "linear's misfit over linear's: 0.25, target at most 0.333333: met" in text
        assert "MAE over ORACLE's: 1.5, target at most 1.5: met" in text
        assert "more than 5 % on 0 of 2 models" in text
        assert "as many gradients (2 models): 0.72, target at most 0.6: MISSED" in text
        assert "median iterations to linear's MAE over linear's: 0.25" in text
        assert "median gradients to linear's misfit over linear's: 0.4" in text
        assert "1 times the gradients, 1 times the CPU seconds of linear + FWI" in text
        assert "1 runs are left out" in text

    def test_a_missed_target_says_so(self, folder):
        rows = [
            row | ({"mae": 2.0 * row["mae"]} if row["method"] == "network" else {})
            for row in read_rows(folder).values()
        ]
        lines = starts_report.verdicts(starts_report.with_iterations(folder, rows))
        assert "full band: MAE over linear's: 1.2, target at most 0.6: MISSED" in lines
        assert "full band: MAE above linear's by more than 5 % on 2 of 2 models" in lines

    def test_csv_pictures_and_page_are_written(self, folder, report, tmp_path):
        assert (folder / "starts.csv").read_text().count("\n") == 7
        assert "3.9 full" in (folder / "starts.csv").read_text()
        starts_report.write_page(tmp_path / "hybrid_benchmarks.rst", folder, report)
        text = (tmp_path / "hybrid_benchmarks.rst").read_text()
        assert "     - .200 ± .141" in text
        assert ".. image:: _static/starts.png" in text
        assert (tmp_path / "_static" / "starts.png").stat().st_size < 200_000
        assert (folder / "starts_models.png").exists()
        assert "starts_models.png" not in text  # it may show maps that are not ours


def test_a_misfit_that_is_never_reached_is_infinite():
    curve = {"iteration": [0, 2, 4], "misfit": [0.9, 0.5, 0.4]}
    assert first_below(curve, 0.45) == 4.0
    assert first_below(curve, 0.3) == float("inf")
    assert tables.middle([0.2, float("inf"), 0.3]) == 0.3
    assert page.number(float("inf")) == "never"


def test_newer_rows_replace_older_ones():
    rows = [
        {"condition": "full", "model": "a", "method": "linear", "mae": 1.0},
        {"condition": "full", "model": "a", "method": "linear", "mae": 2.0},
    ]
    assert [row["mae"] for row in tables.paired(rows)] == [2.0]
