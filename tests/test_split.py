"""Laws of splitting: no group on two sides, every film once, classes in proportion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteon.clusters import group_films
from osteon.errors import DataError, LeakError, UsageError
from osteon.split import folds, redivided, shipped, split
from osteon.split_file import read_split, write_split
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


def assert_on_one_side(part_of: Mapping[str, Part], key: Mapping[str, str | None]) -> None:
    sides: dict[str, set[Part]] = {}
    for id_, part in part_of.items():
        if (name := key[id_]) is not None:
            sides.setdefault(name, set()).add(part)
    assert all(len(parts) == 1 for parts in sides.values())


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
        assert_on_one_side(part_of, key)


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


@settings(deadline=None, max_examples=60)
@given(data=data_sets(), seed=st.integers(0, 5))
def test_what_is_divided_anew_keeps_its_test_part_and_its_groups(
    data: tuple[Manifest, dict[str, str]], seed: int
) -> None:
    manifest, clusters = data
    made = split(manifest, groups=group_films(manifest, clusters), seed=7)
    anew = redivided(made, manifest, seed=seed)
    assert (anew.test, anew.seed) == (made.test, seed)
    assert sorted((*anew.train, *anew.val)) == sorted((*made.train, *made.val))
    assert_on_one_side(parts_of(anew), anew.groups)
    label_of = {film.id: film.label for film in manifest.radiographs}
    assert {label_of[id_] for id_ in anew.train} == {0, 1, 2}
    assert redivided(made, manifest, seed=seed) == anew


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


@settings(deadline=None, max_examples=80)
@given(
    sizes=st.tuples(*[st.lists(st.integers(1, 40), min_size=3, max_size=40)] * 2),
    seed=st.integers(0, 3),
)
def test_no_part_is_overfilled_by_more_than_its_largest_group(
    sizes: tuple[list[int], list[int]], seed: int
) -> None:
    """With groups of one class each, of any sizes (see the docstring of ``split``)."""
    films: list[Radiograph] = []
    groups: dict[str, str] = {}
    for label, of_class in enumerate(sizes):
        for group, size in enumerate(of_class):
            for _ in range(size):
                films.append(film(len(films), label))
                groups[films[-1].id] = f"{label} {group}"
    made = split(manifest_of(films, CLASSES[:2]), groups=groups, seed=seed)
    label_of = {f.id: f.label for f in films}
    for part, share in zip(PARTS, (0.70, 0.15, 0.15), strict=True):
        for label, of_class in enumerate(sizes):
            n = sum(label_of[id_] == label for id_ in made.part(part))
            assert 1 <= n <= sum(of_class) * share + max(of_class) + 1e-9


def test_a_group_as_large_as_a_part_does_not_displace_the_shares() -> None:
    """Three patients of 100 films and many of one: each fits into train alone."""
    films = [film(i, i % 2, patient_id=f"P{i // 100}" if i < 300 else None) for i in range(1000)]
    manifest = manifest_of(films, CLASSES[:2])
    for seed in range(5):
        made = split(manifest, groups=group_films(manifest, {}), seed=seed)
        sizes = [len(made.part(part)) for part in PARTS]
        assert all(abs(n - m) <= 2 for n, m in zip(sizes, (700, 150, 150), strict=True))


def test_groups_of_several_classes_leave_each_class_in_each_part() -> None:
    """Class 3 has three groups, each with a film of another class, which has two more groups."""
    films = [film(n, 3, patient_id=f"P{n}") for n in range(3)]
    films += [film(10 + n, n, patient_id=f"P{n}") for n in range(3)]
    films += [film(20 + n, n % 3) for n in range(6)]
    manifest = manifest_of(films, ("a", "b", "c", "d"))
    for seed in range(10):
        made = split(manifest, groups=group_films(manifest, {}), seed=seed)
        label_of = {f.id: f.label for f in films}
        assert all({label_of[id_] for id_ in made.part(part)} == {0, 1, 2, 3} for part in PARTS)


def test_large_groups_are_moved_where_a_part_would_be_far_from_its_share() -> None:
    """Of ten films a patient, each part first gets one of each class: too much for small parts."""
    sizes = [60, 50, 10, 10, 5, 5, 5, 5]
    of = [patient for patient, size in enumerate(sizes) for _ in range(size)]
    films = [film(n, p % 2, patient_id=f"P{p}") for n, p in enumerate(of)]
    manifest = manifest_of(films, CLASSES[:2])
    parts = split(manifest, groups=group_films(manifest, {}))
    shares = [len(part) / len(films) for part in (parts.train, parts.val, parts.test)]
    assert max(abs(s - f) for s, f in zip(shares, (0.7, 0.15, 0.15), strict=True)) < 0.06


def test_classes_that_hang_together_are_refused() -> None:
    """Each class has three groups, and any two of the three classes share two of them."""
    films = [film(n, 0, patient_id=f"P{n % 3}") for n in range(9)]
    films += [film(10 + n, 1, patient_id=("P0", "P1", "Q")[n % 3]) for n in range(9)]
    films += [film(20 + n, 2, patient_id=("P0", "Q", "P2")[n % 3]) for n in range(9)]
    manifest = manifest_of(films)
    with pytest.raises(DataError, match=r"cannot be in each of 3 parts: its films share patients"):
        split(manifest, groups=group_films(manifest, {}))


def test_twins_that_contradict_each_other_stay_together() -> None:
    films = [film(i, i % 2) for i in range(60)]
    manifest = manifest_of(films, CLASSES[:2])
    groups = group_films(manifest, {"0000.jpg": "twins", "0001.jpg": "twins"})
    for seed in range(8):
        part_of = parts_of(split(manifest, groups=groups, seed=seed))
        assert part_of["0000.jpg"] == part_of["0001.jpg"]


def test_films_without_labels_cannot_be_split() -> None:
    manifest = manifest_of([film(n, None) for n in range(9)], ())
    with pytest.raises(DataError, match="no readable film with a label"):
        split(manifest, groups=group_films(manifest, {}))


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


def test_a_class_of_one_patient_is_asked_about() -> None:
    films = [film(i, int(i >= 30), patient_id="ANON" if i >= 30 else None) for i in range(60)]
    manifest = manifest_of(films, CLASSES[:2])
    with pytest.raises(DataError, match=r"1 independent film .* of 30: do patient_id") as caught:
        split(manifest, groups=group_films(manifest, {}))
    assert "ANON" not in str(caught.value)


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
        labels = {f.id: f.label for f in manifest.radiographs}
        assert {labels[id_] for id_ in fold.train} == {0, 1, 2}
        assert {labels[id_] for id_ in fold.test} == {0, 1, 2}
        assert sides[1]


@pytest.mark.parametrize("k", [-1, 0, 1])
def test_fewer_than_two_folds_are_refused(k: int) -> None:
    manifest = singles(50)
    with pytest.raises(UsageError, match="choose 2 or more"):
        folds(manifest, groups=group_films(manifest, {}), k=k)


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


def test_a_class_that_the_shipped_split_does_not_teach() -> None:
    films = [film(i, int(i >= 45), split="train" if i < 40 else "test") for i in range(50)]
    manifest = manifest_of(films, CLASSES[:2])
    with pytest.raises(DataError, match=r"no readable film of class 'fractured' in train.*grouped"):
        shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest))


def test_a_class_with_one_film_to_train_on_stays_in_train() -> None:
    films = [film(i, int(i in (5, 45)), split="train" if i < 40 else "test") for i in range(50)]
    manifest = manifest_of(films, CLASSES[:2])
    for seed in range(10):
        made = shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest),
                       seed=seed)  # fmt: skip
        assert "0005.jpg" in made.train


def test_one_patient_in_train_cannot_be_divided() -> None:
    films = [film(i, i % 2, split="train", patient_id="P") for i in range(9)]
    films += [film(10 + i, i % 2, split="test") for i in range(9)]
    manifest = manifest_of(films, CLASSES[:2])
    with pytest.raises(DataError, match="no validation part can be carved"):
        shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest))


@pytest.mark.parametrize("only", PARTS)
def test_a_single_part_is_no_split(only: Part) -> None:
    manifest = manifest_of([film(i, i % 2, split=only) for i in range(50)], CLASSES[:2])
    with pytest.raises(UsageError, match="Use --split grouped"):
        shipped(manifest, groups=group_films(manifest, {}), audit=audit_of(manifest))


# --- files ----------------------------------------------------------------------------------------


def test_a_split_is_written_beside_no_other_json(tmp_path: Path) -> None:
    manifest = manifest_of([film(n, n % 2) for n in range(20)], CLASSES[:2])
    parts = split(manifest, groups=group_films(manifest, {}))
    with pytest.raises(UsageError, match="Call it"):
        write_split(parts, tmp_path / "split.json")
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(UsageError, match="is in the way"):
        write_split(parts, tmp_path / "mine.csv")
    assert (tmp_path / "mine.json").read_text() == "{}"
    write_split(parts, tmp_path / "again.csv")
    write_split(parts, tmp_path / "again.csv")


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


def test_the_split_of_other_data_is_named(tmp_path: Path) -> None:
    manifest = singles(60)
    path = write_split(split(manifest, groups=group_films(manifest, {})), tmp_path / "split.csv")
    assert read_split(path, manifest) == read_split(path)
    other = replace(manifest, radiographs=manifest.radiographs[1:])
    gone = manifest.radiographs[0].id
    with pytest.raises(DataError, match=f"1 of its 60 films are not there, '{gone}' for one"):
        read_split(path, other)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.sets(NAMES, min_size=3, max_size=20))
def test_names_of_any_kind_survive(tmp_path: Path, names: set[str]) -> None:
    ids = sorted(names)
    made = Split(
        train=tuple(ids[2:]), val=(ids[0],), test=(ids[1],), groups={id_: id_ for id_ in ids},
        manifest_digest="d", origin="grouped", seed=1,
    )  # fmt: skip
    assert read_split(write_split(made, tmp_path / "split.csv")) == made


def edited(folder: Path, *, leaky: bool = False) -> Path:
    """A split of six films of three patients, each in a part of its own, to edit."""
    manifest = manifest_of([film(i, 0, patient_id=f"P{i // 2}") for i in range(6)], CLASSES[:1])
    made = split(manifest, groups=group_films(manifest, {}))
    return write_split(replace(made, despite_leaks=leaky), folder / "split.csv")


def moved(path: Path) -> Path:
    """One film of a pair put into another part, by hand."""
    lines = path.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("0000.jpg"))
    there = lines[first].split(",")[1]
    lines[first] = lines[first].replace(there, "test" if there != "test" else "val")
    path.write_text("\n".join(lines))
    return path


def test_a_group_on_two_sides_by_hand_is_a_leak(tmp_path: Path) -> None:
    with pytest.raises(LeakError, match=r"row \d+: the group '0000.jpg' is in \w+ and in \w+"):
        read_split(moved(edited(tmp_path)))


def test_a_split_made_despite_its_leaks_is_read(tmp_path: Path) -> None:
    assert read_split(moved(edited(tmp_path, leaky=True))).despite_leaks


def test_a_film_in_two_parts_is_named(tmp_path: Path) -> None:
    path = edited(tmp_path)
    path.write_text(path.read_text() + "0000.jpg,test,other\n")
    with pytest.raises(DataError, match=r"row 8: a second '0000.jpg'"):
        read_split(path)


def test_a_missing_half_is_named(tmp_path: Path) -> None:
    path = edited(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"split.csv is missing"):
        read_split(path)
