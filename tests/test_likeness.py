"""Copies that were re-made are found again, and films of two patients are not called one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from osteon.errors import ResourceError
from osteon.inspection import inspect_films
from osteon.likeness.hashes import TURNS, hash_of, neighbours, turned_hashes
from osteon.likeness.judgement import is_one_exposure
from osteon.likeness.registration import Look, likeness
from osteon.likeness.search import find_copies
from osteon.likeness.signature import Signature, signature
from osteon.likeness.store import open_store
from osteon.phantom import PhantomPlan, make_phantoms
from osteon.pixels import decode
from osteon.progress import shown
from osteon.reading import read_source
from osteon.types import Copies, FilmFacts, Likeness, Manifest, Radiograph

Film = Image.Image
N = 8


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Film]:
    """Radiographs of twelve patients, regions and poses among them alike."""
    place = tmp_path_factory.mktemp("phantoms")
    make_phantoms(place, PhantomPlan(films=N, films_per_patient=1, size_px=320, seed=3))
    manifest = read_source(place)
    return [Image.fromarray(gray(decode(film.path).gray)) for film in manifest.radiographs]


def gray(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def found(place: Path, films: list[Film], copies: list[Film]) -> Copies:
    for folder, some in (("a", films), ("b", copies)):
        (place / folder).mkdir(exist_ok=True)
        for number, film in enumerate(some):
            film.save(place / folder / f"{number}.png")
    with open_store() as store:
        return find_copies(inspect_films(read_source(place), store=store), store)


# --- whole searches -------------------------------------------------------------------------------


def jpeg(film: Film) -> Film:
    buffer = io.BytesIO()
    film.save(buffer, "JPEG", quality=30)
    return Image.open(io.BytesIO(buffer.getvalue()))


def written_on(film: Film) -> Film:
    film = film.copy()
    ImageDraw.Draw(film).line((40, 60, 90, 110), fill=255, width=3)
    ImageDraw.Draw(film).text((20, 280), "L", fill=255, font_size=18)
    return film


def cropped(film: Film) -> Film:
    return film.crop((round(0.1 * film.width), 0, film.width, round(0.9 * film.height)))


CHANGES: dict[str, Callable[[Film], Film]] = {
    "jpeg": jpeg,
    "half": lambda film: film.resize((film.width // 2, film.height // 2)),
    "brighter": lambda film: film.point(lambda value: 0.8 * value + 20),
    "gamma": lambda film: film.point([round(255 * (v / 255) ** 1.4) for v in range(256)]),
    "inverted": ImageOps.invert,
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "quarter": lambda film: film.transpose(Image.Transpose.ROTATE_90),
    "turned": lambda film: film.rotate(31, Image.Resampling.BICUBIC),
    "turned whole": lambda film: film.rotate(-74, Image.Resampling.BICUBIC, expand=True),
    "cropped": cropped,
    "margins": lambda film: ImageOps.expand(film, 30, fill=0),
    "blurred": lambda film: film.filter(ImageFilter.GaussianBlur(1)),
    "written on": written_on,
    "all at once": lambda film: jpeg(
        cropped(ImageOps.mirror(film)).rotate(12, Image.Resampling.BICUBIC)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_re_made_copies_are_found_and_nothing_else(
    change: str, films: list[Film], tmp_path: Path
) -> None:
    copies = found(tmp_path, films, [CHANGES[change](film) for film in films])
    pairs = {(Path(copy.one).stem, Path(copy.other).stem) for copy in copies.same}
    assert all(one == other for one, other in pairs)
    assert len(pairs) >= (N // 2 if change == "all at once" else N - 1)


def test_patients_of_one_pose_are_not_called_one(tmp_path: Path) -> None:
    plan = PhantomPlan(films=30, films_per_patient=1, size_px=320, regions=("hand",))
    make_phantoms(tmp_path, plan)
    with open_store() as store:
        copies = find_copies(inspect_films(read_source(tmp_path), store=store), store)
    assert copies.same == ()


def test_films_of_two_named_patients_need_more(films: list[Film], tmp_path: Path) -> None:
    for name, film in (("a", films[0]), ("b", ImageOps.mirror(films[0])), ("c", jpeg(films[0]))):
        film.save(tmp_path / f"{name}.png")
    with open_store() as store:
        facts = {
            path.name: one
            for path in sorted(tmp_path.glob("*.png"))
            for one in inspect_films(manifest_of(path), store=store).values()
        }
        of_one = find_copies(facts, store, patients=dict.fromkeys(facts, "P"))
        of_three = find_copies(facts, store, patients={name: name for name in facts})
    assert len(of_one.same) == 3
    assert {(copy.one, copy.other) for copy in of_three.same} == {("a.png", "b.png")}
    # One exposure under two names, it may be: for a person to look at.
    assert {(copy.one, copy.other) for copy in of_three.similar} <= {
        ("a.png", "c.png"),
        ("b.png", "c.png"),
    }
    assert of_three.similar


def manifest_of(path: Path) -> Manifest:
    film = Radiograph(id=path.name, path=path, label=0)
    return Manifest(
        root=path.parent, source="s", recognised_by="r", classes=("x",), radiographs=(film,)
    )


def test_what_was_done_is_told(films: list[Film], tmp_path: Path) -> None:
    turned = films[0].rotate(40, Image.Resampling.BICUBIC, expand=True)
    (copy,) = found(tmp_path, films[:1], [ImageOps.invert(ImageOps.mirror(turned))]).same
    assert copy.how.mirrored
    assert copy.how.inverted
    assert abs(abs(copy.how.rotation_deg) - 40) < 2
    assert copy.how.stretch == pytest.approx(1, abs=0.03)


def test_the_answer_does_not_hang_on_order_or_workers(films: list[Film], tmp_path: Path) -> None:
    found(tmp_path, films, [film.rotate(20) for film in films])
    manifest = read_source(tmp_path)
    answers = []
    for workers in (1, 3):
        with open_store() as store:
            facts = inspect_films(manifest, store=store, workers=workers)
            facts = dict(sorted(facts.items(), reverse=workers == 3))
            answers.append(find_copies(facts, store, workers=workers))
    assert answers[0] == answers[1]
    assert answers[0].same


# --- what is known already ------------------------------------------------------------------------


def looked_at(place: Path, cache: Path) -> tuple[dict[str, FilmFacts], Copies]:
    with open_store(cache) as store:
        facts = inspect_films(read_source(place), cache=cache, store=store)
        return facts, find_copies(facts, store)


def test_nothing_is_compared_twice(
    films: list[Film], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, cache = tmp_path / "films", tmp_path / "cache"
    place.mkdir()
    found(place, films[:6], [ImageOps.mirror(film) for film in films[:6]])
    _, before = looked_at(place, cache)
    compared = []

    def counted(one: Look, other: Look) -> Likeness | None:
        compared.append(1)
        return likeness(one, other)

    monkeypatch.setattr("osteon.likeness.search.likeness", counted)
    assert looked_at(place, cache)[1] == before
    assert not compared
    films[7].save(place / "a" / "7.png")
    ImageOps.flip(films[7]).save(place / "b" / "7.png")
    _, after = looked_at(place, cache)
    assert {copy.one for copy in after.same} - {copy.one for copy in before.same} == {"a/7.png"}
    assert len(compared) < 40  # the pairs of the two new films alone


@pytest.mark.parametrize("whole_bytes", [0, 8192])  # of the file: its head may be left
def test_a_spoilt_store_costs_time_and_nothing_else(
    films: list[Film], tmp_path: Path, whole_bytes: int
) -> None:
    place, cache = tmp_path / "films", tmp_path / "cache"
    place.mkdir()
    found(place, films[:4], [ImageOps.mirror(film) for film in films[:4]])
    facts, before = looked_at(place, cache)
    (base,) = (cache / "likeness").glob("*.sqlite")
    spoilt = b"this is no data base" * 1000
    base.write_bytes(base.read_bytes()[:whole_bytes] + spoilt)
    assert looked_at(place, cache) == (facts, before)
    with open_store(cache) as store:  # it was begun anew
        assert len(store.known()) == 8


def test_a_store_that_is_spoilt_further_in_is_named(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store._bases[0].execute("drop table compared")
        store._bases[0].execute("create view compared as select * from abs")
        with pytest.raises(ResourceError, match=r"cache of films .*\.sqlite cannot be read"):
            store.compared("00", "01")


def test_a_full_store_costs_time_and_nothing_else(
    films: list[Film], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, cache = tmp_path / "films", tmp_path / "cache"
    place.mkdir()
    found(place, films[:4], [ImageOps.mirror(film) for film in films[:4]])
    facts, before = looked_at(place, tmp_path / "another cache")
    with open_store(cache) as store, shown():
        pages = store._bases[0].execute("pragma page_count").fetchone()[0]
        store._bases[0].execute(f"pragma max_page_count = {pages}")  # SQLite's own "disk is full"
        assert inspect_films(read_source(place), store=store) == facts
        assert find_copies(facts, store) == before
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("The cache of films cannot be written (database or disk is full)") == 1


def test_signatures_survive_the_store(films: list[Film]) -> None:
    made = signature(np.asarray(films[0]))
    again = Signature.from_bytes(made.to_bytes())
    assert (again.picture == made.picture).all()
    assert (again.codes == made.codes).all()
    assert again.hash == made.hash
    np.testing.assert_allclose(again.points, made.points, atol=0.07)


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (64, 64)])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_empty_films_have_signatures(shape: tuple[int, int], value: int) -> None:
    made = signature(np.full(shape, value, np.uint8))
    assert len(made.points) == len(made.codes)
    assert max(made.picture.shape) == 160


def test_sixteen_bits_are_the_same_film_as_eight(films: list[Film]) -> None:
    eight = np.asarray(films[0])
    shallow, deep = signature(eight), signature(eight.astype(np.uint16) * 257)
    assert (shallow.picture == deep.picture).all()


# --- hashes ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=0, max_size=12),
    flips=st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=6))),
    within=st.integers(0, 5),
)
def test_neighbours_are_those_of_all_pairs(
    seeds: list[int], flips: list[tuple[int, list[int]]], within: int
) -> None:
    hashes = list(seeds)
    for base, bits in flips:
        if base < len(seeds):
            value = seeds[base]
            for bit in bits:
                value ^= 1 << bit
            hashes.append(value)
    expected = {(i, j) for j in range(len(hashes)) for i in range(j)
                if (hashes[i] ^ hashes[j]).bit_count() <= within}  # fmt: skip
    pairs = neighbours(np.array(hashes, np.uint64), within=within).tolist()
    assert len(pairs) == len(expected)
    assert {tuple(pair) for pair in pairs} == expected


def test_the_hashes_of_turned_films_are_known_without_turning(films: list[Film]) -> None:
    picture = np.asarray(films[0])[:200, :260]
    for hash_, (transposed, across, down) in zip(turned_hashes(picture), TURNS, strict=True):
        turned = picture.T if transposed else picture
        turned = turned[:, ::-1] if across else turned
        turned = np.ascontiguousarray(turned[::-1] if down else turned)
        assert (int(hash_) ^ hash_of(turned)).bit_count() <= 2


# --- what counts ----------------------------------------------------------------------------------


def how(**said: float) -> Likeness:
    plain: dict[str, object] = {
        "correlation": 0.95, "median": 0.95, "overlap": 1.0, "cover": 1.0, "rotation_deg": 0.0,
        "scale": 1.0, "stretch": 1.0, "mirrored": False, "inverted": False,
    }  # fmt: skip
    return Likeness(**{**plain, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "same"),
    [
        (how(), True),
        (how(correlation=0.82, median=0.81), True),  # saved anew, in other grays
        (how(correlation=0.82, median=0.81, cover=0.8), True),  # and cropped, px on px
        (how(correlation=0.82, median=0.81, cover=0.8, scale=1.1), False),
        (how(correlation=0.82, median=0.81, rotation_deg=17), True),  # and turned
        (how(correlation=0.82, median=0.81, rotation_deg=17, stretch=1.02), False),
        (how(correlation=0.75, median=0.9), False),
        (how(correlation=0.91, median=0.7, cover=0.3, rotation_deg=17, scale=2), True),
        (how(overlap=0.4), False),
        (how(overlap=0.6), True),
        (how(overlap=0.6, correlation=0.9), False),
        (how(overlap=0.6, stretch=1.4), True),
        (how(overlap=0.6, stretch=1.4, rotation_deg=20), False),
        (how(correlation=0.92, stretch=1.4), True),  # saved in other proportions
        (how(correlation=0.92, stretch=1.4, rotation_deg=90.3), True),
        (how(correlation=0.91, stretch=1.4, cover=0.8), True),
        (how(correlation=0.91, stretch=1.4, cover=0.8, median=0.85), False),
        (how(correlation=0.88, stretch=1.4, rotation_deg=20), False),  # one long bone on another
    ],
)
def test_more_is_asked_where_chance_could_do_as_well(seen: Likeness, same: bool) -> None:
    assert is_one_exposure(seen) == same


def test_a_film_whose_blobs_all_reach_over_its_edge_has_no_keypoints() -> None:
    """It once ended the inspection of the whole folder."""
    draw = np.random.default_rng(0)
    film = np.zeros((160, 160), np.uint8)
    film[:6] = draw.integers(60, 200, (6, 160))
    film[:, :6] = draw.integers(60, 200, (160, 6))
    made = signature(film)
    assert made.points.shape == (0, 3)
    assert made.codes.shape == (0, 32)
    assert Signature.from_bytes(made.to_bytes()).hash == made.hash
