"""From the command line to one command and back: streams, messages, exit codes."""

import argparse
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from importlib import import_module
from typing import Any, TextIO

from pylops_vmb._version import __version__
from pylops_vmb.errors import VMBError, VMBWarning

_COMMANDS = {
    "demo": "from a model to gathers, and back three ways; a table and a picture",
    "simulate": "shot gathers of a velocity model",
    "predict": "a velocity model from gathers, by a network",
    "invert": "a velocity model from gathers, by a network, by FWI, or by both",
    "info": "what a file holds",
    "report": "table and picture of an earlier run",
    "train": "make a network's weights from a recipe",
    "dataset": "simulate models and their gathers, to train on",
    "finetune": "train a network on, with data of another kind",
    "card": "measure what training data looked like, and write it to the card of a network",
}
_EPILOG = """\
Tables and JSON go to stdout, progress and messages to stderr.  Every run that writes
files writes a report of itself beside them.  Exit codes: 0 done, 1 failed, 2 wrong usage.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``pylops-vmb``.

    Parameters
    ----------
    argv : sequence of :obj:`str`, optional
        The arguments; by default those of the process.

    Returns
    -------
    code : :obj:`int`
        0 if the job was done, 1 if it failed, 2 if it was asked for wrongly.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    messages = sys.stderr
    try:
        args = _parser(argv).parse_args(argv)
        with _streams(messages, quiet=args.quiet):
            outcome = args.run(args)
        print(json.dumps(outcome.data, indent=1) if args.json else outcome.text)
    except SystemExit as end:  # argparse: --help, --version, or wrong usage
        return int(end.code or 0)
    except (VMBError, OSError) as err:
        return _fail(messages, str(err))
    except KeyboardInterrupt as stop:
        return _fail(messages, str(stop) or "interrupted")
    return 0


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pylops-vmb",
        description="Seismic velocity model building: from shot gathers to a velocity model.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if list(argv[:1]) == [name]:  # only the one that is asked for is imported: help is quick
            _configure(command, name, argv)
    return parser


def _configure(command: argparse.ArgumentParser, name: str, argv: Sequence[str]) -> None:
    module = import_module(f"pylops_vmb.cli.{name}")
    module.configure(command)
    command.add_argument("--json", action="store_true", help="write JSON to stdout, not a table")
    command.add_argument("--quiet", action="store_true", help="no progress; errors and warnings")
    command.set_defaults(
        run=module.run, usage_error=command.error, argv=list(argv), started=time.time()
    )


@contextmanager
def _streams(messages: TextIO, *, quiet: bool) -> Iterator[None]:
    """Send progress, log and warnings to stderr; only warnings if quiet."""
    with ExitStack() as stack:
        if quiet:
            nothing = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(redirect_stderr(nothing))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always", VMBWarning)
        warnings.showwarning = partial(_show, messages)
        stack.enter_context(_log())
        yield


@contextmanager
def _log() -> Iterator[None]:
    logger, handler = logging.getLogger("pylops_vmb"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("pylops-vmb: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _show(messages: TextIO, message: Warning | str, *_where: Any, **_more: Any) -> None:
    print(f"pylops-vmb: warning: {message}", file=messages)


def _fail(messages: TextIO, text: str) -> int:
    print(f"pylops-vmb: error: {text}", file=messages)
    return 1
