"""Progress is silent unless asked for, and changes nothing of what passes through."""

from __future__ import annotations

import pytest

from osteon import progress


def test_silent_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(range(3), "decode", total=3)) == [0, 1, 2]
    progress.say("nothing")
    assert capsys.readouterr() == ("", "")


def test_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    with progress.shown():
        assert list(progress.track("abc", "decode", total=3)) == ["a", "b", "c"]
        progress.say("done")
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("decode: 1/3, about")
    assert lines[-2].startswith("decode: 3/3 in")
    assert lines[-1] == "done"


def test_it_is_over_when_the_block_is(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown():
        pass
    progress.say("nothing")
    assert capsys.readouterr().err == ""
