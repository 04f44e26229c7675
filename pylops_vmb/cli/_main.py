"""From the command line to one command and back: streams, messages, exit codes."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from typing import Any, TextIO

from pylops_vmb.cli._parsing import UsageError, parse
from pylops_vmb.errors import FileWarning, VMBError, VMBWarning


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
        args = parse(argv)
        with _streams(messages, quiet=args.quiet):
            for note in args.notes:
                warnings.warn(note, FileWarning, stacklevel=1)
            outcome = args.run(args)
        _print(json.dumps(outcome.data, indent=1) if args.json else outcome.text)
    except SystemExit as end:  # argparse: --help, --version, or wrong usage
        return int(end.code or 0)
    except UsageError as wrong:
        wrong.command.print_usage(messages)
        print(f"{wrong.command.prog}: error: {wrong}", file=messages)
        return 2
    except (VMBError, OSError) as err:
        return _fail(messages, str(err))
    except KeyboardInterrupt as stop:
        return _fail(messages, str(stop) or "interrupted")
    return 0


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


def _print(text: str) -> None:
    """Write the outcome; a reader that has seen enough, as ``head``, is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor at the exit


def _fail(messages: TextIO, text: str) -> int:
    print(f"pylops-vmb: error: {text}", file=messages)
    return 1
