"""What processes tell each other before a message: what they are about to do, or what failed."""

import sys

from pylops_vmb._checks import sentence
from pylops_vmb.errors import VMBRuntimeError

Description = tuple[str, str, str]
"""Module, name and message of an error."""
Report = tuple[str, Description | None]
"""What a process is about to do, and its error."""


def describe(error: BaseException) -> Description:
    """Return an error in words: it may hold what cannot be sent."""
    kind = type(error)
    return kind.__module__, kind.__qualname__, str(error)


def first_error(reports: list[Report]) -> BaseException | None:
    """Return the error of the first process that has one, or None."""
    for rank, (_, description) in enumerate(reports):
        if description is not None:
            return _remake(*description, where=f"rank {rank} of {len(reports)}")
    return None


def apart(reports: list[Report]) -> VMBRuntimeError | None:
    """Return an error if not all processes are about to do the same."""
    purposes = [purpose for purpose, _ in reports]
    if len(set(purposes)) == 1:
        return None
    return VMBRuntimeError(
        sentence(
            "comm",
            "the processes are not at the same place",
            ", ".join(f"rank {rank} about to {what}" for rank, what in enumerate(purposes)),
            "Make the same calls with the same arguments in all of them",
        )
    )


def _remake(module: str, name: str, text: str, *, where: str) -> BaseException:
    """Make an error of the same type, whose message says where it came from."""
    kind = getattr(sys.modules.get(module), name, None)
    text = f"{where}: {text}"
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        return VMBRuntimeError(f"{name} in {text}")
    try:
        return kind(text)
    except TypeError:  # a type whose errors are not made from one text
        return VMBRuntimeError(f"{name} in {text}")
