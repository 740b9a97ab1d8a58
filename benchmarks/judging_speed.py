"""Seconds of processor time to judge subgroups and studies of many films.

    python -m benchmarks.judging_speed --films 10000

Made-up scores of two classes: 24 subgroups (12 columns of two values), a film a group, and studies
of two films. One process, each way once; it is computing alone, without any file.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from benchmarks.side_by_side import write_result

from osteon.fusion import fuse
from osteon.subgroups import subgroups
from osteon.types import OperatingPoint, Predictions

COLUMNS = 12
POINT = OperatingPoint(threshold=0.5, rule="sensitivity >= 0.90")


def made_up(n: int, *, seed: int = 0, groups: list[str] | None = None) -> Predictions:
    """Two classes, one film in five positive."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.2).astype(np.int64)
    positive = 1 / (1 + np.exp(-rng.normal(1.8 * labels - 1, 1)))
    ids = tuple(f"film-{at:06d}" for at in range(n))
    return Predictions(
        ids=ids,
        labels=labels,
        scores=np.stack([1 - positive, positive], axis=1),
        groups=tuple(groups) if groups else ids,
        classes=("normal", "broken"),
        part="test",
    )


def attributes_of(ids: tuple[str, ...], *, columns: int) -> dict[str, dict[str, tuple[str, ...]]]:
    rng = np.random.default_rng(1)
    return {
        f"column {c:02d}": {
            id_: ("yes" if one else "no",)
            for id_, one in zip(ids, rng.random(len(ids)) < 0.1 + 0.03 * c, strict=True)
        }
        for c in range(columns)
    }


def timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure(n: int) -> dict[str, float]:
    """Seconds of each."""
    films = made_up(n)
    known = attributes_of(films.ids, columns=COLUMNS)
    study_of = {id_: f"study-{at // 2}" for at, id_ in enumerate(films.ids)}
    other = made_up(max(n // 5, 100), seed=2)
    study_of |= {id_: f"study-{at // 2}" for at, id_ in enumerate(other.ids)}
    subgroups(made_up(200), attributes_of(made_up(200).ids, columns=1), n_resamples=50)  # imports
    return {
        "subgroups": timed(lambda: subgroups(films, known, point=POINT)),
        "studies": timed(lambda: fuse(films, other, study_of, point=POINT)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    given = parser.parse_args()
    figures = {"films": given.films} | {
        f"{name}_cpu_s": round(seconds, 1) for name, seconds in measure(given.films).items()
    }
    write_result("judging", f"python -m benchmarks.judging_speed --films {given.films}", figures)


if __name__ == "__main__":
    main()
