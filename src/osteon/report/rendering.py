"""Templates to pages: one environment, one style sheet, no request to anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from osteon.types import Estimate
from osteon.words import counted, shown_p

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **values: Any) -> str:
    """The page of ``template`` with the style sheet inside; what it asks for and is not in
    ``values`` is an error."""
    environment = _environment()
    style = environment.get_template("style.css").render()
    return environment.get_template(template).render(style=style, **values)


def fragment(template: str, **values: Any) -> Markup:
    """A part of a page, such as a section, from a template of its own."""
    return Markup(_environment().get_template(template).render(**values))


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("osteon.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "estimate": estimate_html,
        "n": lambda count: f"{count:,}",
        "counted": counted,
        "shown_p": shown_p,
    }
    return environment


def estimate_html(estimate: Estimate | None) -> Markup:
    """Such as ``0.872 [0.831, 0.905]``, broken before the interval if at all."""
    if estimate is None or estimate.value is None:
        return Markup("undefined")
    value = f"<b>{estimate.value:z.3f}</b>"
    if estimate.low is None or estimate.high is None:
        return Markup(f"{value} <span class=ci>[no interval]</span>")
    return Markup(f"{value} <span class=ci>[{estimate.low:z.3f}, {estimate.high:z.3f}]</span>")
