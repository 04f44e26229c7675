"""The helpers of the benchmarks of modelling: contests, what is written by hand, who has Devito."""

import numpy as np
import pylops
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.inversion.processes import ALONE
from tests.benchmarks import contest, overhead, scaling, scaling_job
from tests.benchmarks.contest import Contest, Size
from tests.benchmarks.direct import Direct, LeastSquares
from tests.benchmarks.peers import devito_python, first_shots

GRID = vmb.Grid((24, 16), 10.0)
ACQ = vmb.Acquisition.fixed_spread([50.0, 180.0], GRID.x, nt=160, dt=0.001, f0=20.0)


@pytest.fixture
def F():
    return vmb.AcousticModelling2D(GRID, ACQ)


@pytest.fixture
def vp():
    values = torch.full(GRID.dims, 2000.0)
    values[:, 8:] = 2500.0
    return values


class TestByHand:
    def test_the_solver_is_that_of_pylops(self):
        matrix = torch.from_numpy(np.random.default_rng(0).standard_normal((9, 5)))
        d = matrix @ torch.arange(5.0, dtype=torch.float64) + 1.0
        mine = LeastSquares(lambda x: matrix @ x, lambda y: matrix.T @ y, d)
        for _ in range(3):
            x = mine.step()
        theirs, *_, cost = pylops.cgls(pylops.MatrixMult(matrix.numpy()), d.numpy(), niter=3)
        np.testing.assert_allclose(x, theirs, rtol=1e-12)
        np.testing.assert_allclose(mine.cost, cost[1:], rtol=1e-12)

    def test_direct_calls_give_the_same_numbers(self, F, vp):
        direct, start = Direct(F, 1), torch.full(GRID.dims, 2200.0)
        J, (born, adjoint) = F.jacobian(start), direct.derivative(start)
        dd, dvp = F(vp) - F(start), overhead.inner(vp - start)
        assert torch.equal(direct.forward(vp), F(vp))
        assert torch.equal(born(dvp), J @ dvp)
        torch.testing.assert_close(adjoint(dd), J.H @ dd, rtol=0.0, atol=1e-4 * float(dd.norm()))

    def test_another_absorbing_layer_is_noticed(self, F, vp):
        other = vmb.AcousticModelling2D(GRID, ACQ, nbl=10)
        pair = overhead.Pair(
            lambda: overhead.gradient(F, vp),
            lambda: overhead.gradient(other, vp),
            within=overhead.ROUNDING,
        )
        with pytest.raises(AssertionError, match=r"gradient: the two sides differ by .*settings"):
            overhead.check_equal("gradient", pair)


class TestContest:
    def test_without_devito_pylops_stays_away(self):
        names = Contest(Size(GRID, ACQ, 2, left_out=("ours-again",)), None).names
        assert "ours-adjoint" in names
        assert "ours-again" not in names
        assert not any(name.startswith("pylops") for name in names)

    def test_fewer_raw_shots_are_scaled_in_time_and_memory(self):
        few = Contest(Size(GRID, ACQ, 1), None)
        few.results = {
            "ours": [{"wall": 1.0, "peak": 20.0, "baseline": 10.0}],
            "deepwave-defaults": [{"wall": 3.0, "peak": 40.0, "baseline": 10.0}],
            "deepwave-forward": [{"wall": 3.0, "peak": 40.0, "baseline": 10.0}],
            "ours-adjoint": [{"wall": 2.0, "peak": 20.0, "baseline": 10.0}],
        }
        assert few.faster("ours", "deepwave-defaults") == 6.0
        assert few.memory("ours", "deepwave-defaults") == pytest.approx(1 / 6)
        assert few.faster("ours", "deepwave-forward") == 3.0
        assert few.faster("ours-adjoint", "deepwave-defaults") == 1.5  # both of the few shots

    def test_another_result_is_refused(self):
        pair = Contest(Size(GRID, ACQ, 2), None)
        ours = np.random.default_rng(0).standard_normal(ACQ.dimsd)
        pair.products = {"ours-forward": ours, "deepwave-forward": 1.001 * ours}
        pair.check()
        pair.products["deepwave-forward"] = -ours
        with pytest.raises(AssertionError, match=r"deepwave-forward is 2.0e.00 from ours-forward"):
            pair.check()

    def test_an_echo_is_measured_by_the_cosine(self):
        pair = Contest(Size(GRID, ACQ, 2), None)
        ours = np.random.default_rng(0).standard_normal(ACQ.dimsd)
        pair.products = {"ours-forward": ours, "pylops-forward": 2.0 * ours}
        assert pair.distance("pylops-forward", "ours-forward") == pytest.approx(0.0, abs=1e-12)
        assert contest.ratio([{"wall": 6.0}], [{"wall": 2.0}]) == 3.0


