"""Splits that never separate films that belong together (patient, study, copies)."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from osteon.clusters import FEWEST_GROUPS, group_films
from osteon.errors import DataError, LeakError, UsageError
from osteon.progress import say
from osteon.types import PARTS, Audit, Manifest, Part, Split
from osteon.words import counted

__all__ = ["folds", "group_films", "redivided", "shipped", "split"]

VAL_OF_TRAIN = 0.15  # carved from train where no validation part is given
ATTEMPTS = 20  # to have every class in every part
MOVED = 40  # largest groups that are tried elsewhere where a part is far from its share
FAR_OFF = 0.05  # of all films
MORE = "Bring more films of it, merge its folder with another class"


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
    each part is as near to ``fractions`` (train, val, test; they sum to 1) as whole groups allow:
    with groups of one class, no class exceeds its share of a part by more than its largest group.
    The order of the films does not matter, and the same seed gives the same split.

    Raises DataError for a class that cannot be in every part, UsageError for other fractions.
    """
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UsageError(
            f"The fractions {fractions} of train, val and test must be above 0 and sum to 1."
        )
    labels = _labels(manifest, exclude)
    _enough(manifest, labels, groups, FEWEST_GROUPS)
    part_of = _assigned(labels, groups, fractions, seed)
    _complete(manifest, labels, groups, part_of, len(fractions))
    train, val, test = (
        tuple(id_ for id_ in labels if part_of[groups[id_]] == part) for part in range(3)
    )
    return Split(
        train=train,
        val=val,
        test=test,
        groups={id_: groups[id_] for id_ in labels},
        manifest_digest=manifest.digest,
        origin="grouped",
        seed=seed,
    )


def redivided(parts: Split, manifest: Manifest, *, seed: int) -> Split:
    """The same test part; train and validation divided anew, in the same shares.

    For trainings with several seeds of a recipe that was chosen on ``parts``: their test films had
    no say in that choice, which those of another split would have had. Raises DataError where train
    and validation cannot be divided.
    """
    label_of = {film.id: film.label for film in manifest.radiographs}
    labels = {id_: label_of[id_] for id_ in sorted((*parts.train, *parts.val))}
    known = {id_: label for id_, label in labels.items() if label is not None}
    train, val = _carved(known, parts.groups, seed, len(parts.val) / len(known))
    return replace(parts, train=train, val=val, seed=seed)


