"""How small a fracture is still found: sensitivity by the size of the annotated box.

The size of a film's fracture is the share of the film's area that its largest box covers.

Legend: N films with a box, B resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import UsageError
from osteon.metrics import METRICS
from osteon.operating_point import answers_at
from osteon.placement import placement
from osteon.statistics import RESAMPLES, estimates, percentiles, resamples
from osteon.types import (
    Box,
    Estimate,
    FilmFacts,
    Manifest,
    OperatingPoint,
    PixelRules,
    Predictions,
    Radiograph,
)

if TYPE_CHECKING:
    from osteon.types import Floats

FEWEST = 30  # films with a box, for bands and a curve
BANDS = 3
POINTS = 25  # of the curve
RIDGE = 1e-3  # on the slope, so that sizes that part found from missed whole give no infinite one
STEPS = 40  # of Newton's method
LEAST = 1e-5  # share of a film's area: what is smaller is less than a few px


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeBand:
    """Fractures whose box covers ``low`` to ``high`` of the film's area."""

    low: float
    high: float
    found: Estimate  # sensitivity
    median_side_px: float | None  # long side of the box on the prepared square
    median_side_mm: float | None  # in the plane of the detector, where the source tells the spacing


@dataclass(frozen=True, kw_only=True, slots=True)
class SizePoint:
    """Expected sensitivity at one size, with its 95 % interval."""

    share: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FractureSizes:
    """``slope``: change of the log odds of being found for a fracture of ten times the area."""

    n_fractured: int
    n_without_box: int
    answered_by: str
    bands: tuple[SizeBand, ...]
    curve: tuple[SizePoint, ...]
    slope: Estimate | None
    half_found_at: Estimate | None  # share of the film's area
    told: str


@dataclass(frozen=True, slots=True)
class _Boxed:
    """A film with a fracture box: its size as share of the film, its long side."""

    at: int
    share: float
    side_px: float | None
    side_mm: float | None


def fracture_sizes(
    predictions: Predictions,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    *,
    point: OperatingPoint | None = None,
    rules: PixelRules | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> FractureSizes | None:
    """Sensitivity in thirds of fracture size, and a logistic regression of "found" on the
    logarithm of the size, with grouped bootstrap intervals; None where no film has a box.

    ``facts`` give the size of each film. Of several classes a fracture is found where its film is
    answered right. With ``rules`` the boxes are also measured on the prepared square. Raises
    UsageError where ``point`` is given and there are more than two classes.
    """
    if point is not None and len(predictions.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    films = {film.id: film for film in manifest.radiographs}
    fractured = [
        at
        for at, (id_, label) in enumerate(zip(predictions.ids, predictions.labels, strict=True))
        if (label == 1 if len(predictions.classes) == 2 else label >= 0 and films[id_].boxes)
    ]
    boxed = list(_boxed(fractured, predictions, films, facts, rules))
    if not boxed:
        return None
    answers = answers_at(predictions.scores, point) if point else predictions.scores
    places = [film.at for film in boxed]
    found = (answers[places].argmax(1) == predictions.labels[places]).astype(np.float64)
    groups = [predictions.groups[at] for at in places]
    return _measured(boxed, found, groups, len(fractured), point, n_resamples, seed)


def _boxed(
    fractured: Sequence[int],
    predictions: Predictions,
    films: Mapping[str, Radiograph],
    facts: Mapping[str, FilmFacts],
    rules: PixelRules | None,
) -> Iterator[_Boxed]:
    for at in fractured:
        film, seen = films[predictions.ids[at]], facts.get(predictions.ids[at])
        if not film.boxes or seen is None or not seen.width_px or not seen.height_px:
            continue
        box = max(film.boxes, key=lambda box: box.width_px * box.height_px)
        share = box.width_px * box.height_px / (seen.width_px * seen.height_px)
        if share > 0:
            yield _Boxed(
                at, min(share, 1.0), _side_px(box, seen.width_px, seen.height_px, rules),
                _side_mm(box, film.spacing_mm),
            )  # fmt: skip


def _side_px(box: Box, width_px: int, height_px: int, rules: PixelRules | None) -> float | None:
    """Before any mending: zooming in makes it larger."""
    if rules is None:
        return None
    place = placement(width_px, height_px, rules)
    return max(
        box.width_px * place.to_width / place.from_width,
        box.height_px * place.to_height / place.from_height,
    )


def _side_mm(box: Box, spacing_mm: tuple[float, float] | None) -> float | None:
    if spacing_mm is None:
        return None
    return max(box.height_px * spacing_mm[0], box.width_px * spacing_mm[1])


def _measured(
    boxed: Sequence[_Boxed],
    found: Floats,
    groups: Sequence[str],
    n_fractured: int,
    point: OperatingPoint | None,
    n_resamples: int,
    seed: int,
) -> FractureSizes:
    shares = np.array([film.share for film in boxed])
    bands: list[SizeBand] = []
    curve: list[SizePoint] = []
    slope = half = None
    told = f"Only {len(boxed)} fractured films have a box: too few to say which sizes are missed."
    if len(boxed) >= FEWEST:
        bands = list(_bands(boxed, shares, found, groups, n_resamples, seed))
        if 0 < found.sum() < len(found):
            whole = fitted(shares, found, np.ones((1, len(found))))
            several = n_resamples if len(set(groups)) > 1 else 0
            drawn = np.concatenate([
                np.empty((0, 2)),
                *(fitted(shares, found, weights)
                  for weights in resamples(groups, resamples=several, seed=seed)),
            ])  # fmt: skip
            curve = list(_curve(shares, whole, drawn))
            slope, half = _slope_and_half(whole, drawn, len(found), len(set(groups)), n_resamples)
        told = _told(found, shares, slope, half)
    return FractureSizes(
        n_fractured=n_fractured,
        n_without_box=n_fractured - len(boxed),
        answered_by=point.rule if point else "the highest score",
        bands=tuple(bands),
        curve=tuple(curve),
        slope=slope,
        half_found_at=half,
        told=told,
    )


def _bands(
    boxed: Sequence[_Boxed],
    shares: Floats,
    found: Floats,
    groups: Sequence[str],
    n_resamples: int,
    seed: int,
) -> Iterator[SizeBand]:
    edges = np.quantile(shares, np.linspace(0, 1, BANDS + 1))
    band_of = np.searchsorted(edges[1:-1], shares, side="left")
    for band in range(BANDS):
        places = np.flatnonzero(band_of == band).tolist()
        if not places:
            continue
        answers = np.stack([1 - found[places], found[places]], axis=1)
        figure = estimates(
            {"sensitivity": METRICS["sensitivity"]}, np.ones(len(places), dtype=np.int64), answers,
            [groups[at] for at in places], n_resamples=n_resamples, seed=seed,
        )  # fmt: skip
        yield SizeBand(
            low=float(edges[band]),
            high=float(edges[band + 1]),
            found=figure["sensitivity"],
            median_side_px=_median([boxed[at].side_px for at in places]),
            median_side_mm=_median([boxed[at].side_mm for at in places]),
        )


def _median(sides: Sequence[float | None]) -> float | None:
    """None unless it is known of every film: of some alone it would be another third's."""
    known = [side for side in sides if side is not None]
    return float(np.median(known)) if known and len(known) == len(sides) else None


# --- the curve ------------------------------------------------------------------------------------


def fitted(shares: Floats, found: Floats, weights: Floats) -> Floats:
    """Logistic regression of ``found`` (N,) on log10 of ``shares`` (N,), once for each row of
    ``weights`` (B, N): intercept and slope (B, 2); Newton's method with a slight ridge."""
    x = np.log10(shares)
    centre = x.mean()
    design = np.stack([np.ones_like(x), x - centre])  # (2, N)
    made = np.zeros((len(weights), 2))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(made @ design, -30, 30)))  # (B, N)
        slope = (weights * (found - chance)) @ design.T - [0.0, RIDGE] * made
        spread = weights * chance * (1 - chance)
        curve = np.einsum("bn,in,jn->bij", spread, design, design, optimize=True)
        curve = curve + np.diag([1e-9, RIDGE])
        step = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        made = made + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-9:
            break
    return np.stack([made[:, 0] - made[:, 1] * centre, made[:, 1]], axis=1)


