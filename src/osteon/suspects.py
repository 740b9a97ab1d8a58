"""Labels that the other films contest, and films unlike all others: what a person should look at.

Confident learning (Northcutt, Jiang and Chuang, J Artif Intell Res 70:1373, 2021; cleanlab) on
out-of-fold probabilities of a logistic regression on frozen features.
Legend: N films, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.clusters import contradictions, group_films
from osteon.errors import UsageError
from osteon.features import frozen_features
from osteon.foldable import foldable
from osteon.metrics import METRICS
from osteon.networks import Probe
from osteon.progress import say, track
from osteon.recipe import named_recipe
from osteon.split import folds
from osteon.statistics import estimates
from osteon.types import Audit, Estimate, Manifest, Recipe, RegularisationPath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.prepare import Prepared
    from osteon.types import Floats, Ints

NEIGHBOURS = 10
FENCE = 1.5  # Tukey's, in interquartile ranges above the upper quartile
TRIAL_SHARE = 0.05  # of the labels, made wrong to see how many of them are found
SCORES = ("accuracy", "balanced_accuracy", "auroc")
MOST_ITERATIONS = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A film whose label is contested by a model that has not seen it."""

    id: str
    given: str  # class
    proposed: str  # the likeliest other class
    given_score: float  # out-of-fold probability of ``given``, in [0, 1]
    proposed_score: float
    margin: float  # in [0, 1]; 0: sure of another class, 0.5: even; what the list is ordered by


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlier:
    """A film unlike all others."""

    id: str
    given: str  # class
    distance: float  # to the nearest films of other groups, in standard deviations of a feature
    typical: float  # the median of that over all films


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What is found of labels that were made wrong on purpose, at random."""

    top: Estimate  # of the first in that list, as many as were made wrong: share that were
    planted: Estimate  # of those made wrong: share that is contested
    others: Estimate  # of all other labels: share that is contested


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspects:
    """What to look at, most suspicious first, and how far to trust the lists."""

    manifest_digest: str
    classes: tuple[str, ...]
    n: int  # films judged: readable, with a label
    n_groups: int
    k: int
    seed: int
    suspects: tuple[Suspect, ...]
    contradictions: tuple[tuple[str, ...], ...]  # copies of one film under several labels
    outliers: tuple[Outlier, ...]
    contested: Estimate  # share of labels that the model contests
    scores: Mapping[str, Estimate]  # of the model that contests them, out of fold
    majority: Mapping[str, Estimate]  # the same of always answering the commonest class
    trial: Trial
    method: str
    remarks: tuple[str, ...] = ()  # fewer folds than asked for, classes that were set aside

    @property
    def verdict(self) -> str:
        """What the figures say, and what they do not."""
        top, n_wrong = self.trial.top, self.trial.planted.n
        return (
            f"{len(self.suspects):,} of {self.n:,} labels are contested "
            f"({_percent(self.contested)}). How many are wrong only looking tells: where classes "
            "are hard to tell apart, most contested labels are right. In a trial with "
            f"{n_wrong:,} labels made wrong at random, {_percent(top)} of the first {top.n:,} in "
            f"the list were of these, {100 * n_wrong / self.n:.0f} % by chance; the rest may be "
            "wrong in truth, or right."
        )

    @property
    def warning(self) -> str | None:
        """Said where the model is no judge of labels."""
        auroc = self.scores["auroc"]
        if auroc.low is not None and auroc.low > 0.5:
            return None
        return (
            "The model does not tell these classes apart better than chance, so what it contests "
            "means nothing: bring more films before looking through this list."
        )


def _percent(share: Estimate) -> str:
    told = f"{100 * share.value:.0f} %" if share.value is not None else "unknown"
    if share.low is None or share.high is None:
        return told
    return f"{told} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def find_suspects(
    manifest: Manifest,
    audit: Audit,
    prepared: Prepared,
    *,
    k: int = 5,
    seed: int = 0,
    recipe: Recipe | None = None,
) -> Suspects:
    """Contested labels and films unlike all others, of the readable films with a label.

    Every probability is of a film that the model has not seen, nor a copy, nor a film of its
    patient or study; the strength of regularisation is chosen on other groups still. ``prepared``
    must follow the pixels of ``recipe``, a linear probe (the default one if none is given).

    ``k`` is lowered, and films set aside, for the sake of small classes (``osteon.foldable``);
    ``remarks`` say so.

    Raises UsageError for another kind of recipe, DataError for fewer than two classes with at least
    3 independent films.
    """
    recipe = recipe or named_recipe("linear-probe")
    strengths = _strengths(recipe)
    whole, made = manifest, foldable(manifest, audit, k)
    manifest, k = made.manifest, made.k
    parts = _parts(manifest, audit, k, seed)
    features = _features(recipe, prepared, parts.ids, len(manifest.classes), seed)
    say(f"{len(parts.ids):,} films in {len(set(parts.groups)):,} groups, {k} folds")
    chosen = [
        _chosen(features, parts, fold, strengths)
        for fold in track(range(k), "choose the strength, folds", total=k)
    ]
    probabilities = _out_of_fold(features, parts.labels, parts, chosen)
    places = _contested(parts.labels, probabilities)
    commonest = np.bincount(parts.labels, minlength=len(manifest.classes)).argmax()
    constant = np.tile(np.eye(len(manifest.classes))[commonest], (len(parts.ids), 1))
    metrics = {name: METRICS[name] for name in SCORES}
    return Suspects(
        manifest_digest=whole.digest,
        classes=whole.classes,
        n=len(parts.ids),
        n_groups=len(set(parts.groups)),
        k=k,
        seed=seed,
        suspects=_suspects(places, parts, probabilities, manifest),
        contradictions=contradictions(whole, audit),
        outliers=_outliers(features, parts, manifest),
        contested=_share(_flags(places, len(parts.ids)), parts.groups),
        scores=estimates(metrics, parts.labels, probabilities, parts.groups),
        majority=estimates(metrics, parts.labels, constant, parts.groups),
        trial=_trial(features, parts, chosen, seed),
        method=_method(recipe, k, chosen),
        remarks=made.remarks,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parts:
    """The films to judge, and per fold where its train, val and test films stand among them."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    labels: Ints  # (N,)
    n_classes: int
    folds: tuple[tuple[Ints, Ints, Ints], ...]


