"""Optuna's study as a search uses it: storage, samplers, pruners, trials that were abandoned."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

from osteon.ctrl_c import ctrl_c_waits
from osteon.environment import redacted
from osteon.errors import MissingExtra, Unreachable, UsageError
from osteon.space import Choices, Space, Value, grid

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["none", "median", "halving"]
WORKER, SEEN, RETRY_OF, TWIN, WHY = "worker", "seen", "retry_of", "twin", "why"  # of a trial
MOST_RETRIES = 3
STALE_S = 1800.0  # another machine's trial without an epoch for so long is taken for dead
UNNAMED_S = 60.0  # one that no worker has put its name to: a trial is named as it is asked for


def open_study(
    storage: str,
    name: str,
    *,
    direction: Literal["minimize", "maximize"],
    pruner: Pruner,
) -> Study:
    """The study of that name, made if it is not there.

    ``storage`` is a URL (sqlite:///FILE, postgresql://USER@HOST/BASE) or journal:FILE.
    Raises Unreachable where the storage does not answer, MissingExtra without its driver,
    UsageError for what is no such URL.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        place = _storage(storage)
        study = optuna.create_study(
            storage=place, study_name=name, direction=direction, load_if_exists=True
        )
    except (SQLAlchemyError, OSError) as error:
        first = str(error).splitlines()[0]
        raise Unreachable(
            f"The study's storage {redacted(storage)} does not answer: {first}"
        ) from None
    except (ImportError, ValueError):  # another driver's, or a port that is no number
        raise _no_storage(storage) from None
    study.pruner = _pruner(pruner)
    return study


def check_storage(url: str) -> None:
    """Raises UsageError for what is neither a URL nor a journal, and for SQLite without a file:
    no other process would see it, nor the search that goes on."""
    if not url.startswith("journal:") and "://" not in url:
        raise _no_storage(url)
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and (rest.strip("/") in ("", ".") or ":memory:" in rest):
        raise _no_storage(url)
    if scheme not in ("", "sqlite", "postgres", "postgresql") and not url.startswith("journal:"):
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(url).get_dialect()
        except ArgumentError:  # no such dialect, or no such URL
            raise _no_storage(url) from None


def sqlite_at(path: Path) -> str:
    """The URL of a study in the file ``path``, as optuna-dashboard takes it too; what means
    something in a URL, or to optuna, is escaped."""
    return "sqlite:///" + re.sub(r"[%?#{}]", lambda found: quote(found[0]), str(path))


def _no_storage(url: str) -> UsageError:
    return UsageError(
        f"--storage {redacted(url)}: write sqlite:///FILE, journal:FILE or "
        "postgresql://USER@HOST/BASE."
    )


def _storage(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    if url.startswith("journal:"):
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        path = Path(url.removeprefix("journal:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    check_storage(url)
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtra("A study in PostgreSQL", "postgres") from None
        # Connections are closed after use: a server has few, and a study is asked seldom.
        return RDBStorage(f"postgresql+psycopg://{rest}", engine_kwargs={"poolclass": NullPool})
    if scheme == "sqlite":
        Path(unquote(rest.removeprefix("/"))).parent.mkdir(parents=True, exist_ok=True)
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 100}})
    return RDBStorage(url)


def asked(study: Study, space: Space, sampler: Sampler, seed: int, worker: str) -> Trial | None:
    """The next trial, given to ``worker``, its values drawn; None where a grid has no more.

    They are decided by the seed and the trials before it, so that a search that was stopped goes on
    to draw what it would have drawn.
    """
    from optuna.samplers import RandomSampler, TPESampler
    from optuna.trial import TrialState

    while True:
        with ctrl_c_waits():  # a running trial without a name would be nobody's to give back
            trial = study.ask()
            trial.set_user_attr(WORKER, worker)
        meant = study._storage.get_trial(trial._trial_id).system_attrs.get("fixed_params")
        if sampler != "grid" or (meant is not None and not _has_twin(study, trial.number, meant)):
            break
        study.tell(trial, state=TrialState.FAIL)  # as one that was given back: nothing is lost
        if meant is None:
            return None
    earlier = (t for t in study.get_trials(deepcopy=False) if t.number < trial.number)
    drawn = (seed * 10_007 + sum(not was_given_back(t) for t in earlier)) * 101 % 2**32
    # A grid's trials are all enqueued: no sampler is asked.
    study.sampler = TPESampler(seed=drawn) if sampler == "tpe" else RandomSampler(seed=drawn)
    suggested(trial, space)
    return trial


def _has_twin(study: Study, number: int, meant: Mapping[str, object]) -> bool:
    """Whether an earlier trial, ended or to end, has the values ``meant``: two machines that begin
    a grid together both enqueue it."""
    return any(
        _meant(trial) == meant and trial.number < number and not was_given_back(trial)
        for trial in study.get_trials(deepcopy=False)
    )


def _meant(trial: FrozenTrial) -> dict[str, object]:
    """The values that a trial has, or will have: of one that was killed at its start, some."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def taken(study: Study, id_: int) -> Trial:
    """A trial that was asked for in another process."""
    from optuna import Trial

    return Trial(study, id_)


def tried_before(trial: Trial) -> FrozenTrial | None:
    """An ended trial of the same values, if there is one."""
    from optuna.trial import TrialState

    ended = trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return next((other for other in ended if other.params == trial.params), None)


def was_given_back(trial: FrozenTrial) -> bool:
    """Whether the trial failed with its worker, and is tried again under another number."""
    return trial.state.name == "FAIL" and WHY not in trial.user_attrs


def _pruner(name: Pruner) -> BasePruner:
    from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner

    if name == "median":
        return MedianPruner(n_startup_trials=4, n_warmup_steps=2)
    if name == "halving":  # asynchronous: Li et al., MLSys 2020
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return NopPruner()


def enqueue_grid(study: Study, space: Space) -> int:
    """Every combination that the study does not have yet, or has only as a trial that was given
    back and not enqueued again; returns how many there are in all."""
    combinations = grid(space)
    there = [_meant(t) for t in study.get_trials(deepcopy=False) if not was_given_back(t)]
    for chosen in combinations:
        if chosen not in there:
            study.enqueue_trial(chosen)
    return len(combinations)


def waiting(study: Study) -> int:
    """How many combinations of a grid wait for a worker; twins are not counted."""
    from optuna.trial import TrialState

    queue = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return sum(not _has_twin(study, trial.number, _meant(trial)) for trial in queue)


def empty_queue(study: Study) -> None:
    """Take back what waits though the search is over: retries that others made up for, twins."""
    from optuna.trial import TrialState

    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)


def suggested(trial: Trial, space: Space) -> dict[str, Value]:
    """The values of one trial."""
    return {name: _suggested(trial, name, dimension) for name, dimension in space.items()}


def _suggested(trial: Trial, name: str, dimension: object) -> Value:
    from osteon.space import Range

    if isinstance(dimension, Choices):
        value = trial.suggest_categorical(name, list(dimension.values))
        assert value is not None
        return value
    assert isinstance(dimension, Range)
    if dimension.whole:
        low, high = int(dimension.low), int(dimension.high)
        return trial.suggest_int(name, low, high, log=dimension.log)
    return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)


# --- trials whose worker is gone ------------------------------------------------------------------


def worker_name(pid: int) -> str:
    """Host, process number and, where the system tells it, when that process began."""
    return f"{socket.gethostname()}:{pid}:{_begun(pid)}"


def _begun(pid: int) -> str:
    """The clock ticks from the machine's start to the process's: numbers are given anew, above all
    in a container, where the first process always has the same."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # gone, or no Linux
        return ""
    return told.rpartition(")")[2].split()[19]


def mark_alive(trial: Trial) -> None:
    trial.set_user_attr(SEEN, time.time())


def give_back(study: Study, is_gone: Callable[[FrozenTrial], bool], *, died: bool = True) -> int:
    """Fail the running trials whose worker ``is_gone``, and enqueue each once more.

    What was retried MOST_RETRIES times is left failed, with the reason: it kills its worker. One
    that was stopped, and not ``died``, is no such try. Returns how many were enqueued.
    """
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import Trial, TrialState

    given = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not is_gone(trial):
            continue
        chain = [*trial.user_attrs.get(RETRY_OF, []), *([trial.number] if died else [])]
        again = len(chain) <= MOST_RETRIES
        why = f"its worker died {len(chain)} times: is there memory enough?"
        try:
            if not again:
                Trial(study, trial._trial_id).set_user_attr(WHY, why)
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:  # another machine was first
            continue
        if again:
            study.enqueue_trial(_meant(trial), user_attrs={RETRY_OF: chain})
            given += 1
    return given


def abandoned(trial: FrozenTrial) -> bool:
    """Whether the trial's worker is dead: its process here, or one elsewhere that went silent.

    To be asked before a search hands out trials: what this process had in hand before was stopped.
    """
    attributes: Mapping[str, object] = trial.user_attrs
    host, pid, begun_at = (*str(attributes.get(WORKER, "")).split(":"), "", "")[:3]
    if host == socket.gethostname():
        number = int(pid)
        reused = begun_at not in ("", _begun(number))
        return number == os.getpid() or reused or not _is_running(number)
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    seen = attributes.get(SEEN, begun)
    return time.time() - float(str(seen)) > (STALE_S if host else UNNAMED_S)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's: it is there
    return True
