"""The mean log-odds of several out-of-fold scores of the same films.

python -m benchmarks.experiments.combine A.csv B.csv --name both --out FOLDER --against A.csv
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from benchmarks.experiments.judged import mean_of_log_odds, told

from osteon.predictions import read_predictions, selected, write_predictions
from osteon.types import Predictions


def combined(all_of: list[Predictions]) -> Predictions:
    """In the order of the first; the others may have the films in another one."""
    first = all_of[0]
    scores = []
    for each in all_of:
        place = {id_: at for at, id_ in enumerate(each.ids)}
        scores.append(selected(each, [place[id_] for id_ in first.ids]).scores)
    return replace(first, scores=mean_of_log_odds(scores))


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("scores", type=Path, nargs="+")
    reader.add_argument("--name", required=True)
    reader.add_argument("--out", type=Path, required=True)
    reader.add_argument("--against", type=Path, nargs="*", default=[])
    asked = reader.parse_args()
    known = {path: read_predictions(path, part="out-of-fold") for path in asked.scores}
    others = {path.stem: read_predictions(path, part="out-of-fold") for path in asked.against}
    figures = [json.loads(path.with_suffix(".json").read_text()) for path in asked.scores]
    spent = sum(each["cpu_s"] for each in figures)
    path = asked.out / f"{asked.name}.csv"
    both = combined(list(known.values()))
    write_predictions(both, path)
    facts = {"data": figures[0]["data"], "cpu_s": spent, "of": [p.stem for p in asked.scores]}
    told(path, both, [], others, facts)


if __name__ == "__main__":
    main()