def _parts(manifest: Manifest, audit: Audit, k: int, seed: int) -> _Parts:
    groups = group_films(manifest, audit.clusters)
    made = folds(manifest, groups=groups, k=k, seed=seed, exclude=audit.unreadable)
    label_of = {film.id: film.label for film in manifest.radiographs}
    ids = tuple(sorted(made[0].groups))
    place = {id_: at for at, id_ in enumerate(ids)}

    def places(of: Sequence[str]) -> Ints:
        return np.array([place[id_] for id_ in of], dtype=np.int64)

    return _Parts(
        ids=ids,
        groups=tuple(groups[id_] for id_ in ids),
        labels=np.array([label_of[id_] for id_ in ids], dtype=np.int64),
        n_classes=len(manifest.classes),
        folds=tuple((places(f.train), places(f.val), places(f.test)) for f in made),
    )


def _strengths(recipe: Recipe) -> tuple[float, ...]:
    if not isinstance(recipe.optimiser, RegularisationPath):
        raise UsageError(f"{recipe.name} is no linear probe: suspects are found by one.")
    return recipe.optimiser.inverse_strengths


def _features(
    recipe: Recipe, prepared: Prepared, ids: Sequence[str], n_classes: int, seed: int
) -> Floats:
    import torch

    torch.manual_seed(seed)  # of a trunk without weights
    net = recipe.backbone.build(n_classes)
    if not isinstance(net, Probe):
        raise UsageError(f"{recipe.name} is no linear probe: suspects are found by one.")
    return frozen_features(net, prepared, ids).astype(np.float64)


# --- what others say of a label -------------------------------------------------------------------


