"""The audit's time against that of merely decoding the same files with Pillow, in one run.

    python benchmarks/audit_speed.py ../shared/data/multiregion --rounds 5

Both go over the same files in turn, each in a process of its own and without any cache of osteon's,
so that neither profits from the other. Prints the median seconds, the ratio and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path


def audited(folder: Path) -> None:
    from osteon.looking import look_at

    look_at(folder)


def decoded_by_pillow(folder: Path) -> None:
    from PIL import Image

    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                with Image.open(path) as film:
                    film.load()
            except (OSError, ValueError, SyntaxError):
                continue  # what Pillow cannot read costs it less time, not more


WAYS = {"osteon": audited, "pillow": decoded_by_pillow}


def measured(way: str, folder: Path) -> tuple[float, float]:
    """Seconds inside the process, after its imports began, and peak memory in MB."""
    done = subprocess.run(
        [sys.executable, __file__, str(folder), "--way", way],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak_mb = json.loads(done.stdout)
    return seconds, peak_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--way", choices=WAYS)
    given = parser.parse_args()
    if given.way:
        begun = time.perf_counter()
        WAYS[given.way](given.folder)
        seconds = time.perf_counter() - begun
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps([seconds, peak_kb / 1024]))
        return
    rounds = [{way: measured(way, given.folder) for way in WAYS} for _ in range(given.rounds + 1)]
    counted = rounds[1:]  # the first fills the file system's cache
    for way in WAYS:
        seconds = statistics.median(one[way][0] for one in counted)
        print(f"{way}: {seconds:.2f} s, {max(one[way][1] for one in counted):.0f} MB")
    ratio = statistics.median(one["osteon"][0] / one["pillow"][0] for one in counted)
    print(f"osteon / pillow: {ratio:.2f}")


if __name__ == "__main__":
    main()
