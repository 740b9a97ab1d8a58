"""De-identification: what the profile says of each attribute, what must stay, what is set aside."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

import osteon
from osteon.confidentiality import Pseudonyms, remove_identity
from osteon.deidentify import Deidentified, deidentify
from osteon.errors import DataError, UnknownName, UsageError
from osteon.inspection import inspect_films
from osteon.phantom import PhantomPlan, make_phantoms
from osteon.reading import read_source
from osteon.testing.films import dicom_bytes, dicom_dataset, jpeg, picture, write_film
from osteon.testing.sources import write_dicom
from osteon.types import Manifest
from tests.test_cli import osteon as osteon_command

DEEP = (picture().astype(np.uint16) << 4) + 3
NAMES = Pseudonyms(secret=b"a secret of the tests")
TELLTALE = "Xaverius"

# Table E.1-1 of PS3.15, column "Basic Prof.", copied by hand; the library's is not looked at.
PROFILE = """
    (0008,0012) X/D    DA  Instance Creation Date
    (0008,0013) X/Z/D  TM  Instance Creation Time
    (0008,0014) U      UI  Instance Creator UID
    (0008,0018) U      UI  SOP Instance UID
    (0008,0020) Z      DA  Study Date
    (0008,0021) X/D    DA  Series Date
    (0008,0022) X/Z    DA  Acquisition Date
    (0008,0023) Z/D    DA  Content Date
    (0008,002A) X/Z/D  DT  Acquisition DateTime
    (0008,0030) Z      TM  Study Time
    (0008,0031) X/D    TM  Series Time
    (0008,0032) X/Z    TM  Acquisition Time
    (0008,0033) Z/D    TM  Content Time
    (0008,0050) Z      SH  Accession Number
    (0008,0080) X/Z/D  LO  Institution Name
    (0008,0081) X      ST  Institution Address
    (0008,0090) Z      PN  Referring Physician's Name
    (0008,0092) X      ST  Referring Physician's Address
    (0008,0094) X      SH  Referring Physician's Telephone Numbers
    (0008,0201) X      SH  Timezone Offset From UTC
    (0008,1010) X/Z/D  SH  Station Name
    (0008,1030) X      LO  Study Description
    (0008,103E) X      LO  Series Description
    (0008,1040) X      LO  Institutional Department Name
    (0008,1048) X      PN  Physician(s) of Record
    (0008,1050) X      PN  Performing Physician's Name
    (0008,1060) X      PN  Name of Physician(s) Reading Study
    (0008,1070) X/Z/D  PN  Operators' Name
    (0008,1080) X      LO  Admitting Diagnoses Description
    (0008,2111) X      ST  Derivation Description
    (0010,0010) Z      PN  Patient's Name
    (0010,0020) Z/D    LO  Patient ID
    (0010,0021) X      LO  Issuer of Patient ID
    (0010,0030) Z      DA  Patient's Birth Date
    (0010,0032) X      TM  Patient's Birth Time
    (0010,0040) Z      CS  Patient's Sex
    (0010,1000) X      LO  Other Patient IDs
    (0010,1001) X      PN  Other Patient Names
    (0010,1005) X      PN  Patient's Birth Name
    (0010,1010) X      AS  Patient's Age
    (0010,1020) X      DS  Patient's Size
    (0010,1030) X      DS  Patient's Weight
    (0010,1040) X      LO  Patient's Address
    (0010,1060) X      PN  Patient's Mother's Birth Name
    (0010,2152) X      LO  Region of Residence
    (0010,2154) X      SH  Patient's Telephone Numbers
    (0010,2160) X      SH  Ethnic Group
    (0010,2180) X      SH  Occupation
    (0010,21B0) X      LT  Additional Patient History
    (0010,21F0) X      LO  Patient's Religious Preference
    (0010,2297) X      PN  Responsible Person
    (0010,4000) X      LT  Patient Comments
    (0018,1000) X/Z/D  LO  Device Serial Number
    (0018,1002) U      UI  Device UID
    (0018,1030) X/D    LO  Protocol Name
    (0018,1400) X/D    LO  Acquisition Device Processing Description
    (0018,700A) X/D    SH  Detector ID
    (0018,A003) X      ST  Contribution Description
    (0020,000D) U      UI  Study Instance UID
    (0020,000E) U      UI  Series Instance UID
    (0020,0010) Z      SH  Study ID
    (0020,0052) U      UI  Frame of Reference UID
    (0020,0200) U      UI  Synchronization Frame of Reference UID
    (0020,4000) X      LT  Image Comments
    (0032,1032) X      PN  Requesting Physician
    (0032,1060) X/Z    LO  Requested Procedure Description
    (0038,0010) X      LO  Admission ID
    (0038,0500) X      LO  Patient State
    (0040,0241) X      AE  Performed Station AE Title
    (0040,0244) X      DA  Performed Procedure Step Start Date
    (0040,0253) X      SH  Performed Procedure Step ID
    (0040,0254) X      LO  Performed Procedure Step Description
    (0040,1001) X      SH  Requested Procedure ID
    (0040,2016) Z      LO  Placer Order Number / Imaging Service Request
    (0040,A124) U      UI  UID
    (4008,0114) X      PN  Physician Approving Interpretation
