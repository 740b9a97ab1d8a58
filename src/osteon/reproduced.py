"""What a reproduction found, as values, and what it means in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from osteon.claim import possible
from osteon.environment import Environment
from osteon.publications import Figure
from osteon.space import Value
from osteon.types import Estimate, Part

Way = Literal["naive", "honest"]
JUDGED = ("accuracy", "balanced_accuracy", "auroc", "sensitivity", "specificity", "precision")
BASELINES = ("majority", "metadata_only")


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A published figure, with Wilson's interval for as many films as it is of."""

    figure: Figure
    n: int
    n_is_told: bool  # or taken from the same part of the data at hand
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One way of dividing the films, over all seeds; each estimate is the mean over them."""

    part: Part
    n_train: tuple[int, ...]  # of each seed
    n: tuple[int, ...]
    share_leaked: float  # of the judged films: with a copy, patient or study in training
    model: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    gains: Mapping[str, Mapping[str, Estimate]]  # model minus baseline
    by_seed: Mapping[str, tuple[float | None, ...]]  # of the model; None where undefined
    best_epochs: tuple[int, ...]
    train_accuracy: tuple[float, ...]  # in the best epoch, as training saw it
    val_accuracy: tuple[float, ...]
    seconds_an_epoch: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """The same with another middle: did the idea earn anything?"""

    name: str
    n_parameters: int
    n_parameters_of_model: int
    model: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]  # model minus control, honest protocol, same films


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """The publication's own search, on one way of dividing the films (of the first seed)."""

    way: Way
    verdict: str
    values: Mapping[str, Value]  # of the winner, which is then trained with every seed
    n_trials: int
    epochs_trained: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Untuned:
    """The recipe as it is beside the search's winner, on test films that no search has seen."""

    model: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]  # winner minus untuned, honest protocol, same films


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceJudged:
    """Films of one kind, held out of training altogether; means over the seeds."""

    title: str
    outside: Estimate  # AUROC on them
    inside: Estimate  # AUROC of the same networks on films like those of its training
    drop: Estimate  # inside minus outside


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduced:
    """What ``osteon reproduce`` found: reproduction.json."""

    name: str
    films: str  # the data set that the publication names
    source: str  # how the data at hand were recognised
    n_films: int
    classes: tuple[str, ...]
    settings: tuple[str, ...]  # fields of the recipe that the user changed
    recipe: str  # as JSON
    seeds: tuple[int, ...]
    assumptions: tuple[str, ...]
    published: tuple[Published, ...]
    naive: Judged
    honest: Judged
    price: Mapping[str, Estimate]  # naive minus honest
    control: Control | None
    searches: tuple[Searched, ...]
    slices: tuple[SliceJudged, ...]
    environment: Environment
    remarks: tuple[str, ...] = field(default=())
    untuned: Untuned | None = None  # of a search
    n_classes_published: int | None = None  # None in files of older versions
    grouped_by: tuple[str, ...] = ()  # what told which films belong together


def remarks(result: Reproduced) -> Iterator[str]:
    """What the table means, in words."""
    yield from _verdict(result)
    yield from _setting(result)
    for published in result.published:
        figure = published.figure
        fits = possible(figure.value, published.n, figure.decimals)
        if published.n_is_told and fits is None:
            share = f"{100 * figure.value:.{figure.decimals}f} %"
            yield f"No number of films out of {published.n:,} gives {share}: it cannot be right."
    price = result.price["accuracy"]
    if price.value is not None and price.low is not None and price.high is not None:
        interval = f"{100 * price.low:+.1f} to {100 * price.high:+.1f}"
        if price.low > 0:
            who = "no new patient" if "patients" in result.grouped_by else "no new film"
            yield (
                f"The naive protocol is worth {100 * price.value:.1f} points of accuracy "
                f"({interval}) that {who} would see."
            )
        else:
            yield (
                f"The naive protocol differs by {100 * price.value:+.1f} points of accuracy "
                f"({interval}): no leakage price that this many films could show."
            )
    else:
        yield f"What the naive protocol is worth in accuracy cannot be told: {price.method}."
    if result.control is not None:
        yield _control_verdict(result.control)
    if result.untuned is not None:
        yield _search_verdict(result.untuned)
    if result.settings:
        yield f"Changed from the description: {', '.join(result.settings)}."


MORE_TRAINING = 1.05  # films of training, naive over honest, from which it is said


def _setting(result: Reproduced) -> Iterator[str]:
    """What else must be known to read the figures."""
    published, here = result.n_classes_published, len(result.classes)
    if published not in (None, here):
        yield (
            f"Published with {published} classes, done again with {here}: the figures are of "
            "another task."
        )
    if result.grouped_by == ("copies",):
        yield (
            "No film names a patient or a study: what belongs together is known from copies alone, "
            "and two exposures of one patient may lie on both sides of the honest split."
        )
    naive, honest = (
        sum(side.n_train) / len(side.n_train) for side in (result.naive, result.honest)
    )
    if naive > MORE_TRAINING * honest:
        yield (
            f"Naively there are {naive:,.0f} films to train on, honestly {honest:,.0f}: a part of "
            "the difference may be that."
        )


def _verdict(result: Reproduced) -> Iterator[str]:
    model, others = result.honest.model, result.honest.baselines
    yield (
        f"Judged honestly: accuracy {_told(model['accuracy'])}, the majority class "
        f"{_told(others['majority']['accuracy'])}; AUROC {_told(model['auroc'])}, file metadata "
        f"alone {_told(others['metadata_only']['auroc'])}."
    )
    for name in BASELINES:
        gain = result.honest.gains[name]["accuracy" if name == "majority" else "auroc"]
        what = "the majority class's accuracy" if name == "majority" else "metadata alone's AUROC"
        if gain.value == 0 and gain.low is None:
            yield f"Judged honestly it does not differ from {what}."
        elif gain.low is None or gain.high is None:
            yield f"Judged honestly it cannot be compared with {what}: {gain.method}."
        elif gain.high < 0:
            yield f"Judged honestly it is below {what}."
        elif gain.low <= 0:
            yield f"Judged honestly it is not shown to be above {what}."


def _told(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f} (no interval)"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _control_verdict(control: Control) -> str:
    gain = control.gains["auroc"]
    if gain.value is None or gain.low is None or gain.high is None:
        why = "the AUROC is undefined" if gain.value is None else gain.method
        return f"Circuit and control could not be compared: {why}."
    figures = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}) AUROC"
    if gain.low > 0:
        return f"The circuit earned {figures} over a classical block of as many parameters."
    if gain.high < 0:
        return f"The circuit cost {figures} against a classical block of as many parameters."
    return (
        f"The circuit earned nothing that this many films could show: {figures} against a "
        "classical block of as many parameters."
    )


def _search_verdict(untuned: Untuned) -> str:
    gain = untuned.gains["accuracy"]
    where = "on test films that it did not see"
    if gain.value is None or gain.low is None or gain.high is None:
        return f"What the search earned {where} cannot be told: {gain.method}."
    figures = (
        f"{100 * gain.value:+.1f} points of accuracy ({100 * gain.low:+.1f} to "
        f"{100 * gain.high:+.1f}) over the recipe as it is, {where}"
    )
    if gain.low > 0:
        return f"The search earned {figures}."
    if gain.high < 0:
        return f"The search cost accuracy: {figures}."
    return f"The search earned nothing that this many films could show: {figures}."
