"""Data sets on Kaggle, by kagglehub: it goes on after a break and compares checksums by itself."""

from __future__ import annotations

import logging
from pathlib import Path

from osteon.datasets import DATASETS, Dataset, by_hand
from osteon.datasets.download import copy_files
from osteon.errors import MissingExtra

PAGES = "https://www.kaggle.com/datasets"
NONE_STATED = "none stated: ask before you publish anything made with it"


def _on_kaggle(handle: str, title: str, licence: str, about: str) -> Dataset:
    return Dataset(
        title=title,
        host="kaggle",
        key=handle,
        page=f"{PAGES}/{handle}",
        licence=licence,
        about=about,
    )


DATASETS.register("multiregion")(
    _on_kaggle(
        "bmadushanirodrigo/fracture-multi-region-x-ray-data",
        "Fracture Multi-Region X-ray Data",
        "ODC-By 1.0",
        "10,580 files, fractured or not; its shipped split leaks: audit it first",
    )
)
DATASETS.register("bonebreak10")(
    _on_kaggle(
        "pkdarabi/bone-break-classification-image-dataset",
        "Bone Break Classification Image Dataset",
        NONE_STATED,
        "1,129 pictures from the web, 10 classes of fracture",
    )
)
DATASETS.register("bonebreak12")(
    _on_kaggle(
        "amohankumar/bone-break-classifier-dataset",
        "Bone Break Classifier Dataset",
        NONE_STATED,
        "pictures from the web in many formats, 12 classes of fracture",
    )
)


def fetch(wanted: Dataset, folder: Path) -> None:
    """Download to kagglehub's cache and copy to ``folder``. Raises as ``osteon.datasets.fetch``."""
    try:
        import kagglehub
        from kagglehub import exceptions as kaggle
    except ImportError:
        raise MissingExtra(f"Fetching {wanted.title}", "kaggle") from None
    import requests

    logging.getLogger("kagglehub").setLevel("WARNING")
    try:
        arrived = Path(kagglehub.dataset_download(wanted.key))
    except (
        requests.RequestException,
        kaggle.BackendError,
        kaggle.CredentialError,
        kaggle.DataCorruptionError,
        kaggle.NotFoundError,
        kaggle.UnauthenticatedError,
        ValueError,
    ) as error:
        raise by_hand(wanted, folder, error) from error
    copy_files(arrived, folder)
