"""A run that dies and is resumed gives, to the bit, the iterates of one that did not."""

import shutil

import numpy as np
import pytest
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import VMBFileError
from pylops_vmb.inversion.autosave import AutoSave
from pylops_vmb.io import save_checkpoint

ADAM = {"optimiser": "adam", "misfit": "l1"}
LBFGS = {"optimiser": "lbfgs", "misfit": "l2"}
BANDS = {"niter": 3, "bands": (20.0, None)}


class Dying(Callbacks):
    """Raises once so many steps are done."""

    def __init__(self, after):
        self.after = after

    def on_step_end(self, solver, _):
        if solver.iiter == self.after:
            raise ZeroDivisionError


class Copying(Callbacks):
    """Keeps the file as it was when a step began: what a killed process leaves."""

    def __init__(self, path, at):
        self.path, self.at = path, at

    def on_step_begin(self, solver, _):
        if solver.iiter == self.at:
            shutil.copy(self.path, self.path.with_name("killed"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def assert_same(one, other):
    np.testing.assert_array_equal(one.vp, other.vp)
    for field in ("number", "band", "misfit", "objective", "evaluations"):
        assert [getattr(e, field) for e in one.history] == [
            getattr(e, field) for e in other.history
        ]
    assert one.status == other.status


@pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
def test_a_run_that_fails_again_and_again_is_resumed_to_the_bit(path, F, dobs, x0, settings):
    more = BANDS | settings | {"smooth": 0.5}
    whole = vmb.fwi(F, dobs, x0, **more)
    for after in (1, 3, 4):  # in the first band, at its end, in the second
        with pytest.raises(ZeroDivisionError):
            vmb.fwi(F, dobs, x0, callbacks=[Dying(after)], checkpoint=path, **more)
    resumed = vmb.fwi(F, dobs, x0, checkpoint=path, **more)
    assert_same(resumed, whole)
    assert resumed.niter == 6


def test_a_killed_process_leaves_the_last_autosave(path, F, dobs, x0, monkeypatch):
    monkeypatch.setitem(AutoSave.__init__.__kwdefaults__, "every", 0.0)
    whole = vmb.fwi(F, dobs, x0, callbacks=[Copying(path, 4)], checkpoint=path, **BANDS)
    killed = path.with_name("killed")
    assert_same(vmb.fwi(F, dobs, x0, checkpoint=killed, **BANDS), whole)


def test_saving_waits_for_its_time(path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    autosave = AutoSave(path, {}, every=60.0)
    assert autosave.load() is None
    for now[0], found in ((59.0, None), (61.0, 61.0), (120.0, 61.0), (122.0, 122.0)):
        autosave({"time": now[0]})
        state = autosave.load()
        assert (state and state["time"]) == found
    autosave({"time": -1.0}, now=True)
    assert autosave.load() == {"time": -1.0}


def test_a_finished_run_is_returned_as_it_is(path, F, dobs, x0):
    first = vmb.fwi(F, dobs, x0, checkpoint=path, **BANDS)
    counting = Dying(None)
    counting.on_step_begin = lambda *_: pytest.fail("a finished run took a step")
    assert_same(vmb.fwi(F, dobs, x0, checkpoint=path, callbacks=[counting], **BANDS), first)


def test_a_checkpoint_of_another_inversion_is_refused(path, F, dobs, x0):
    mask = np.ones(F.dims)
    vmb.fwi(F, dobs, x0, niter=1, bands=(20.0,), mask=mask, checkpoint=path)
    same = {"niter": 1, "bands": (20.0,), "mask": mask}
    vmb.fwi(F, dobs, x0, checkpoint=path, **same)
    other_mask = mask.copy()
    other_mask[12, 8] = 0.5  # in the middle, where NumPy's repr shows dots
    for change, what in [
        ({"niter": 2}, "settings"),
        ({"bands": (21.0,)}, "settings, bands"),
        ({"mask": other_mask}, "data"),
        ({"mask": None}, "data"),
    ]:
        with pytest.raises(
            VMBFileError, match=f"belongs to another inversion, got other {what} in"
        ):
            vmb.fwi(F, dobs, x0, checkpoint=path, **(same | change))
    with pytest.raises(VMBFileError, match="got other data"):
        vmb.fwi(F, 1.01 * dobs, x0, checkpoint=path, **same)
    save_checkpoint(path, {"epoch": 3})
    with pytest.raises(VMBFileError, match="belongs to another inversion"):
        vmb.fwi(F, dobs, x0, checkpoint=path, **same)
