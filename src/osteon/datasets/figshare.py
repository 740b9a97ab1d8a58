"""Data sets on figshare: the host is asked for today's files, sizes and checksums."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from osteon.datasets import DATASETS, Dataset, by_hand
from osteon.datasets.download import TIMEOUT_S, resuming, unpack
from osteon.progress import say

API = "https://api.figshare.com/v2"

# Versions of an article replace each other's files, so no file, size or checksum is written here.
DATASETS.register("fracatlas")(
    Dataset(
        title="FracAtlas",
        host="figshare",
        key="22363012",
        page="https://figshare.com/articles/dataset/The_dataset/22363012",
        licence="CC BY 4.0",
        about="4,083 radiographs, 717 with fractures, boxes and masks",
        cite="Abedeen et al., Scientific Data 10:521 (2023), doi:10.1038/s41597-023-02432-4",
    )
)


def fetch(wanted: Dataset, folder: Path, *, api: str = API) -> None:
    """Download every ZIP of the article and unpack it. Raises as ``osteon.datasets.fetch`` does."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # progress is shown by us
    try:
        for entry in _archives(wanted, api):
            name = Path(entry["name"]).name
            say(f"{name}: {entry['size'] / 1e6:,.0f} MB")
            archive = pooch.retrieve(
                entry["download_url"],
                known_hash=f"md5:{entry['computed_md5']}",
                fname=name,
                path=folder,
                downloader=resuming(folder / f"{name}.part", entry["size"]),
            )
            unpack(Path(archive), folder)
    except (requests.RequestException, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise by_hand(wanted, folder, error) from error
    except ValueError as error:  # pooch's word for a checksum that differs
        why = f"the host sent something else than it promised: {error}"
        raise by_hand(wanted, folder, why) from error


def _archives(wanted: Dataset, api: str) -> list[dict[str, Any]]:
    """The ZIP files of the article as figshare's API v2 tells them."""
    import requests

    answer = requests.get(f"{api}/articles/{wanted.key}", timeout=TIMEOUT_S)
    answer.raise_for_status()
    article = answer.json()
    say(f"{wanted.title}: licence as the host states it today: {article['license']['name']}")
    archives = [entry for entry in article["files"] if entry["name"].lower().endswith(".zip")]
    if not archives:
        raise ValueError("the article has no ZIP file")
    return archives
