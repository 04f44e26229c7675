"""Messages for people, on stderr."""

import os
import sys


def say(text: str) -> None:
    """Say what happens; silenced by ``--quiet``."""
    print(f"pylops-vmb: {text}", file=sys.stderr)


def wrote(*paths: str | os.PathLike[str]) -> None:
    """Say which files were written."""
    say("wrote " + ", ".join(os.fspath(path) for path in paths))
