"""One DICOM object without its identifiers: the Basic Application Level Confidentiality Profile of
PS3.15 Annex E. Sections are of the DICOM standard.

Which attribute is treated how is table E.1-1 as dicom-anonymizer holds it; what is done is done
here, since that package leaves dates where the table removes them, and does not look into
sequences that the table keeps.
"""

from __future__ import annotations

import hmac
import uuid
from base64 import b32encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.tag import BaseTag

EDITION = "2026c"
OPTIONS = {  # what may be kept: its code and meaning in CID 7050
    "characteristics": ("113108", "Retain Patient Characteristics Option"),
    "dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
}
_PROFILE = ("113100", "Basic Application Confidentiality Profile")
_CHARACTERISTICS = frozenset({
    0x00100040,  # sex
    0x00101010,  # age
    0x00101020,  # size
    0x00101030,  # weight
    0x00102160,  # ethnic group
    0x001021A0,  # smoking status
    0x001021C0,  # pregnancy status
    0x00102203,  # sex neutered
})  # fmt: skip  # table E.1-1, column "Rtn. Pat. Chars. Opt.", K
_DATES_WITHOUT_DATE_VR = frozenset({0x00080201, 0x00340007, 0x04000310})
_DATES_OF_THE_PERSON = frozenset({0x00100030, 0x00100032, 0x00160077})  # birth; GPS
_KNOWN_TO_ALL = "1.2.840.10008."  # UIDs that the standard itself defines identify nobody
_TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_OF_THE_PATIENT = frozenset({0x00100010, 0x00100020})  # name and ID: both become the pseudonym


@dataclass(frozen=True, kw_only=True, slots=True)
class Pseudonyms:
    """New names by a keyed hash (HMAC-SHA-256): the same name gets the same one, and without
    ``secret`` nobody can tell, nor try out, which name it was."""

    secret: bytes

    def patient(self, id_: str) -> str:
        """12 characters of base 32, 60 bits: that any two of a million patients share one has a
        probability of 1 in 2 million."""
        return "P" + b32encode(self._hash("patient", id_)).decode()[:12]

    def uid(self, uid: str) -> str:
        """A UID of the form 2.25.UUID (PS3.5 B.2); UIDs of the standard stay as they are."""
        if not uid or uid.startswith(_KNOWN_TO_ALL):
            return uid
        return f"2.25.{uuid.UUID(bytes=self._hash('uid', uid)[:16], version=4).int}"

    def _hash(self, kind: str, name: str) -> bytes:
        return hmac.digest(
            self.secret, f"{kind}\0{name}".encode(errors="surrogateescape"), "sha256"
        )


def told(dataset: Dataset, keyword: str) -> str:
    """An identifier as the DICOM source reads it, so that both see the same patients."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip().replace("\x00", "")


def remove_identity(dataset: Dataset, names: Pseudonyms, keep: Collection[str] = ()) -> None:
    """Change ``dataset`` and its file meta; pixels stay as they are.

    ``keep`` names OPTIONS. Private attributes, overlays, curves and attributes that are unknown to
    the standard are removed, in sequences as well.
    """
    from pydicom.dataset import FileMetaDataset

    old = dataset.file_meta
    _clean(dataset, names, frozenset(keep))
    dataset.SOPInstanceUID = told(dataset, "SOPInstanceUID") or names.uid(
        told(old, "MediaStorageSOPInstanceUID") or uuid.uuid4().hex
    )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = old.TransferSyntaxUID
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128  # may hold anything: PS3.10 section 7.1
    _say_so(dataset, keep)


def texts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Keyword and value of every attribute that is free text, in sequences as well."""
    for tag in list(dataset.keys()):
        vr = _vr(dataset, tag)
        if vr in _TEXT_VRS:
            yield dataset[tag].keyword, str(dataset[tag].value)
        elif vr == "SQ":
            for item in _items(dataset, tag):
                yield from texts(item)


def _say_so(dataset: Dataset, keep: Collection[str]) -> None:
    """PS3.15 E.1.1: the attributes that tell a reader what was done."""
    from pydicom.dataset import Dataset as Item

    from osteon import __version__

    codes = [_PROFILE, *(OPTIONS[name] for name in sorted(keep))]
    items = []
    for value, meaning in codes:
        item = Item()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [
        f"DICOM PS3.15 {EDITION} table E.1-1",
        f"osteon {__version__}",
    ]
    dataset.DeidentificationMethodCodeSequence = items
    dates = "UNMODIFIED" if "dates" in keep else "REMOVED"
    dataset.LongitudinalTemporalInformationModified = dates


# --- table E.1-1 ----------------------------------------------------------------------------------

Action = Literal["remove", "empty", "replace", "rename"]


# Birth and death date in another calendar, and which: no action is listed for them.
_BIRTH_AND_DEATH: dict[int, Action] = {
    0x00100033: "remove", 0x00100034: "remove", 0x00100035: "remove",
}  # fmt: skip


