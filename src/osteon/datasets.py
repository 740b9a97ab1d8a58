"""Public data sets: where they come from, under which licence, and how to fetch them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from osteon.errors import MissingExtra, UnknownName, Unreachable
from osteon.files import explained
from osteon.progress import say, track

if TYPE_CHECKING:
    import requests

FIGSHARE_API = "https://api.figshare.com/v2"
CHUNK = 1 << 16  # bytes: what is lost of a download that breaks off
TIMEOUT_S = 30
TRIES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A data set that somebody else publishes. ``key``: figshare's article or Kaggle's handle."""

    title: str
    host: Literal["figshare", "kaggle"]
    key: str
    page: str
    licence: str  # as its publisher states it
    about: str
    cite: str = ""


DATASETS = {
    "fracatlas": Dataset(
        title="FracAtlas",
        host="figshare",
        key="22363012",
        page="https://figshare.com/articles/dataset/The_dataset/22363012",
        licence="CC BY 4.0",
        about="4,083 radiographs, 717 with fractures, boxes and masks",
        cite="Abedeen et al., Scientific Data 10:521 (2023), doi:10.1038/s41597-023-02432-4",
    ),
    "multiregion": Dataset(
        title="Fracture Multi-Region X-ray Data",
        host="kaggle",
        key="bmadushanirodrigo/fracture-multi-region-x-ray-data",
        page="https://www.kaggle.com/datasets/bmadushanirodrigo/fracture-multi-region-x-ray-data",
        licence="ODC-By 1.0",
        about="10,580 files, two classes; its shipped split leaks: audit it first",
    ),
    "bonebreak10": Dataset(
        title="Bone Break Classification Image Dataset",
        host="kaggle",
        key="pkdarabi/bone-break-classification-image-dataset",
        page="https://www.kaggle.com/datasets/pkdarabi/bone-break-classification-image-dataset",
        licence="none stated: ask before you publish anything made with it",
        about="1,129 pictures from the web, 10 classes of fracture",
    ),
    "bonebreak12": Dataset(
        title="Bone Break Classifier Dataset",
        host="kaggle",
        key="amohankumar/bone-break-classifier-dataset",
        page="https://www.kaggle.com/datasets/amohankumar/bone-break-classifier-dataset",
        licence="none stated: ask before you publish anything made with it",
        about="pictures from the web in many formats, 12 classes of fracture",
    ),
}


def dataset(name: str) -> Dataset:
    """Raises UnknownName, with the nearest known name."""
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    return DATASETS[name]


def fetch(name: str, folder: Path, *, figshare_api: str = FIGSHARE_API) -> Path:
    """Download the data set ``name`` and unpack it into ``folder``; returns ``folder``.

    A download that broke off goes on where it stopped; its checksum is compared with the one that
    the publisher states. What was fetched before is not fetched again.

    Raises Unreachable when the network or the host does not answer, or the checksum differs;
    MissingExtra when kagglehub is needed and absent.
    """
    wanted = dataset(name)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if wanted.host == "figshare":
            _from_figshare(wanted, folder, figshare_api)
        else:
            _from_kaggle(wanted, folder)
    return folder


def _by_hand(wanted: Dataset, folder: Path, why: object) -> Unreachable:
    return Unreachable(
        f"{wanted.title} could not be downloaded ({why}). What has arrived is kept: run it again "
        f"to go on. Or download it by hand from {wanted.page} and unpack it into {folder}."
    )


def _from_kaggle(wanted: Dataset, folder: Path) -> None:
    try:
        import kagglehub
    except ImportError:
        raise MissingExtra(f"Fetching {wanted.title}", "kaggle") from None
    import requests
    from kagglehub.exceptions import KaggleApiHTTPError

    try:
        arrived = Path(kagglehub.dataset_download(wanted.key))  # resumes and checks by itself
    except (requests.RequestException, KaggleApiHTTPError, ValueError) as error:
        raise _by_hand(wanted, folder, _short(error)) from error
    shutil.copytree(arrived, folder, dirs_exist_ok=True)


def _from_figshare(wanted: Dataset, folder: Path, api: str) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # progress is shown by us
    try:
        told = requests.get(f"{api}/articles/{wanted.key}/files", timeout=TIMEOUT_S)
        told.raise_for_status()
        archives = [entry for entry in told.json() if entry["name"].endswith(".zip")]
        for entry in archives:
            pooch.retrieve(
                entry["download_url"],
                known_hash=f"md5:{entry['computed_md5']}",
                fname=entry["name"],
                path=folder,
                downloader=_resuming(folder / f"{entry['name']}.part"),
                processor=pooch.Unzip(extract_dir="."),
            )
    except requests.RequestException as error:
        raise _by_hand(wanted, folder, _short(error)) from error
    except (ValueError, KeyError, TypeError) as error:  # pooch: the checksum; else no answer of use
        raise _by_hand(wanted, folder, _short(error)) from error


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def _resuming(part: Path) -> Callable[[str, str | IO[bytes], Any], None]:
    """A downloader for pooch that keeps what has arrived in ``part`` and asks for the rest."""

    def download(url: str, output_file: str | IO[bytes], _: Any) -> None:
        for attempt in range(TRIES):
            if _more(url, part, last=attempt == TRIES - 1):
                break
        shutil.move(part, str(output_file))

    return download


def _more(url: str, part: Path, *, last: bool) -> bool:
    """Fetch the rest of ``part``; False if the connection broke and it is worth another try."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    asked = {"Range": f"bytes={have}-"} if have else {}
    try:
        with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                return True  # it is whole already
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            if have and goes_on:
                say(f"download goes on after {have / 1e6:,.0f} MB")
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in track(*_chunks(answer)):
                    file.write(chunk)
            return part.stat().st_size >= _whole(answer, have if goes_on else 0)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        if last:
            raise
        return False


def _whole(answer: requests.Response, have: int) -> int:
    return have + int(answer.headers.get("Content-Length", 0))


def _chunks(answer: requests.Response) -> tuple[Iterator[bytes], str, int]:
    total = int(answer.headers.get("Content-Length", 0))
    return answer.iter_content(CHUNK), "download, in 64 KiB", -(-total // CHUNK)
