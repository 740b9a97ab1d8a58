"""A folder of DICOM films without the patients' identities: new names, new UIDs, same pixels."""

from __future__ import annotations

import csv
import io
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.confidentiality import OPTIONS, Pseudonyms, remove_identity, texts, told
from osteon.errors import DataError, UnknownName, UnreadableFilm, UsageError
from osteon.files import atomic_writer, explained, write_bytes, write_text
from osteon.parallel import in_order
from osteon.personal_names import may_name, words_of
from osteon.pixels import MAX_PIXELS, decode_bytes, fault_of, read_film
from osteon.progress import track
from osteon.reading import FOLDER_LAYOUTS, read_source
from osteon.sources.dicom import table_in
from osteon.sources.films import contents, film_id, is_dicom
from osteon.types import Manifest

if TYPE_CHECKING:
    from pydicom import Dataset

    from osteon.formats import Gray

LEAST_SECRET = 16  # bytes
LABEL_THEM = "Write a labels.csv with the columns path and label beside the films."
WRITTEN_MODALITIES = {  # where writing on the film is the rule: PS3.3 C.7.3.1.1.1
    "ES": "endoscopy",
    "GM": "microscopy",
    "OT": "other",
    "SC": "secondary capture",
    "US": "ultrasound",
    "XC": "photography",
}
WRITTEN_CLASSES = {  # SOP classes
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.3": "ultrasound",
    "1.2.840.10008.5.1.4.1.1.6": "ultrasound",
    "1.2.840.10008.5.1.4.1.1.77": "a photograph",
}
NAMED_LIKE_PEOPLE = frozenset({"DeidentificationMethod", "Manufacturer", "ManufacturerModelName"})
CONVERSIONS = {  # (0008,0064), PS3.3 C.8.6.1
    "DF": "a digitised film",
    "DRW": "a drawing",
    "DV": "digitised video",
    "SD": "a scanned document",
    "SI": "a scanned image",
    "WSD": "made on a workstation",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deidentified:
    """What was written to ``folder``, and what was not."""

    folder: Path
    n_films: int
    n_patients: int
    n_studies: int
    n_unnamed: int  # films without a patient id, which stay without one
    n_labelled: int  # in labels.csv
    no_labels: str  # why there is no labels.csv; empty where there is one
    set_aside: Mapping[str, str]  # path below the data -> why it was not written
    flagged: Mapping[str, str]  # path below ``folder`` -> why somebody must look at it

    @property
    def complete(self) -> bool:
        """Whether every file has its de-identified film, and none must be looked at."""
        return not self.set_aside and not self.flagged


@dataclass(frozen=True, kw_only=True, slots=True)
class _Names:
    """Of one film: whose it is."""

    patient: str
    study: str
    instance: str
    person: tuple[str, ...] = ()  # each way that the patient's name is written, and the ID

    @property
    def words(self) -> frozenset[str]:
        return words_of(" ".join(self.person))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Film:
    """One film, de-identified, not yet written."""

    source: Path
    data: bytes
    old: _Names
    new: _Names
    flag: str  # why somebody must look at it, or empty


def deidentify(
    data: Path,
    *,
    out: Path,
    keep: Collection[str] = (),
    secret: Path | None = None,
    key: Path | None = None,
    looks_written: Callable[[Gray], bool] | None = None,
) -> Deidentified:
    """Write every DICOM film below ``data`` to ``out/PSEUDONYM/NNNN.dcm`` by the basic profile of
    PS3.15 Annex E, and ``out/labels.csv`` where ``data`` has labels.

    The same patient, study and UID get the same new name within a call, and in every call with the
    same ``secret``, a file that is made where it is not there; without one nobody can find the way
    back, unless ``key`` names a CSV to write old and new names to. ``keep`` names what else may
    stay: ``osteon.confidentiality.OPTIONS``. ``looks_written`` tells whether there is writing on
    gray pixels (H, W); films with it are written and flagged, not changed.

    Raises UsageError for an ``out`` that is not empty or lies within ``data``, and for a ``secret``
    or ``key`` that lies within ``out``; UnknownName for a ``keep`` that is none; DataError where
    there is no DICOM film.
    """
    for name in keep:
        if name not in OPTIONS:
            raise UnknownName("option to keep", name, OPTIONS)
    _check_places(data, out, secret, key)
    films, others = _files(data)
    manifest, no_labels = _manifest(data)
    names = Pseudonyms(secret=_secret(secret))

    def work(path: Path) -> _Film | str:
        try:
            return _deidentified(path, names, keep, looks_written)
        except UnreadableFilm as error:
            return fault_of(error, path)

    tables = {table_in(manifest.root)} if manifest else set()
    aside = {_said(path, data): "no DICOM film" for path in others if path not in tables}
    written: dict[str, _Film] = {}
    count: Counter[str] = Counter()
    done = in_order(work, films, chunk=1)
    for path, film in zip(films, track(done, "films", total=len(films)), strict=True):
        if isinstance(film, str):
            aside[_said(path, data)] = film
            continue
        count[film.new.patient] += 1
        place = _place(film.new.patient, count[film.new.patient])
        write_bytes(out / place, film.data)
        written[place.as_posix()] = replace(film, data=b"")  # so that memory is flat
    if not written:
        raise DataError(f"There is no DICOM film in {data} that can be read whole.")
    if manifest and not no_labels:
        no_labels = _named_like_patients(manifest, list(written.values()))
    n_labelled = _write_labels(out, written, manifest) if manifest and not no_labels else 0
    if key is not None:
        _write_key(key, written, data)
    return Deidentified(
        folder=out,
        n_films=len(written),
        n_patients=len({film.new.patient for film in written.values()} - {""}),
        n_studies=len({film.new.study for film in written.values()} - {""}),
        n_unnamed=count[""],
        n_labelled=n_labelled,
        no_labels=no_labels,
        set_aside=dict(sorted(aside.items())),
        flagged={place: film.flag for place, film in written.items() if film.flag},
    )


def _place(patient: str, number: int) -> Path:
    """Films without a patient id lie on top, so that no folder joins them, under names that no film
    of a patient has: labels.csv may be read by names alone."""
    return Path(patient) / f"{number:04}.dcm" if patient else Path(f"unnamed-{number:04}.dcm")


# --- one film -------------------------------------------------------------------------------------


def _deidentified(
    path: Path,
    names: Pseudonyms,
    keep: Collection[str],
    looks_written: Callable[[Gray], bool] | None,
) -> _Film:
    """Raises UnreadableFilm where it is no DICOM film, or not whole."""
    from pydicom.errors import BytesLengthException

    from osteon.dicom import FAULTS, read_dataset
    from osteon.raster import quiet

    data = read_film(path)
    decoded = decode_bytes(data)
    if decoded.format != "DICOM":
        raise UnreadableFilm(f"no DICOM film but {decoded.format}")
    with quiet():
        try:
            dataset = read_dataset(data, MAX_PIXELS)
            flag = _burned_in(dataset, decoded.gray, looks_written)
            old = _names(dataset)
            remove_identity(dataset, names, keep)
            written = _as_bytes(dataset)
            flags = filter(None, (flag, _still_named(written, old.words)))
            return _Film(
                source=path, data=written, old=old, new=_names(dataset), flag="; ".join(flags)
            )
        except (*FAULTS, BytesLengthException) as error:
            # The error's own words may quote the header.
            kind = type(error).__name__
            raise UnreadableFilm(f"its header cannot be read and rewritten ({kind})") from None


def _names(dataset: Dataset) -> _Names:
    patient = told(dataset, "PatientID")
    written = told(dataset, "PatientName").split("=")  # in Latin letters, ideographs, by sound
    return _Names(
        patient=patient,
        study=told(dataset, "StudyInstanceUID"),
        instance=told(dataset, "SOPInstanceUID"),
        person=tuple(filter(None, (*written, patient))),
    )


def _as_bytes(dataset: Dataset) -> bytes:
    from pydicom import dcmwrite

    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _still_named(data: bytes, words: frozenset[str]) -> str:
    """Where the profile keeps free text, as that of codes, in which somebody typed a name."""
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(data), stop_before_pixels=True)
    found = {keyword for keyword, text in texts(dataset) if words_of(text) & words}
    where = ", ".join(sorted(found - NAMED_LIKE_PEOPLE))
    return where and f"a word of the patient's name or ID is still in its header, in {where}"


