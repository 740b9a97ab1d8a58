"""What can be learnt from phantoms must be in the pixels of the bone, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from osteon.phantom import PhantomPlan, make_case, make_film
from osteon.phantom.encode import film_bytes
from osteon.phantom.plant import plan_files


def _facts(plan: PhantomPlan) -> tuple[list[list[float]], list[int], list[str]]:
    """Width, height, bytes, mean and deviation of each film; whether it is broken; its patient."""
    rows, broken, patients = [], [], []
    for spec in plan_files(plan):
        data = film_bytes(make_film(spec.case, plan), spec)
        gray = np.asarray(Image.open(io.BytesIO(data)))
        height, width = gray.shape
        rows.append([width, height, len(data), float(gray.mean()), float(gray.std())])
        broken.append(int(spec.case.fracture is not None))
        patients.append(spec.case.patient_id)
    return rows, broken, patients


@pytest.mark.slow
def test_metadata_alone_does_not_tell_the_class() -> None:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    rows, broken, patients = _facts(PhantomPlan(films=360, size_px=192, seed=7))
    model = GradientBoostingClassifier(n_estimators=60, subsample=0.7, random_state=0)
    scores = cross_val_predict(
        model, rows, broken, groups=patients, cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    rng, labels, groups = np.random.default_rng(0), np.array(broken), np.array(patients)
    members = [np.flatnonzero(groups == name) for name in np.unique(groups)]
    areas = []
    for _ in range(400):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        areas.append(roc_auc_score(labels[chosen], scores[chosen]))
    low, high = np.percentile(areas, [2.5, 97.5])
    assert low < 0.5, f"AUROC of metadata alone: {low:.2f} to {high:.2f}"


def test_two_films_of_a_patient_show_the_same_person() -> None:
    from osteon.phantom.anatomy import make_person

    plan = PhantomPlan(films=8)
    first, second = make_case(plan, 0), make_case(plan, 2)
    assert first.patient == second.patient
    assert first.study != second.study
    assert make_person(plan.seed, first.patient) == make_person(plan.seed, second.patient)
    assert make_person(plan.seed, 0) != make_person(plan.seed, 1)


def test_a_break_changes_little_but_changes_something() -> None:
    from dataclasses import replace

    plan = PhantomPlan(size_px=192, regions=("leg",), markers=0, writing=0)
    case = make_case(plan, 4)
    intact = make_film(replace(case, broken=False), plan).gray
    broken = make_film(replace(case, injury="hairline", broken=True), plan)
    difference = np.abs(broken.gray - intact)
    assert difference.max() > 0.03
    assert float(broken.gray.mean()) == pytest.approx(float(intact.mean()), abs=0.02)
