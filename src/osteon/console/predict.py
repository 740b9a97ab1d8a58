"""What the command line prints of bundles and of films that were scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from osteon.console import out, print_json, shown_estimate
from osteon.types import Reading
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.predict import Reader, Tally


def answered(
    reader: Reader, films: Sequence[Path], output: Path | None
) -> Tally | tuple[Reading, ...]:
    """What is printed is held; what goes to a table is not."""
    from osteon.predict import predict
    from osteon.progress import track

    if output is None:
        return tuple(track(reader.read(films), "films", total=len(films)))
    return predict(reader, films, output)


def show_answers(
    answers: Tally | tuple[Reading, ...], classes: Sequence[str], output: Path | None, as_data: bool
) -> None:
    from osteon.predict import as_csv

    if isinstance(answers, tuple):
        if as_data:
            print_json([asdict(reading) for reading in answers])
        else:
            print(as_csv(answers, classes), end="")
        return
    if as_data:
        print_json({"output": str(output), **asdict(answers)})
        return
    before = f" ({answers.found} there before)" if answers.found else ""
    unlike = f", {answers.unlike} unlike the training films" if answers.unlike else ""
    out.print(
        f"{counted(answers.scored, 'film')} scored, {answers.not_readable} not readable"
        f"{unlike}{before}: {output}",
        soft_wrap=True,
        markup=False,
    )


def show_bundle(path: Path, as_data: bool) -> None:
    from osteon.bundle import read_facts
    from osteon.values import as_json

    facts = read_facts(path)
    if as_data:
        print_json({"bundle": str(path), **as_json(facts)})
        return
    out.print(f"bundle: {path}", soft_wrap=True, markup=False)
    for form in facts.forms:
        engines = ", ".join(f"{name} ({off:.0e} apart)" for name, off in form.engines.items())
        same = f"{100 * form.same_answers:.1f} % of {facts.n_compared} answers are the run's"
        out.print(f"[bold]{form.precision}[/]  {engines}; {same}")
        if form.auroc_change:
            out.print(f"  AUROC on validation changes by {shown_estimate(form.auroc_change)}")
    out.print(f"gate: {100 * facts.gate_accepts:.1f} % of validation films are accepted")
    for why in facts.left_out:
        out.print(f"[yellow]left out[/]  {escape(why)}")
