"""A search inside each fold: what searching is worth on films that no search has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.predictions import write_predictions
from osteon.progress import say
from osteon.recipe import recipe_from_json
from osteon.repeats import repeated, repeated_differences
from osteon.searched import Nested
from osteon.train import train
from osteon.trials import films_for
from osteon.tune import COMPARED, METRIC_OF, Search, tune
from osteon.types import FilmFacts, Manifest, Predictions, Recipe, Split
from osteon.values import write_value

if TYPE_CHECKING:
    from osteon.prepare import Prepared


def nested(
    recipe: Recipe,
    search: Search,
    prepared: Prepared,
    manifest: Manifest,
    folds: Sequence[Split],
    out: Path,
    *,
    facts: Mapping[str, FilmFacts] | None = None,
) -> Nested:
    """A search inside each outer fold; winner and default are scored on the fold's test films,
    which no search has seen, and compared on all of them, paired.

    Varma and Simon, BMC Bioinformatics 7:91 (2006).
    """
    answers: dict[str, list[Predictions]] = {"winner": [], "default": []}
    verdicts, chosen, n_trials = [], [], []
    for number, fold in enumerate(folds, start=1):
        say(f"outer fold {number} of {len(folds)}")
        place = out / f"fold-{number}"
        found = tune(recipe, search, prepared, manifest, fold, place / "search", facts=facts)
        verdicts.append(found.verdict)
        n_trials.append(len(found.trials))
        chosen.append(next(t.values for t in found.trials if t.number == found.best))
        # More trials can have another winner, which is no training to go on with.
        sides = {"winner": f"winner-{found.best}", "default": "default"}
        for name, told in (("winner", found.best_recipe), ("default", found.recipe)):
            folder = place / sides[name]
            chosen_recipe = recipe_from_json(told)
            films = films_for(chosen_recipe, prepared, manifest, facts)
            classifier = train(chosen_recipe, films, manifest, fold, folder, resume=True)
            scored = classifier.predict_prepared(
                films, ids=fold.test, manifest=manifest, groups=fold.groups
            )
            write_predictions(scored, folder / "predictions-test.csv")
            answers[name].append(scored)
    metric = METRIC_OF[recipe.monitor]
    compared = tuple(dict.fromkeys((metric, *COMPARED)))
    # Figures are of each fold on its own: scores of two networks are not on one scale.
    winner, plain = answers["winner"], answers["default"]
    result = Nested(
        folds=len(folds),
        metric=metric,
        winner=repeated(compared, winner, of="fold"),
        default=repeated(compared, plain, of="fold"),
        gains=repeated_differences(compared, winner, plain, of="fold"),
        chosen=tuple(chosen),
        verdicts=tuple(verdicts),
        n_trials=tuple(n_trials),
    )
    write_value(out / "nested.json", result)
    return result
