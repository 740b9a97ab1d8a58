"""The contract of a source. Every registered one is held to it in ``tests/test_sources_contract``.

A new source adds a sample of its layout to ``SAMPLES``; from another package::

    from osteon.testing.sources import SAMPLES, check_source

    SAMPLES["mura"] = write_mura
    def test_it(tmp_path): check_source("mura", tmp_path)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from osteon.errors import OsteonError
from osteon.manifest import read_manifest, write_manifest
from osteon.sources import SOURCES, Source
from osteon.testing.films import dicom, picture, write_film
from osteon.types import Manifest

Sample = Callable[[Path], None]  # fills an empty folder with films of two classes at least


def class_folders(folder: Path) -> None:
    for seed, name in enumerate(("normal/a.jpg", "normal/b c.png", "fractured/2021/ü.jpg")):
        write_film(folder / name, seed=seed)


def split_folders(folder: Path) -> None:
    for at, part in enumerate(("Train", "valid", "TEST")):
        write_film(folder / part / "not fractured" / "a.jpg", seed=2 * at)
        write_film(folder / part / "fractured" / "a.jpg", seed=2 * at + 1)


def class_split_folders(folder: Path) -> None:
    for at, name in enumerate(("Oblique fracture", "Spiral Fracture")):
        write_film(folder / name / "Train" / "1.jpg", seed=2 * at)
        write_film(folder / name / "Test" / "1.jpg", seed=2 * at + 1)


def table(folder: Path) -> None:
    for seed in range(2):
        write_film(folder / "films" / f"{seed}.png", seed=seed)
    (folder / "films.csv").write_text(
        "path,label,patient_id,study_id,split,view,region,laterality,boxes,scanner\n"
        'films/0.png,normal,P1,S1,training,AP,Hand,left,"[[1,2,3,4]]",Siemens\n'
        "films/1.png,fractured,P2,,valid,lat,hand;wrist,R,,\n",
        encoding="utf-8",
    )


def write_dicom(path: Path, patient: str, number: int, **tags: Any) -> Path:
    """A film whose SOP instance is 1.2.3.NUMBER and whose study is 1.2.9.PATIENT."""
    said: dict[str, Any] = {
        "PatientID": patient,
        "StudyInstanceUID": f"1.2.9.{patient.strip('P') or 0}",
        "SOPInstanceUID": f"1.2.3.{number}",
        "ViewPosition": "PA",
        "ImageLaterality": "L",
        "BodyPartExamined": "HAND",
        "PixelSpacing": [0.1, 0.2],
        "Manufacturer": "Maker",
        **tags,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom(picture(seed=number).astype("uint16"), **said))
    return path


def dicom_folder(folder: Path) -> None:
    write_dicom(folder / "normal" / "1.2.3.1", "P1", 1)
    write_dicom(folder / "fractured" / "IM2.dcm", "P2", 2)


def fracatlas(folder: Path) -> None:
    for seed, name in enumerate(("Fractured/IMG1", "Fractured/IMG2", "Non_fractured/IMG3")):
        write_film(folder / "images" / f"{name}.jpg", seed=seed)
    (folder / "dataset.csv").write_text(
        "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,"
        "lateral,oblique\n"
        "IMG1.jpg,1,0,0,0,0,0,1,1,1,1,1,0\n"
        "IMG2.jpg,0,1,0,0,0,1,0,1,2,0,0,1\n"
        "IMG3.jpg,0,0,0,1,0,0,0,0,0,1,0,0\n"
    )
    notes = folder / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"
    notes.parent.mkdir(parents=True)
    boxes = {1: [[4, 6, 10, 8]], 2: [[1, 2, 3, 4], [5, 6, 7, 8]]}
    said: dict[str, Any] = {
        "images": [{"id": n, "file_name": f"IMG{n}.jpg", "width": 32, "height": 32} for n in boxes],
        "annotations": [{"image_id": n, "bbox": box} for n, some in boxes.items() for box in some],
    }
    notes.write_text(json.dumps(said))


def phantom(folder: Path) -> None:
    from osteon.phantom import PhantomPlan, make_phantoms

    make_phantoms(folder, PhantomPlan(films=8, size_px=64), workers=1)


SAMPLES: dict[str, Sample] = {
    "class_folders": class_folders,
    "class_split_folders": class_split_folders,
    "dicom": dicom_folder,
    "fracatlas": fracatlas,
    "phantom": phantom,
    "split_folders": split_folders,
    "table": table,
}


def check_source(name: str, folder: Path) -> None:
    """Every law of a source, on its sample and on folders that are none of its own.

    Raises AssertionError, naming the law, if it breaks one.
    """
    sample = folder / "sample"
    sample.mkdir(parents=True)
    assert name in SAMPLES, f"add a sample of the layout {name!r} to osteon.testing.sources.SAMPLES"
    SAMPLES[name](sample)
    manifest = check_sample(name, sample)
    check_round_trip(manifest, folder / "written" / "manifest.csv")
    check_foreign(name, folder / "foreign")


def check_sample(name: str, sample: Path) -> Manifest:
    """It recognises its sample and reads it, the same each time, into a sound manifest."""
    source = SOURCES[name]
    answer = source.recognise(sample)
    assert answer.fits, f"{name} does not recognise its sample: {answer.reason}"
    assert answer.reason, "an answer has a reason"
    manifest = source.read(sample)
    assert manifest == source.read(sample), "reading twice gives the same"
    assert manifest.source == name, "a manifest names its source"
    assert manifest.root == sample, "the root is the folder that was read"
    assert len(manifest.classes) == len(set(manifest.classes)) >= 2, "two classes at least"
    ids = [film.id for film in manifest.radiographs]
    assert len(ids) == len(set(ids)) > 0, "ids are unique"
    for film in manifest.radiographs:
        assert film.path == sample / film.id, "an id is the path below the root"
        assert "\\" not in film.id, "an id has forward slashes"
        assert film.path.is_file(), "films of the sample are there"
        assert film.label is None or 0 <= film.label < len(manifest.classes), "labels are classes"
        assert all(map(str.strip, film.extra.values())), "what is unknown is absent from extra"
    for remark in manifest.remarks:
        assert remark.message.endswith("."), f"a remark is a sentence: {remark.message}"
        assert remark.remedy or remark.severity == "note", "a warning says what to do"
    return manifest


def check_round_trip(manifest: Manifest, path: Path) -> None:
    """What it reads survives the CSV."""
    assert read_manifest(write_manifest(manifest, path)) == manifest, "it survives its CSV"


def check_foreign(name: str, folder: Path) -> None:
    """It declines what is not its own with a reason; made to read it, it raises an OsteonError."""
    source = SOURCES[name]
    folder.mkdir()
    note = folder / "readme.txt"
    note.write_text("no film")
    empty = folder / "empty"
    empty.mkdir()
    for path in (folder, note, empty, folder / "absent"):
        answer = source.recognise(path)
        assert not answer.fits, f"{name} takes {path.name} for its own"
        assert answer.reason, "a refusal has a reason"
        assert _refusal(source, path), f"{name} reads {path.name}, in which there is nothing"


def _refusal(source: Source, path: Path) -> str:
    try:
        source.read(path)
    except OsteonError as error:
        return str(error)
    return ""
