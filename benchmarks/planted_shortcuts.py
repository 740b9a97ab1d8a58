"""Shortcuts planted in phantoms: how often each is flagged, and how often one that is not there.

    python benchmarks/planted_shortcuts.py --seeds 20 --films 120

Markers that are there only when fractured (``plants.marker_shortcut``) against the same films with
markers by chance. Copies are not looked for: each film is of its own patient.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from osteon.audit import audit
from osteon.inspection import inspect_films
from osteon.phantom import PhantomPlan, make_phantoms
from osteon.phantom.plan import Plants
from osteon.reading import read_source
from osteon.shortcuts import find_shortcuts


def flagged(plan: PhantomPlan, folder: Path) -> list[str]:
    """The messages of all shortcuts that are flagged in phantoms of ``plan``."""
    manifest = read_source(make_phantoms(folder / "films", plan, workers=1))
    facts = inspect_films(manifest, workers=1)
    found = find_shortcuts(manifest, facts=facts, cache=folder / "cache")
    findings = audit(manifest, facts=facts, shortcuts=found, checks=["shortcuts"]).findings
    return [finding.message for finding in findings if finding.severity == "warning"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--films", type=int, default=120)
    parser.add_argument("--size", type=int, default=192)
    asked = parser.parse_args()
    for name, share in (("absent", 0.0), ("planted", 1.0)):
        seen: Counter[bool] = Counter()
        for seed in range(asked.seeds):
            plan = PhantomPlan(
                films=asked.films,
                films_per_patient=1,
                size_px=asked.size,
                seed=seed,
                plants=Plants(marker_shortcut=share),
            )
            with tempfile.TemporaryDirectory() as folder:
                messages = flagged(plan, Path(folder))
            seen[len(messages) > 0] += 1
            print(name, seed, *messages, sep="\n    ", flush=True)
        print(f"{name}: flagged in {seen[True]} of {asked.seeds}", flush=True)


if __name__ == "__main__":
    main()
