"""The arguments of one command: from the command line, and from a file that stands in for it."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from pylops_vmb._version import __version__
from pylops_vmb.cli._config import Raw, options_of, read_document
from pylops_vmb.cli._manifest import changed_inputs, is_report

COMMANDS = {
    "demo": "from a model to gathers, and back three ways; a table and a picture",
    "simulate": "shot gathers of a velocity model",
    "adapt": "gathers of a field survey brought to the survey of a network",
    "predict": "a velocity model from gathers, by a network",
    "invert": "a velocity model from gathers, by a network, by FWI, or by both",
    "score": "how close a velocity model is to the truth, or its gathers to the observed ones",
    "info": "what a file holds",
    "convert": "the same gathers or velocity in another format",
    "plot": "a picture of gathers, spectra, geometry, velocity, fit or misfit",
    "report": "table and picture of an earlier run",
    "rerun": "do an earlier run again, and compare what it writes",
    "train": "make a network's weights from a recipe",
    "dataset": "simulate models and their gathers, to train on",
    "finetune": "train a network on, with data of another kind",
    "bench": "what modelling, a gradient and a prediction cost on this machine",
    "card": "measure what training data looked like, and write it to the card of a network",
}
_EPILOG = """\
Tables and JSON go to stdout, progress and messages to stderr.  Every run that writes
files writes a report of itself beside them, from which it can be done again.  Exit codes:
0 done, 1 failed, 2 wrong usage.
"""


class UsageError(Exception):
    """The options of a command do not go together; ends in exit code 2.

    Parameters
    ----------
    command : :obj:`argparse.ArgumentParser`
        Whose usage is shown.
    text : :obj:`str`
        What is wrong.
    """

    def __init__(self, command: argparse.ArgumentParser, text: str) -> None:
        super().__init__(text)
        self.command = command


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line, which may name a file that holds more.

    Parameters
    ----------
    argv : sequence of :obj:`str`
        The command line, without the name of the program.

    Returns
    -------
    args : :obj:`argparse.Namespace`
        Arguments as the command wants them; ``run`` does it, ``argv`` is a command line that
        needs no file, ``notes`` are things to warn of.

    Raises
    ------
    UsageError
        If the file is not what it should be, with all its faults.
    SystemExit
        If the command line is wrong; argparse has said why.
    """
    parser, command = build(argv)
    path = _config_of(argv)
    notes: tuple[str, ...] = ()
    if command is not None and path is not None and not {"-h", "--help"} & set(argv):
        stored, notes = _stored(path, command)
        argv = [argv[0], *words(command, stored | raw_options(argv), also=f"or in {path.name}")]
    args = parser.parse_args(argv)
    args.argv, args.notes = list(argv), notes
    return args


def build(argv: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser | None]:
    """Return the whole parser, and the parser of the command that is asked for.

    Only that one is imported and has options, so that help is quick.
    """
    parser = argparse.ArgumentParser(
        prog="pylops-vmb",
        description="Seismic velocity model building: from shot gathers to a velocity model.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = None
    for name, text in COMMANDS.items():
        about = text[0].upper() + text[1:] + "."
        command = commands.add_parser(name, help=text, description=about, allow_abbrev=False)
        if list(argv[:1]) == [name]:
            chosen = _configure(command, name)
    return parser, chosen


def raw_options(argv: Sequence[str]) -> Raw:
    """Return what a command line gives, as words by the names of the arguments, unchecked."""
    _, command = build(argv)
    assert command is not None
    for action in arguments_of(command):
        action.required, action.type, action.choices = False, None, None
        if action.option_strings:
            action.default = argparse.SUPPRESS
        else:
            action.nargs, action.default = "?", None
    given = vars(command.parse_args(argv[1:]))
    names = [action.dest for action in arguments_of(command)]
    return {name: given[name] for name in names if given.get(name) is not None}


def words(
    command: argparse.ArgumentParser, options: Mapping[str, Any], *, also: str = ""
) -> list[str]:
    """Return the command line of unchecked options, the inverse of `raw_options`.

    Raises
    ------
    UsageError
        If an argument that the command needs is missing.
    """
    positional: list[str] = []
    optional: list[str] = []
    for action in arguments_of(command):
        value = options.get(action.dest)
        if value is None or value is False:
            if action.required:
                name = max(action.option_strings, key=len, default=action.metavar)
                raise UsageError(command, f"{name} is missing on the command line {also}".strip())
        elif not action.option_strings:
            positional.append(str(value))
        else:
            optional += _option(action.option_strings[-1], value)
    return positional + optional


def arguments_of(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a command that a file may hold: all but help and the file."""
    for action in command._actions:
        if action.dest not in ("help", "config"):
            yield action


def _stored(path: Path, command: argparse.ArgumentParser) -> tuple[Raw, tuple[str, ...]]:
    """Return the options of a file or a report, and what to warn of."""
    document = read_document(path)
    if is_report(document):
        _, name, *rest = document["command"]
        if name != command.prog.rpartition(" ")[2]:
            raise UsageError(
                command, f"{path.name}: is the report of `{name}`, not of this command"
            )
        changed = changed_inputs(document, Path())
        notes = tuple(f"{path.name}: {file} {what}" for file, what in changed.items())
        return raw_options([name, *rest]), notes
    options, problems = options_of(document, command, sections=COMMANDS)
    if problems:
        raise UsageError(command, f"{path.name}: {'; '.join(problems)}")
    return options, ()


def _option(flag: str, value: Any) -> list[str]:
    if value is True:
        return [flag]
    return [flag, *map(str, value)] if isinstance(value, list) else [f"{flag}={value}"]


def _config_of(argv: Sequence[str]) -> Path | None:
    """Return the file of ``--config``, if there is one."""
    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    only.add_argument("--config", type=Path)
    try:
        known, _ = only.parse_known_args(argv)
    except argparse.ArgumentError:  # without a value: the parser of the command will say so
        return None
    return Path(known.config) if known.config else None


def _configure(command: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    def usage_error(text: str) -> NoReturn:
        raise UsageError(command, text)

    module = import_module(f"pylops_vmb.cli.{name}")
    module.configure(command)
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="options, .toml or .yaml, or the report of an earlier run, .json; the command "
        "line wins",
    )
    command.add_argument("--json", action="store_true", help="write JSON to stdout, not a table")
    command.add_argument("--quiet", action="store_true", help="no progress; errors and warnings")
    command.set_defaults(run=module.run, usage_error=usage_error, started=time.time())
    return command
