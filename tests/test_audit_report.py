"""The page of an audit, of folders as they are: with files in them that are no films."""

from __future__ import annotations

from pathlib import Path

from osteon.looking import look_at
from osteon.report.audit import write_audit_report
from osteon.report.gallery import thumbnail
from tests.training import write_films


def test_a_page_of_a_folder_with_other_files(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", each=4)
    (films / "normal" / "notes.txt").write_text("left alone by the source, and named by it")
    (films / "normal" / "spoilt.png").write_bytes(b"")
    manifest, audit = look_at(films, cache=tmp_path / "cache")
    page = write_audit_report(manifest, audit, tmp_path / "audit.html").read_text()
    assert "1 file was left alone (1 .txt)" in page
    assert "normal/spoilt.png" in page


def test_a_film_that_is_not_in_the_manifest_has_no_picture(tmp_path: Path) -> None:
    """A collage that was cut is named by findings of before."""
    films = write_films(tmp_path / "films", each=4)
    manifest, _ = look_at(films, cache=tmp_path / "cache")
    there = manifest.radiographs[0].id
    assert thumbnail(there, manifest) is not None
    assert thumbnail(f"{there}#1", manifest) is None
