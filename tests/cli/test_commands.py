"""What all commands have in common: found by walking their parsers, so that new ones join."""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from pylops_vmb.cli import main
from pylops_vmb.cli._parsing import COMMANDS, arguments_of, build

Run = Callable[..., tuple[int, str, str]]
COMMON = {"--config", "--json", "--quiet"}
READERS = {"bench", "info", "report", "score"}
"""Commands that write no files of their own, or only where they are told to."""
DIFFERENT = {"--out", "--data", "--range", "--origin"}
"""Options whose form may depend on the command; all others mean one thing everywhere."""


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command."""
    _, command = build([name])
    assert command is not None
    return command


def options_of(name: str) -> dict[str, argparse.Action]:
    """Return the options of a command by their long names."""
    actions = parser_of(name)._actions
    return {action.option_strings[-1]: action for action in actions if action.option_strings}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_what_all_have(name: str) -> None:
    assert set(options_of(name)) >= COMMON
    assert ("--out" in options_of(name)) == (name not in READERS)
    assert parser_of(name).description == COMMANDS[name][0].upper() + COMMANDS[name][1:] + "."


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_explained_in_one_style(name: str) -> None:
    for action in arguments_of(parser_of(name)):
        assert action.help, action.dest
        first = action.help.split()[0]
        assert first[0].islower() or not first.isalpha() or first in ("SEG-Y", "FILE"), first
        assert not action.help.endswith("."), action.dest
        for option in action.option_strings:
            assert option == f"--{action.dest.replace('_', '-')}"


def test_one_option_means_one_thing() -> None:
    forms = defaultdict(set)
    for name in COMMANDS:
        for option, action in options_of(name).items():
            kind = getattr(action.type, "__name__", "")
            form = (kind, str(action.nargs), str(action.metavar), str(action.default))
            forms[option].add(form)
    assert {option for option, found in forms.items() if len(found) > 1} <= DIFFERENT


def test_defaults_that_are_told_are_those_that_hold() -> None:
    for name in COMMANDS:
        for option, action in options_of(name).items():
            if isinstance(action.default, str | float) and action.default != argparse.SUPPRESS:
                assert "(default" in (action.help or ""), f"{name} {option}"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_goes_to_stdout_and_wrong_usage_to_stderr(cli: Run, name: str) -> None:
    code, out, err = cli(name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: pylops-vmb {name}")
    code, out, err = cli(name, "--no-such-option")
    assert (code, out) == (2, "")
    assert err.startswith("usage: pylops-vmb")


def test_options_are_not_abbreviated(cli: Run) -> None:
    assert not any(parser_of(name).allow_abbrev for name in COMMANDS)
    code, _, err = cli("info", "true.npz", "--quie")
    assert code == 2
    assert "unrecognized arguments: --quie" in err


def test_every_file_of_the_folder_is_a_command() -> None:
    folder = Path(sys.modules[main.__module__].__file__ or "").parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    assert files == set(COMMANDS)


def test_reader_that_stops_early_is_no_failure(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `| head -0` does
    with os.fdopen(writer, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        assert main(["info", str(room / "true.npz"), "--json"]) == 0
    assert capsys.readouterr().err == ""
