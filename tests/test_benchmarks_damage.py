"""The helpers of the benchmarks of robustness, flat layers, salt, and parts of the hybrid."""

import argparse
import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from tests.benchmarks.hybrid import ablation, damage, flat, robustness, salt_start, sheets
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.report import NotMeasuredError, Report

ACQ = vmb.Acquisition.openfwi()


@pytest.fixture
def small(monkeypatch):
    """Let conditions begin with a survey of two shots; return the velocity under it."""
    grid = vmb.Grid((24, 16), 10.0)
    xr = 10.0 * np.arange(24)
    acq = vmb.Acquisition.fixed_spread([50.0, 180.0], xr, nt=160, dt=0.001, f0=20.0)
    F = vmb.AcousticModelling2D(grid, acq)
    monkeypatch.setattr(damage, "full", lambda true: Problem(F, F(true), true))
    return np.full(grid.dims, 2000.0, dtype="float32")


class TestDamage:
    def test_noise_has_its_level_and_its_band(self, small):
        clean, noisy = damage.full(small), damage.noisy(small, snr_db=10.0)
        noise = noisy.dobs.astype(float) - clean.dobs
        ratio = np.square(clean.dobs).sum() / np.square(noise).sum()
        assert 10.0 * np.log10(ratio) == pytest.approx(10.0, abs=0.01)
        np.testing.assert_array_equal(noisy.dobs, damage.noisy(small, snr_db=10.0).dobs)

    def test_noise_is_white_in_the_band_and_zero_elsewhere(self):
        noise = damage.in_band_noise((5, 70, 1000), ACQ, seed=1)
        power = np.square(np.abs(np.fft.rfft(noise))).mean((0, 1))
        freqs = np.fft.rfftfreq(1000, ACQ.dt)
        inside = (freqs >= 4.0) & (freqs <= 32.0)
        assert np.ptp(power[inside]) < 0.5 * power[inside].mean()
        assert power[(freqs < 3.0) | (freqs > 36.0)].max() < 1e-9 * power.max()

    @pytest.mark.parametrize("share", [0.1, 0.5])
    def test_the_share_of_dead_traces_is_exact_and_the_others_are_untouched(self, small, share):
        clean, found = damage.full(small).dobs, damage.dead(small, share=share).dobs
        silent = ~found.any(-1)
        assert silent.sum() == round(share * silent.size)
        np.testing.assert_array_equal(found[~silent], clean[~silent])

    def test_the_right_wavelet_is_that_of_the_survey(self):
        wav, count = damage.ricker_like(ACQ), len(ACQ.wav)
        np.testing.assert_allclose(wav[:count], ACQ.wav, atol=4e-3)  # faded in
        np.testing.assert_allclose(wav[count:], 0.0, atol=1e-3)

    def test_wrong_wavelets_have_their_peak_frequency_and_phase(self):
        slow = damage.ricker_like(ACQ, stretch=0.8)
        assert ACQ.with_wavelet(slow, ACQ.wavc).band(0.5)[1] == pytest.approx(12.0, abs=0.1)
        half = damage.ricker_like(ACQ, degrees=180.0)
        np.testing.assert_allclose(half, -damage.ricker_like(ACQ), atol=1e-6)
        quarter = damage.ricker_like(ACQ, degrees=90.0)
        assert abs(quarter @ damage.ricker_like(ACQ)) < 0.02 * (quarter @ quarter)

    def test_a_wrong_wavelet_is_in_the_data_alone(self, small):
        clean, problem = damage.full(small), damage.wrong_wavelet(small, degrees=180.0)
        np.testing.assert_array_equal(problem.F(small), clean.dobs)
        np.testing.assert_allclose(problem.dobs, -clean.dobs, atol=0.01 * clean.dobs.max())

    def test_a_scaled_model_is_what_is_looked_for(self, small):
        problem = damage.scaled(1.5 * small, factor=1.25)
        np.testing.assert_array_equal(problem.true, np.float32(3750.0))
        assert problem.F.max_vel == pytest.approx(1.25 * 5500.0)

    def test_conditions_have_names_for_files_and_bounds_for_their_velocities(self):
        assert all(name.isalnum() for name in damage.DAMAGES)
        assert {d.kind for d in damage.DAMAGES.values()} == {"", *damage.KINDS}
        assert damage.DAMAGES["velocity80"].bounds == (1200.0, 4500.0)
        assert damage.DAMAGES["velocity125"].bounds == (1500.0, 5625.0)
        assert damage.DAMAGES["noise0"].bounds == damage.BOUNDS


def row(condition, method, **columns):
    base = {"condition": condition, "method": method, "start": "network", "model": "a"}
    return base | {"iterations": 4, "gradients": 5, "seconds": 1.0} | columns


