"""Public data sets: where they come from, under which licence, and how to fetch them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from osteon.errors import Unreachable
from osteon.files import explained
from osteon.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A data set that somebody else publishes. ``key``: figshare's article or Kaggle's handle."""

    title: str
    host: Literal["figshare", "kaggle"]
    key: str
    page: str
    licence: str  # as its publisher states it
    about: str
    size: str = "unknown: the host tells it when asked"
    cite: str = "unknown: see the page"


DATASETS: Registry[Dataset] = Registry("data set", package="osteon.datasets")


def fetch(name: str, folder: Path, *, api: str | None = None) -> Path:
    """Download the data set ``name``, unpack it into ``folder``, and return ``folder``.

    Stopped or broken off, it goes on where it was when called again; a finished one is not fetched
    again. The checksum is compared with the one that the publisher states. ``api`` is the address
    of figshare's interface, for tests and mirrors.

    Raises UnknownName, with the nearest name; Unreachable when the host does not answer or sends
    something else, with what to do by hand; ResourceError when the disk is full; MissingExtra when
    kagglehub is needed and absent.
    """
    wanted = DATASETS[name]
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if wanted.host == "figshare":
            from osteon.datasets import figshare

            figshare.fetch(wanted, folder, api=api or figshare.API)
        else:
            from osteon.datasets import kaggle

            kaggle.fetch(wanted, folder)
    return folder


def by_hand(wanted: Dataset, folder: Path, why: Exception | str) -> Unreachable:
    """The error that says what to do where no network or no host is of use."""
    return Unreachable(
        f"{wanted.title} could not be downloaded ({_short(why)}). What has arrived is kept: run "
        f"it again to go on. Or download it by hand from {wanted.page} and unpack it into {folder}."
    )


def _short(why: Exception | str) -> str:
    import requests

    if isinstance(why, requests.ConnectionError | requests.Timeout) and why.request is not None:
        return f"{urlsplit(str(why.request.url)).hostname} cannot be reached"
    lines = str(why).strip().splitlines() or [type(why).__name__]
    return lines[0].rstrip(".")[:200]