def _burned_in(
    dataset: Dataset, gray: Gray, looks_written: Callable[[Gray], bool] | None
) -> str | None:
    """Why there may be writing in the pixels, or what else in them may tell whose film it is."""
    from osteon.stored_values import has_embedded_overlay

    said = told(dataset, "BurnedInAnnotation").upper()
    if said == "YES":
        return "its header says that there is writing in the pixels"
    if looks_written is not None and looks_written(gray):
        return "there seems to be writing on it"
    if told(dataset, "RecognizableVisualFeatures").upper() == "YES":
        return "its header says that the person can be recognised"
    if has_embedded_overlay(dataset):  # pixels are not changed, so it stays there
        return "an overlay lies in the unused bits of its pixels"
    kind = _written_kind(dataset)
    if kind and said != "NO":
        return f"its header does not say whether there is writing in the pixels, and it is {kind}"
    return None


def _written_kind(dataset: Dataset) -> str | None:
    """What the film is, where films of that kind often carry writing."""
    sop_class = told(dataset, "SOPClassUID")
    for uid, kind in WRITTEN_CLASSES.items():
        if sop_class == uid or sop_class.startswith(f"{uid}."):
            return kind
    if "SCREEN" in told(dataset, "ImageType").upper():
        return "a screen capture"
    if (conversion := told(dataset, "ConversionType").upper()) in CONVERSIONS:
        return CONVERSIONS[conversion]
    modality = told(dataset, "Modality").upper()
    return f"of modality {modality}" if modality in WRITTEN_MODALITIES else None