def folds(
    manifest: Manifest,
    *,
    groups: Mapping[str, str],
    k: int,
    seed: int = 0,
    exclude: Collection[str] = frozenset(),
) -> list[Split]:
    """``k`` stratified folds: each labelled film is in test once; val is carved from the rest.

    Raises UsageError for k below 2 and DataError for a class that cannot be in every fold.
    """
    if k < 2:
        raise UsageError(f"{k} folds are none: choose 2 or more.")
    labels = _labels(manifest, exclude)
    _enough(manifest, labels, groups, max(k, FEWEST_GROUPS))
    fold_of = _assigned(labels, groups, (1 / k,) * k, seed)
    _complete(manifest, labels, groups, fold_of, k)
    digest = manifest.digest
    made = []
    for fold in range(k):
        rest = {id_: label for id_, label in labels.items() if fold_of[groups[id_]] != fold}
        train, val = _carved(rest, groups, seed + fold)
        made.append(
            Split(
                train=train,
                val=val,
                test=tuple(id_ for id_ in labels if id_ not in rest),
                groups={id_: groups[id_] for id_ in labels},
                manifest_digest=digest,
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
    is the test and another one is carved. Films without a label or a part, and unreadable ones,
    are left out.

    Raises LeakError, with what leaks and the two ways out, unless ``despite_leaks``: the split then
    carries the names of the val and test films that have a copy, patient or study in training.
    Raises UsageError where there is no training or no test part, DataError where a class is not in
    train or train cannot be divided.
    """
    labels = _labels(manifest, audit.unreadable)
    parts = _shipped_parts(manifest, labels)
    leaked = _leaked(parts, groups)
    if leaked and not despite_leaks:
        raise LeakError(_stop(audit, leaked))
    if not parts["val"]:
        train, val = _carved({id_: labels[id_] for id_ in parts["train"]}, groups, seed)
        taken = counted(len(val), "film")
        say(f"The shipped split has no validation part: it is made of {taken} of train.")
        parts["train"], parts["val"] = list(train), list(val)
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


def _shipped_parts(manifest: Manifest, labels: Mapping[str, int]) -> dict[Part, list[str]]:
    parts: dict[Part, list[str]] = {part: [] for part in PARTS}
    for film in manifest.radiographs:
        if film.split is not None and film.id in labels:
            parts[film.split].append(film.id)
    if parts["val"] and not parts["test"]:
        parts["test"], parts["val"] = parts["val"], []
        say("The shipped split has no test part: its validation part is the test.")
    if lacks := " and no ".join(part for part in ("train", "test") if not parts[part]):
        raise UsageError(f"The shipped split has no {lacks} film. Use --split grouped.")
    taught = {labels[id_] for id_ in parts["train"]}
    for label, name in enumerate(manifest.classes):
        if label not in taught:
            told = f"The shipped split has no readable film of class '{name}' in train."
            raise DataError(f"{told} Use --split grouped.")
    return parts


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
    if not labels:
        raise DataError(f"{manifest.root} has no readable film with a label: there is no split.")
    of_class: defaultdict[int, set[str]] = defaultdict(set)
    for id_, label in labels.items():
        of_class[label].add(groups[id_])
    films = Counter(labels.values())
    for label, name in enumerate(manifest.classes):
        if (n := len(of_class[label])) < fewest:
            many = f" of {films[label]:,}: do patient_id and study_id tell the patients apart?"
            raise DataError(
                f"Class '{name}' has {counted(n, 'independent film')} (patients, "
                f"studies and copies counted once){many if films[label] >= fewest else ';'} "
                f"{fewest} are needed to have one in each part. {MORE}, or move it out of the data."
            )


def _complete(
    manifest: Manifest,
    labels: Mapping[str, int],
    groups: Mapping[str, str],
    part_of: Mapping[str, int],
    n_parts: int,
) -> None:
    there = Counter(label for label, _ in {(c, part_of[groups[id_]]) for id_, c in labels.items()})
    for label, name in enumerate(manifest.classes):
        if there[label] < n_parts:
            raise DataError(
                f"Class '{name}' cannot be in each of {n_parts} parts: its films share patients, "
                f"studies or copies with those of other classes. {MORE}, or try another seed."
            )


def _carved(
    labels: Mapping[str, int], groups: Mapping[str, str], seed: int, share: float = VAL_OF_TRAIN
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Train and validation of the films that are left for training."""
    in_val = _assigned(labels, groups, (1 - share, share), seed)
    train = tuple(id_ for id_ in labels if not in_val[groups[id_]])
    val = tuple(id_ for id_ in labels if in_val[groups[id_]])
    if not train or not val:
        raise DataError(
            "All films left for training belong together (patient, study, copies): no validation "
            "part can be carved from them. Use --split grouped, or bring more films."
        )
    return train, val


@dataclass(slots=True)
class _Bin:
    """A part while it is filled: films of each class still missing, as a share of its target."""

    missing: dict[int, float]
    target: dict[int, float]

    def put(self, content: Counter[int]) -> None:
        for label, n in content.items():
            self.missing[label] -= n / self.target[label]

    def wish(self, content: Counter[int]) -> tuple[bool, float]:
        """Whether there is room for a group (to one film a class), then the share still lacking.

        Without room, that is the share halfway through the group: where it is largest, the sum of
        (films - target)^2 / target grows least.
        """
        room = all(n - self.missing[c] * self.target[c] <= 1 for c, n in content.items())
        lack = sum(n * self.missing[label] for label, n in content.items())
        if not room:
            lack -= sum(n * n / self.target[label] / 2 for label, n in content.items())
        return room, lack


def _assigned(
    labels: Mapping[str, int], groups: Mapping[str, str], fractions: Sequence[float], seed: int
) -> dict[str, int]:
    """Group -> index of its part.

    Every part first gets one group of each class, the rarest class first, as far as there are
    enough; then the groups, largest first, go where the largest share of their classes is missing
    and there is room, so that large and small groups are spread over the parts alike. Where groups
    of several classes keep a class out of a part, the order is shuffled anew; where a part is far
    from its share all the same, large groups are moved.
    """
    content: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for id_, label in labels.items():
        content[groups[id_]][label] += 1
    totals = Counter(labels.values())
    shuffler = random.Random(seed)
    part_of: dict[str, int] = {}
    for _ in range(ATTEMPTS):
        order = sorted(content)
        shuffler.shuffle(order)
        order.sort(key=lambda group: -content[group].total())
        bins = [
            _Bin(missing=dict.fromkeys(totals, 1.0), target={c: n * f for c, n in totals.items()})
            for f in fractions
        ]
        part_of = _one_of_each(order, content, bins)
        for group in order:
            if group not in part_of:
                part_of[group] = _best(bins, content[group])
                bins[part_of[group]].put(content[group])
        if not _lacking(part_of, content, len(bins)):
            break
    return _evened(part_of, content, fractions)


def _lacking(part_of: Mapping[str, int], content: Mapping[str, Counter[int]], n_parts: int) -> int:
    """How many parts are without a class that has groups enough for them, over all classes."""
    n_groups = Counter(label for inside in content.values() for label in inside)
    there = {(label, part) for group, part in part_of.items() for label in content[group]}
    found = Counter(label for label, _ in there)
    return sum(min(n, n_parts) - found[label] for label, n in n_groups.items())


def _evened(
    part_of: dict[str, int], content: Mapping[str, Counter[int]], fractions: Sequence[float]
) -> dict[str, int]:
    """Where a part is far from its share, large groups are moved as long as that brings the parts
    nearer and keeps no class out of one."""
    total = sum(inside.total() for inside in content.values())
    largest = sorted(content, key=lambda group: (-content[group].total(), group))[:MOVED]

    def off(parts: Mapping[str, int]) -> float:
        films = [-share * total for share in fractions]
        for group, part in parts.items():
            films[part] += content[group].total()
        return max(map(abs, films)) / total

    while off(part_of) > FAR_OFF:
        lacking = _lacking(part_of, content, len(fractions))
        tried = [{**part_of, group: part} for group in largest for part in range(len(fractions))]
        nearest = min(
            (one for one in tried if _lacking(one, content, len(fractions)) <= lacking), key=off
        )
        if off(nearest) >= off(part_of):
            break
        part_of = nearest
    return part_of


def _best(bins: Sequence[_Bin], content: Counter[int]) -> int:
    return max(range(len(bins)), key=lambda part: bins[part].wish(content))


def _one_of_each(
    order: Sequence[str], content: Mapping[str, Counter[int]], bins: Sequence[_Bin]
) -> dict[str, int]:
    """A group of each class for each part; a class with too few goes to the largest parts."""
    part_of: dict[str, int] = {}
    of_class: defaultdict[int, list[str]] = defaultdict(list)
    for group in reversed(order):  # small ones first: they bend the shares least
        for label in content[group]:
            of_class[label].append(group)
    alone = Counter(label for inside in content.values() if len(inside) == 1 for label in inside)
    smallest_first = sorted(range(len(bins)), key=lambda part: sum(bins[part].target.values()))
    for label in sorted(of_class, key=lambda c: (len(of_class[c]), alone[c], c)):
        candidates = sorted(of_class[label], key=lambda group: len(content[group]))
        for part in smallest_first[-len(candidates) :]:
            there = any(part_of.get(group) == part for group in candidates)
            free = next((group for group in candidates if group not in part_of), None)
            if not there and free is not None:
                part_of[free] = part
                bins[part].put(content[free])
    return part_of
