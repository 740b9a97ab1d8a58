"""Fetching, against a real server on this machine that breaks off, lies and comes back."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from osteon.datasets import DATASETS, fetch
from osteon.datasets.download import copy_files, unpack
from osteon.errors import DataError, MissingExtra, UnknownName, Unreachable
from osteon.progress import shown

NOISE = bytes(range(256)) * 4000


def packed(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_file:
        for name, data in files.items():
            zip_file.writestr(name, data)
    return archive.getvalue()


ARCHIVE = packed({"FracAtlas/dataset.csv": b"image_id,fractured\n", "FracAtlas/noise.bin": NOISE})


@dataclass
class Host:
    """A host of one archive; ``cuts``: after how many bytes each answer breaks off."""

    data: bytes = ARCHIVE
    md5: str = hashlib.md5(ARCHIVE).hexdigest()
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # of the next answers, if not 200 or 206
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, path: str) -> bytes | None:
        """What is told of the archive; None where it is the archive itself that is asked for."""
        if path.endswith("/articles/22363012"):
            entry = {
                "name": "FracAtlas.zip",
                "download_url": f"{self.address}/FracAtlas.zip",
                "computed_md5": self.md5,
                "size": len(self.data),
            }
            return json.dumps({"files": [entry], "license": {"name": "CC BY 4.0"}}).encode()
        if path.endswith("/GetDataset"):  # of Kaggle
            return json.dumps({"ref": "a/b", "currentVersionNumber": 3}).encode()
        return None


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr("osteon.datasets.download.PAUSE_S", 0.001)
    state = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = state.answer(self.path)
            if told is not None:
                self.send(200, told, "application/json")
                return
            wanted = self.headers.get("Range", "")
            state.asked.append(wanted or "whole")
            if state.statuses:
                self.send(state.statuses.pop(0), b"", "text/plain")
                return
            begin = int(wanted[6:-1]) if wanted and state.ranges else 0
            body = state.data[begin:]
            cut = state.cuts.pop(0) if state.cuts else len(body)
            self.send(206 if begin else 200, body, "application/zip", cut)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def send(self, status: int, body: bytes, kind: str, cut: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body[:cut])
            self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def is_whole(folder: Path) -> bool:
    return (folder / "FracAtlas" / "noise.bin").read_bytes() == NOISE


# --- figshare -------------------------------------------------------------------------------------


def test_it_arrives_and_is_unpacked(host: Host, tmp_path: Path) -> None:
    assert fetch("fracatlas", tmp_path / "f", api=host.address) == tmp_path / "f"
    assert is_whole(tmp_path / "f")
    assert sorted(p.name for p in (tmp_path / "f").iterdir()) == ["FracAtlas", "FracAtlas.zip"]


def test_licence_size_and_progress_are_said(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown():
        fetch("fracatlas", tmp_path, api=host.address)
    said = capsys.readouterr().err
    assert "licence as the host states it today: CC BY 4.0" in said
    assert "FracAtlas.zip: 1 MB" in said
    assert "MB: 2/2" in said
    assert "unpack: 2/2" in said


def test_what_broke_off_goes_on_where_it_stopped(host: Host, tmp_path: Path) -> None:
    host.cuts = [300_000, 200_000]
    fetch("fracatlas", tmp_path, api=host.address)
    assert is_whole(tmp_path)
    assert host.asked[0] == "whole"
    first, second = (int(asked[6:-1]) for asked in host.asked[1:])
    assert 200_000 < first <= 300_000
    assert first < second <= 500_000


def test_a_host_that_knows_no_ranges_is_asked_for_all(host: Host, tmp_path: Path) -> None:
    host.cuts, host.ranges = [300_000], False
    fetch("fracatlas", tmp_path, api=host.address)
    assert is_whole(tmp_path)


def test_a_later_call_goes_on_too(host: Host, tmp_path: Path) -> None:
    host.cuts = [100_000] + [0] * 4
    with pytest.raises(Unreachable, match="What has arrived is kept"):
        fetch("fracatlas", tmp_path, api=host.address)
    host.cuts = []
    fetch("fracatlas", tmp_path, api=host.address)
    assert host.asked[-1].startswith("bytes=")
    assert is_whole(tmp_path)


def test_an_empty_answer_is_not_taken_for_the_file(host: Host, tmp_path: Path) -> None:
    host.statuses = [202, 202]  # as figshare's guard answers now and then
    fetch("fracatlas", tmp_path, api=host.address)
    assert len(host.asked) == 3
    assert is_whole(tmp_path)


def test_a_download_stopped_before_it_was_unpacked_is_used(host: Host, tmp_path: Path) -> None:
    (tmp_path / "FracAtlas.zip.part").write_bytes(ARCHIVE)
    fetch("fracatlas", tmp_path, api=host.address)
    assert host.asked == []
    assert is_whole(tmp_path)


def test_what_is_there_is_not_fetched_again(host: Host, tmp_path: Path) -> None:
    fetch("fracatlas", tmp_path, api=host.address)
    fetch("fracatlas", tmp_path, api=host.address)
    assert host.asked == ["whole"]


def test_a_half_unpacked_archive_is_unpacked_to_the_end(host: Host, tmp_path: Path) -> None:
    fetch("fracatlas", tmp_path, api=host.address)
    (tmp_path / "FracAtlas" / "noise.bin").write_bytes(NOISE[:1000])
    (tmp_path / "FracAtlas" / "dataset.csv").unlink()
    fetch("fracatlas", tmp_path, api=host.address)
    assert is_whole(tmp_path)
    assert (tmp_path / "FracAtlas" / "dataset.csv").is_file()
    assert host.asked == ["whole"]


def test_a_wrong_checksum_is_refused_and_the_next_call_begins_anew(
    host: Host, tmp_path: Path
) -> None:
    right, host.md5 = host.md5, "0" * 32
    with pytest.raises(Unreachable, match="something else than it promised"):
        fetch("fracatlas", tmp_path, api=host.address)
    assert list(tmp_path.iterdir()) == []
    host.md5 = right
    fetch("fracatlas", tmp_path, api=host.address)
    assert is_whole(tmp_path)


def test_a_part_of_an_older_version_does_not_get_through(host: Host, tmp_path: Path) -> None:
    (tmp_path / "FracAtlas.zip.part").write_bytes(bytes(1000))
    with pytest.raises(Unreachable, match="something else than it promised"):
        fetch("fracatlas", tmp_path, api=host.address)
    fetch("fracatlas", tmp_path, api=host.address)
    assert is_whole(tmp_path)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_names_the_page_and_the_folder(host: Host, tmp_path: Path, status: int) -> None:
    host.statuses = [status] * 9
    with pytest.raises(Unreachable, match=str(status)) as error:
        fetch("fracatlas", tmp_path, api=host.address)
    assert DATASETS["fracatlas"].page in str(error.value)
    assert f"unpack it into {tmp_path}" in str(error.value)


def test_without_a_network_the_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"\(127\.0\.0\.1 cannot be reached\)") as error:
        fetch("fracatlas", tmp_path, api="http://127.0.0.1:9")
    assert DATASETS["fracatlas"].page in str(error.value)


# --- Kaggle ---------------------------------------------------------------------------------------


@pytest.fixture
def kaggle(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """kagglehub itself, talking to the local host."""
    pytest.importorskip("kagglehub", reason="the extra osteon[kaggle] is not installed")
    from kagglesdk import kaggle_env  # type: ignore[import-untyped, unused-ignore]

    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    local = {kaggle_env.KaggleEnv.LOCAL: host.address}
    monkeypatch.setattr(kaggle_env, "_env_to_endpoint", local)
    return host


def test_kaggle_sets_arrive(kaggle: Host, tmp_path: Path) -> None:
    fetch("bonebreak10", tmp_path / "films")
    assert is_whole(tmp_path / "films")
    assert kaggle.asked == ["whole"]
    fetch("bonebreak10", tmp_path / "films")
    assert kaggle.asked == ["whole"]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_of_kaggle_names_the_page(kaggle: Host, tmp_path: Path, status: int) -> None:
    kaggle.statuses = [status] * 9
    with pytest.raises(Unreachable, match=f"{status}.*{DATASETS['multiregion'].page}"):
        fetch("multiregion", tmp_path / "films")


def test_kaggle_without_a_network_names_the_page(
    kaggle: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kagglesdk import kaggle_env

    nowhere = {kaggle_env.KaggleEnv.LOCAL: "http://127.0.0.1:9"}
    monkeypatch.setattr(kaggle_env, "_env_to_endpoint", nowhere)
    with pytest.raises(Unreachable, match=DATASETS["bonebreak12"].page):
        fetch("bonebreak12", tmp_path / "films")


def test_without_kagglehub_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingExtra, match=r"osteon\[kaggle\]"):
        fetch("multiregion", tmp_path)


# --- archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../out.txt", "/out.txt", "a/../../out.txt", "C:\\out", "..\\out"]
)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "bad.zip"
    archive.write_bytes(packed({"good.txt": b"1", name: b"2"}))
    with pytest.raises(DataError, match="outside"):
        unpack(archive, tmp_path / "inside")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_files_are_copied_where_they_are_missing(tmp_path: Path) -> None:
    (tmp_path / "from" / "a").mkdir(parents=True)
    (tmp_path / "from" / "a" / "1").write_bytes(b"one")
    (tmp_path / "from" / "2").write_bytes(b"two")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "2").write_bytes(b"t")
    copy_files(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to" / "a" / "1").read_bytes() == b"one"
    assert (tmp_path / "to" / "2").read_bytes() == b"two"


# --- the list -------------------------------------------------------------------------------------


def test_an_unknown_name_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fracatlas'"):
        fetch("fracatlass", tmp_path)


def test_the_four_sets_state_their_licence_and_page() -> None:
    assert list(DATASETS) == ["bonebreak10", "bonebreak12", "fracatlas", "multiregion"]
    for entry in map(DATASETS.__getitem__, DATASETS):
        assert entry.licence
        assert entry.page.startswith("https://")
        assert entry.key in entry.page
