"""Fetching, against a real server on this machine that breaks off, lies and comes back."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from osteon.datasets import DATASETS, fetch
from osteon.errors import UnknownName, Unreachable


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zip_file:
        zip_file.writestr("FracAtlas/dataset.csv", "image_id,fractured\n")
        zip_file.writestr("FracAtlas/images/noise.bin", bytes(range(256)) * 4000)
    return packed.getvalue()


@dataclass
class Host:
    """A host of one archive; ``cuts``: after how many bytes each answer breaks off."""

    data: bytes = field(default_factory=archive)
    md5: str = ""
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def listing(self) -> bytes:
        md5 = self.md5 or hashlib.md5(self.data).hexdigest()
        url = f"{self.address}/FracAtlas.zip"
        entry = {"name": "FracAtlas.zip", "download_url": url, "computed_md5": md5}
        return json.dumps([entry]).encode()


@pytest.fixture
def host() -> Iterator[Host]:
    state = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.headers.get("Range", "whole"))
            if self.path.endswith("/files"):
                self.answer(200, state.listing())
                return
            wanted = self.headers.get("Range", "")
            begin = int(wanted[6:-1]) if wanted and state.ranges else 0
            self.answer(206 if begin else 200, state.data[begin:], breaks=True)

        def answer(self, status: int, body: bytes, breaks: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = state.cuts.pop(0) if breaks and state.cuts else len(body)
            self.wfile.write(body[:cut])
            self.wfile.flush()
            if cut < len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def is_whole(folder: Path) -> bool:
    noise = folder / "FracAtlas" / "images" / "noise.bin"
    return noise.read_bytes() == bytes(range(256)) * 4000


def test_it_arrives_and_is_unpacked(host: Host, tmp_path: Path) -> None:
    assert fetch("fracatlas", tmp_path / "f", figshare_api=host.address) == tmp_path / "f"
    assert is_whole(tmp_path / "f")


def test_what_broke_off_goes_on_where_it_stopped(host: Host, tmp_path: Path) -> None:
    host.cuts = [300_000, 200_000]
    fetch("fracatlas", tmp_path, figshare_api=host.address)
    assert is_whole(tmp_path)
    first, second = (int(asked[6:-1]) for asked in host.asked[-2:])
    assert 200_000 < first <= 300_000
    assert first < second <= 500_000


def test_a_host_that_knows_no_ranges_is_asked_for_all(host: Host, tmp_path: Path) -> None:
    host.cuts, host.ranges = [300_000], False
    fetch("fracatlas", tmp_path, figshare_api=host.address)
    assert is_whole(tmp_path)


def test_a_later_call_goes_on_too(host: Host, tmp_path: Path) -> None:
    host.cuts = [100_000] + [0] * 4
    with pytest.raises(Unreachable, match="What has arrived is kept"):
        fetch("fracatlas", tmp_path, figshare_api=host.address)
    host.cuts = []
    fetch("fracatlas", tmp_path, figshare_api=host.address)
    assert host.asked[-1].startswith("bytes=")
    assert is_whole(tmp_path)


def test_what_is_there_is_not_fetched_again(host: Host, tmp_path: Path) -> None:
    fetch("fracatlas", tmp_path, figshare_api=host.address)
    before = len(host.asked)
    fetch("fracatlas", tmp_path, figshare_api=host.address)
    assert len(host.asked) == before + 1  # the listing alone


def test_a_wrong_checksum_is_refused(host: Host, tmp_path: Path) -> None:
    host.md5 = "0" * 32
    with pytest.raises(Unreachable, match="does not match the known hash"):
        fetch("fracatlas", tmp_path, figshare_api=host.address)
    assert not (tmp_path / "FracAtlas").exists()


def test_without_a_network_the_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=DATASETS["fracatlas"].page):
        fetch("fracatlas", tmp_path, figshare_api="http://127.0.0.1:9")


def test_an_unknown_name_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fracatlas'"):
        fetch("fracatlass", tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_states_its_licence_and_page(name: str) -> None:
    assert DATASETS[name].licence
    assert DATASETS[name].page.startswith("https://")