"""
CODED_IN_SEQUENCES = """
    (0008,0082) X/Z/D  Institution Code Sequence
    (0008,1041) X      Institutional Department Type Code Sequence
    (0008,1120) X      Referenced Patient Sequence
    (0010,1002) X      Other Patient IDs Sequence
    (0040,0275) X      Request Attributes Sequence
    (0040,0555) X/Z    Acquisition Context Sequence
    (0088,0200) X      Icon Image Sequence
    (0400,0561) X      Original Attributes Sequence
    (FFFA,FFFA) X      Digital Signatures Sequence
"""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def tag_of(word: str) -> int:
    """Such as (0010,0020)."""
    return int(word[1:5] + word[6:10], 16)


LISTED = [(tag_of(tag), action, vr) for tag, action, vr, *_ in rows(PROFILE)]
SEQUENCES = [(tag_of(tag), action) for tag, action, *_ in rows(CODED_IN_SEQUENCES)]
VALUES: dict[str, Any] = {
    "AE": TELLTALE, "AS": "044Y", "CS": "M", "DA": "19561203", "DS": "61.25",
    "DT": "19561203101112", "LO": TELLTALE, "LT": TELLTALE, "PN": f"{TELLTALE}^Anna",
    "SH": TELLTALE, "ST": TELLTALE, "TM": "101112", "UI": "1.2.276.0.77.1",
}  # fmt: skip
KEPT: dict[str, Any] = {
    "Manufacturer": "Maker", "ManufacturerModelName": "Model", "BodyPartExamined": "HAND",
    "ViewPosition": "AP", "ImageLaterality": "L", "Modality": "DX", "KVP": "55",
    "PixelSpacing": [0.1, 0.2], "WindowCenter": "2048", "WindowWidth": "4096",
    "PhotometricInterpretation": "MONOCHROME1", "BurnedInAnnotation": "NO", "InstanceNumber": "3",
}  # fmt: skip


def everything(**tags: Any) -> Dataset:
    """A film with every attribute of the list, at its top."""
    dataset = dicom_dataset(DEEP, **KEPT, **tags)
    for tag, _, vr in LISTED:
        dataset.add_new(tag, vr, VALUES[vr])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def item(**tags: Any) -> Dataset:
    inner = Dataset()
    for name, value in tags.items():
        setattr(inner, name, value)
    return inner


def cleaned(dataset: Dataset, *keep: str) -> Dataset:
    """As a reader of the file meets it."""
    original = pydicom.dcmread(io.BytesIO(dicom_bytes(dataset)))
    remove_identity(original, NAMES, keep)
    return pydicom.dcmread(io.BytesIO(dicom_bytes(original)))


# --- the profile ----------------------------------------------------------------------------------


def check(dataset: Dataset, tag: int, action: str, before: Any) -> None:
    """X: gone. Z: there, and empty. D: there, another value. U: another UID."""
    if action == "X":
        assert tag not in dataset
    elif "D" in action:
        assert dataset[tag].value not in ("", None, before)
    elif action == "U":
        assert str(dataset[tag].value).startswith("2.25.")
    else:
        assert dataset[tag].value in ("", None)


@pytest.mark.parametrize("where", ["top", "sequence"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_every_attribute_of_the_table_is_treated_as_it_says(where: str, syntax: UID) -> None:
    assert len(LISTED) > 70
    dataset = everything()
    dataset.file_meta.TransferSyntaxUID = syntax
    if where == "sequence":  # one that the table keeps, two deep
        inner = Dataset()
        for tag, _, vr in LISTED:
            inner.add_new(tag, vr, VALUES[vr])
        dataset.AnatomicRegionSequence = [item(AnatomicRegionModifierSequence=[inner])]
    after = cleaned(dataset)
    if where == "sequence":
        (outer,) = after.AnatomicRegionSequence
        (after,) = outer.AnatomicRegionModifierSequence
    for tag, action, vr in LISTED:
        if tag not in (0x00100010, 0x00100020):
            check(after, tag, action, VALUES[vr])
    assert after.PatientID == after.PatientName == NAMES.patient(TELLTALE)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_no_identifying_word_is_anywhere_in_the_file(syntax: UID) -> None:
    dataset = everything()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.SourceApplicationEntityTitle = TELLTALE
    dataset.preamble = TELLTALE.encode().ljust(128, b"\0")
    dataset.add_new(0x00091001, "LO", TELLTALE)  # private
    dataset.add_new(0x00090010, "LO", TELLTALE)
    dataset.add_new(0x60000022, "LO", TELLTALE)  # overlay description
    dataset.add_new(0x60004000, "LT", TELLTALE)
    dataset.add_new(0x50000022, "LO", TELLTALE)  # curve description
    dataset.add_new(0x00080004, "LO", TELLTALE)  # no attribute of the standard
    for tag, _ in SEQUENCES:
        dataset.add_new(tag, "SQ", [item(CodeMeaning=TELLTALE, PatientName=TELLTALE)])
    data = dicom_bytes(dataset)
    assert data.count(TELLTALE.encode()) > 60
    original = pydicom.dcmread(io.BytesIO(data))
    remove_identity(original, NAMES)
    said = dicom_bytes(original)
    for value in (TELLTALE, "19561203", "101112", "1.2.276.0.77.1", "61.25", "044Y"):
        assert value.encode() not in said
    after = pydicom.dcmread(io.BytesIO(said))
    for tag, action in SEQUENCES:
        if action == "X":
            assert tag not in after
    assert not [element for element in after.iterall() if element.tag.is_private]
    assert not [tag for tag in after if tag.tag.group >> 8 in (0x50, 0x60)]


def test_what_describes_the_film_stays() -> None:
    after = cleaned(everything())
    for name, value in KEPT.items():
        wanted = value if isinstance(value, list) else str(value)
        got = after[name].value
        assert (list(got) if isinstance(wanted, list) else str(got)) == wanted
    assert after.PixelData == DEEP.tobytes()


def test_what_was_done_is_said_in_the_file() -> None:
    after = cleaned(everything())
    assert after.PatientIdentityRemoved == "YES"
    (code,) = after.DeidentificationMethodCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113100", "DCM")
    assert after.DeidentificationMethod[0].startswith("DICOM PS3.15")
    assert after.LongitudinalTemporalInformationModified == "REMOVED"
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID


def test_what_may_be_kept_is_kept_and_said() -> None:
    after = cleaned(everything(), "characteristics", "dates")
    assert (after.PatientSex, after.PatientAge) == ("M", "044Y")
    assert (after.StudyDate, after.SeriesTime) == ("19561203", "101112")
    assert after.TimezoneOffsetFromUTC == TELLTALE
    assert after.PatientBirthDate == ""
    assert "PatientBirthTime" not in after
    codes = {code.CodeValue for code in after.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113106", "113108"}
    assert after.LongitudinalTemporalInformationModified == "UNMODIFIED"


@pytest.mark.parametrize("keep", [(), ("dates",)])
def test_birth_and_death_in_another_calendar_go_as_well(keep: tuple[str, ...]) -> None:
    names = [f"Patient{what}DateInAlternativeCalendar" for what in ("Birth", "Death")]
    dataset = everything(**dict.fromkeys(names, "Showa 52.7.7"), PatientAlternativeCalendar="JP")
    after = cleaned(dataset, *keep)
    assert not {*names, "PatientAlternativeCalendar"} & {element.keyword for element in after}


def test_references_between_films_still_lead_to_them() -> None:
    one = everything()
    other = dicom_dataset(DEEP, **KEPT)
    known = "1.2.840.10008.1.4.1.1"  # a frame of reference that the standard defines
    other.FrameOfReferenceUID = known
    reference = item(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=VALUES["UI"])
    other.SourceImageSequence = [reference]
    other.IrradiationEventUID = ["1.2.276.0.77.1", "1.2.276.0.77.2"]
    first, second = cleaned(one), cleaned(other)
    assert second.SourceImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert second.SourceImageSequence[0].ReferencedSOPClassUID == one.SOPClassUID
    assert second.FrameOfReferenceUID == known
    assert second.IrradiationEventUID[0] == first.SOPInstanceUID
    assert len(set(second.IrradiationEventUID)) == 2
    assert all(pydicom.uid.UID(uid).is_valid for uid in second.IrradiationEventUID)


def test_a_value_against_the_rules_that_may_stay_stays_as_it_is() -> None:
    data = dicom_bytes(everything())
    odd = data.replace(b"\x18\0\x60\0DS\x02\x0055", b"\x18\0\x60\0DS\x02\x00ZZ")
    assert odd != data
    dataset = pydicom.dcmread(io.BytesIO(odd))
    remove_identity(dataset, NAMES)
    assert b"\x18\0\x60\0DS\x02\x00ZZ" in dicom_bytes(dataset)


@pytest.mark.parametrize("kind", ["native", "rle", "deflated", "implicit", "jpeg"])
def test_pixels_stay_byte_for_byte(kind: str) -> None:
    gray = picture()
    dataset = dicom_dataset(gray, bits=8) if kind == "jpeg" else dicom_dataset(DEEP)
    if kind == "rle":
        dataset.compress(RLELossless)
    elif kind == "jpeg":
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset.PixelData = encapsulate([jpeg(gray)])
        dataset["PixelData"].is_undefined_length = True
    elif kind != "native":
        dataset.file_meta.TransferSyntaxUID = {
            "deflated": DeflatedExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian
        }[kind]  # fmt: skip
    after = cleaned(dataset)
    assert after.PixelData == dataset.PixelData
    assert after.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID


# --- pseudonyms -----------------------------------------------------------------------------------


def test_pseudonyms_hang_on_the_secret_alone() -> None:
    others = Pseudonyms(secret=b"another secret")
    assert NAMES.patient("A") == Pseudonyms(secret=NAMES.secret).patient("A")
    assert len({NAMES.patient("A"), NAMES.patient("B"), others.patient("A")}) == 3
    assert NAMES.uid("1.2.3") != others.uid("1.2.3")
    assert NAMES.uid("1.2.840.10008.1.2") == "1.2.840.10008.1.2"


# --- a folder -------------------------------------------------------------------------------------


def clinic(folder: Path) -> Path:
    """Six films of four patients in folders of classes; two of them are one film."""
    for number, (name, patient) in enumerate(
        [("normal", "P11"), ("normal", "P11"), ("normal", "P12"),
         ("fractured", "P13"), ("fractured", "P13"), ("fractured", "P14")]
    ):  # fmt: skip
        write_dicom(folder / name / f"{patient}_{number}.dcm", patient, number, Modality="DX")
    first = folder / "normal" / "P11_0.dcm"
    (folder / "normal" / "P11_again.dcm").write_bytes(first.read_bytes())
    return folder


def digests(manifest: Manifest) -> Counter[tuple[str | None, str | None, str | None]]:
    """How often each film is there, with its label and its part."""
    facts = inspect_films(manifest)
    return Counter(
        (facts[film.id].pixel_digest, manifest.class_name(film), film.split)
        for film in manifest.radiographs
    )


def test_the_same_data_set_under_new_names(tmp_path: Path) -> None:
    before = read_source(clinic(tmp_path / "in"))
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    after = read_source(tmp_path / "out")
    assert after.source == "dicom"
    assert digests(after) == digests(before)
    for name in ("patient_id", "study_id"):
        old, new = ({getattr(film, name) for film in m.radiographs} for m in (before, after))
        assert len(new) == len(old) == 4
        assert old.isdisjoint(new)
    grouped = {tuple(sorted(Counter(f.patient_id for f in m.radiographs).values()))
               for m in (before, after)}  # fmt: skip
    assert grouped == {(1, 1, 2, 3)}
    assert (done.n_films, done.n_patients, done.n_studies, done.n_labelled) == (7, 4, 4, 7)
    assert done.complete
    assert all(f.path.parent.name == f.patient_id for f in after.radiographs)
    names = "\n".join(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*"))
    assert not any(f"P{number}" in names.replace("P/", "") for number in (11, 12, 13, 14))


def test_phantoms_as_dicom_come_through_with_their_labels(tmp_path: Path) -> None:
    plan = PhantomPlan(films=6, size_px=96, formats=("dicom",), films_per_patient=2)
    before = read_source(make_phantoms(tmp_path / "in", plan))
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    assert (done.n_films, done.n_labelled, done.flagged) == (6, 6, {})
    assert set(done.set_aside) == {"manifest.csv", "manifest.json", "phantoms.json", "truth.json"}
    after = read_source(tmp_path / "out")
    assert digests(after) == digests(before)
    data = b"".join(film.path.read_bytes() for film in after.radiographs)
    assert b"Phantom^" not in data
    assert not any((film.patient_id or "").encode() in data for film in before.radiographs)


def test_parts_of_a_shipped_split_are_taken_along(tmp_path: Path) -> None:
    for number, (part, name) in enumerate(
        [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b"), ("train", "a")]
    ):
        write_dicom(tmp_path / "in" / part / name / f"{number}.dcm", f"P{number}", number)
    before = read_source(tmp_path / "in")
    deidentify(tmp_path / "in", out=tmp_path / "out")
    # Each film of "b" is of another patient, and there are two: no folder is named for one.
    assert digests(read_source(tmp_path / "out")) == digests(before)


@pytest.mark.parametrize(
    ("folders", "why"),
    [
        (["Xaverius_A", "Yorick_B", "Xaverius_A"], "shares a word"),
        (["A4711", "A4712", "A4711"], "each folder is of one patient"),
    ],
)
def test_folders_named_for_patients_are_no_labels(
    tmp_path: Path, folders: list[str], why: str
) -> None:
    for number, name in enumerate(folders):
        patient = f"P{folders.index(name)}"
        tags = {"PatientName": f"{name.split('_')[0]}^Anna"} if "_" in name else {}
        write_dicom(tmp_path / "in" / name / f"{number}.dcm", patient, number, **tags)
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    assert why in done.no_labels
    assert not (tmp_path / "out" / "labels.csv").exists()
    assert (done.n_films, done.n_labelled) == (3, 0)


@pytest.mark.parametrize(
    ("folder", "tags"),
    [
        ("Wu Li", {"PatientName": "Wu^Li"}),  # words of two letters
        ("Oxleyz", {"PatientName": "Oxley^Zeb"}),  # name and initial
        ("王伟", {"PatientName": "Wang^Wei=王^伟", "SpecificCharacterSet": "ISO_IR 192"}),
        ("123-456", {"PatientID": "123456"}),
    ],
)
def test_one_folder_named_for_its_patient_is_enough(
    tmp_path: Path, folder: str, tags: dict[str, Any]
) -> None:
    for number in range(2):
        write_dicom(tmp_path / "in" / folder / f"{number}.dcm", "P0", number, **tags)
    for number in range(2, 5):
        write_dicom(tmp_path / "in" / "others" / f"{number}.dcm", f"P{number}", number)
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    assert "shares a word" in done.no_labels
    assert not (tmp_path / "out" / "labels.csv").exists()


def test_one_patient_of_many_may_have_a_name_that_is_within_a_class(tmp_path: Path) -> None:
    for number, name in enumerate(["Norma^Li", "Ames^Bo", "Red^Al", "Ray^Xu"]):
        place = tmp_path / "in" / ("normal" if number < 2 else "fractured") / f"{number}.dcm"
        write_dicom(place, f"P{number}", number, PatientName=name)
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    assert not done.no_labels
    assert done.n_labelled == 4


def test_a_written_table_of_labels_is_believed_and_not_copied(tmp_path: Path) -> None:
    for number in range(2):
        write_dicom(tmp_path / "in" / f"{number}.dcm", f"P{number}", number)
    (tmp_path / "in" / "labels.csv").write_text(
        "PatientID,label,phone\nP0,normal,555-1\nP1,fractured,555-2\n"
    )
    done = deidentify(tmp_path / "in", out=tmp_path / "out")
    assert done.complete
    with (tmp_path / "out" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["label"], row["split"]) for row in rows} == {("normal", ""), ("fractured", "")}
    assert "555" not in (tmp_path / "out" / "labels.csv").read_text()


def test_what_is_no_whole_dicom_film_is_set_aside_by_name(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    whole = (folder / "normal" / "P11_0.dcm").read_bytes()
    (folder / "normal" / "cut.dcm").write_bytes(whole[:-500])
    (folder / "normal" / "empty.dcm").write_bytes(b"")
    (folder / "normal" / "zip.dcm").write_bytes(b"PK\x03\x04 a zip")
    (folder / "normal" / "renamed.v2").write_bytes(whole)
    (folder / "notes.txt").write_text("Anna is better")
    write_film(folder / "normal" / "film.png", seed=1)
    report = dicom_dataset(DEEP)
    for name in ("PixelData", "Rows", "Columns"):
        delattr(report, name)
    (folder / "report.dcm").write_bytes(dicom_bytes(report))
    nameless = dicom_dataset(DEEP)
    del nameless.SOPClassUID
    nameless.preamble = b"\0" * 128
    pydicom.dcmwrite(folder / "kind.dcm", nameless)
    done = deidentify(folder, out=tmp_path / "out")
    assert done.n_films == 8  # the renamed one is a film whatever its name
    assert not done.complete
    reasons = {
        "kind.dcm": "cannot be read and rewritten", "normal/cut.dcm": "truncated",
        "normal/empty.dcm": "empty", "normal/film.png": "no DICOM film but PNG",
        "normal/zip.dcm": "ZIP", "notes.txt": "no DICOM film", "report.dcm": "without pixels",
    }  # fmt: skip
    assert set(done.set_aside) == set(reasons)
    for name, words in reasons.items():
        assert words in done.set_aside[name]
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) == 8 + 1


def test_films_without_a_patient_id_stay_without_one(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    for number in (7, 8):
        write_dicom(folder / "normal" / f"{number}.dcm", "", number)
    done = deidentify(folder, out=tmp_path / "out")
    assert (done.n_films, done.n_patients, done.n_unnamed) == (9, 4, 2)
    unnamed = [f for f in read_source(tmp_path / "out").radiographs if f.patient_id is None]
    assert sorted(film.id for film in unnamed) == ["unnamed-0001.dcm", "unnamed-0002.dcm"]


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"BurnedInAnnotation": "YES"}, "says that there is writing"),
        ({"RecognizableVisualFeatures": "YES"}, "can be recognised"),
        ({"Modality": "US"}, "of modality US"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"}, "a secondary capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "ultrasound"),
        ({"ConversionType": "DF"}, "a digitised film"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "a screen capture"),
        ({"overlay": 12}, "unused bits"),
    ],
)
def test_films_that_may_carry_writing_are_flagged(
    tmp_path: Path, tags: dict[str, Any], why: str
) -> None:
    folder = clinic(tmp_path / "in")
    dataset = dicom_dataset(DEEP, PatientID="P15", Modality="DX", StudyInstanceUID="1.2.9.15")
    for name, value in tags.items():
        if name == "overlay":
            dataset.add_new(0x60000102, "US", value)
        else:
            setattr(dataset, name, value)
    (folder / "normal" / "z.dcm").write_bytes(dicom_bytes(dataset))
    done = deidentify(folder, out=tmp_path / "out")
    ((place, said),) = done.flagged.items()
    assert why in said
    assert (tmp_path / "out" / place).is_file()
    assert "z.dcm" not in place
    assert not done.complete


def test_a_name_typed_where_the_profile_keeps_text_is_flagged(tmp_path: Path) -> None:
    """As the meaning of a code, two sequences deep; not where a maker bears the patient's name."""
    named: dict[str, Any] = {"AnatomicRegionSequence": [Dataset()], "Manufacturer": "Müller GmbH"}
    (region,) = named["AnatomicRegionSequence"]
    region.CodeMeaning = "Knee"
    region.AnatomicRegionModifierSequence = [Dataset()]
    region.AnatomicRegionModifierSequence[0].CodeMeaning = "Knee of Mr MÜLLER"
    folder = tmp_path / "in"
    for number, tags in enumerate((named, {"Manufacturer": "Müller GmbH"})):
        patient = {"PatientName": "Müller^Hans", "SpecificCharacterSet": "ISO_IR 192"}
        write_dicom(folder / f"{number}.dcm", f"P{number}", number, **patient, **tags)
    done = deidentify(folder, out=tmp_path / "out")
    ((place, why),) = done.flagged.items()
    assert why.endswith("is still in its header, in CodeMeaning")
    assert "müller" not in why.casefold()
    assert "Knee of Mr" in str(pydicom.dcmread(done.folder / place))  # flagged, not changed


