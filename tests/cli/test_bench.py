"""What things cost on this machine: the table, the JSON, and that it measures what it names."""

import json
from collections.abc import Callable

import pytest
import torch

from pylops_vmb import networks
from pylops_vmb.cli import _gathers, bench
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.velocity import openfwi_like

Run = Callable[..., tuple[int, str, str]]
PHYSICS = ("forward", "Born", "adjoint, the forward pass kept", "gradient, as fwi")


@pytest.fixture(autouse=True)
def small(survey: Acquisition, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a survey of 24 x 16 cells in the place of OpenFWI's."""
    preset = _gathers.Preset(lambda: Grid((24, 16), 10.0), lambda: survey, openfwi_like)
    monkeypatch.setitem(_gathers.PRESETS, "openfwi", preset)


def figures(cli: Run, *argv: str) -> dict[str, dict[str, float]]:
    code, out, _ = cli("bench", "--weights", "net.safetensors", "--json", *argv)
    assert code == 0
    return {row["call"]: row for row in json.loads(out)["figures"]}


def test_every_call_has_its_time_and_its_rate(cli: Run) -> None:
    rows = figures(cli, "--rounds", "2")
    assert list(rows)[:4] == list(PHYSICS)
    million = 24 * 16 * 160 * 3 / 1e6
    for name in PHYSICS:
        row = rows[name]
        assert 0.0 < row["ms"] <= row["slowest_ms"]
        assert row["million_updates_s"] == pytest.approx(1e3 * million / row["ms"])
    ten = rows["prediction from 10 surveys"]
    assert ten["surveys_s"] == pytest.approx(1e4 / ten["ms"])


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_where_the_processor_has_it(
    cli: Run, monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    monkeypatch.setattr(bench, "has_bfloat16", lambda _: has)
    found = [name for name in figures(cli, "--rounds", "1") if "bfloat16" in name]
    assert (
        found
        == ["prediction from 1 survey, bfloat16", "prediction from 10 surveys, bfloat16"][: 2 * has]
    )


def test_it_measures_the_prepared_network(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    forward = networks.Prepared.forward

    def counted(self: networks.Prepared, inputs: torch.Tensor) -> torch.Tensor:
        calls.append((inputs.shape[0], self.precision))
        return forward(self, inputs)

    monkeypatch.setattr(networks.Prepared, "forward", counted)
    monkeypatch.setattr(bench, "has_bfloat16", lambda _: True)
    figures(cli, "--rounds", "3")
    assert all(calls.count((count, "bfloat16")) == 4 for count in (1, 10))  # one of them to warm up
    assert calls.count((1, "float32")) == 4


def test_a_table_for_people(cli: Run) -> None:
    code, out, err = cli("bench", "--weights", "net.safetensors", "--rounds", "1")
    assert code == 0
    assert out.splitlines()[0].split()[:3] == ["call", "ms", "slowest"]
    assert "measuring forward, Born" in err


def test_no_rounds_are_refused(cli: Run) -> None:
    code, out, err = cli("bench", "--rounds", "0")
    assert (code, out) == (1, "")
    assert "--rounds: must be at least 1, got 0" in err
