"""Memory that a training loop keeps between steps, instead of asking the system for it anew."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3) and their defaults.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
DEFAULTS = {TRIM_THRESHOLD: 128 * 1024, TOP_PAD: 128 * 1024, MMAP_MAX: 65_536}
KEPT = {TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 64 * 2**20, MMAP_MAX: 0}


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let glibc keep what is freed while this is open; elsewhere nothing happens.

    By default glibc maps every large block from the system and unmaps it when it is freed, so that
    each step of training pays for zeroing the same pages again: 20 to 40 % of the time of small
    networks (``benchmarks/keras_speed.py``). Results do not change.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    for parameter, value in KEPT.items():
        libc.mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, value in DEFAULTS.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)
