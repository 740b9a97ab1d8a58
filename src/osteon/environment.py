"""What a run was made with: versions, machine, command, seconds per stage."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from osteon.values import read_value, write_value

PACKAGES = ("osteon", "torch", "timm", "numpy", "scikit-learn", "scipy", "pydicom", "pillow")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How a network was trained on this machine; see ``osteon.pace``."""

    threads: int
    channels_last: bool
    precision: Literal["float32", "bfloat16"]
    seconds_a_step: Mapping[str, float] = field(default_factory=dict)  # timed; empty: no probe


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Written as environment.json of a run."""

    command: str
    begun: str  # ISO 8601, UTC
    python: str
    system: str
    processor: str
    n_cpus: int
    versions: Mapping[str, str]
    seed: int
    timings_s: Mapping[str, float] = field(default_factory=dict)  # stage -> wall seconds
    pace: Pace | None = None  # None before training, and of runs of older versions


def this_environment(*, seed: int) -> Environment:
    return Environment(
        command=_command(),
        begun=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        n_cpus=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        versions={name: found for name in PACKAGES if (found := _version(name))},
        seed=seed,
    )


@contextmanager
def timed(path: Path, stage: str) -> Iterator[None]:
    """Add the wall seconds of what runs inside to ``stage`` of the environment at ``path``."""
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    environment = read_value(Environment, path)
    before = environment.timings_s.get(stage, 0.0)
    timings = {**environment.timings_s, stage: round(before + seconds, 2)}
    write_value(path, replace(environment, timings_s=timings))


def without_folders(command: str) -> str:
    """Paths of the user's machine are shortened to their last step, of either kind of slash."""
    return shlex.join(_last_step(word) for word in shlex.split(command))


def _last_step(word: str) -> str:
    """``--out=/home/me/run`` becomes ``--out=run``, ``/home/me/films/`` becomes ``films``."""
    name, equals, value = word.partition("=")
    if equals and not re.search(r"[/\\]", name):
        return f"{name}={_last_step(value)}"
    return re.split(r"[/\\]", word.rstrip("/\\"))[-1]


def _command() -> str:
    program, *arguments = sys.argv
    name = "osteon" if Path(program).stem in ("osteon", "__main__") else Path(program).name
    return shlex.join([name, *map(redacted, arguments)])


def redacted(text: str) -> str:
    """A URL, or an option with one, without its password, wherever it stands in it.

    >>> redacted("--storage=postgresql://me:secret@host/base?sslmode=require")
    '--storage=postgresql://me@host/base?sslmode=require'
    """
    if "://" not in text:
        return text
    before_host = re.sub(r"(://[^/?#:]*):.*@", r"\1@", text)
    return re.sub(r"(?i)([?&](?:\w*password|passfile|sslkey)=)[^&#]*", r"\1...", before_host)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
