"""Connected components, copies and groups, against scipy and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from osteon.clusters import connected, copy_clusters, group_films, sharing
from tests.evidence import facts_of, film, manifest_of

LINKS = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), max_size=25)


@given(links=LINKS)
def test_components_are_those_of_scipy(links: list[list[int]]) -> None:
    ids = [f"{n:02d}" for n in range(31)]
    mine = connected(ids, [[ids[n] for n in link] for link in links])
    edges = np.array([(link[0], n) for link in links for n in link]).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(31, 31))
    _, theirs = connected_components(graph, directed=False)
    names = [min(ids[m] for m in range(31) if theirs[m] == theirs[n]) for n in range(31)]
    assert [mine[id_] for id_ in ids] == names


@given(links=LINKS)
def test_names_do_not_depend_on_the_order(links: list[list[int]]) -> None:
    ids = [f"{n:02d}" for n in range(31)]
    named = [[ids[n] for n in link] for link in links]
    backwards = connected(reversed(ids), [link[::-1] for link in reversed(named)])
    assert connected(ids, named) == backwards


def test_none_is_no_key() -> None:
    assert sharing({"b": "x", "a": "x", "c": None, "d": None, "e": "y"}) == [["a", "b"]]


def test_bytes_and_pixels_make_one_cluster_named_after_its_smallest_id() -> None:
    manifest = manifest_of(*(film(f"{name}.png") for name in "edcba"))
    facts = facts_of(manifest, bytes_={"e.png": "1", "b.png": "1"})
    facts["c.png"] = replace(facts["c.png"], pixel_digest=facts["e.png"].pixel_digest)
    assert copy_clusters(facts) == dict.fromkeys(("b.png", "c.png", "e.png"), "b.png")


def test_unreadable_films_are_in_no_cluster() -> None:
    manifest = manifest_of(film("a.png"), film("b.png"), film("c.png"))
    facts = facts_of(
        manifest,
        bytes_=dict.fromkeys(("a.png", "b.png"), "half"),
        faults=dict.fromkeys(("a.png", "b.png"), "truncated: ..."),
    )
    assert copy_clusters(facts) == {}


def test_a_study_joins_a_film_without_a_patient_to_its_patient() -> None:
    manifest = manifest_of(
        film("a.png", patient_id="P", study_id="S"),
        film("b.png", study_id="S"),
        film("c.png", patient_id="P"),
        film("d.png", patient_id="Q"),
        film("e.png"),
        film("f.png"),
    )
    groups = group_films(manifest, {"d.png": "copies", "e.png": "copies"})
    assert groups == {
        "a.png": "a.png", "b.png": "a.png", "c.png": "a.png",
        "d.png": "d.png", "e.png": "d.png",
        "f.png": "f.png",
    }  # fmt: skip
