"""Trials of a search in several processes: one that dies is replaced, its trial tried again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from osteon.ctrl_c import ctrl_c_waits
from osteon.errors import ResourceError
from osteon.progress import say, showing, shown
from osteon.study import give_back, taken, waiting, was_given_back
from osteon.trials import Job, try_out

if TYPE_CHECKING:
    from optuna import Study, Trial

MOST_DEATHS = 10  # of workers in one search, before it is given up


def run_trials(job: Job, study: Study, total: int) -> None:
    """Run trials until ``total`` have come to an end, those of earlier calls counted.

    One worker is this process; several are processes of their own, with the cores shared out.
    Raises ResourceError where workers keep dying, or where no trial could go on.
    """
    if job.search.workers == 1:
        while True:
            with ctrl_c_waits():
                left = n_to_ask(job, study, total)
                trial = job.ask(study, os.getpid()) if left else None
            if trial is not None:
                try_out(job, study, trial)
            elif not left:
                return
    with _crew(job) as crew:
        crew.run(study, total)


def n_ended(study: Study) -> int:
    """Trials that need not be tried any more; one that was given back counts by its retry."""
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    ended = study.get_trials(deepcopy=False, states=states)
    return sum(not was_given_back(trial) for trial in ended)


def n_to_ask(job: Job, study: Study, total: int, n_busy: int = 0) -> int:
    """How many trials may be asked for while ``n_busy`` of ours run.

    A grid's are all enqueued: what another machine has in hand is not made up for by chance.
    """
    left = max(0, total - n_ended(study) - n_busy)
    return min(left, waiting(study)) if left and job.search.sampler == "grid" else left


class _Crew:
    """Processes that each try out the trial that they are sent, and answer "done" or with a
    ResourceError."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.context = multiprocessing.get_context("spawn")
        self.hired: dict[Connection, SpawnProcess] = {}
        self.busy: dict[Connection, Trial] = {}
        self.deaths = 0

    def run(self, study: Study, total: int) -> None:
        while True:
            with ctrl_c_waits():
                left = n_to_ask(self.job, study, total, len(self.busy))
                self._employ(study, left)
            if not left and not self.busy:
                return
            ready = wait(list(self.busy))
            with ctrl_c_waits():
                self._hear(study, ready)

    def _employ(self, study: Study, left: int) -> None:
        for _ in range(min(self.job.search.workers - len(self.hired), left)):
            self._hire()
        for idle in [c for c in self.hired if c not in self.busy][:left]:
            pid = self.hired[idle].pid
            assert pid is not None
            if (trial := self.job.ask(study, pid)) is not None:
                self.busy[idle] = trial
                try:
                    idle.send(trial._trial_id)
                except OSError:  # it was killed while it waited
                    del self.busy[idle]
                    self._bury(idle, study, trial.number)

    def _hire(self) -> None:
        ours, theirs = self.context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // self.job.search.workers)
        process = self.context.Process(
            target=_work,
            args=(self.job, theirs, threads, os.getpid(), showing()),
            daemon=True,
        )
        process.start()
        theirs.close()
        self.hired[ours] = process

    def _hear(self, study: Study, ready: Iterable[object]) -> None:
        for connection in ready:
            assert isinstance(connection, Connection)
            trial = self.busy.pop(connection)
            try:
                answer = connection.recv()
            except (EOFError, ConnectionResetError):  # the latter where its order was not read yet
                self._bury(connection, study, trial.number)
            else:
                if isinstance(answer, ResourceError):
                    raise answer

    def _bury(self, connection: Connection, study: Study, number: int) -> None:
        process = self.hired.pop(connection)
        process.join()
        self.deaths += 1
        again = give_back(study, lambda trial: trial.number == number)
        what = "is tried again" if again else "is given up, or was done"
        say(f"a worker died ({process.exitcode}); its trial {number} {what}")
        if self.deaths >= MOST_DEATHS:
            raise ResourceError(
                f"{self.deaths} workers died, the last with exit code {process.exitcode}: is there "
                "memory enough for so many? Fewer: --workers 1. The same command goes on."
            )

    def dismiss(self) -> None:
        for process in self.hired.values():
            process.terminate()
        for process in self.hired.values():
            process.join()


@contextmanager
def _crew(job: Job) -> Iterator[_Crew]:
    crew = _Crew(job)
    try:
        yield crew
    finally:
        crew.dismiss()


def _work(job: Job, orders: Connection, threads: int, parent: int, show: bool) -> None:
    """What a worker process does until it is dismissed, or its parent is gone."""
    import signal
    import threading
    from contextlib import nullcontext

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which dismisses us
    torch.set_num_threads(threads)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    study = job.study()
    with shown() if show else nullcontext():
        while True:
            try:
                trial = taken(study, orders.recv())
            except EOFError:
                return
            try:
                try_out(job, study, trial)
            except ResourceError as error:
                orders.send(error)
                return
            orders.send("done")


def _die_with(parent: int) -> None:
    """End this process when its parent is gone: an orphan would train for nobody."""
    import time

    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