class TestPeers:
    def test_devito_is_where_make_puts_it(self, tmp_path):
        assert devito_python(None, root=tmp_path) is None
        made = tmp_path / ".venv-devito" / "bin" / "python"
        made.parent.mkdir(parents=True)
        made.touch()
        assert devito_python(None, root=tmp_path) == made
        assert devito_python(tmp_path / "other", root=tmp_path) == tmp_path / "other"

    def test_the_first_shots_keep_their_data(self):
        problem = {
            "dobs": np.zeros((3, 2, 4)),
            "residual": np.arange(3.0)[:, None, None] * np.ones((3, 2, 4)),
            "srcs": np.arange(6.0).reshape(2, 3),
            "dt": 0.001,
        }
        cut = first_shots(problem, 2)
        assert cut["residual"].shape == (2, 2, 4)
        np.testing.assert_array_equal(cut["srcs"], [[0.0, 1.0], [3.0, 4.0]])
        assert cut["dt"] == 0.001


class TestScaling:
    def test_the_slowest_process_counts_and_memory_adds(self):
        each = [
            {"wall": 2.0, "cpu": 1.0, "baseline": 10.0, "peak": 14.0},
            {"wall": 3.0, "cpu": 2.0, "baseline": 10.0, "peak": 12.0},
        ]
        found = scaling.joined({"figures": each, "checksum": [5.0, 7.0]})
        assert found == {"wall": 3.0, "cpu": 3.0, "added": 6.0, "largest": 4.0, "checksum": 6.0}

    def test_a_case_is_beside_the_first_of_its_kind(self):
        one, four = scaling.Case("shots", 1, 70, 1), scaling.Case("shots", 4, 70, 4)
        figures = {"cpu": 1.0, "added": 5.0, "largest": 5.0, "checksum": 1.0}
        results = {
            ("forward", scaling.Case("cells", 1, 70, 2)): [{"wall": 9.0} | figures],
            ("forward", one): [{"wall": 1.0} | figures],
            ("forward", four): [{"wall": 6.0} | figures],
        }
        row = list(scaling.rows(results))[-1]
        assert row["ideal s"] == 4.0
        assert row["over ideal"] == 1.5

    def test_a_gradient_that_depends_on_the_processes_is_refused(self):
        one, two = (scaling.Case("processes", n, 70, 16, processes=n) for n in (1, 2))
        figures = {"wall": 1.0, "cpu": 1.0, "added": 5.0, "largest": 5.0}
        results = {
            ("gradient", one): [figures | {"checksum": 1.0}],
            ("gradient", two): [figures | {"checksum": 1.1}],
        }
        with pytest.raises(AssertionError, match="its gradient is not that of one process"):
            list(scaling.rows(results))

    def test_its_gradient_is_that_of_the_relative_misfit(self):
        F = scaling_job.modelling(70, 1)
        one = scaling_job.gradient(F, ALONE)()
        vp = scaling_job.velocity(70)
        x = (0.9 * vp).requires_grad_()
        dobs = F(vp)
        loss = (F(x) - dobs).square().sum() / dobs.square().sum()
        loss.backward()
        torch.testing.assert_close(one, x.grad, rtol=0.0, atol=1e-3 * float(x.grad.abs().max()))