def _probabilities(
    inside: Floats, labels: Ints, outside: Floats, strength: float, n_classes: int
) -> Floats:
    """(n, C) of the films ``outside``, by a logistic regression on those ``inside``."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = inside.mean(0), inside.std(0)
    scale[scale == 0] = 1  # a constant feature tells nothing
    solved = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS)
    solved.fit((inside - centre) / scale, labels)
    found = np.zeros((len(outside), n_classes))
    found[:, solved.classes_] = solved.predict_proba((outside - centre) / scale)
    return found


def _chosen(features: Floats, parts: _Parts, fold: int, strengths: Sequence[float]) -> float:
    """The strength that is best by log loss on the validation films inside the training ones."""
    train, val, _ = parts.folds[fold]
    losses = []
    for strength in strengths if len(strengths) > 1 else ():
        scores = _probabilities(
            features[train], parts.labels[train], features[val], strength, parts.n_classes
        )
        loss = METRICS["log_loss"](parts.labels[val], scores, np.ones((1, len(val))))
        losses.append(float(loss[0]))
    return strengths[int(np.argmin(losses)) if losses else 0]


def _out_of_fold(
    features: Floats, labels: Ints, parts: _Parts, strengths: Sequence[float]
) -> Floats:
    """(N, C); ``labels`` (N,) may be others than those of ``parts``."""
    found = np.empty((len(labels), parts.n_classes))
    each = list(zip(parts.folds, strengths, strict=True))
    for (train, val, test), strength in track(each, "judge the labels, folds", total=len(each)):
        seen = np.concatenate([train, val])
        found[test] = _probabilities(
            features[seen], labels[seen], features[test], strength, parts.n_classes
        )
    return found


def _contested(labels: Ints, probabilities: Floats) -> Ints:
    """Places of the labels off the diagonal of the confident joint, the worst margin first."""
    from cleanlab.filter import find_label_issues

    found: Ints = find_label_issues(
        labels,
        probabilities,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,
    )
    return found


def _suspects(
    places: Ints, parts: _Parts, probabilities: Floats, manifest: Manifest
) -> tuple[Suspect, ...]:
    made = []
    for at in places.tolist():
        given = int(parts.labels[at])
        others = probabilities[at].copy()
        others[given] = -1
        proposed = int(others.argmax())
        given_score, proposed_score = probabilities[at, given], probabilities[at, proposed]
        made.append(
            Suspect(
                id=parts.ids[at],
                given=manifest.classes[given],
                proposed=manifest.classes[proposed],
                given_score=float(given_score),
                proposed_score=float(proposed_score),
                margin=float((given_score - proposed_score + 1) / 2),
            )
        )
    return tuple(made)


def _trial(features: Floats, parts: _Parts, strengths: Sequence[float], seed: int) -> Trial:
    """Make some labels wrong, judge all again, and count what is contested."""
    rng = np.random.default_rng(seed)
    n = len(parts.labels)
    chosen = rng.choice(n, size=max(1, round(TRIAL_SHARE * n)), replace=False)
    labels = parts.labels.copy()
    shift = rng.integers(1, parts.n_classes, len(chosen))
    labels[chosen] = (labels[chosen] + shift) % parts.n_classes
    order = _contested(labels, _out_of_fold(features, labels, parts, strengths))
    contested, planted = _flags(order, n), _flags(chosen, n)
    groups = np.asarray(parts.groups, dtype=object)
    first = order[: len(chosen)]
    return Trial(
        top=_share(planted[first], groups[first].tolist()),
        planted=_share(contested[planted], groups[planted].tolist()),
        others=_share(contested[~planted], groups[~planted].tolist()),
    )


def _flags(places: Ints, n: int) -> NDArray[np.bool_]:
    flagged = np.zeros(n, bool)
    flagged[places] = True
    return flagged


def _share(flagged: NDArray[np.bool_], groups: Sequence[str]) -> Estimate:
    """Accuracy of answering "flagged" always: the share of films that are, by the groups."""
    if not len(flagged):
        return Estimate(value=None, low=None, high=None, n=0, n_groups=0, method="no film")
    yes = np.tile([0.0, 1.0], (len(flagged), 1))
    metric = {"accuracy": METRICS["accuracy"]}
    return estimates(metric, flagged.astype(np.int64), yes, groups)["accuracy"]


# --- films unlike all others ----------------------------------------------------------------------


def _outliers(features: Floats, parts: _Parts, manifest: Manifest) -> tuple[Outlier, ...]:
    """Films whose nearest neighbours are far: beyond Tukey's fence.

    Cosine distances were tried first: on Bone Break they put narrow films of a limb first, where
    these put slices of MRI and CT, a skull in 3D and panoramic films of teeth.
    """
    distances = _distances(features, parts.groups)
    lower, typical, upper = np.quantile(distances, [0.25, 0.5, 0.75])
    fence = upper + FENCE * (upper - lower)
    far = [at for at in np.argsort(-distances, kind="stable").tolist() if distances[at] > fence]
    return tuple(
        Outlier(
            id=parts.ids[at],
            given=manifest.classes[parts.labels[at]],
            distance=float(distances[at]),
            typical=float(typical),
        )
        for at in far
    )


def _distances(features: Floats, groups: Sequence[str]) -> Floats:
    """(N,) root mean squared distances to the nearest films of other groups: copies of an odd film,
    and the other films of its patient, do not make it usual."""
    scale = features.std(0)
    standard = (features - features.mean(0)) / np.where(scale > 0, scale, 1)
    squares = (standard**2).sum(1)
    _, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    wanted = min(NEIGHBOURS, len(group) - int(np.bincount(group).max()))
    found = np.empty(len(group))
    for begun in range(0, len(group), 512):
        some = slice(begun, begun + 512)
        far = squares[some, None] + squares - 2 * standard[some] @ standard.T  # (512, N)
        far[group[some, None] == group] = np.inf
        nearest = np.partition(far, wanted - 1, axis=1)[:, :wanted]
        found[some] = np.sqrt(np.maximum(nearest, 0).mean(1))  # below 0 by rounding alone
    return found


def _method(recipe: Recipe, k: int, strengths: Sequence[float]) -> str:
    from importlib.metadata import version

    told = ", ".join(f"{strength:g}" for strength in strengths)
    model = getattr(recipe.backbone, "model", recipe.name)
    return (
        f"Out-of-fold probabilities of a logistic regression on frozen features of {model}, {k} "
        "folds that keep patients, studies and copies together as far as the data tell them, C "
        f"chosen by log loss inside each training fold ({told}). Contested: off the diagonal of "
        "the confident joint (Northcutt, Jiang and Chuang, J Artif Intell Res 70:1373, 2021; "
        f"cleanlab {version('cleanlab')}), ordered by the margin between the given class and the "
        f"likeliest other one. Unlike all others: distance of standardised features to the "
        f"{NEIGHBOURS} nearest films of other groups, more than {FENCE:g} interquartile ranges "
        "above the upper quartile."
    )
