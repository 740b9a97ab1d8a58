"""Splits as publications make them: films drawn one by one, whatever belongs together.

They exist to be compared with an honest split (``osteon reproduce``) and for nothing else; each
carries the names of the films that leak.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

from osteon.errors import DataError
from osteon.types import Manifest, Split


def split_by_film(
    manifest: Manifest,
    *,
    groups: Mapping[str, str],
    fractions: tuple[float, float, float],
    seed: int = 0,
    exclude: Collection[str] = frozenset(),
) -> Split:
    """Labelled films at random into train, val and test; a share of 0 gives an empty part.

    ``leaked`` names the films of val and test that have a copy, patient or study in a part before
    theirs. Raises DataError where there are too few films for the shares.
    """
    films = sorted(manifest.radiographs, key=lambda film: film.id)
    ids = [film.id for film in films if film.label is not None and film.id not in exclude]
    random.Random(seed).shuffle(ids)
    n_test, n_val = (round(share * len(ids)) for share in (fractions[2], fractions[1]))
    test, val, train = ids[:n_test], ids[n_test : n_test + n_val], ids[n_test + n_val :]
    if not train or not val:
        raise DataError(f"{len(ids)} readable films with a label are too few to split.")
    in_train = {groups[id_] for id_ in train}
    in_val = {groups[id_] for id_ in val}
    leaked = [id_ for id_ in val if groups[id_] in in_train]
    leaked += [id_ for id_ in test if groups[id_] in in_train | in_val]
    return Split(
        train=tuple(sorted(train)),
        val=tuple(sorted(val)),
        test=tuple(sorted(test)),
        groups={id_: groups[id_] for id_ in ids},
        manifest_digest=manifest.digest,
        origin="by_film",
        seed=seed,
        despite_leaks=bool(leaked),
        leaked=tuple(sorted(leaked)),
    )