# --- the folders ----------------------------------------------------------------------------------


def _check_places(data: Path, out: Path, secret: Path | None, key: Path | None) -> None:
    if not data.is_dir():
        raise UsageError(f"{data} is no folder. Name the folder that holds the DICOM films.")
    with explained(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out} is not empty. Name a new folder: --out.")
    real, goal = data.resolve(), out.resolve()
    if goal.is_relative_to(real) or real.is_relative_to(goal):
        raise UsageError(f"{out} and {data} lie within one another. Name another folder: --out.")
    for what, path in (("secret", secret), ("key", key)):
        if path is not None and path.resolve().is_relative_to(goal):
            raise UsageError(
                f"The {what} {path} would lie among the films that it must not go with. Name a "
                f"place outside {out}."
            )
    if key is not None and key.exists():
        raise UsageError(
            f"{key} is there already and is not overwritten. Name another file: --key."
        )
    if key is not None:  # it is written last: what would not take it is found before the work
        with explained(key):
            key.parent.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=key.parent).close()


def _files(data: Path) -> tuple[list[Path], list[Path]]:
    """Films, and what is none. A file with a DICOM header is a film whatever its name."""
    found = contents(data)
    hidden_films = [path for path in found.others if path.is_file() and is_dicom(path)]
    return sorted([*found.films, *hidden_films]), [
        path for path in found.others if path not in set(hidden_films)
    ]


def _manifest(data: Path) -> tuple[Manifest | None, str]:
    """What the films are labelled, if anybody says; else why not."""
    try:
        return read_source(data), ""
    except DataError as error:
        return None, str(error)


def _said(path: Path, data: Path) -> str:
    return film_id(path, data).encode(errors="backslashreplace").decode()


def _secret(path: Path | None) -> bytes:
    if path is None:
        return secrets.token_bytes(32)
    if not path.exists():
        with atomic_writer(path, private=True) as file:
            file.write(secrets.token_hex(32) + "\n")
    with explained(path):
        secret = path.read_bytes().strip()
    if len(secret) < LEAST_SECRET:
        raise UsageError(
            f"The secret in {path} has {len(secret)} bytes: whoever guesses it finds the way back. "
            f"Give it {LEAST_SECRET} or more, or name a file that is not there: it will be made."
        )
    return secret


def _named_like_patients(manifest: Manifest, written: Sequence[_Film]) -> str:
    """Why the folders that labels come from may be named for patients; empty where they are not.

    What a person wrote in a table as a label is one.
    """
    if manifest.source not in FOLDER_LAYOUTS or table_in(manifest.root):
        return ""
    labels = {film.path: manifest.class_name(film) or "" for film in manifest.radiographs}
    films_of: dict[str, list[_Names]] = {}
    for film in written:
        films_of.setdefault(labels.get(film.source, ""), []).append(film.old)
    films_of.pop("", None)
    for label, films in films_of.items():
        named = [names for names in films if names.person]
        shared = any(words_of(label) & names.words for names in named)
        if shared or (named and all(may_name(label, names.person) for names in named)):
            return f"a folder shares a word with the name or the ID of its patient. {LABEL_THEM}"
    owners = [{names.patient or names.study for names in films} for films in films_of.values()]
    if owners and all(len(patients) < 2 for patients in owners):
        return f"each folder is of one patient: it may be named for it. {LABEL_THEM}"
    return ""


def _write_labels(out: Path, written: Mapping[str, _Film], manifest: Manifest) -> int:
    films = {film.path: film for film in manifest.radiographs}
    rows = []
    for place, film in written.items():
        labelled = films.get(film.source)
        label = manifest.class_name(labelled) if labelled else None
        if labelled and label is not None:
            rows.append((place, label, labelled.split or ""))
    if rows:
        write_text(out / "labels.csv", _csv([("path", "label", "split"), *rows]))
    return len(rows)


def _write_key(key: Path, written: Mapping[str, _Film], data: Path) -> None:
    heads = ("path", "patient_id", "study_uid", "sop_instance_uid")
    rows = [[f"{age}_{head}" for head in heads for age in ("old", "new")]]
    for place, film in written.items():
        old = (_said(film.source, data), *_each(film.old))
        new = (place, *_each(film.new))
        rows.append([name for pair in zip(old, new, strict=True) for name in pair])
    with atomic_writer(key, private=True) as file:
        file.write(_csv(rows))


def _each(names: _Names) -> Iterator[str]:
    yield from (names.patient, names.study, names.instance)


def _csv(rows: Collection[Collection[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
