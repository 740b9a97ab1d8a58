"""Writing a phantom data set: films, manifest, plan and truth."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.errors import ResourceError, UsageError
from osteon.files import explained, write_bytes, write_json
from osteon.phantom.plan import VERSION, PhantomPlan
from osteon.phantom.plant import FileSpec, plan_files
from osteon.progress import track
from osteon.types import Box, Manifest, Radiograph

if TYPE_CHECKING:
    from osteon.phantom.scene import Film

PLAN_FILE = "phantoms.json"
TRUTH_FILE = "truth.json"
_FILMS_A_WORKER = 8  # fewer do not pay for starting a process


def make_phantoms(out: Path, plan: PhantomPlan, *, workers: int | None = None) -> Path:
    """Write a phantom data set to the folder ``out`` and return it.

    The folder then holds ``images/CLASS/NUMBER.SUFFIX``, ``manifest.csv`` with ``manifest.json``,
    ``phantoms.json`` (the plan) and ``truth.json`` (what is true of every file, and what was
    planted). The same plan gives the same bytes for any number of ``workers`` (default: all
    cores). A run that was stopped is repeated by calling it again; a finished one is left alone.

    Raises UsageError if ``out`` holds anything else, or films of another plan.
    """
    specs = plan_files(plan)
    if _claimed(out, plan, specs):
        return out
    first = [spec for spec in specs if spec.copy_of is None]
    films: dict[str, Radiograph] = {}
    truth: dict[str, dict[str, Any]] = {}
    for film, true in track(_made(out, plan, first, workers), "phantoms", total=len(first)):
        films[film.id], truth[film.id] = film, true
    for spec in specs[len(first) :]:
        film, true = _repeat(out, spec, plan, films, truth)
        films[film.id], truth[film.id] = film, true
    write_json(out / TRUTH_FILE, truth)
    _write_manifest(out, plan, [films[spec.id] for spec in specs])
    return out


def _claimed(out: Path, plan: PhantomPlan, specs: list[FileSpec]) -> bool:
    """Whether ``out`` holds all of it already; else make it ours."""
    said = {"phantoms": VERSION, "plan": asdict(plan)}
    path = out / PLAN_FILE
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(said)):
            raise UsageError(
                f"{out} holds phantoms of another plan. Choose another folder, or delete it."
            )
        for left_over in out.rglob(".*.part"):  # of a run that was killed while it wrote a film
            left_over.unlink()
        there = (out / "manifest.csv").exists()
        return there and all((out / spec.id).exists() for spec in specs)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} is not empty and holds no phantoms: nothing was written. "
            "Choose a new or empty folder."
        )
    write_json(path, said)
    return False


def _made(
    out: Path, plan: PhantomPlan, specs: list[FileSpec], workers: int | None
) -> Iterator[tuple[Radiograph, dict[str, Any]]]:
    most = -(-len(specs) // _FILMS_A_WORKER)
    count = min(workers or os.cpu_count() or 1, most)
    work = partial(_make_file, out, plan)
    if count <= 1:
        yield from map(work, specs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_one_thread) as pool:
        try:
            yield from pool.map(work, specs, chunksize=4)
        except BrokenProcessPool as error:
            raise ResourceError(
                "A process that made phantoms was killed, most likely for want of memory. What "
                "was written is whole; run it again with fewer workers."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    """Each process has one core: threads of its libraries would only fight for it."""
    import cv2

    cv2.setNumThreads(1)


def _make_file(out: Path, plan: PhantomPlan, spec: FileSpec) -> tuple[Radiograph, dict[str, Any]]:
    from osteon.phantom.encode import film_bytes
    from osteon.phantom.scene import make_film

    film = make_film(spec.case, plan)
    write_bytes(out / spec.id, film_bytes(film, spec))
    return _radiograph(out, spec, plan, film), _truth(spec, film)


def _radiograph(out: Path, spec: FileSpec, plan: PhantomPlan, film: Film) -> Radiograph:
    """What an archive would say of the film; the truth is told elsewhere."""
    case = spec.case
    return Radiograph(
        id=spec.id,
        path=out / spec.id,
        label=plan.class_names.index(spec.class_name),
        split=spec.split,
        patient_id=case.patient_id,
        study_id=case.study_id,
        regions=frozenset({case.region}),
        views=frozenset({case.view}),
        laterality=case.side,
        boxes=film.boxes,
        spacing_mm=(round(film.spacing_mm, 5), round(film.spacing_mm, 5)),
        extra={"scanner": film.scanner.name},
    )


def _truth(spec: FileSpec, film: Film) -> dict[str, Any]:
    return {
        "class": spec.true_class,
        "fracture": spec.case.fracture,
        "bone": film.broken_bone,
        "boxes": [_box(box) for box in film.boxes],
        "patient": spec.case.patient_id,
        "marker": film.marker or None,
        "hardware": film.hardware,
        "cast": film.cast,
        "planted": spec.planted or None,
        "copy_of": None,
    }


def _box(box: Box) -> list[float]:
    return [box.left_px, box.top_px, box.width_px, box.height_px]


def _repeat(
    out: Path,
    spec: FileSpec,
    plan: PhantomPlan,
    films: dict[str, Radiograph],
    truth: dict[str, dict[str, Any]],
) -> tuple[Radiograph, dict[str, Any]]:
    """Write a copy of a film. It comes, as copies do, without its patient."""
    from dataclasses import replace

    from osteon.phantom.encode import saved_again

    assert spec.copy_of is not None
    data = (out / spec.copy_of).read_bytes()
    write_bytes(out / spec.id, saved_again(data) if spec.planted == "pixel_copies" else data)
    film = replace(
        films[spec.copy_of],
        id=spec.id,
        path=out / spec.id,
        label=plan.class_names.index(spec.class_name),
        split=spec.split,
        patient_id=None,
        study_id=None,
    )
    true = {**truth[spec.copy_of], "planted": spec.planted, "copy_of": spec.copy_of}
    return film, true


def _write_manifest(out: Path, plan: PhantomPlan, films: Iterable[Radiograph]) -> None:
    from osteon.manifest import write_manifest

    manifest = Manifest(
        root=out,
        source="phantom",
        recognised_by=f"it holds {PLAN_FILE}, written by the phantom generator",
        classes=plan.class_names,
        radiographs=tuple(films),
    )
    with explained(out):
        write_manifest(manifest, out / "manifest.csv")
