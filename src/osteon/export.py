"""A run as a bundle: ONNX, how films are prepared, thresholds, calibration, gate, and its limits.

What was written is loaded again and compared with the run before it is kept. Legend of shapes:
N films, S the side of a prepared film, C classes, D features.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.answers import Answers
from osteon.bundle import FILE, WEIGHTS, Bundle, Form, TwoPoints, is_bundle, without_rounding
from osteon.bundle_facts import OpenedRun, bundle_facts
from osteon.environment import timed
from osteon.errors import DataError, MissingExtra, ParityError, UsageError
from osteon.files import explained
from osteon.gate import Gate, fit_gate, write_gate
from osteon.parallel import default_workers, in_order
from osteon.progress import say, track
from osteon.quantise import AUROC_LOSS, auroc_change, keeps_auroc, quantised
from osteon.runs import RunFolder, no_run
from osteon.runtimes import TOLERANCE, Network, at_hand, file_digest, open_runtime, softmax
from osteon.types import Audit, Predictions
from osteon.values import read_value, write_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.classifier import Classifier
    from osteon.types import Estimate, Floats

GATE_FILMS = 1000  # of train, drawn: more hardly change the directions
CALIBRATED_ON = 300  # films of train that show an int8 network its ranges


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Seen:
    """What one engine computed."""

    scores: Floats  # (N, C)
    features: NDArray[np.float32]  # (N, D)


def export(
    run: Path, out: Path | None = None, *, int8: bool = False, cache: Path | None = None
) -> Path:
    """Write the bundle of a trained run to ``out`` (RUN/bundle), which ``Bundle.load`` reads.

    Each installed engine loads it and scores all validation films: it is listed where its scores
    are the run's to 1e-4 and every answer is the same. With ``int8`` an 8-bit form is added, where
    the paired interval of its AUROC on validation stays above a loss of 0.005.

    Raises ParityError where no engine gives the run's scores and answers, MissingExtra without
    onnx, DataError for a run that is not trained, UsageError where ``out`` holds something else.
    """
    folder = RunFolder(run)
    if not folder.trained.is_file():
        if not folder.request.is_file():
            raise no_run(folder)
        raise DataError(f"{run} is not trained yet: osteon train --resume {run}")
    named = out or folder.path / "bundle"
    goal = named.resolve()  # of a link, the bundle that it leads to
    with explained(goal):
        goal.parent.mkdir(parents=True, exist_ok=True)
        if goal.exists() and (not goal.is_dir() or (any(goal.iterdir()) and not is_bundle(goal))):
            raise UsageError(f"{goal} is not empty and no bundle. Name another folder: --out.")
        room = tempfile.TemporaryDirectory(prefix=".bundle-", dir=goal.parent)
    with timed(folder.environment, "export"), room as made:
        opened = _open(folder, cache)
        _write(opened, Path(made) / "bundle", int8)
        next(Bundle.load(Path(made) / "bundle", cache=cache).read([]), None)
        with explained(goal):
            if goal.exists():  # set aside, so that a kill leaves one of the two whole
                goal.replace(Path(made) / "earlier")
            (Path(made) / "bundle").replace(goal)
    return named


def _open(folder: RunFolder, cache: Path | None) -> OpenedRun:
    from osteon.classifier import Classifier
    from osteon.manifest import read_manifest
    from osteon.predictions import read_predictions
    from osteon.run import make_ready
    from osteon.split_file import read_split

    manifest, audit = read_manifest(folder.manifest), read_value(Audit, folder.audit)
    classifier = Classifier.load(folder.path)
    parts = read_split(folder.split, manifest)
    prepared = make_ready(folder, classifier.recipe, manifest, audit, cache=cache)
    if folder.predictions("val").is_file():
        val = read_predictions(folder.predictions("val"), part="val")
    else:
        val = classifier.predict_prepared(
            prepared, ids=parts.val, manifest=manifest, groups=parts.groups, part="val"
        )
    return OpenedRun(
        folder=folder, classifier=classifier, prepared=prepared, split=parts, audit=audit,
        manifest_digest=manifest.digest, val=val,
    )  # fmt: skip


def _write(run: OpenedRun, place: Path, int8: bool) -> None:
    from osteon.checkpoint import read_checkpoint, write_checkpoint

    place.mkdir()
    say("exporting to ONNX")
    expected = write_onnx(run.classifier, place / "model.onnx")
    best = read_checkpoint(run.folder.weights)
    write_checkpoint(replace(best, optimiser={}), place / WEIGHTS)
    answers = _steady(run.classifier.answers, run.val)
    whole, share = _whole(run, place, expected, answers)
    forms: list[Form] = [whole]
    left_out: list[str] = []
    small = _small(run, place, answers) if int8 else None
    if isinstance(small, Form):
        forms.append(small)
    elif small:
        left_out.append(small)
    write_value(place / FILE, bundle_facts(run, answers, forms, share, left_out))


def _steady(answers: Answers, val: Predictions) -> Answers:
    """With thresholds that rounding cannot cross; every validation film keeps its answer."""
    if len(answers.classes) != 2:
        return answers
    seen = val.scores[:, 1]
    point, three = answers.operating_point, answers.three
    return replace(
        answers,
        operating_point=point and without_rounding(point, seen),
        three=TwoPoints(
            lower=without_rounding(three.lower, seen), upper=without_rounding(three.upper, seen)
        )
        if three
        else None,
    )


# --- the network ----------------------------------------------------------------------------------


def write_onnx(classifier: Classifier, path: Path) -> tuple[tuple[float, ...], ...]:
    """Write the whole network, ``films`` (N, 1, S, S) in [0, 1] to ``logits`` and ``features``;
    returns torch's scores of the films made for comparing.

    Raises MissingExtra without onnx and onnxscript, UsageError for a network that ONNX cannot hold.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtra("osteon export", "export") from None
    import torch

    from osteon.runtimes import as_input, made_films
    from osteon.tapped import Tapped

    size = classifier.recipe.pixels.size_px
    net = Tapped(classifier.net.cpu()).eval()
    _convert(net, torch.rand(2, 1, size, size), path)
    with torch.inference_mode():
        made = [net(torch.from_numpy(as_input(film)))[0][0].numpy() for film in made_films(size)]
    return tuple(tuple(softmax(logits).tolist()) for logits in made)


