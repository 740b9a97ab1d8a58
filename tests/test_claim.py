"""Can a figure be? Against brute force, SciPy, and the published figures that started osteon."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from osteon.claim import judge, of_fraction, parse_share, possible
from osteon.errors import UsageError


def brute(value: str, n: int, decimals: int) -> set[int]:
    """Every k whose share k/n is printed as ``value`` by rounding or by cutting off."""
    unit = Decimal(1).scaleb(-decimals)
    fits = set()
    for k in range(n + 1):
        share = Decimal(100) * k / n
        ways = {share.quantize(unit, how) for how in (ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_DOWN)}
        if Decimal(value) in ways:
            fits.add(k)
    return fits


@given(hundredths=st.integers(0, 10_000), n=st.integers(1, 400), decimals=st.integers(0, 2))
def test_possible_is_what_brute_force_says(hundredths: int, n: int, decimals: int) -> None:
    percent = Decimal(hundredths).scaleb(-2).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    fits = brute(str(percent), n, decimals)
    found = possible(float(percent) / 100, n, decimals)
    assert (found is not None) == bool(fits)
    assert found is None or found in fits


@settings(deadline=None)
@given(hundredths=st.integers(0, 10_000), n=st.integers(1, 400), decimals=st.integers(0, 2))
def test_the_numbers_that_fit_are_those_of_brute_force(
    hundredths: int, n: int, decimals: int
) -> None:
    percent = Decimal(hundredths).scaleb(-2).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    fits = brute(str(percent), n, decimals)
    claim = judge(parse_share(f"{percent}%"), n)
    if fits:
        assert (claim.fewest, claim.most) == (min(fits), max(fits))
        assert abs(claim.right - float(percent) / 100 * n) == pytest.approx(
            min(abs(k - float(percent) / 100 * n) for k in fits)
        )
    else:
        assert not claim.possible


@given(n=st.integers(1, 5000), part=st.floats(0, 1), single=st.booleans())
def test_a_figure_as_a_program_prints_it_is_possible(n: int, part: float, single: bool) -> None:
    right = round(part * n)
    figure = np.float32(right / n).item() if single else right / n
    said = np.format_float_positional(figure)
    share = parse_share(f"{said}0" if said.endswith(".") else said)
    assert possible(share.value, n, share.decimals) == right


@given(n=st.integers(1, 2000), share=st.floats(0, 1))
def test_a_figure_that_was_counted_is_possible(n: int, share: float) -> None:
    right = round(share * n)
    said = parse_share(f"{100 * right / n:.2f}%")
    assert possible(said.value, n, said.decimals) is not None


def test_the_accuracy_of_110_films() -> None:
    claim = judge(parse_share("89.34%"), 110)
    assert not claim.possible
    assert claim.nearest == ("98/110 = 89.09 %", "99/110 = 90.00 %")
    assert claim.fitting_n[0] == 122
    assert "cannot be" in claim.sentences[0]
    for n in claim.fitting_n:
        assert brute("89.34", n, 2)


def test_above_the_majority_or_not() -> None:
    densenet = judge(parse_share("85.15%"), 613, baseline=parse_share("82.44%"))
    assert (densenet.right, densenet.possible) == (522, True)
    assert densenet.p_above == pytest.approx(binom.sf(521, 613, 0.8244), rel=1e-9)
    interval = binomtest(522, 613).proportion_ci(method="wilson")
    assert (densenet.low, densenet.high) == pytest.approx((interval.low, interval.high))
    assert any("is above the baseline" in sentence for sentence in densenet.sentences)
    resnet = judge(parse_share("82.54%"), 613, baseline=parse_share("82.44%"))
    assert any("not shown to be above" in sentence for sentence in resnet.sentences)


@pytest.mark.parametrize(
    ("right", "n", "against", "two_sided"),
    [
        (60, 100, "50%", True),
        (26, 30, "70%", True),
        (72, 72, "95%", False),
        (522, 613, "82.44%", False),
    ],
)
def test_the_verdict_agrees_with_the_interval_that_is_printed(
    right: int, n: int, against: str, *, two_sided: bool
) -> None:
    baseline = parse_share(against)
    claim = judge(None, n, right=right, baseline=baseline)
    assert (claim.low > baseline.value) == two_sided
    said = " ".join(claim.sentences)
    assert "It is above the baseline" in said
    assert ("though not by the 95 % interval" in said) != two_sided


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_a_figure_printed_in_single_precision_is_possible(n: int, share: float) -> None:
    right = round(share * n)
    single = np.float32(right / n)
    for text in (str(single), f"{100 * single}%", str(right / n)):
        assert judge(parse_share(text), n).possible, text


def test_a_fraction_and_the_figure_told_for_it() -> None:
    assert of_fraction("98/110") == (98, 110)
    assert not judge(parse_share("0.8934"), 110, right=98).possible
    assert judge(parse_share("89.1%"), 110, right=98).possible
    assert not judge(parse_share("90%"), 110, right=98).possible  # 99 would be, 98 is not
    assert judge(None, 110, right=98).possible


def test_a_fraction_that_is_not_the_figure_is_not_said_to_be_no_figure_at_all() -> None:
    claim = judge(parse_share("90%"), 110, right=98)
    assert claim.sentences[0] == "90 % cannot be 98/110, which is 89.09 %."
    assert claim.sentences[1] == "It would be 99 to 100 of 110."
    assert not any("no whole number" in sentence for sentence in claim.sentences)


def test_a_rounded_figure_fits_several_numbers_and_may_leave_the_verdict_open() -> None:
    claim = judge(parse_share("85%"), 613, baseline=parse_share("82.44%"))
    assert (claim.fewest, claim.right, claim.most) == (518, 521, 527)
    assert "518 to 527 of 613 are printed so" in claim.sentences[0]
    assert any("leaves open whether it is above" in sentence for sentence in claim.sentences)
    clear = judge(parse_share("90%"), 613, baseline=parse_share("82.44%"))
    assert any("It is above the baseline" in sentence for sentence in clear.sentences)


def test_a_figure_that_no_number_of_films_gives() -> None:
    claim = judge(parse_share("89.3456789%"), 110)
    assert not claim.fitting_n
    assert "Nor does any number of films up to 10,109 give it." in claim.sentences


@pytest.mark.parametrize(("text", "right"), [("1", 10), ("0", 0), ("100%", 10), ("0%", 0)])
def test_all_and_none(text: str, right: int) -> None:
    claim = judge(parse_share(text), 10)
    assert (claim.fewest, claim.right, claim.most) == (right, right, right)


@pytest.mark.parametrize(
    ("text", "value", "decimals"),
    [("89.34%", 0.8934, 2), ("89.34 %", 0.8934, 2), ("0.8934", 0.8934, 2), ("90%", 0.9, 0)],
)
def test_shares_as_people_write_them(text: str, value: float, decimals: int) -> None:
    share = parse_share(text)
    assert share.value == pytest.approx(value)
    assert share.decimals == decimals


@pytest.mark.parametrize(
    ("text", "words"),
    [("89.34", "Is it 89.34%?"), ("many", "is no share"), ("140%", "more than all films")],
)
def test_no_share(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_share(text)


@pytest.mark.parametrize("text", ["3/2", "a/b", "1/0"])
def test_no_fraction(text: str) -> None:
    with pytest.raises(UsageError):
        judge(None, of_fraction(text)[1], right=of_fraction(text)[0])


def test_no_film() -> None:
    with pytest.raises(UsageError, match="0 films are none"):
        judge(parse_share("50%"), 0)
    with pytest.raises(UsageError, match="more than there are"):
        judge(parse_share("50%"), 10**23, baseline=parse_share("40%"))
