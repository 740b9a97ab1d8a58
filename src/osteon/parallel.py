"""Work on many files at once, in order, by threads.

Threads and not processes: JPEG, resizing and hashing run outside Python's lock, nothing is copied
between processes, and a script needs no ``if __name__ == "__main__"`` to call us.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

CHUNK = 16  # items a thread takes at once: handing over costs as much as decoding a thumbnail
MOST_WORKERS = 16


def default_workers() -> int:
    """The processors that this process may use, at most 16."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(usable or 1, MOST_WORKERS))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Matrix products without threads of their own, which would fight with ours for the cores."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """scikit-learn and matrix products on one thread: on small tables threads wait for each other,
    which takes 20 times as long, and far longer where other work holds a core."""
    import sklearn.ensemble  # noqa: F401  a limit reaches only what is loaded already
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def in_order(
    work: Callable[[A], B], items: Sequence[A], *, workers: int | None = None, chunk: int = CHUNK
) -> Iterator[B]:
    """Yield ``work(item)`` of each item in order; only a few chunks are ahead, so memory is flat.

    An error of ``work`` is raised here; then, and when the caller stops, what is not yet begun is
    not begun.
    """
    workers = workers or default_workers()
    if workers == 1:
        yield from map(work, items)
        return
    stopped = False

    def work_on(some: Sequence[A]) -> list[B]:
        done = []
        for item in some:
            if stopped:
                break
            done.append(work(item))
        return done

    chunks = (items[at : at + chunk] for at in range(0, len(items), chunk))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="osteon")
    try:
        ahead: deque[Future[list[B]]] = deque(
            pool.submit(work_on, some) for some in islice(chunks, 2 * workers)
        )
        while ahead:
            yield from ahead.popleft().result()
            ahead.extend(pool.submit(work_on, some) for some in islice(chunks, 1))
    finally:
        stopped = True
        pool.shutdown(wait=True, cancel_futures=True)