def _convert(net: Any, films: Any, path: Path) -> None:
    import torch

    from osteon.openvino_net import quiet

    try:
        with quiet(), torch.no_grad():
            torch.onnx.export(
                net, (films,), str(path), dynamo=True, external_data=False, verbose=False,
                dynamic_shapes=({0: torch.export.Dim("n")},),
                input_names=["films"], output_names=["logits", "features"],
            )  # fmt: skip
    except torch.onnx.errors.OnnxExporterError as error:
        raise UsageError(
            f"ONNX cannot hold this network: {str(error).strip().splitlines()[0][:200]}"
        ) from None


def _computed(name: str, network: Network, run: OpenedRun, ids: Sequence[str], label: str) -> _Seen:
    cores = default_workers()
    runtime = open_runtime(name, network, threads=cores, streams=cores)
    prepared = run.prepared

    def infer(id_: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return runtime.infer(prepared.batch([id_])[0])

    rows = list(track(in_order(infer, ids, workers=cores, chunk=4), f"{label}, {name}", len(ids)))
    return _Seen(
        scores=np.stack([softmax(logits) for logits, _ in rows]),
        features=np.stack([features for _, features in rows]),
    )


def _engines() -> list[str]:
    names = [name for name in at_hand() if name != "torch"]
    if not names:
        raise MissingExtra("osteon export compares what it wrote, which", "export")
    return names


def _drawn(run: OpenedRun, most: int) -> list[str]:
    """Training films, the same ones each time."""
    order = np.random.default_rng(0).permutation(len(run.split.train))[:most]
    return [run.split.train[at] for at in np.sort(order)]


def _whole(
    run: OpenedRun, place: Path, expected: tuple[tuple[float, ...], ...], answers: Answers
) -> tuple[Form, float]:
    """The float32 form, and the share of validation that its gate accepts."""
    path = place / "model.onnx"
    network = Network(
        onnx=path, size_px=run.prepared.rules.size_px, digest=file_digest(path), expected=expected
    )
    passed: dict[str, float] = {}
    faults: list[str] = []
    features: NDArray[np.float32] | None = None
    for name in _engines():
        seen = _computed(name, network, run, run.val.ids, "validation films")
        try:
            passed[name] = compared(run.classifier.answers, answers, run.val, seen.scores)
        except ParityError as error:
            faults.append(f"{name}: {error}")
            continue
        features = seen.features if features is None else features
    if features is None:
        raise ParityError(f"Nothing was exported. {' '.join(faults)}")
    for fault in faults:
        say(fault)
    gate = _gate(next(iter(passed)), network, run, features, place / "gate.safetensors")
    form = Form(
        precision="float32", file=path.name, sha256=network.digest, gate="gate.safetensors",
        gate_sha256=file_digest(place / "gate.safetensors"), expected=expected, engines=passed,
        same_answers=1.0,
    )  # fmt: skip
    return form, float(gate.accepts(gate.distance(features)).mean())


def _gate(
    name: str, network: Network, run: OpenedRun, val: NDArray[np.float32], path: Path
) -> Gate:
    seen = _computed(name, network, run, _drawn(run, GATE_FILMS), "training films for the gate")
    gate = fit_gate(seen.features, val)
    write_gate(gate, path)
    return gate


def compared(own: Answers, exported: Answers, val: Predictions, scores: Floats) -> float:
    """The largest difference of ``scores`` (N, C) from the run's own.

    Raises ParityError where it is above 1e-4, or a film is answered otherwise.
    """
    apart = float(np.abs(scores - val.scores).max())
    if not apart <= TOLERANCE:
        raise ParityError(
            f"its scores on validation differ from the run's by {apart:.1e}, above {TOLERANCE:g}."
        )
    others = other_answers(own, exported, val, scores)
    if others:
        raise ParityError(
            f"{len(others)} of {len(val.ids)} validation films are answered otherwise than by the "
            f"run, such as {others[0]}."
        )
    return apart


def other_answers(
    own: Answers, exported: Answers, val: Predictions, scores: Floats
) -> tuple[str, ...]:
    """The films whose category by ``exported`` on ``scores`` is not the run's."""
    return tuple(
        id_
        for id_, before, after in zip(val.ids, val.scores, scores, strict=True)
        if own.category(before)[0] != exported.category(after)[0]
    )


# --- 8 bits ---------------------------------------------------------------------------------------


def _small(run: OpenedRun, place: Path, answers: Answers) -> Form | str:
    """The int8 form, or why there is none."""
    path = place / "model-int8.onnx"
    films = (run.prepared.batch([id_])[0] for id_ in _drawn(run, CALIBRATED_ON))
    quantised(place / "model.onnx", path, films)
    network = Network(
        onnx=path, size_px=run.prepared.rules.size_px, digest=file_digest(path), expected=()
    )
    seen = {
        name: _computed(name, network, run, run.val.ids, "validation films, int8")
        for name in _engines()
    }
    changes = {name: auroc_change(run.val, each.scores) for name, each in seen.items()}
    passed = {name: change for name, change in changes.items() if keeps_auroc(change)}
    if not passed:
        path.unlink()
        return "; ".join(f"int8 by {name}: {_why(change)}" for name, change in changes.items())
    return _small_form(run, place, answers, network, seen, passed)


def _small_form(
    run: OpenedRun,
    place: Path,
    answers: Answers,
    network: Network,
    seen: Mapping[str, _Seen],
    passed: Mapping[str, Estimate],
) -> Form:
    from osteon.runtimes import made_films

    first = next(iter(passed))
    runtime = open_runtime(first, network)
    expected = tuple(tuple(runtime.score(film).tolist()) for film in made_films(network.size_px))
    _gate(first, network, run, seen[first].features, place / "gate-int8.safetensors")
    worst = min(passed, key=lambda name: passed[name].low or 0.0)
    others = max(
        len(other_answers(run.classifier.answers, answers, run.val, seen[name].scores))
        for name in passed
    )
    return Form(
        precision="int8", file=network.onnx.name, sha256=network.digest,
        gate="gate-int8.safetensors", gate_sha256=file_digest(place / "gate-int8.safetensors"),
        expected=expected,
        engines={name: float(np.abs(seen[name].scores - run.val.scores).max()) for name in passed},
        same_answers=1 - others / len(run.val.ids), auroc_change=passed[worst],
    )  # fmt: skip


def _why(change: Estimate) -> str:
    if change.value is None or change.low is None:
        return "its change of AUROC on validation has no interval, so that it was left out."
    return (
        f"the AUROC on validation changes by {change.value:+.4f}, 95 % interval {change.low:+.4f} "
        f"to {change.high:+.4f}; left out, since that reaches below -{AUROC_LOSS}."
    )