class TestRobustness:
    @pytest.mark.parametrize(
        ("after", "said"), [(0.375, "yes"), (0.25, "yes"), (0.376, "NO"), (0.6, "NO")]
    )
    def test_half_of_what_was_lost_must_come_back(self, after, said):
        assert robustness.verdict(0.5, after, intact=0.25)["half recovered"] == said

    def test_where_nothing_was_lost_nothing_is_asked(self):
        found = robustness.verdict(0.1, 0.2, intact=0.1)
        assert (found["half recovered"], found["recovered"]) == ("nothing lost", None)

    def test_the_table_compares_before_and_after_and_the_other_starts(self, tmp_path):
        rows = [
            row("clean", "network", prediction_mae=0.1, mae=0.05),
            row("clean", "linear", mae=0.2),
            row("noise0", "network", prediction_mae=0.3, mae=0.25),
            row("noise0", "linear", mae=0.4),
        ]
        clean, loud = robustness.table(rows, ["noise"])
        assert (clean["severity"], loud["severity"]) == ("inf", "0")
        assert (loud["before"], loud["after"], loud["linear"]) == (0.3, 0.25, 0.4)
        assert loud["recovered"] == pytest.approx(0.25)
        assert "signal to noise, dB 0 (network)" in robustness.notes([clean, loud], [])[-2]
        robustness.draw(SimpleNamespace(out=tmp_path, kinds="noise"), [clean, loud])
        assert (tmp_path / "robustness.png").stat().st_size > 1000

    def test_without_clean_data_there_is_nothing_to_compare_with(self):
        with pytest.raises(NotMeasuredError, match="needs the network on clean data"):
            robustness.table([row("noise0", "network", prediction_mae=0.3, mae=0.2)], ["noise"])

    def test_few_bands_have_more_iterations_each(self, small):
        def method(problem, callbacks, *, niter, bands):
            return niter, bands

        problem = damage.full(small)
        found = [
            robustness.in_equal_steps(problem, [], method=method, niter=6, bands=bands)
            for bands in ((4.0, 7.0, 12.0, None), (12.0, None), (None,))
        ]
        assert [niter for niter, _ in found] == [6, 12, 24]


class TestAblation:
    def test_every_variant_has_a_title_and_one_difference(self):
        found = ablation.variants("fcnvmb-mini", 3)
        assert list(found) == list(ablation.TITLES)
        assert found["no-tv"].keywords == found["full"].keywords | {"tv": 0.0}

    def test_ratios_are_to_the_same_models(self):
        rows = [
            row("full", "full", mae=0.1, ssim=0.9),
            row("full", "full", mae=0.1, ssim=0.9, model="not yet"),
            row("full", "adam", mae=0.3, ssim=0.5),
            row("full", "adam", mae=9.0, ssim=0.5, model="only here"),
        ]
        whole, adam = ablation.table(rows, "full", ["full", "adam"])
        assert (whole["ratio"], adam["models"]) == (1.0, 1)
        assert adam["ratio"] == adam["worst"] == pytest.approx(3.0)


class TestSalt:
    def test_the_training_has_no_salt_and_the_test_has(self):
        assert "Salt" not in repr(salt_start.layered())
        vp = salt_start.salted()[7]
        share = float((vp > salt_start.EDGE).mean())
        assert 0.02 < share < 0.3
        assert vp[vp < salt_start.EDGE].max() <= salt_start.SEDIMENTS[1]

    def test_only_models_that_all_methods_are_done_with_are_drawn(self):
        rows = [
            {"model": m, "method": method, "key": m + method}
            for m in "ab"
            for method in salt_start.TITLES
        ]
        assert salt_start.complete(rows[:-1]) == [{m: "a" + m for m in salt_start.TITLES}]


class TestFlat:
    def test_a_callback_sees_profiles_as_velocities(self):
        seen = []
        watch = SimpleNamespace(on_step_end=lambda solver, x: seen.append((solver, x)))
        flat.Spread(watch, (3, 2)).on_step_end("solver", torch.tensor([[1.0, 2.0]]))
        assert seen[0][0] == "solver"
        assert seen[0][1].tolist() == [[1.0, 2.0]] * 3

    def test_the_mean_over_maps_stands_below_them(self):
        columns = {"rmse": 0.0, "misfit": 0.0}
        rows = [row("full", "profile", mae=mae, **columns) for mae in (0.002, 0.004)]
        found = flat.table(rows)
        assert [entry["MAE m/s"] for entry in found] == pytest.approx([3.0, 6.0, 4.5])
        assert found[-1]["map"] == "mean"


class TestSheets:
    def test_tables_are_written_as_csv_and_rst(self, tmp_path):
        options = argparse.Namespace(out=tmp_path / "out", docs=tmp_path / "page.rst")
        report = Report("name", "a title", [{"a": 1.23456, "b": None}, {"c": "x*"}], ["a note"])
        sheets.publish(options, report, {"key": {"n": 1}})
        with (options.out / "name.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert rows == [{"a": "1.23456", "b": "", "c": ""}, {"a": "", "b": "", "c": "x*"}]
        page = options.docs.read_text()
        assert page.startswith(
            ".. list-table:: a title\n   :header-rows: 1\n\n   * - a\n     - b\n"
        )
        assert "   * - 1.23\n     -\n     -\n   * -\n     -\n     - x\\*\n" in page
        assert page.endswith("* a note\n")

    def test_without_rows_nothing_is_reported(self, tmp_path):
        options = argparse.Namespace(out=tmp_path, report=True)
        with pytest.raises(NotMeasuredError, match="leave --report out"):
            sheets.measured(options, [])
