"""PyLops' callbacks around FWI, and what a stop leaves behind."""

import numpy as np
import pytest
from pylops.optimization.callback import Callbacks, CostToInitialCallback

import pylops_vmb as vmb
from pylops_vmb.io import load_checkpoint


class Counting(Callbacks):
    """Counts its calls and keeps what it saw."""

    def __init__(self):
        self.calls, self.steps, self.misfits = [], [], []

    def on_setup_begin(self, _solver, x0):
        self.calls.append("setup begins")
        self.x0 = x0

    def on_setup_end(self, *_):
        self.calls.append("setup ends")

    def on_run_begin(self, *_):
        self.calls.append("run begins")

    def on_run_end(self, _solver, x):
        self.calls.append("run ends")
        self.last = x

    def on_step_begin(self, *_):
        self.steps.append("begins")

    def on_step_end(self, solver, _):
        self.steps.append("ends")
        self.misfits.append(solver.cost[-1])


class Interrupting(Callbacks):
    """Presses Ctrl-C in one of the calls of the third step."""

    def __init__(self, where):
        setattr(self, where, self._press)

    @staticmethod
    def _press(solver, _):
        if solver.iiter == 3:
            raise KeyboardInterrupt


def test_callbacks_see_every_call(F, dobs, x0):
    counting = Counting()
    result = vmb.fwi(F, dobs, x0, niter=2, bands=(20.0, None), callbacks=[counting])
    assert counting.calls == ["setup begins", "setup ends", "run begins", "run ends"]
    assert counting.steps == ["begins", "ends"] * 4
    assert counting.misfits == result.cost.tolist()
    assert counting.x0 is x0
    np.testing.assert_array_equal(counting.last, result.vp)


def test_the_callback_method_is_called_after_every_step(F, dobs, x0):
    solver, seen = vmb.FWI(F, niter=3, bands=(None,)), []
    solver.callback = lambda x: seen.append(float(x.mean()))
    solver.solve(dobs, x0)
    assert len(seen) == 3


def test_a_callback_of_pylops_can_stop_the_run(F, dobs, x0):
    whole = vmb.fwi(F, dobs, x0, niter=5, bands=(None,), tv=0.0)
    stop = CostToInitialCallback(rtol=0.999 * whole.cost[1] / whole.cost[0] + 0.001)
    result = vmb.fwi(F, dobs, x0, niter=5, bands=(None,), tv=0.0, callbacks=[stop])
    assert (result.niter, result.status) == (2, "interrupted")
    np.testing.assert_array_equal(result.cost, whole.cost[:2])


def test_steps_by_hand_are_the_run(F, dobs, x0):
    whole = vmb.fwi(F, dobs, x0, niter=2, bands=(20.0, None))
    solver = vmb.FWI(F, niter=2, bands=(20.0, None))
    x = solver.setup(dobs, x0=x0)
    for _ in range(4):
        x = solver.step(x)
    np.testing.assert_array_equal(x, whole.vp)
    assert solver.result(x).cost.tolist() == whole.cost.tolist()


@pytest.mark.parametrize("where", ["on_step_begin", "on_step_end"])
def test_an_interrupt_keeps_the_last_model_and_resumes_exactly(tmp_path, F, dobs, x0, where):
    path = tmp_path / "run.safetensors"
    settings = {"niter": 3, "bands": (20.0, None)}  # stopped at the end of the first band
    whole = vmb.fwi(F, dobs, x0, **settings)
    partial = vmb.fwi(F, dobs, x0, callbacks=[Interrupting(where)], checkpoint=path, **settings)
    assert (partial.status, partial.niter) == ("interrupted", 3)
    assert partial.cost.tolist() == whole.cost[:3].tolist()
    np.testing.assert_array_equal(load_checkpoint(path)["state"]["x"], partial.vp)
    rest = vmb.fwi(F, dobs, x0, checkpoint=path, **settings)
    assert (rest.status, rest.cost.tolist()) == ("done", whole.cost.tolist())
    np.testing.assert_array_equal(rest.vp, whole.vp)
