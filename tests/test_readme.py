"""What the README promises is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osteon.phantom import PhantomPlan, make_phantoms

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    code = [line for line in example.splitlines() if line and "import" not in line]
    assert len(code) < 10
    monkeypatch.chdir(tmp_path)
    make_phantoms(Path("phantoms/demo"), PhantomPlan(films=48, size_px=96, films_per_patient=2))
    exec(compile(example, "README.md", "exec"), {})
    assert "Estimate(value=" in capsys.readouterr().out


def test_every_command_is_in_the_readme_and_every_target_in_the_makefile() -> None:
    from typer.main import get_command

    from osteon.cli import app

    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"osteon {name}" in README
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_ci_runs_the_readmes_test_command() -> None:
    assert "make test" in README
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("make test")


def test_the_constraints_pin_everything() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert "torch==2.13.0" in lines