def _curve(shares: Floats, whole: Floats, drawn: Floats) -> Iterator[SizePoint]:
    low, high = np.quantile(np.log10(shares), [0.02, 0.98])
    for x in np.linspace(low, high, POINTS):
        value = _chance(whole, x)[0]
        ends = percentiles(_chance(drawn, x))
        yield SizePoint(share=float(10**x), value=float(value), low=ends[0], high=ends[1])


def _chance(model: Floats, x: float) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(model[:, 0] + model[:, 1] * x, -30, 30)))
    return chance


def _slope_and_half(
    whole: Floats, drawn: Floats, n: int, n_groups: int, n_resamples: int
) -> tuple[Estimate, Estimate | None]:
    method = f"logistic regression, grouped bootstrap, {n_resamples:,} resamples, percentile"
    low, high = percentiles(drawn[:, 1])
    slope = Estimate(
        value=float(whole[0, 1]), low=low, high=high, n=n, n_groups=n_groups, method=method
    )
    if low is None or low <= 0:
        return slope, None
    low, high = percentiles(_half(drawn))
    value = float(_half(whole)[0])
    return slope, Estimate(value=value, low=low, high=high, n=n, n_groups=n_groups, method=method)


def _half(model: Floats) -> Floats:
    """Where half are found, as share of the film's area; NaN without a rising curve."""
    rising = model[:, 1] > 0
    exponent = np.divide(-model[:, 0], model[:, 1], out=np.full(len(model), np.nan), where=rising)
    half: Floats = 10.0 ** np.clip(exponent, -30, 30)
    return half


def _told(found: Floats, shares: Floats, slope: Estimate | None, half: Estimate | None) -> str:
    if slope is None:
        return f"{'All' if found.all() else 'None'} of the {len(found):,} are found."
    if half is None or half.value is None:
        falling = slope.high is not None and slope.high < 0
        return (
            "Large fractures are missed more often than small ones."
            if falling
            else "It is not shown that small fractures are missed more often than large ones."
        )
    first = "Small fractures are missed more often than large ones."
    if half.value < shares.min():
        return f"{first} Even of the smallest here more than half are found."
    if half.value > shares.max():
        return f"{first} Even of the largest here more than half are missed."
    ends = (
        f" (95 % interval {_percent(half.low)} to {_percent(half.high)})"
        if half.low is not None and half.high is not None
        else ""
    )
    return (
        f"{first} Of those that cover {_percent(half.value)} of the film{ends} half are found; of "
        "smaller ones, fewer."
    )


def _percent(share: float) -> str:
    """Of the film's area: an end of an interval may lie beyond all of it."""
    if share > 1:
        return "over 100 %"
    return f"{in_percent(share)} %" if share >= LEAST else f"under {in_percent(LEAST)} %"


def in_percent(share: float) -> str:
    """Two digits, such as 0.042, 4.2 or 42; 100 as such."""
    return f"{100 * share:.2g}" if share < 0.995 else "100"
