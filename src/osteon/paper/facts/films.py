"""Facts of the films and of their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from osteon.attributes import age_band
from osteon.audit import scope, verdict
from osteon.paper.facts.fact import fact, table
from osteon.report.material import Material
from osteon.types import PARTS, Radiograph, count_classes
from osteon.words import counted

FEWEST_TOLD = 5  # a cell of fewer films could tell of a person
AGES = ("age", "age_years")


@fact
def data_source(m: Material) -> str:
    counts = ", ".join(f"{count:,} '{name}'" for name, count in count_classes(m.manifest).items())
    return (
        f"{m.manifest.root.name}: {len(m.manifest.radiographs):,} radiographs ({counts}), digest "
        f"of the manifest {m.audit.manifest_digest[:16]}."
    )


@fact
def set_aside(m: Material) -> str:
    n = len(m.audit.unreadable)
    if not n:
        return "No file had to be set aside: all could be decoded whole."
    return f"{counted(n, 'file')} that could not be decoded whole were set aside."


@fact
def missing(m: Material) -> str:
    films = m.manifest.radiographs
    lacks = {
        "label": sum(film.label is None for film in films),
        "patient": sum(film.patient_id is None for film in films),
        "study": sum(film.study_id is None for film in films),
        "view": sum(not film.views for film in films),
        "laterality": sum(film.laterality is None for film in films),
    }
    said = ", ".join(f"{name} of {count:,}" for name, count in lacks.items() if count)
    return (
        f"Of {len(films):,} films, not known: {said}. Films without a label are used nowhere; "
        "nothing was imputed."
        if said
        else "Nothing is missing; nothing was imputed."
    )


@fact
def preprocessing(m: Material) -> str | None:
    if m.recipe is None:
        return None
    rules = m.recipe.pixels
    mended = f", after mending: {', '.join(rules.mend)}" if rules.mend else ""
    lost = ""
    if m.crop_loss is not None and m.crop_loss.n_boxes:
        lost = f" Of {m.crop_loss.n_boxes:,} annotated boxes {m.crop_loss.n_cut:,} are cut by it."
    return (
        f"Decoded to gray in [0, 1] (MONOCHROME2 sense, EXIF orientation applied), then "
        f"{rules.fit.replace('_', ' ')} to {rules.size_px} x {rules.size_px} px{mended}.{lost}"
    )


@fact
def audit_verdict(m: Material) -> str:
    said = verdict(m.audit, m.manifest, m.split)
    limits = scope(m.audit, m.manifest)
    return f"{said} {limits}" if limits else said


@fact
def partitions(m: Material) -> str | None:
    if m.split is None:
        return None
    how = {
        "grouped": f"assigned at random within classes, seed {m.split.seed}",
        "shipped": "as shipped with the data",
        "by_film": f"assigned by film, seed {m.split.seed}",
    }[m.split.origin]
    sizes = ", ".join(f"{part} {len(m.split.part(part)):,}" for part in PARTS)
    return f"Films were {how}: {sizes} films."


@fact
def disjoint(m: Material) -> str | None:
    if m.split is None:
        return None
    if m.split.despite_leaks:
        return (
            f"The parts are NOT disjoint: {len(m.split.leaked):,} validation and test films have "
            "a copy, patient or study in training, and the shipped split was used all the same."
        )
    if m.split.origin == "by_film":
        return "The parts are disjoint by film alone."
    return (
        "The parts are disjoint by group: patients, else studies, joined with clusters of copies "
        f"found by the audit (in these data: {_named(m.manifest.radiographs)})."
    )


def _named(films: Sequence[Radiograph]) -> str:
    """For how many films the source names a patient, or a study alone."""
    patients = sum(film.patient_id is not None for film in films)
    studies = sum(film.study_id is not None and film.patient_id is None for film in films)
    unnamed = len(films) - patients - studies
    if unnamed == len(films):
        return "no patient or study is named"
    counts = {"patients": patients, "studies": studies}
    if len(films) in counts.values():
        return "patients" if patients else "studies"
    said = [f"{what} named for {n:,} of {len(films):,} films" for what, n in counts.items() if n]
    return ", ".join(said) + ("; the others by copies alone" if unnamed else "")


@fact
def sample_size(m: Material) -> str | None:
    if m.test is None:
        return None
    counts = ", ".join(f"{count:,} '{name}'" for name, count in m.test.class_counts.items())
    return f"The test part has {m.test.n:,} films of {m.test.n_groups:,} groups: {counts}."


@fact
def characteristics(m: Material) -> str | None:
    """Classes by part; and what the source says of age and sex, if it does."""
    if m.split is None:
        return None
    rows: list[list[object]] = []
    for name, value_of in _columns(m):
        seen: dict[str, list[int]] = {}
        for at, part in enumerate(PARTS):
            for id_ in m.split.part(part):
                seen.setdefault(value_of.get(id_, "not known"), [0, 0, 0])[at] += 1
        rows += [[name, value, *map(_told, counts)] for value, counts in sorted(seen.items())]
    return table(["", "value", *PARTS], rows)


def _told(count: int) -> str:
    return f"{count:,}" if count == 0 or count >= FEWEST_TOLD else f"under {FEWEST_TOLD}"


def _columns(m: Material) -> Iterator[tuple[str, dict[str, str]]]:
    films = m.manifest.radiographs
    yield "class", {film.id: m.manifest.class_name(film) or "not known" for film in films}
    regions = {film.id: ", ".join(sorted(film.regions)) for film in films if film.regions}
    if regions:
        yield "region", regions
    sexes = {film.id: film.extra["sex"] for film in films if film.extra.get("sex")}
    if sexes:
        yield "sex", sexes
    ages = {
        film.id: band
        for film in films
        for name in AGES
        if (band := age_band(film.extra.get(name, "")))
    }
    if ages:
        yield "age", ages
