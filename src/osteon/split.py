"""Splits that never separate films that belong together (patient, study, copies)."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from osteon.clusters import group_films
from osteon.errors import DataError, LeakError, UsageError
from osteon.files import write_text
from osteon.types import PARTS, Audit, Manifest, Part, Split
from osteon.values import read_value, write_value

__all__ = ["folds", "group_films", "read_split", "shipped", "split", "write_split"]

VAL_OF_TRAIN = 0.15  # carved from train where no validation part is given
FEWEST_GROUPS = 3


def split(
    manifest: Manifest,
    *,
    groups: Mapping[str, str],
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15),
    seed: int = 0,
    exclude: Collection[str] = frozenset(),
) -> Split:
    """A stratified holdout of the labelled films that are not in ``exclude``.

    ``groups`` (film id -> group, from ``group_films``) are kept whole; the share of each class in
    each part is as near to ``fractions`` (train, val, test; they sum to 1) as whole groups allow.
    The order of the films does not matter, and the same seed gives the same split.

    Raises DataError for a class with fewer than three groups, UsageError for other fractions.
    """
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UsageError(f"The fractions {fractions} must be above 0 and sum to 1.")
    labels = _labels(manifest, exclude)
    _enough(manifest, labels, groups, FEWEST_GROUPS)
    part_of = _assigned(labels, groups, fractions, seed)
    train, val, test = (
        tuple(sorted(id_ for id_ in labels if part_of[groups[id_]] == part)) for part in range(3)
    )
    return Split(
        train=train,
        val=val,
        test=test,
        groups={id_: groups[id_] for id_ in sorted(labels)},
        manifest_digest=manifest.digest,
        origin="grouped",
        seed=seed,
    )


def folds(
    manifest: Manifest,
    *,
    groups: Mapping[str, str],
    k: int,
    seed: int = 0,
    exclude: Collection[str] = frozenset(),
) -> list[Split]:
    """``k`` stratified folds: each labelled film is in test once; val is carved from the rest.

    Raises UsageError for k below 2 and DataError for a class with fewer than k groups.
    """
    if k < 2:
        raise UsageError(f"{k} folds are none: choose 2 or more.")
    labels = _labels(manifest, exclude)
    _enough(manifest, labels, groups, max(k, FEWEST_GROUPS))
    fold_of = _assigned(labels, groups, (1 / k,) * k, seed)
    made = []
    for fold in range(k):
        rest = {id_: label for id_, label in labels.items() if fold_of[groups[id_]] != fold}
        in_val = _assigned(rest, groups, (1 - VAL_OF_TRAIN, VAL_OF_TRAIN), seed + fold)
        made.append(
            Split(
                train=tuple(sorted(id_ for id_ in rest if not in_val[groups[id_]])),
                val=tuple(sorted(id_ for id_ in rest if in_val[groups[id_]])),
                test=tuple(sorted(labels.keys() - rest.keys())),
                groups={id_: groups[id_] for id_ in sorted(labels)},
                manifest_digest=manifest.digest,
                origin="grouped",
                seed=seed,
            )
        )
    return made


def shipped(
    manifest: Manifest,
    *,
    groups: Mapping[str, str],
    audit: Audit,
    despite_leaks: bool = False,
    seed: int = 0,
) -> Split:
    """The split that the data ship, if no group lies on two sides of it.

    Without a validation part, one is carved from train; without a test part, the validation part
    is the test and another one is carved. Unlabelled and unreadable films are left out.

    Raises LeakError, with what leaks and the two ways out, unless ``despite_leaks``: the split then
    carries the names of the val and test films that have a copy, patient or study in training.
    """
    labels = _labels(manifest, audit.unreadable)
    parts: dict[Part, list[str]] = {part: [] for part in PARTS}
    for film in manifest.radiographs:
        if film.split is not None and film.id in labels:
            parts[film.split].append(film.id)
    if not parts["test"]:
        parts["test"], parts["val"] = parts["val"], []
    if not parts["train"] or not parts["test"]:
        raise UsageError("The shipped split has no training or no test films. Use --split grouped.")
    leaked = _leaked(parts, groups)
    if leaked and not despite_leaks:
        raise LeakError(_stop(audit, leaked))
    if not parts["val"]:
        within = {id_: labels[id_] for id_ in parts["train"]}
        in_val = _assigned(within, groups, (1 - VAL_OF_TRAIN, VAL_OF_TRAIN), seed)
        parts["val"] = [id_ for id_ in within if in_val[groups[id_]]]
        parts["train"] = [id_ for id_ in within if not in_val[groups[id_]]]
    return Split(
        train=tuple(sorted(parts["train"])),
        val=tuple(sorted(parts["val"])),
        test=tuple(sorted(parts["test"])),
        groups={id_: groups[id_] for part in PARTS for id_ in sorted(parts[part])},
        manifest_digest=manifest.digest,
        origin="shipped",
        seed=seed,
        despite_leaks=bool(leaked),
        leaked=leaked,
    )


def _leaked(parts: Mapping[Part, Sequence[str]], groups: Mapping[str, str]) -> tuple[str, ...]:
    in_train = {groups[id_] for id_ in parts["train"]}
    in_val = {groups[id_] for id_ in parts["val"]}
    held_out = [id_ for id_ in parts["val"] if groups[id_] in in_train]
    held_out += [id_ for id_ in parts["test"] if groups[id_] in in_train | in_val]
    return tuple(sorted(held_out))


def _stop(audit: Audit, leaked: Sequence[str]) -> str:
    told = " ".join(finding.message for finding in audit.leaks)
    return (
        f"The shipped split leaks. {told or f'{len(leaked):,} films lie on two sides of it.'} "
        "A score on it would measure memory. Split anew with --split grouped; or insist with "
        "--split shipped --despite-leaks, and the report will say so in its first line."
    )


# --- dividing groups ------------------------------------------------------------------------------


def _labels(manifest: Manifest, exclude: Collection[str]) -> dict[str, int]:
    """Film id -> class of the films to divide, in an order of their own."""
    films = sorted(manifest.radiographs, key=lambda film: film.id)
    return {f.id: f.label for f in films if f.label is not None and f.id not in exclude}


def _enough(
    manifest: Manifest, labels: Mapping[str, int], groups: Mapping[str, str], fewest: int
) -> None:
    of_class: defaultdict[int, set[str]] = defaultdict(set)
    for id_, label in labels.items():
        of_class[label].add(groups[id_])
    for label, name in enumerate(manifest.classes):
        if (n := len(of_class[label])) < fewest:
            raise DataError(
                f"Class '{name}' has {n} independent film{'' if n == 1 else 's'} (patients, "
                f"studies and copies counted once); {fewest} are needed to have one in each "
                "part. Bring more films of it, merge its folder with another class, or move it "
                "out of the data."
            )


@dataclass(slots=True)
class _Bin:
    """A part while it is filled: films of each class still missing, as a share of its target."""

    missing: dict[int, float]
    target: dict[int, float]


def _assigned(
    labels: Mapping[str, int], groups: Mapping[str, str], fractions: Sequence[float], seed: int
) -> dict[str, int]:
    """Group -> index of its part.

    Every part first gets one group of each class, the rarest class first, as far as there are
    enough; then the groups, largest first, go where the largest share of their classes is missing,
    so that large and small groups are spread over the parts alike.
    """
    content: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for id_, label in labels.items():
        content[groups[id_]][label] += 1
    totals = Counter(labels.values())
    bins = [
        _Bin(missing=dict.fromkeys(totals, 1.0), target={c: n * f for c, n in totals.items()})
        for f in fractions
    ]
    order = sorted(content)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda group: -content[group].total())
    part_of = _one_of_each(order, content, bins)
    for group in order:
        if group not in part_of:
            gains = [sum(n * b.missing[c] for c, n in content[group].items()) for b in bins]
            _put(group, gains.index(max(gains)), content, bins, part_of)
    return part_of


def _one_of_each(
    order: Sequence[str], content: Mapping[str, Counter[int]], bins: Sequence[_Bin]
) -> dict[str, int]:
    part_of: dict[str, int] = {}
    of_class: defaultdict[int, list[str]] = defaultdict(list)
    for group in reversed(order):  # small ones first: they bend the shares least
        for label in content[group]:
            of_class[label].append(group)
    smallest_first = sorted(range(len(bins)), key=lambda part: sum(bins[part].target.values()))
    for label in sorted(of_class, key=lambda label: (len(of_class[label]), label)):
        if len(of_class[label]) < len(bins):
            continue
        for part in smallest_first:
            there = any(part_of.get(group) == part for group in of_class[label])
            free = next((group for group in of_class[label] if group not in part_of), None)
            if not there and free is not None:
                _put(free, part, content, bins, part_of)
    return part_of


def _put(
    group: str,
    part: int,
    content: Mapping[str, Counter[int]],
    bins: Sequence[_Bin],
    part_of: dict[str, int],
) -> None:
    part_of[group] = part
    for label, n in content[group].items():
        bins[part].missing[label] -= n / bins[part].target[label]


# --- files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sidecar:
    """split.json: what split.csv has no column for."""

    manifest_digest: str
    origin: Literal["grouped", "shipped"]
    seed: int
    despite_leaks: bool
    leaked: tuple[str, ...]


def write_split(parts: Split, path: Path) -> Path:
    """Write ``path`` (CSV: id, part, group) and the rest beside it as JSON; the CSV comes last."""
    sidecar = _Sidecar(
        manifest_digest=parts.manifest_digest,
        origin=parts.origin,
        seed=parts.seed,
        despite_leaks=parts.despite_leaks,
        leaked=parts.leaked,
    )
    write_value(path.with_suffix(".json"), sidecar)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "part", "group"])
    for part in PARTS:
        rows.writerows([id_, part, parts.groups[id_]] for id_ in parts.part(part))
    return write_text(path, text.getvalue())


def read_split(path: Path) -> Split:
    """Read what ``write_split`` wrote. Raises DataError, naming the row, if it is no split."""
    said = read_value(_Sidecar, path.with_suffix(".json"))
    if not path.is_file():
        raise DataError(f"{path} is missing.")
    ids: dict[str, list[str]] = {part: [] for part in PARTS}
    groups: dict[str, str] = {}
    for number, row in enumerate(csv.DictReader(path.read_text().splitlines()), start=2):
        if row.get("part") not in ids or not row.get("id") or not row.get("group"):
            raise DataError(f"{path}, row {number}: needs an id, a group, and part one of {PARTS}.")
        ids[row["part"]].append(row["id"])
        groups[row["id"]] = row["group"]
    empty = Split(
        train=(),
        val=(),
        test=(),
        groups=groups,
        manifest_digest=said.manifest_digest,
        origin=said.origin,
        seed=said.seed,
        despite_leaks=said.despite_leaks,
        leaked=said.leaked,
    )
    return replace(
        empty, train=tuple(ids["train"]), val=tuple(ids["val"]), test=tuple(ids["test"])
    )  # fmt: skip
