"""The three doors: their Python runs, on a survey of the network's and on a small one."""

import re
from pathlib import Path

import numpy as np
import pytest

import pylops_vmb as vmb

PAGE = Path(__file__).parents[1] / "docs" / "first_steps.rst"
BLOCK = re.compile(r"^\.\. code-block:: python\n((?:\n| {3}.*\n)+)", re.MULTILINE)


@pytest.fixture(scope="module")
def doors() -> list[str]:
    """Return the Python of the doors, in order."""
    text = PAGE.read_text(encoding="utf-8")
    return ["\n".join(line[3:] for line in code.splitlines()) for code in BLOCK.findall(text)]


def test_predict(
    doors: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    acq = vmb.Acquisition.openfwi()
    F = vmb.AcousticModelling2D(vmb.Grid.openfwi(), acq)
    vmb.io.write_gathers("gathers.sgy", F(vmb.velocity.openfwi_like(seed=1)[7]), acq)
    names: dict[str, object] = {}
    exec(doors[0], names)
    assert np.shape(names["vp"]) == (70, 70)
    assert "fcnvmb-mini" in capsys.readouterr().out


def test_fwi(doors: list[str]) -> None:
    grid = vmb.Grid(dims=(24, 16), spacing=10.0)
    acq = vmb.Acquisition.fixed_spread([50.0, 180.0], grid.x, nt=160, dt=2e-3, f0=12.0)
    smooth = vmb.inversion.linear_start(grid, (1800.0, 2400.0))
    true = smooth + np.float32(150.0) * (np.hypot(*np.indices(grid.dims) - 8.0) < 4.0)
    dobs = vmb.AcousticModelling2D(grid, acq)(true)
    names = {"vmb": vmb, "grid": grid, "acq": acq, "dobs": dobs, "smooth": smooth}
    exec(doors[1], names)
    error = vmb.metrics.relative_l2(names["F"](names["vp"]), dobs)
    assert error < 0.3 * vmb.metrics.relative_l2(names["F"](smooth), dobs)
