"""Facts of how good it is."""

from __future__ import annotations

from osteon.metrics import TITLES
from osteon.paper.facts.fact import fact, stated, table
from osteon.report.material import Material
from osteon.types import Evaluation


@fact
def metrics(m: Material) -> str | None:
    if m.test is None:
        return None
    names = ", ".join(TITLES.get(name, name) for name in m.test.scores)
    return f"{names}; each beside the majority class and file metadata alone."


@fact
def uncertainty(m: Material) -> str | None:
    if m.test is None:
        return None
    method = next(
        (e.method for e in m.test.scores.values() if e.method.startswith("grouped bootstrap")), None
    )
    return f"95 % intervals: {method}; whole groups are drawn, not films." if method else None


@fact
def performance(m: Material) -> str | None:
    if m.test is None:
        return None
    names = list(m.test.baselines)
    rows = [
        [TITLES.get(metric, metric), stated(estimate),
         *(stated(m.test.baselines[name].get(metric)) for name in names)]
        for metric, estimate in m.test.scores.items()
    ]  # fmt: skip
    return table([_counted(m.test), "model", *(name.replace("_", " ") for name in names)], rows)


def _counted(test: Evaluation) -> str:
    return f"test part, {test.n:,} films of {test.n_groups:,} groups"


@fact
def operating_point(m: Material) -> str | None:
    if m.test is None or m.test.operating_point is None:
        return None
    point = m.test.operating_point
    rows = [[TITLES.get(k, k), stated(v)] for k, v in m.test.at_operating_point.items()]
    return (
        f"Threshold {point.threshold:.4f} on the score of '{m.test.classes[1]}', chosen on "
        f"validation for {point.rule} and applied unchanged.\n\n"
        + table([f"at the operating point, {_counted(m.test)}", "value"], rows)
    )


@fact
def failures(m: Material) -> str | None:
    if m.test is None:
        return None
    counts = m.test.confusion_at_operating_point or m.test.confusion
    rows = [[name, *row] for name, row in zip(m.test.classes, counts, strict=True)]
    return (
        "Counts of the test part (the films answered wrong are shown in report.html):\n\n"
        + table(["truth \\ answer", *m.test.classes], rows)
    )


@fact
def internal(m: Material) -> str | None:
    if m.test is None:
        return None
    return (
        f"On a test part of the same data ({m.test.n:,} films), sealed until the model was chosen."
    )


@fact
def limitations(m: Material) -> str | None:
    if m.test is None:
        return None
    errors = [finding.message for finding in m.audit.findings if finding.severity == "error"]
    said = [*m.test.remarks, *errors]
    own = "The test films come from the same source as the training films."
    return "\n".join(f"- {line}" for line in [own, *said])


@fact
def weights_file(m: Material) -> str | None:
    if not m.folder.trained.is_file():
        return None
    return (
        "The weights (model.safetensors) and all settings (recipe.json) written by `osteon card` "
        "are the whole model: `osteon.Classifier.load(FOLDER)`."
    )
