"""The command ``pylops-vmb``: one file a command, all of them on top of the public package."""

from pylops_vmb.cli._main import main

__all__ = ["main"]
