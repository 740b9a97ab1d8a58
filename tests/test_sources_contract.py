"""Every registered source is held to the contract; a new one is picked up by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.reading import read_source
from osteon.sources import SOURCES
from osteon.testing.sources import SAMPLES, check_source


@pytest.mark.parametrize("name", list(SOURCES))
def test_it_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_source(name, tmp_path)


@pytest.mark.parametrize("name", list(SOURCES))
def test_its_sample_is_recognised_among_all(name: str, tmp_path: Path) -> None:
    SAMPLES[name](tmp_path)
    manifest = read_source(tmp_path)
    assert manifest.source == name
    assert f"read as {name}, because " in manifest.recognised_by


@pytest.mark.parametrize("name", list(SOURCES))
def test_it_is_recognised_one_folder_deeper(name: str, tmp_path: Path) -> None:
    inner = tmp_path / "Archive" / "Archive"
    inner.mkdir(parents=True)
    SAMPLES[name](inner)
    (tmp_path / "Archive.zip").write_bytes(b"PK")
    (tmp_path / "__MACOSX" / "Archive").mkdir(parents=True)
    manifest = read_source(tmp_path)
    assert (manifest.source, manifest.root) == (name, inner)
    assert "holds all films in 'Archive'. " in manifest.recognised_by


def test_ranks_are_distinct() -> None:
    ranks = [source.rank for _, source in SOURCES.items()]
    assert len(set(ranks)) == len(ranks)
