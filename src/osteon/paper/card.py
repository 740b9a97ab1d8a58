"""A model card in the Hugging Face format, with the weights beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from osteon import __version__
from osteon.errors import DataError, UsageError
from osteon.files import write_bytes, write_text
from osteon.paper.facts import known_facts
from osteon.report.material import Material, gather
from osteon.types import Estimate

TO_FILL = "**TO FILL**"
METRIC_NAMES = {"auroc": "roc_auc", "accuracy": "accuracy", "f1": "f1"}  # of ours -> of the Hub's
CARRIED = ("recipe.json", "evaluation-val.json", "calibration.json", "decisions.json")
MARK = "made-for"


def write_card(run: Path, out: Path | None = None) -> Path:
    """Write README.md, model.safetensors and what goes with them to ``out`` (RUN/model).

    The folder is a classifier of its own: ``osteon.Classifier.load(out)``. It holds no film, no
    path and no patient. Returns the path of the card.

    Raises DataError if ``run`` is not trained, UsageError where ``out`` holds something else.
    """
    from osteon.checkpoint import read_checkpoint, write_checkpoint

    material = gather(run)
    if not material.folder.trained.is_file():
        raise DataError(f"{run} is not trained yet: osteon train --resume {run}")
    out = out or material.folder.path / "model"
    _check_room(out)
    write_text(out / MARK, "osteon card\n")
    best = read_checkpoint(material.folder.weights)
    write_checkpoint(replace(best, optimiser={}), out / "model.safetensors")
    for name in CARRIED:
        found = material.folder.path / name
        if found.is_file():
            write_bytes(out / name, found.read_bytes())
    return write_text(out / "README.md", _card(material))


def _check_room(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise UsageError(f"{out} is not empty and no model card. Name another folder: --out.")


def _card(m: Material) -> str:
    return f"---\n{_metadata(m)}\n---\n\n" + "\n".join(_body(m)) + "\n"


def _metadata(m: Material) -> str:
    """The YAML that the Hub reads. The licence of weights follows the films': a person's to say."""
    from huggingface_hub import ModelCardData

    name = m.recipe.name if m.recipe else "osteon"
    data = ModelCardData(
        library_name="osteon",
        pipeline_tag="image-classification",
        license="other",
        license_name="to-fill",
        tags=["radiography", "fracture", "research-only"],
        model_name=f"{m.manifest.root.name}-{name}",
        eval_results=list(_results(m)) or None,
    )
    return str(data.to_yaml())


def _results(m: Material) -> Iterator[Any]:
    from huggingface_hub import EvalResult

    for metric, theirs in METRIC_NAMES.items():
        estimate = m.test.scores.get(metric) if m.test else None
        if estimate is not None and estimate.value is not None:
            yield EvalResult(
                task_type="image-classification",
                dataset_type="radiographs",
                dataset_name=m.manifest.root.name,
                dataset_split="test",
                metric_type=theirs,
                metric_value=round(estimate.value, 4),
                metric_name=_with_interval(metric, estimate),
            )


def _with_interval(metric: str, estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{metric}, n = {estimate.n}"
    return f"{metric}, 95 % interval {estimate.low:.3f} to {estimate.high:.3f}, n = {estimate.n}"


def _body(m: Material) -> Iterator[str]:
    known = known_facts(m)

    def section(title: str, *names: str, to_fill: str | None = None) -> Iterator[str]:
        said = [known[name] for name in names if name in known]
        if to_fill:
            said.append(f"{TO_FILL}: {to_fill}")
        if said:
            yield f"## {title}\n"
            yield from (f"{text}\n" for text in said)

    yield f"# {m.manifest.root.name}, {m.recipe.name if m.recipe else 'osteon'}\n"
    yield (
        "**Research software, not a medical device: no output of this model may guide the care of "
        "a patient.**\n"
    )
    yield from section("Model", "technique", "model", "initialisation", "training", "imbalance",
                       "selection")  # fmt: skip
    yield "## Use\n"
    yield (
        "```python\nfrom pathlib import Path\nimport osteon\n\n"
        'classifier = osteon.Classifier.load("FOLDER OF THIS CARD")\n'
        'print(next(classifier.read([Path("film.png")])))\n```\n'
    )
    yield from section("Intended use", to_fill="what it is for, and for whom; what it is not for")
    yield from section("Films", "data_source", "set_aside", "missing", "preprocessing",
                       "partitions", "disjoint", "audit_verdict", "characteristics",
                       to_fill="licence and origin of the films")  # fmt: skip
    yield from section("Evaluation", "internal", "performance", "operating_point", "failures",
                       "uncertainty", "calibration")  # fmt: skip
    yield from section("For whom, and where else", "fairness", "robustness", "explainability",
                       "external")  # fmt: skip
    yield from section("Limitations", "limitations", "bad_input")
    yield from section("Made with", "software", "command")
    yield f"osteon {__version__}.\n"
    yield from section("Authors, licence, citation", to_fill="authors, licence, how to cite")
