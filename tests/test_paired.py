"""McNemar's tests and adjustments for many, against statsmodels, scipy and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, chi2, false_discovery_control
from statsmodels.stats.contingency_tables import mcnemar as theirs
from statsmodels.stats.multitest import multipletests

from osteon.statistics import benjamini_hochberg, holm, mcnemar
from osteon.statistics.paired import durkalski

Bools = NDArray[np.bool_]


def rights(both: int, one: int, other: int, neither: int) -> tuple[Bools, Bools, list[str]]:
    first = np.repeat([True, True, False, False], [both, one, other, neither])
    second = np.repeat([True, False, True, False], [both, one, other, neither])
    return first, second, [str(at) for at in range(len(first))]


def test_it_gives_the_published_p_of_airways_before_and_after_a_transplant() -> None:
    """Fagerland, Lydersen and Laake (2013), table 1: 1 against 7; exact .070, mid-p .039."""
    made = mcnemar(*rights(1, 1, 7, 12))
    assert made.p_exact == pytest.approx(0.0703, abs=5e-5)
    assert made.p == pytest.approx(0.0391, abs=5e-5)
    assert (made.only_first, made.only_second, made.n) == (1, 7, 21)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5), st.integers(1, 5))
def test_it_equals_statsmodels_and_the_binomial(one: int, other: int, both: int, no: int) -> None:
    made = mcnemar(*rights(both, one, other, no))
    exact = theirs([[both, one], [other, no]], exact=True).pvalue if one + other else 1.0
    assert made.p_exact == pytest.approx(min(exact, 1.0), abs=1e-9)
    if one + other:
        assert made.p_exact == pytest.approx(binomtest(one, one + other).pvalue, abs=1e-9)
        outcomes = np.arange(one + other + 1)
        chances = binom.pmf(outcomes, one + other, 0.5)
        far = np.abs(2 * outcomes - one - other)
        here = abs(one - other)
        seen = np.isclose(far, here)
        mid = chances[far > here].sum() + chances[seen].sum() / 2
        assert made.p == pytest.approx(mid, abs=1e-9)


# Of 21 patients without hyperparathyroidism, glands that PET and SPECT called right: both, PET
# alone, SPECT alone, neither. Obuchowski, Stat Med 17:1495 (1998).
BOTH = [0, 2, 3, 1, 2, 4, 3, 2, 1, 1, 2, 2, 3, 2, 0, 2, 2, 2, 2, 1, 2]
PET = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
SPECT = [2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0]
NEITHER = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_in_groups_it_gives_the_published_chi_square_of_pet_and_spect() -> None:
    """Durkalski et al. (2003): 2.32; taken as independent glands, McNemar's is 4.5."""
    first: list[bool] = []
    second: list[bool] = []
    groups: list[str] = []
    for patient, counts in enumerate(zip(BOTH, PET, SPECT, NEITHER, strict=True)):
        one, other, _ = rights(*counts)
        first += one.tolist()
        second += other.tolist()
        groups += [f"patient {patient}"] * len(one)
    made = mcnemar(np.array(first), np.array(second), groups)
    assert (made.only_first, made.only_second) == (1, 7)
    assert (7 - 1) ** 2 / (7 + 1) == 4.5
    assert chi2.isf(made.p, 1) == pytest.approx(2.32, abs=5e-3)
    assert "clustered" in made.method


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=60))
def test_of_single_films_durkalskis_is_mcnemars_chi_square(gains: list[float]) -> None:
    one, other = gains.count(1.0), gains.count(-1.0)
    if one + other:
        expected = theirs([[0, one], [other, 0]], exact=False, correction=False).statistic
        assert durkalski(np.array(gains)) == pytest.approx(expected)


def test_equal_answers_do_not_differ() -> None:
    first, _, groups = rights(5, 3, 0, 2)
    assert mcnemar(first, first, groups).p == 1.0
    assert mcnemar(first, first, [str(at // 2) for at in range(10)]).p == 1.0


# --- many comparisons -----------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjustments_equal_statsmodels_and_scipys(p: list[float]) -> None:
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-12)
    ours = benjamini_hochberg(p)
    np.testing.assert_allclose(ours, multipletests(p, method="fdr_bh")[1], atol=1e-12)
    np.testing.assert_allclose(ours, false_discovery_control(p), atol=1e-12)


def test_holms_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_no_p_gives_none_and_a_wrong_one_is_refused(adjust) -> None:  # type: ignore[no-untyped-def]
    assert adjust([]) == []
    with pytest.raises(ValueError, match="p value"):
        adjust([0.2, 1.2])
    with pytest.raises(ValueError, match="p value"):
        adjust([float("nan")])