def test_a_header_that_says_no_is_believed_but_not_against_the_pixels(tmp_path: Path) -> None:
    for number in range(3):
        tags = {"Modality": "SC", "BurnedInAnnotation": "NO"}
        write_dicom(tmp_path / "in" / f"{number}.dcm", f"P{number}", number, **tags)
    assert deidentify(tmp_path / "in", out=tmp_path / "out").flagged == {}
    seen: list[tuple[int, ...]] = []

    def looks_written(gray: Any) -> bool:
        seen.append(gray.shape)
        return len(seen) == 1

    done = deidentify(tmp_path / "in", out=tmp_path / "again", looks_written=looks_written)
    assert list(done.flagged.values()) == ["there seems to be writing on it"]
    assert seen == [picture().shape] * 3


# --- secrets and keys -----------------------------------------------------------------------------


def patients(done: Deidentified) -> set[str | None]:
    return {film.patient_id for film in read_source(done.folder).radiographs}


def test_runs_share_names_only_where_they_share_a_secret(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    secret = tmp_path / "mine" / "secret"
    first, second = (deidentify(folder, out=tmp_path / name, secret=secret) for name in ("1", "2"))
    third, fourth = (deidentify(folder, out=tmp_path / name) for name in ("3", "4"))
    assert patients(first) == patients(second)
    assert patients(first).isdisjoint(patients(third))
    assert patients(third).isdisjoint(patients(fourth))
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    words = secret.read_bytes().strip()
    for path in (tmp_path / "1").rglob("*.*"):
        assert words not in path.read_bytes()


def test_the_key_is_written_when_asked_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    key = tmp_path / "key.csv"
    deidentify(folder, out=tmp_path / "out", key=key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with key.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    for row in rows:
        old = pydicom.dcmread(folder / row["old_path"])
        new = pydicom.dcmread(tmp_path / "out" / row["new_path"])
        assert (old.PatientID, new.PatientID) == (row["old_patient_id"], row["new_patient_id"])
        assert new.StudyInstanceUID == row["new_study_uid"] != row["old_study_uid"]
        assert new.SOPInstanceUID == row["new_sop_instance_uid"]
        assert old.PixelData == new.PixelData
    with pytest.raises(UsageError, match="is not overwritten"):
        deidentify(folder, out=tmp_path / "more", key=key)
    assert not (tmp_path / "more").exists()


def test_wrong_use_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("mine")
    (tmp_path / "short").write_text("secret")
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (UsageError, "is not empty", {"out": tmp_path / "full"}),
        (UsageError, "within one another", {"out": folder / "new"}),
        (UsageError, "must not go with", {"key": out / "key.csv"}),
        (UsageError, "must not go with", {"secret": out / "secret"}),
        (UsageError, "has 6 bytes", {"secret": tmp_path / "short"}),
        (UsageError, "in the way", {"key": tmp_path / "short" / "key.csv"}),
        (UsageError, "is no folder", {"data": tmp_path / "short"}),
        (UnknownName, "Did you mean 'dates'", {"keep": ["date"]}),
        (DataError, "no DICOM film", {"data": tmp_path / "empty"}),
    ]
    for kind, words, how in cases:
        called = {"data": folder, "out": out, **how}
        with pytest.raises(kind, match=words):
            deidentify(called.pop("data"), **called)
        assert not out.exists()


# --- the command ----------------------------------------------------------------------------------


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    folder = clinic(tmp_path / "in")
    code, said, err = osteon_command(tmp_path, "deidentify", folder, "--out", "out", "--key", "k")
    assert code == 0, err
    assert "7 films of 4 patients, 4 studies" in said
    assert "k names the patients" in " ".join(said.split())
    write_dicom(folder / "normal" / "u.dcm", "P15", 15, Modality="US")
    (folder / "notes.txt").write_text("Anna is better")
    code, said, _ = osteon_command(tmp_path, "deidentify", folder, "--out", "b", "--keep", "dates")
    assert code == 1
    assert "notes.txt: no DICOM film" in said
    assert "1 film to look at" in said
    code, said, _ = osteon_command(tmp_path, "deidentify", folder, "--out", "c", "--json")
    told = json.loads(said)
    assert (code, told["complete"], told["n_films"]) == (1, False, 8)
    assert list(told["set_aside"]) == ["notes.txt"]
    assert osteon.deidentify is deidentify
