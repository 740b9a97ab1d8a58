"""How many epochs TPE with pruning needs to find a grid's best: replayed from the grid's curves.

    osteon tune DATA --recipe types12-cnn --pruner none --out GRID
    python -m benchmarks.search_replay GRID --name naive

Every combination of the grid was trained to its end once; here a search asks for combinations and
is given their curves epoch by epoch, through the same sampler and pruner as ``osteon tune``. It
stops when a trial reaches the grid's best score; epochs are counted up to there.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import write_result

from osteon.searched import Tuning, read_tuning
from osteon.space import Choices
from osteon.study import asked, open_study, suggested, tried_before

MOST_TRIALS = 200


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("grid", type=Path, help="folder of a finished grid search")
    words.add_argument("--name", default="grid", help="of this grid, for the file of figures")
    words.add_argument("--sampler", default="tpe")
    words.add_argument("--pruners", default="halving,median,none")
    words.add_argument("--seeds", type=int, default=5)
    told = words.parse_args()
    found = read_tuning(told.grid)
    whole = sum(len(trial.curve) for trial in found.trials)
    rows = []
    for pruner in told.pruners.split(","):
        used = [epochs_needed(found, told.sampler, pruner, seed) for seed in range(told.seeds)]
        share = statistics.median(used) / whole
        rows.append({"pruner": pruner, "epochs": used, "median_share_of_grid": round(share, 3)})
        print(rows[-1], flush=True)
    figures = {
        "trials": len(found.trials),
        "epochs_of_grid": whole,
        f"best_{found.metric}": found.optimism.best,
        "sampler": told.sampler,
        "replayed": rows,
    }
    command = (
        f"python -m benchmarks.search_replay {told.grid.name} --name {told.name} "
        f"--sampler {told.sampler} --pruners {told.pruners} --seeds {told.seeds}"
    )
    name = f"reproductions/search_replay-{told.name}"
    write_result(name, command, figures, {"optuna": version("optuna")})


def epochs_needed(found: Tuning, sampler: Any, pruner: Any, seed: int) -> int:
    import optuna

    losing = found.metric.endswith("_loss")
    curves = {tuple(sorted(trial.values.items())): trial.curve for trial in found.trials}
    names = sorted(found.trials[0].values)
    space: Mapping[str, Choices] = {
        name: Choices(values=tuple(sorted({trial.values[name] for trial in found.trials})))
        for name in names
    }
    with tempfile.TemporaryDirectory() as place:
        study = open_study(
            f"journal:{place}/study.log",
            "replay",
            direction="minimize" if losing else "maximize",
            pruner=pruner,
        )
        used = 0
        for _ in range(MOST_TRIALS):
            trial = asked(study, space, sampler, seed, "replay")
            assert trial is not None  # of a grid alone it could be
            chosen = tuple(sorted(suggested(trial, space).items()))
            curve = [value for value in curves[chosen] if value is not None]
            twin = tried_before(trial)
            if twin is not None:  # nothing is trained twice
                for step, value in twin.intermediate_values.items():
                    trial.report(value, step)
                complete = twin.state is optuna.trial.TrialState.COMPLETE
                study.tell(trial, twin.value if complete else None, state=twin.state)
                continue
            best = None
            for epoch, value in enumerate(curve, start=1):
                used += 1
                best = value if best is None else (min if losing else max)(best, value)
                if best == found.optimism.best:
                    return used
                trial.report(value, epoch)
                if trial.should_prune():
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    break
            else:
                assert best is not None
                study.tell(trial, best)
    return used


if __name__ == "__main__":
    main()
