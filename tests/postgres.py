"""A real PostgreSQL server for a test, where one is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _program(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)])
    return shutil.which(name, path=path)


@contextmanager
def server(place: Path) -> Iterator[str]:
    """The URL of an empty database; skips with the reason where there is no server."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if not initdb or not postgres:
        pytest.skip("PostgreSQL is not installed: no initdb or no postgres on the PATH")
    as_user: list[str] = []
    if os.geteuid() == 0:  # a server refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        place = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg.XXXXXX"], text=True).strip())
        shutil.chown(place, "postgres")
    data, port = place / "data", 20_000 + os.getpid() % 10_000
    made = subprocess.run(
        [*as_user, initdb, "-D", data, "-A", "trust", "-U", "osteon", "-N"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"PostgreSQL does not start here: {made.stderr.strip()[-200:]}")
    running = subprocess.Popen(
        [*as_user, postgres, "-D", data, "-p", str(port), "-k", str(place), "-h", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield f"postgresql://osteon@127.0.0.1:{port}/postgres"
    finally:
        running.send_signal(signal.SIGINT)  # a polite stop would wait for idle clients
        running.wait()
        if as_user:
            shutil.rmtree(place, ignore_errors=True)


def _wait(port: int) -> None:
    import time

    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(f"postgresql://osteon@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the PostgreSQL server does not answer")
