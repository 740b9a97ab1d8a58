"""What pages tell people to type is typed; what needs real films is at least a known command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TAUGHT = ["tutorial.md", *sorted(str(p.relative_to(DOCS)) for p in (DOCS / "how-to").glob("*.md"))]
OTHERS = sorted(
    str(p.relative_to(ROOT)) for p in [*DOCS.glob("*.md"), ROOT / "README.md"]
    if p.name != "tutorial.md"
)  # fmt: skip


FIRST = re.compile("osteon (phantom|run .* --out runs/demo$)")


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, code) of each block that a reader would type."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^```(sh|python)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [(language, code) for language, code in found]


def typed(language: str, code: str, where: Path) -> None:
    command = ["bash", "-ec", code] if language == "sh" else [sys.executable, "-c", code]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=where,
        env={**os.environ, "PATH": path, "OSTEON_CACHE": str(where / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tutorial's phantoms and run, which the other pages start from."""
    where = tmp_path_factory.mktemp("workshop")
    for language, code in started(blocks(DOCS / "tutorial.md")):
        typed(language, code, where)
    return where


def started(tutorial: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [block for block in tutorial if re.match(FIRST, block[1])]


@pytest.mark.slow
@pytest.mark.parametrize("page", TAUGHT)
def test_every_block_of_the_page_runs(page: str, workshop: Path) -> None:
    code = blocks(DOCS / page)
    assert code, f"{page} has nothing to type"
    done = started(code) if page == "tutorial.md" else []
    for language, block in code:
        if (language, block) not in done:
            typed(language, block, workshop)


def commands_of(page: Path) -> list[str]:
    """Each line with a command of osteon, continued lines joined, comments and pipes cut off."""
    found = []
    for language, code in blocks(page):
        if language == "sh":
            for line in code.replace("\\\n", " ").splitlines():
                said = re.split(r" [|>]|&&|;", line.partition(" #")[0])[0].strip()
                found += [said] if said.startswith("osteon ") else []
    return found


@pytest.mark.parametrize("page", OTHERS)
def test_commands_of_the_page_are_known(page: str) -> None:
    from typer.main import get_command

    from osteon.cli import app

    for said in commands_of(ROOT / page):
        words = [re.sub(r"^\$(\w+)$", r"\1", word) for word in shlex.split(said)][1:]
        command: Any = get_command(app)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, said
            command = command.commands[words.pop(0)]
        command.make_context("osteon", words, resilient_parsing=False)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "site/tutorial.html").is_file()
    command_line = (tmp_path / "site/reference/command-line.html").read_text(encoding="utf-8")
    assert "osteon predict" in command_line
    assert "--despite-leaks" in command_line


def test_every_page_is_in_the_sites_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert str(page.relative_to(DOCS)) in menu
