"""Ctrl-C that waits until all processes of a team can act on it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


class Interrupts:
    """Notes SIGINT while a block runs, instead of raising KeyboardInterrupt in the midst of it.

    Raised at once, it could come between two messages and leave the other processes waiting
    for the second.  Outside the main thread, and where SIGINT is ignored, nothing happens:
    Python raises no KeyboardInterrupt there.

    Attributes
    ----------
    asked : :obj:`bool`
        Whether one was noted, and nobody acted on one yet.
    """

    def __init__(self) -> None:
        self._held = self._noted = self._served = False

    @property
    def asked(self) -> bool:
        """Whether one was noted, and nobody acted on one yet."""
        return self._noted and not self._served

    def serve(self) -> None:
        """Act on one: until the block ends, the rest is the same one in other processes."""
        self._served = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold them back in a block; in a block within it, go on doing so.

        Raises
        ------
        KeyboardInterrupt
            At the end, if nobody acted on one.
        """
        before = signal.getsignal(signal.SIGINT)
        ignored = before in (None, signal.SIG_IGN)
        if self._held or ignored or current_thread() is not main_thread():
            yield
            return
        self._held, self._noted, self._served = True, False, False
        signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            self._held = False
        if self.asked:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._noted = True
