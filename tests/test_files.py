"""Writes are whole or absent, and errors of the operating system teach."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from osteon.errors import ResourceError, UsageError
from osteon.files import atomic_writer, explained, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "old")

    def fail() -> None:
        with atomic_writer(path) as file:
            file.write("half of the ne")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"auroc": float("nan")})
    assert list(tmp_path.iterdir()) == []
    assert json.loads(write_json(tmp_path / "a.json", {"n": 3}).read_text()) == {"n": 3}


def raise_errno(code: int) -> None:
    with explained(Path("out/x")):
        raise OSError(code, "as the system says")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, ResourceError, "disk is full"),
        (errno.EROFS, UsageError, "cannot be written"),
        (errno.EACCES, UsageError, "may write to"),
        (errno.EIO, ResourceError, "as the system says"),
    ],
)
def test_errors_say_what_to_do(code: int, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        raise_errno(code)


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    blocker = write_text(tmp_path / "runs", "")
    with pytest.raises(UsageError, match="file of that name is in the way"):
        write_text(blocker / "a.txt", "x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o027, 0o640), (0o022, 0o644)])
def test_files_are_for_whom_the_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    program = (
        f"import os; os.umask({umask}); from pathlib import Path; "
        f"from osteon.files import write_text; write_text(Path({str(tmp_path / 'a')!r}), 'a')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
