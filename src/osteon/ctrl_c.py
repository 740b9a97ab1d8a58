"""Ctrl-C, put off while what it would break is under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Put Ctrl-C off until the block is done; pressed again, it is obeyed at once.

    For every look into a study: a connection that is interrupted may keep its database locked.
    """
    obey = signal.getsignal(signal.SIGINT)
    if not callable(obey) or threading.current_thread() is not threading.main_thread():
        yield  # it is ignored, or goes to the main thread
        return
    pressed: list[FrameType | None] = []

    def wait(number: int, frame: FrameType | None) -> None:
        if pressed:
            obey(number, frame)
        pressed.append(frame)

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, obey)
        if pressed:
            obey(signal.SIGINT, pressed[0])
