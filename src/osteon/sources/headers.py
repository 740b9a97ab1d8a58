"""What the header of a DICOM file says of its film."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osteon.sources.assembly import remark
from osteon.sources.films import is_dicom
from osteon.sources.words import as_regions, as_side, as_views, identified
from osteon.types import Finding, Radiograph
from osteon.words import counted

if TYPE_CHECKING:
    from pydicom import Dataset

Kind = Literal["file", "film", "study", "patient"]
EXTRAS = ("Manufacturer", "ManufacturerModelName", "PatientSex", "PatientAge", "Modality")
TAGS = (
    "SOPInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "ViewPosition",
    "ImageLaterality",
    "Laterality",
    "BodyPartExamined",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    *EXTRAS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """One file: what its header says, and the names under which a table may label it, by what
    they name: a patient's number may be another film's name."""

    film: Radiograph
    whole: bool = False  # whether it has a DICOM header
    names: Mapping[Kind, tuple[str, ...]]


def read_header(file: Path, id_: str) -> Header:
    """The header without pixels: patient (0010,0020), study (0020,000D), view (0018,5101),
    laterality (0020,0062) or (0020,0060), body part (0018,0015), spacing.

    A damaged one says nothing; the audit will name the file.
    """
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError

    from osteon.dicom import FAULTS

    own = (id_, file.name, file.stem)
    bare = Header(film=Radiograph(id=id_, path=file), names={"file": own})
    if not is_dicom(file):  # pydicom, forced, would take anything
        return bare
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values are dropped; the decoder tells of faults
        try:
            header = dcmread(file, stop_before_pixels=True, specific_tags=list(TAGS), force=True)
        except (*FAULTS, BytesLengthException, InvalidDicomError):
            return bare
        film, study, patient = (tuple(filter(None, [_text(header, name)])) for name in TAGS[:3])
        names: dict[Kind, tuple[str, ...]] = {
            "file": own, "film": film, "study": study, "patient": patient,
        }  # fmt: skip
        return Header(film=_film(bare.film, header), whole=True, names=names)


def with_header(film: Radiograph, said: Collection[str]) -> Radiograph:
    """The film with what its header adds; fields that are ``said`` elsewhere stay as they are."""
    found = read_header(film.path, film.id).film
    fields = ("patient_id", "study_id", "regions", "views", "laterality", "spacing_mm")
    added = {name: getattr(found, name) for name in fields if name not in said}
    return replace(film, **added, extra={**found.extra, **film.extra})


def without_patient(films: Sequence[Radiograph]) -> Iterator[Finding]:
    """A warning where headers name no patient."""
    anonymous = [film.id for film in films if not film.patient_id]
    if anonymous:
        yield remark(
            f"{len(anonymous):,} of {counted(len(films), 'film')} without a patient id: films of "
            "one patient cannot be kept together.",
            ids=anonymous,
            severity="warning",
            remedy="De-identify with stable pseudonyms instead of empty patient ids.",
        )


def _film(bare: Radiograph, header: Dataset) -> Radiograph:
    from osteon.dicom import spacing_mm

    side = _text(header, "ImageLaterality") or _text(header, "Laterality")
    try:
        laterality = as_side(side)
    except ValueError:
        laterality = None
    return Radiograph(
        id=bare.id,
        path=bare.path,
        patient_id=identified(_text(header, "PatientID")),
        study_id=identified(_text(header, "StudyInstanceUID")),
        regions=as_regions(_text(header, "BodyPartExamined")),
        views=as_views(_text(header, "ViewPosition")),
        laterality=laterality,
        spacing_mm=spacing_mm(header),
        extra={name: text for name in EXTRAS if (text := _text(header, name))},
    )


def _text(header: Dataset, name: str) -> str:
    value = _value(header, name)
    return "" if value is None else str(value).strip().replace("\x00", "")


def _value(header: Dataset, name: str) -> Any:
    """pydicom converts a value when it is asked for, and raises if its bytes do not fit."""
    from osteon.dicom import FAULTS

    try:
        return header.get(name)
    except FAULTS:
        return None
