"""On small tables one thread works, whatever was loaded before."""

from __future__ import annotations

import os
import subprocess
import sys

WITHIN = """
from osteon.parallel import one_thread
with one_thread():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_info
    print(*(pool["num_threads"] for pool in threadpool_info()))
print(*(pool["num_threads"] for pool in threadpool_info()))
"""


def test_one_thread_reaches_what_is_loaded_later() -> None:
    two = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", WITHIN], env=two, capture_output=True, text=True, check=True
    )
    within, after = done.stdout.splitlines()
    assert set(within.split()) == {"1"}
    assert "2" in after.split()