@cache
def _table() -> Mapping[int, Action]:
    """Tag -> what is done. Where the table leaves a choice by the type of the attribute (X/Z, X/D,
    Z/D, X/Z/D), the last one, which fits an attribute of any type."""
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    listed = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    actions: dict[str, Action] = {
        "X_TAGS": "remove",
        "Z_TAGS": "empty",
        "X_Z_TAGS": "empty",
        "D_TAGS": "replace",
        "Z_D_TAGS": "replace",
        "X_D_TAGS": "replace",
        "X_Z_D_TAGS": "replace",
        "U_TAGS": "rename",
    }  # X_Z_U_STAR_TAGS are sequences whose UIDs are replaced: what is done in any sequence
    return _BIRTH_AND_DEATH | {
        (tag[0] << 16) + tag[1]: action
        for name, action in actions.items()
        for tag in listed[name]
        if len(tag) == 2  # ranges are overlays and curves, which _is_foreign tells
    }


def _clean(dataset: Dataset, names: Pseudonyms, keep: frozenset[str]) -> None:
    table = _table()
    id_ = told(dataset, "PatientID")
    for tag in list(dataset.keys()):
        if _is_foreign(tag):
            del dataset[tag]
        elif tag in _OF_THE_PATIENT:
            _set(dataset, tag, names.patient(id_) if id_ else "")
        elif tag in table and not _is_kept(tag, keep):
            _do(table[tag], dataset, tag, names)
        elif _vr(dataset, tag) == "SQ":
            for item in _items(dataset, tag):
                _clean(item, names, keep)


def _is_foreign(tag: BaseTag) -> bool:
    """Private, or of a group that is no data, or an overlay, a curve, or unknown to the standard:
    what it says cannot be known."""
    from pydicom.datadict import dictionary_has_tag

    return tag.is_private or tag.group < 8 or not dictionary_has_tag(tag)


def _is_kept(tag: BaseTag, keep: frozenset[str]) -> bool:
    from pydicom.datadict import dictionary_VR

    if "characteristics" in keep and tag in _CHARACTERISTICS:
        return True
    if "dates" not in keep or tag in _DATES_OF_THE_PERSON:
        return False
    return dictionary_VR(tag) in ("DA", "DT", "TM") or tag in _DATES_WITHOUT_DATE_VR


def _vr(dataset: Dataset, tag: BaseTag) -> str:
    """As the file says; from the dictionary where it does not. The value is not converted: what is
    kept stays byte for byte, also where it breaks the standard's rules."""
    from pydicom.datadict import dictionary_VR

    said = dataset.get_item(tag).VR
    return dictionary_VR(tag) if said in (None, "UN") else str(said)


def _items(dataset: Dataset, tag: BaseTag) -> list[Dataset]:
    """The items of a sequence. One that cannot be read as such is removed: it may hold anything."""
    element = dataset[tag]
    if element.VR == "SQ":
        return list(element.value)
    del dataset[tag]
    return []


# --- actions --------------------------------------------------------------------------------------


def _do(action: Action, dataset: Dataset, tag: BaseTag, names: Pseudonyms) -> None:
    match action:
        case "remove":
            del dataset[tag]
        case "empty":
            dataset[tag] = _blank(dataset, tag)
        case "replace":
            _replace(dataset, tag, names)
        case "rename":
            _rename(dataset, tag, names)


def _set(dataset: Dataset, tag: BaseTag, value: str | list[str]) -> None:
    element = _blank(dataset, tag)
    element.value = value
    dataset[tag] = element


def _blank(dataset: Dataset, tag: BaseTag) -> DataElement:
    from pydicom.dataelem import DataElement, empty_value_for_VR

    vr = _vr(dataset, tag)
    return DataElement(tag, vr, [] if vr == "SQ" else empty_value_for_VR(vr))


def _replace(dataset: Dataset, tag: BaseTag, names: Pseudonyms) -> None:
    """A dummy value of the same VR; in a sequence, of all that is in it."""
    from dicomanonymizer.simpledicomanonymizer import replace_element

    vr = _vr(dataset, tag)
    if vr == "UI":
        _rename(dataset, tag, names)
    elif vr == "SQ":
        for item in _items(dataset, tag):
            for inner in list(item.keys()):
                _do("remove" if _is_foreign(inner) else "replace", item, inner, names)
    else:
        dummy = _blank(dataset, tag)
        try:
            replace_element(dummy)
        except NotImplementedError:  # of a VR that has no dummy
            del dataset[tag]
        else:
            dataset[tag] = dummy


def _rename(dataset: Dataset, tag: BaseTag, names: Pseudonyms) -> None:
    from pydicom.multival import MultiValue

    value = dataset[tag].value
    many = isinstance(value, MultiValue)
    new = [names.uid(str(uid)) for uid in value] if many else names.uid(str(value or ""))
    _set(dataset, tag, new)
