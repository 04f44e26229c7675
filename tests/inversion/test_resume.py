"""A run that dies and is resumed gives, to the bit, the iterates of one that did not."""

import shutil

import numpy as np
import pylops
import pytest
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb
from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.inversion.autosave import AutoSave
from pylops_vmb.inversion.comparisons import l2
from pylops_vmb.io import save_checkpoint

ADAM = {"optimiser": "adam", "misfit": "l1"}
LBFGS = {"optimiser": "lbfgs", "misfit": "l2"}
BANDS = {"niter": 3, "bands": (20.0, None)}


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
def test_a_run_that_fails_again_and_again_is_resumed_to_the_bit(
    path, F, dobs, x0, settings, raising
):
    more = BANDS | settings | {"smooth": 0.5}
    whole = vmb.fwi(F, dobs, x0, **more)
    for after in (1, 3, 4):  # in the first band, at its end, in the second
        with pytest.raises(ZeroDivisionError):
            vmb.fwi(F, dobs, x0, callbacks=[raising(after)], checkpoint=path, **more)
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
    counting = Callbacks()
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


HALF = {"niter": 4, "bands": (20.0,)}


class Stopping(Callbacks):
    """Asks for a stop after two steps."""

    def on_step_end(self, solver, _):
        self.stop = solver.iiter == 2


def stop_halfway(path, F, dobs, x0, **settings):
    assert vmb.fwi(F, dobs, x0, callbacks=[Stopping()], checkpoint=path, **HALF, **settings)[1] == 2


def shifted(acq):
    """Return the survey with its first source one cell further on."""
    srcs = acq.srcs.copy()
    srcs[0, 0] += 10.0
    return vmb.Acquisition(
        srcs, acq.recs, nt=acq.nt, dt=acq.dt, wav=acq.wav, wavc=acq.wavc, f0=acq.f0
    )


@pytest.mark.parametrize(
    "change",
    [
        {"free_surface": True},
        {"space_order": 8},
        {"time_correction": True},
        {"max_vel": 5600.0},
        {"nbl": 21},
        {"grid": vmb.Grid((24, 16), 10.0, origin=(0.0, -10.0))},
        {"acq": shifted},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_run_does_not_go_on_with_another_modelling(path, F, dobs, x0, change):
    stop_halfway(path, F, dobs, x0)
    change = {"grid": F.grid} | change
    acq = change.pop("acq", lambda acq: acq)(F.acq)
    other = vmb.AcousticModelling2D(change.pop("grid"), acq, **change)
    with pytest.raises(VMBFileError, match="got other modelling in"):
        vmb.fwi(other, dobs, x0, checkpoint=path, **HALF)


def test_a_run_does_not_go_on_with_another_wavelet(path, F, dobs, x0):
    stop_halfway(path, F, dobs, x0)
    other = F.with_wavelet(1.001 * F.acq.wav, F.acq.wavc)
    with pytest.raises(VMBFileError, match="got other modelling in"):
        vmb.fwi(other, dobs, x0, checkpoint=path, **HALF)


def test_a_run_goes_on_where_only_memory_and_name_differ(path, F, dobs, x0):
    whole = vmb.fwi(F, dobs, x0, **HALF)
    stop_halfway(path, F, dobs, x0)
    same = vmb.AcousticModelling2D(F.grid, F.acq, memory="1GiB", name="again").for_band(20.0)
    assert_same(vmb.fwi(same, dobs, x0, checkpoint=path, **HALF), whole)


def test_the_factors_of_a_composite_are_told_apart(path, F, dobs, x0):
    same, other = pylops.Identity(F.shape[1]), vmb.AcousticModelling2D(F.grid, F.acq, nbl=21)
    data = {"dobs": dobs.ravel(), "x0": x0.ravel(), "tv": 0.0, "illumination": False}
    more = data | {"niter": 1, "checkpoint": path, "smooth": 0.0}
    vmb.fwi(F @ same, **more)
    with pytest.raises(VMBFileError, match="got other modelling in"):
        vmb.fwi(other @ same, **more)


def test_a_resumed_run_needs_no_start_and_refuses_another(path, paper):
    x0, dobs = np.full(paper.dims, 2500.0), paper(np.full(paper.dims, 2400.0))
    whole = vmb.fwi(paper, dobs, x0, **HALF)
    stop_halfway(path, paper, dobs, x0)
    with pytest.raises(VMBFileError, match=r"x0: must be the start of the saved run.*Leave it out"):
        vmb.fwi(paper, dobs, x0 + 1.0, checkpoint=path, **HALF)
    assert_same(vmb.fwi(paper, dobs, checkpoint=path, **HALF), whole)
    assert_same(vmb.fwi(paper, dobs, x0, checkpoint=path, **HALF), whole)


def test_operators_of_one_name_and_another_scale_are_told_apart(path, F, dobs, x0):
    L = pylops.Laplacian(F.dims, dtype="float64")
    regs = {"epsRs": [1.0], "tv": 0.0}
    stop_halfway(path, F, dobs, x0, Regs=[0.1 * L], **regs)
    with pytest.raises(VMBFileError, match="got other Regs in"):
        vmb.fwi(F, dobs, x0, checkpoint=path, Regs=[0.2 * L], **HALF, **regs)
    assert vmb.fwi(F, dobs, x0, checkpoint=path, Regs=[0.1 * L], **HALF, **regs).niter == 4


def test_the_data_of_the_operators_are_told_apart(path, F, dobs, x0):
    more = {"epsRs": [1.0], "Regs": [pylops.Identity(384)], "tv": 0.0}
    stop_halfway(path, F, dobs, x0, dataregs=[x0], **more)
    with pytest.raises(VMBFileError, match="got other data in"):
        vmb.fwi(F, dobs, x0, checkpoint=path, dataregs=[x0 + 1.0], **HALF, **more)
    assert vmb.fwi(F, dobs, x0, checkpoint=path, dataregs=[x0], **HALF, **more).niter == 4


def test_a_function_without_a_name_is_warned_of_where_it_is_saved(path, paper):
    x0 = np.full(paper.dims, 2500.0)
    settings = {"misfit": lambda d, dobs: 2.0 * l2(d, dobs), "niter": 1}
    vmb.fwi(paper, paper(x0 + 1.0), x0, **settings)
    with pytest.warns(FileWarning, match="checkpoint: cannot tell a lambda or an inner function"):
        vmb.fwi(paper, paper(x0 + 1.0), x0, checkpoint=path, **settings)
