"""Stages import downwards only: a module never knows of one that comes after it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import osteon

PACKAGE = Path(osteon.__file__).parent
LAYERS = [  # a module may import from its own layer and those above it in this list
    {"errors", "types", "registry", "words"},
    {"files", "progress", "allocator", "device", "ctrl_c"},
    {"values", "runs", "classes", "clusters"},
    {
        "environment",
        "onnxruntime_alone",
        "openvino_alone",
        "formats",
        "isolated",
        "jpeg",
        "raster",
        "stored_values",
        "dicom",
        "parallel",
        "placement",
    },
    {"confidentiality", "personal_names"},
    {"pixels"},
    {"likeness", "artefacts"},
    {"mending"},
    {"panels", "loading"},
    {"manifest", "datasets"},
    {"phantom"},
    {"shifts"},
    {"sources"},
    {"reading", "inspection", "verdicts"},
    {"deidentify"},
    {"checks"},
    {"audit", "independence"},
    {"foldable", "split", "split_file"},
    {"plan"},
    {"prepare"},
    {
        "torchvision_shim",
        "networks",
        "cellnet",
        "tunednet",
        "circuits",
        "augment",
        "metrics",
        "statistics",
        "optimise",
    },
    {"backbones", "explainers", "protocols", "repeats", "claim", "slices"},
    {"recipe", "space", "publications", "recipes"},
    {"study", "winners_curse", "searched", "reproduced"},
    {"openvino_net"},
    {"features", "checkpoint"},
    {"batches", "engine", "maps"},
    {"watch"},
    {"pace"},
    {"fit", "probe", "cells"},
    {"predictions", "baselines", "curves", "operating_point", "calibrators"},
    {"calibrate"},
    {"decisions"},
    {"evaluate", "shortcuts", "compare"},
    {"looking"},
    {"attributes", "contrasts", "fracture_size", "fusion"},
    {"subgroups", "known_films"},
    {"judge"},
    {"foreign"},
    {"runtimes", "gate"},
    {"answers"},
    {"bundle", "tapped", "quantise"},
    {"classifier"},
    {"train"},
    {"suspects", "explain"},
    {"travelled", "travel", "crossings"},
    {"report"},
    {"paper"},
    {"trials", "workers"},
    {"tune"},
    {"nested"},
    {"reproduce"},
    {"run"},
    {"research", "explained", "journeys", "bundle_facts", "export"},
    {"heatmaps"},
    {"predict"},
    {"options", "console"},
    {"cli"},
    {"__main__"},
]
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}


def room_of(module: str) -> str:
    return module.removeprefix("osteon").lstrip(".").partition(".")[0]


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            rooms |= {room_of(a.name) for a in node.names if a.name.startswith("osteon.")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("osteon"):
            named = room_of(node.module or "")
            rooms |= {named} if named else {a.name for a in node.names if a.name in RANK}
    return rooms


MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py" and "testing" not in path.relative_to(PACKAGE).parts
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards_only(path: Path) -> None:
    room = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert room in RANK, f"{room} has no place in LAYERS: give it one"
    upwards = {other for other in imported_rooms(path) if RANK[other] > RANK[room]}
    assert upwards == set()
