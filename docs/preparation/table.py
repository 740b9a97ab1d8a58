"""Prints the tables of docs/preparation.md from the raw results beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("*.json")):
        told = json.loads(path.read_text())
        print(
            f"**{told['data']}**: {told['n_films']:,} films, {told['n_groups']:,} groups, "
            f"{told['n_classes']} classes, {told['n_folds']} folds, {told['size_px']} px\n"
        )
        print("| steps | films changed | AUROC | minus none | accuracy, % | minus none |")
        print("| --- | --- | --- | --- | --- | --- |")
        for variant in told["variants"]:
            scores, gains = variant["scores"], variant["gains"]
            cells = [
                "all five" if len(variant["steps"]) > 1 else "".join(variant["steps"]) or "none",
                f"{variant['n_changed']:,}",
                shown(scores["auroc"], 1, 3),
                shown(gains["auroc"], 1, 3) if variant["steps"] else "",
                shown(scores["accuracy"], 100, 1),
                shown(gains["accuracy"], 100, 1) if variant["steps"] else "",
            ]
            print(f"| {' | '.join(cells)} |")
        print()


def shown(estimate: dict[str, Any], unit: float, digits: int) -> str:
    value, low, high = (unit * estimate[name] for name in ("value", "low", "high"))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    main()
