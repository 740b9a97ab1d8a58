"""Laws of splitting: no group on two sides, every film once, classes in proportion."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.clusters import connected, group_films
from osteon.errors import DataError, LeakError, UsageError
from osteon.split import folds, read_split, shipped, split, write_split
from osteon.types import PARTS, Audit, Manifest, Part, Radiograph, Split

CLASSES = ("normal", "fractured", "unsure")


def film(number: int, label: int | None, **more: object) -> Radiograph:
    return Radiograph(id=f"{number:04d}.jpg", path=Path(f"{number}.jpg"), label=label, **more)  # type: ignore[arg-type]


def manifest_of(films: list[Radiograph], classes: tuple[str, ...] = CLASSES) -> Manifest:
    return Manifest(
        root=Path(), source="s", recognised_by="r", classes=classes, radiographs=tuple(films)
    )


def audit_of(manifest: Manifest, clusters: dict[str, str] | None = None) -> Audit:
    return Audit(manifest_digest=manifest.digest, findings=(), facts={}, clusters=clusters or {})


@st.composite
def data_sets(draw: st.DrawFn) -> tuple[Manifest, dict[str, str]]:
    """Films of patients and studies, with copies across them, and enough of each class."""
    n = draw(st.integers(12, 60))
    some = st.none() | st.integers(0, n // 3).map(str)
    films = [
        film(i, draw(st.sampled_from([0, 0, 1, 2, None])), patient_id=draw(some),
             study_id=draw(some))
        for i in range(n)
    ]  # fmt: skip
    films += [film(n + i, i % 3) for i in range(12)]  # 4 independent films of each class
    copies = draw(st.dictionaries(st.integers(0, n - 1), st.integers(0, 4), max_size=8))
    clusters = {f"{i:04d}.jpg": f"cluster {name}" for i, name in copies.items()}
    return manifest_of(films), clusters


def parts_of(parts: Split) -> dict[str, Part]:
    return {id_: part for part in PARTS for id_ in parts.part(part)}


@settings(deadline=None, max_examples=80)
@given(data=data_sets(), seed=st.integers(0, 5))
def test_no_patient_study_or_copy_is_on_two_sides(
    data: tuple[Manifest, dict[str, str]], seed: int
) -> None:
    manifest, clusters = data
    groups = group_films(manifest, clusters)
    part_of = parts_of(split(manifest, groups=groups, seed=seed))
    keys = {
        "patient": {f.id: f.patient_id for f in manifest.radiographs},
        "study": {f.id: f.study_id for f in manifest.radiographs},
        "copies": {f.id: clusters.get(f.id) for f in manifest.radiographs},
    }
    for key in keys.values():
        sides: dict[str, set[str]] = {}
        for id_, part in part_of.items():
            if key[id_] is not None:
                sides.setdefault(str(key[id_]), set()).add(part)
        assert all(len(parts) == 1 for parts in sides.values())


@settings(deadline=None, max_examples=80)
@given(data=data_sets(), seed=st.integers(0, 5))
def test_every_labelled_film_is_in_one_part_and_every_class_in_every_part(
    data: tuple[Manifest, dict[str, str]], seed: int
) -> None:
    manifest, clusters = data
    excluded = {manifest.radiographs[0].id}
    made = split(manifest, groups=group_films(manifest, clusters), seed=seed, exclude=excluded)
    ids = [*made.train, *made.val, *made.test]
    label_of = {f.id: f.label for f in manifest.radiographs}
    wanted = {id_ for id_, label in label_of.items() if label is not None and id_ not in excluded}
    assert sorted(ids) == sorted(wanted)
    for part in PARTS:
        assert {label_of[id_] for id_ in made.part(part)} == {0, 1, 2}


@settings(deadline=None, max_examples=30)
@given(data=data_sets(), seed=st.integers(0, 5))
def test_the_order_of_the_films_does_not_matter(
    data: tuple[Manifest, dict[str, str]], seed: int
) -> None:
    manifest, clusters = data
    backwards = manifest_of(list(reversed(manifest.radiographs)))
    made, again = (
        split(m, groups=group_films(m, clusters), seed=seed) for m in (manifest, backwards)
    )
    assert (made.train, made.val, made.test) == (again.train, again.val, again.test)


def singles(n: int) -> Manifest:
    return manifest_of([film(i, int(i % 5 == 0)) for i in range(n)], CLASSES[:2])


def test_shares_are_kept_to_one_film() -> None:
    manifest = singles(1000)
    made = split(manifest, groups=group_films(manifest, {}))
    label_of = {f.id: f.label for f in manifest.radiographs}
    for part, share in zip(PARTS, (0.70, 0.15, 0.15), strict=True):
        counts = Counter(label_of[id_] for id_ in made.part(part))
        assert abs(counts[0] - 800 * share) <= 1
        assert abs(counts[1] - 200 * share) <= 1


def test_large_groups_are_spread_like_small_ones() -> None:
    films = [film(i, i % 2, patient_id=f"P{i // 4}" if i < 400 else None) for i in range(800)]
    manifest = manifest_of(films, CLASSES[:2])
    made = split(manifest, groups=group_films(manifest, {}))
    for part, share in zip(PARTS, (0.70, 0.15, 0.15), strict=True):
        of_four = sum(int(id_[:4]) < 400 for id_ in made.part(part))
        assert abs(of_four - 400 * share) <= 8


def test_seeds_differ_and_repeat() -> None:
    manifest = singles(100)
    groups = group_films(manifest, {})
    one, same, other = (split(manifest, groups=groups, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.test != other.test


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.2), (1.0, 0.0, 0.0), (0.9, 0.2, -0.1)])
def test_impossible_fractions_are_refused(fractions: tuple[float, float, float]) -> None:
    manifest = singles(50)
    with pytest.raises(UsageError, match="sum to 1"):
        split(manifest, groups=group_films(manifest, {}), fractions=fractions)


def test_a_class_with_one_film_gets_a_remedy() -> None:
    manifest = manifest_of([*(film(i, 0) for i in range(20)), film(99, 1)], CLASSES[:2])
    with pytest.raises(DataError, match=r"'fractured' has 1 independent film .*merge its folder"):
        split(manifest, groups=group_films(manifest, {}))


@settings(deadline=None, max_examples=40)
@given(data=data_sets(), k=st.integers(2, 4))
def test_folds_test_every_film_once(data: tuple[Manifest, dict[str, str]], k: int) -> None:
    manifest, clusters = data
    groups = group_films(manifest, clusters)
    made = folds(manifest, groups=groups, k=k)
    tested = [id_ for fold in made for id_ in fold.test]
    assert sorted(tested) == sorted(f.id for f in manifest.radiographs if f.label is not None)
    for fold in made:
        sides = [{groups[id_] for id_ in fold.part(part)} for part in PARTS]
        assert sides[0].isdisjoint(sides[1] | sides[2])
        assert sides[1].isdisjoint(sides[2])
        assert sides[1]


def test_chains_of_links_connect() -> None:
    assert connected("abcde", [("c", "b"), ("b", "a"), ("e", "d")]) == {
        "a": "a", "b": "a", "c": "a", "d": "d", "e": "d",
    }  # fmt: skip


# --- shipped splits -------------------------------------------------------------------------------


def with_parts() -> Manifest:
    films = [film(i, i % 2, split="train" if i < 40 else "test") for i in range(50)]
    return manifest_of(films, CLASSES[:2])


def test_a_clean_shipped_split_is_used_and_val_is_carved_from_train() -> None:
    manifest = with_parts()
    made = shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest))
    assert made.origin == "shipped"
    assert len(made.test) == 10
    assert len(made.val) == 6
    assert not made.despite_leaks
    assert set(made.train) | set(made.val) == {f"{i:04d}.jpg" for i in range(40)}


def leaky() -> tuple[Manifest, dict[str, str]]:
    manifest = with_parts()
    return manifest, {"0000.jpg": "c", "0045.jpg": "c"}


def test_a_leaky_one_is_refused_with_both_ways_out() -> None:
    manifest, clusters = leaky()
    groups = group_films(manifest, clusters)
    with pytest.raises(LeakError, match=r"--split grouped.*--split shipped --despite-leaks"):
        shipped(manifest, groups=groups, audit=audit_of(manifest, clusters))


def test_who_insists_gets_the_names_of_what_leaks() -> None:
    manifest, clusters = leaky()
    made = shipped(
        manifest,
        groups=group_films(manifest, clusters),
        audit=audit_of(manifest, clusters),
        despite_leaks=True,
    )
    assert made.despite_leaks
    assert made.leaked == ("0045.jpg",)


def test_validation_stands_in_for_a_missing_test() -> None:
    films = [film(i, i % 2, split="train" if i < 40 else "val") for i in range(50)]
    manifest = manifest_of(films, CLASSES[:2])
    made = shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest))
    assert len(made.test) == 10
    assert len(made.val) == 6


# --- files ----------------------------------------------------------------------------------------


def test_a_split_comes_back_equal(tmp_path: Path) -> None:
    manifest, clusters = leaky()
    made = shipped(
        manifest,
        groups=group_films(manifest, clusters),
        audit=audit_of(manifest, clusters),
        despite_leaks=True,
    )
    assert read_split(write_split(made, tmp_path / "split.csv")) == made


def test_a_spoilt_split_is_named(tmp_path: Path) -> None:
    manifest = singles(60)
    path = write_split(split(manifest, groups=group_films(manifest, {})), tmp_path / "split.csv")
    path.write_text(path.read_text().replace(",train,", ",trian,", 1))
    with pytest.raises(DataError, match="row 2: needs an id, a group, and part"):
        read_split(path)
