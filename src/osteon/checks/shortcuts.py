"""Shortcuts: a sentence for each thing but the bone that tells the label."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence, percent
from osteon.types import Estimate, Finding, Probe, Shortcuts, Sign

LEAST_AUROC = 0.55  # that a probe's interval must lie above; it must also stay above
CHANCE = 0.5  # when made WIDER times as wide: the bootstrap of the films judged does not know how
WIDER = 2.0  # much a probe learns by chance (Bengio and Grandvalet, J Mach Learn Res 5:1089, 2004)
LEAST_DIFFERENCE = 0.05  # of shares, and
MOST_P = 0.01  # after Holm's correction, for a sign to be called a shortcut
LEANINGS = 3  # columns named

TOLD = {  # probe -> what alone tells, and what to do about it
    "metadata": (
        "File metadata alone, without any picture, tell",
        "Compare every score with this baseline (osteon run does), and balance the classes over "
        "what it leans on, or hold a part of it out.",
    ),
    "border": (
        "The outermost 8 % of the films alone, shrunk to 64 px, tell",
        "Look at the rims, cut off what is no patient (--set pixels.mend=frame), and see that the "
        "classes are of the same regions and machines.",
    ),
    "background": (
        "The air around the body alone, shrunk to 64 px, tells",
        "Look for marks, writing and gray levels that differ between the classes, and take them "
        "out: --set pixels.mend=marks, or pixels.mend=zoom",
    ),
}
MARKS = "Paint it over (--set pixels.mend=marks), or leave out the films with it."
EVEN = "Balance the classes over it, leave it out, or judge films with and without it apart."
SAID = {  # kind -> what films with it do, and the remedy
    "arrow": ("have an arrow", MARKS),
    "coloured_mark": ("have a coloured mark", MARKS),
    "writing": ("have writing burned in", MARKS),
    "letter": ("have a single letter or side marker", MARKS),
    "metal": ("show metal", EVEN),
    "frame": ("have a frame or black bars", "Cut it off: --set pixels.mend=frame"),
    "collage": ("look like collages", "Cut them into their panels: --set pixels.mend=panels"),
    "inverted": ("look inverted", "Mend it: --set pixels.mend=invert"),
    "tint": ("are tinted", EVEN),
    "thumbnail": ("are thumbnails", EVEN),
    "blank": ("show nothing", "Leave them out."),
}


@CHECKS.register("shortcuts")
def shortcuts(evidence: Evidence) -> Iterator[Finding]:
    """A warning for each shortcut, with its figures; a note on what was not seen to be one, and one
    on what was not looked for."""
    found = evidence.shortcuts
    if found is None:
        return
    for probe in found.probes:
        if tells(probe):
            said, remedy = TOLD[probe.name]
            figure = f"{_auroc(probe, found)}{_leanings(probe)}"
            yield _finding(f"{said} {_task(found)}, in groups not learnt from: {figure}.", remedy)
    for kind in dict.fromkeys(sign.kind for sign in found.signs):
        of_kind = [sign for sign in found.signs if sign.kind == kind and is_shortcut(sign)]
        if of_kind:
            yield _of_signs(sorted(of_kind, key=lambda sign: -abs(_value(sign.difference))))
    if quiet := [probe for probe in found.probes if not tells(probe)]:
        told = "; ".join(f"{probe.name}: {_auroc(probe, found)}" for probe in quiet)
        yield _note(f"Not seen to tell the label without the bone: {told}.")
    for sentence in found.undone:
        yield _note(f"Shortcuts: {sentence}")


def tells(probe: Probe) -> bool:
    """Whether the probe's films are told apart beyond doubt, and by more than a trifle."""
    value, low = probe.auroc.value, probe.auroc.low
    if value is None or low is None:
        return False
    return low > LEAST_AUROC and value - WIDER * (value - low) > CHANCE


def is_shortcut(sign: Sign) -> bool:
    """Whether the classes differ in the sign beyond doubt, and by more than a trifle."""
    return sign.p < MOST_P and abs(_value(sign.difference)) >= LEAST_DIFFERENCE


def _value(estimate: Estimate) -> float:
    return estimate.value or 0.0


def _task(found: Shortcuts) -> str:
    if len(found.classes) == 2:
        return f"'{found.classes[1]}' from '{found.classes[0]}'"
    return f"the {len(found.classes)} classes apart"


def _auroc(probe: Probe, found: Shortcuts) -> str:
    auroc = probe.auroc
    mean = "" if len(found.classes) == 2 else ", mean of each class against the rest"
    if auroc.value is None:
        return "undefined AUROC"
    ends = "no interval" if auroc.low is None else f"{auroc.low:.3f} to {auroc.high:.3f}"
    return f"AUROC {auroc.value:.3f} ({ends}; {auroc.n:,} films in {auroc.n_groups:,} groups{mean})"


def _leanings(probe: Probe) -> str:
    named = [f"{each.column} ({100 * each.share:.0f} %)" for each in probe.leans_on[:LEANINGS]]
    told = f". It leans on {', '.join(named)}" if named else ""
    if probe.left_out:
        names = ", ".join(f"'{name}'" for name in probe.left_out)
        told += f". Left out, as the label in other words: {names}"
    return told


def _of_signs(signs: list[Sign]) -> Finding:
    """One sentence on the sign that differs most, and what else there is of its kind."""
    sign = signs[0]
    what, remedy = _words(sign)
    there = percent(sign.n_with, sign.n_of_class), percent(sign.n_with_others, sign.n_others)
    difference = sign.difference
    ends = f"{100 * (difference.low or 0):.1f} to {100 * (difference.high or 0):.1f}"
    classes = {other.class_name for other in signs[1:]} - {sign.class_name}
    more = f" So do the shares of {len(classes)} more classes." if classes else ""
    return _finding(
        f"Of the films of '{sign.class_name}', {there[0]} ({sign.n_with:,} of "
        f"{sign.n_of_class:,}) {what}; of the others, {there[1]} ({sign.n_with_others:,} of "
        f"{sign.n_others:,}): {100 * _value(difference):+.1f} points ({ends}; Holm's p "
        f"{_p(sign.p)}). A network can read that instead of the bone.{more}",
        remedy,
    )


def _words(sign: Sign) -> tuple[str, str]:
    if sign.kind == "film size":
        return f"measure {sign.value}", EVEN
    if sign.kind == "laterality":
        return f"are of side {sign.value}", EVEN
    if sign.value:
        column = sign.kind.partition(": ")[2]
        return f"have, in the source's column '{column}', {sign.value}", EVEN
    return SAID.get(sign.kind, (f"have the artefact '{sign.kind}'", EVEN))


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def _finding(message: str, remedy: str) -> Finding:
    return Finding(check="shortcuts", severity="warning", message=message, remedy=remedy)


def _note(message: str) -> Finding:
    return Finding(check="shortcuts", severity="note", message=message)
