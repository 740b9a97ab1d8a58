"""A folder of DICOM files; labels from a table beside them, or from class folders."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from osteon.errors import DataError
from osteon.sources import SOURCES, Recognition
from osteon.sources.films import Labelled, assembled, contents, film_id
from osteon.sources.words import as_views
from osteon.types import Finding, Laterality, Manifest, Radiograph, View

if TYPE_CHECKING:
    from pydicom import Dataset

KEYS = ("path", "file", "filename", "sopinstanceuid", "studyinstanceuid", "patientid", "id")
EXTRAS = ("Manufacturer", "ManufacturerModelName", "PatientSex", "PatientAge", "Modality")
LABELS = ("labels.csv", "label.csv")


class DicomFolder:
    """Headers only are read: patient (0010,0020), study (0020,000D), view (0018,5101), laterality
    (0020,0062) or (0020,0060), body part (0018,0015), spacing.

    Labels come from ``labels.csv`` in the folder (a column ``label`` and one that names the file,
    the SOP instance, the study or the patient) or else from the folder that each file lies in.
    """

    rank = 20

    def recognise(self, path: Path) -> Recognition:
        if not path.is_dir():
            return Recognition(fits=False, reason="it is no folder")
        some = list(islice(_films(path), 20))
        dicom = [file for file in some if _is_dicom(file)]
        if not some or len(dicom) < len(some) / 2:
            return Recognition(fits=False, reason="most of its files are no DICOM")
        labels = next((name for name in LABELS if (path / name).is_file()), None)
        where = f"{labels} has their labels" if labels else "the folders are the classes"
        return Recognition(fits=True, reason=f"it holds DICOM files, and {where}")

    def read(self, path: Path) -> Manifest:
        found = contents(path)
        table = next((path / name for name in LABELS if (path / name).is_file()), None)
        labels = _labels(table) if table else None
        films, broken = [], []
        for file in found.films:
            header = _header(file)
            if header is None:
                broken.append(film_id(file, path))
            films.append(
                Labelled(
                    film=_film(file, path, header), class_name=_label(file, path, header, labels)
                )
            )
        remarks = _remarks(films, broken)
        others = [file for file in found.others if file != table]
        reason = self.recognise(path).reason
        return assembled(path, "dicom", reason, films, others=others, remarks=remarks)


def _films(path: Path) -> Iterator[Path]:
    yield from contents(path).films


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _header(file: Path) -> Dataset | None:
    """The header without pixels; None if there is none (the audit will say so of the file)."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        return dcmread(file, stop_before_pixels=True)
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError):
        return None


def _film(file: Path, root: Path, header: Dataset | None) -> Radiograph:
    if header is None:
        return Radiograph(id=film_id(file, root), path=file)
    return Radiograph(
        id=film_id(file, root),
        path=file,
        patient_id=_text(header, "PatientID"),
        study_id=_text(header, "StudyInstanceUID"),
        regions=frozenset(filter(None, [(_text(header, "BodyPartExamined") or "").lower()])),
        views=_views(header),
        laterality=_laterality(header),
        spacing_mm=_spacing(header),
        extra={name: text for name in EXTRAS if (text := _text(header, name))},
    )


def _text(header: Dataset, name: str) -> str | None:
    value = header.get(name)
    return str(value).strip() or None if value is not None else None


def _views(header: Dataset) -> frozenset[View]:
    return as_views(_text(header, "ViewPosition") or "")


def _laterality(header: Dataset) -> Laterality | None:
    word = _text(header, "ImageLaterality") or _text(header, "Laterality") or ""
    return cast("Laterality", word) if word in ("R", "L", "U", "B") else None


def _spacing(header: Dataset) -> tuple[float, float] | None:
    """Pixel Spacing (0028,0030), else Imager Pixel Spacing (0018,1164): mm, rows then columns."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        value: Any = header.get(name)
        if value is not None and len(value) == 2:
            return float(value[0]), float(value[1])
    return None


def _labels(table: Path) -> Mapping[str, str]:
    """Whatever names a film, a study or a patient -> label."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    keys = [name for name in columns if name.strip().lower().replace("_", "") in KEYS]
    if "label" not in columns or not keys:
        raise DataError(
            f"{table} needs a column 'label' and one of {', '.join(KEYS)}; it has: "
            f"{', '.join(columns) or 'none'}."
        )
    return {row[keys[0]].strip(): row["label"].strip() for row in rows if row[keys[0]]}


def _label(
    file: Path, root: Path, header: Dataset | None, labels: Mapping[str, str] | None
) -> str | None:
    if labels is None:
        steps = file.relative_to(root).parts
        return steps[0] if len(steps) > 1 else None
    names = [film_id(file, root), file.name, file.stem]
    if header is not None:
        uids = ("SOPInstanceUID", "StudyInstanceUID", "PatientID")
        names += [_text(header, uid) or "" for uid in uids]
    return next((labels[name] or None for name in names if name in labels), None)


def _remarks(films: list[Labelled], broken: list[str]) -> Iterator[Finding]:
    if broken:
        yield Finding(
            check="annotations",
            severity="warning",
            message=f"{len(broken):,} files have no readable DICOM header.",
            remedy="Fetch them again from where they came.",
            ids=tuple(broken),
        )
    anonymous = [item.film.id for item in films if item.film.patient_id is None]
    if anonymous:
        yield Finding(
            check="annotations",
            severity="warning",
            message=f"{len(anonymous):,} of {len(films):,} films have no patient id: films of one "
            "patient cannot be kept together.",
            remedy="De-identify with stable pseudonyms instead of empty patient ids.",
            ids=tuple(anonymous),
        )


SOURCES.register("dicom")(DicomFolder())
