"""What it costs to bring films to the network, in one run.

    python benchmarks/data_path.py FOLDER --rounds 5

Three questions. Preparing: the films of FOLDER decoded and placed as ``osteon prepare`` does,
against Pillow's ``convert("RGB").resize``, both on one thread, by processor time. Waiting: the
share of a training epoch in which the loop waits for its next batch. Overhead: an epoch against
forward, backward and step alone on batches that already lie in memory, by processor time. Without
FOLDER it makes phantoms of its own (JPEG).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from side_by_side import interleaved, phantoms, ratio, write_result
from torch import nn
from torch.nn import functional

from osteon import fit as fit_module
from osteon.allocator import memory_kept
from osteon.audit import inspect
from osteon.errors import UnreadableFilm
from osteon.fit import fit
from osteon.loading import load_square
from osteon.manifest import read_source
from osteon.optimise import make_optimiser
from osteon.prepare import Prepared, prepare
from osteon.recipe import named_recipe
from osteon.types import Manifest, PixelRules, Recipe, Split

BATCH_SIZES = {"small-cnn": 32, "finetune": 16}
