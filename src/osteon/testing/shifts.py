"""What every shift must hold, a new file in ``osteon.shifts`` too."""

from __future__ import annotations

import numpy as np

from osteon.shifts import Film, Shift, chance, shifted


def a_film(height: int = 120, width: int = 90) -> Film:
    """A forearm of sorts: open beam, flesh, two bones with marrow, some fine structure."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across = (x - width / 2) / width
    flesh = np.sqrt(np.maximum(0.09 - across**2, 0)) * 1.2
    bones = sum(np.exp(-(((across - at) / 0.05) ** 2)) for at in (-0.12, 0.1))
    fine = 0.02 * np.sin(x * 1.7) * np.sin(y * 1.3) * (flesh > 0)
    gray = 0.03 + flesh + 0.45 * bones * (0.8 + 0.2 * y / height) + fine
    return np.asarray(np.clip(gray, 0, 1), np.float32)


def check_shift(shift: Shift) -> None:
    """Raises AssertionError where a shift does not hold what all of them promise."""
    assert shift.title, "a title"
    assert shift.quantity, "what a strength measures"
    assert len(shift.source) > 15, "a source that a reader can look up"
    assert len(shift.strengths) in (1, 5), "five strengths, or yes and no"
    assert len(set(shift.strengths)) == len(shift.strengths), "different strengths"
    steps = np.diff(shift.strengths)
    assert (steps > 0).all() or (steps < 0).all(), "strengths in one direction"
    assert shift.unit or len(shift.strengths) == 1, "a unit"
    for film in (a_film(), a_film(61, 200), np.zeros((40, 40), np.float32), a_film() * 0 + 1):
        before = film.copy()
        for strength in shift.strengths:
            made = shift.apply(film, strength, chance(0, "a", shift.name))
            again = shift.apply(film, strength, chance(0, "a", shift.name))
            assert made.shape == film.shape, f"{shift.name} keeps the frame"
            assert made.dtype == np.float32, f"{shift.name} gives float32"
            assert np.isfinite(made).all(), f"{shift.name} gives numbers"
            assert made.min() >= -1e-6, f"{shift.name} stays above 0"
            assert made.max() <= 1 + 1e-6, f"{shift.name} stays below 1"
            assert np.array_equal(made, again), f"{shift.name} repeats"
            assert np.array_equal(film, before), f"{shift.name} leaves its film alone"
    bars = np.zeros((120, 120), np.uint8)
    bars[:, 15:105] = np.rint(a_film() * 255)
    done = shifted(bars, shift, shift.strengths[-1], chance(0, "a", shift.name))
    assert not done[:, :15].any(), f"{shift.name} leaves the letterbox's bars black"
    assert (done != bars).any(), f"{shift.name} does something"
