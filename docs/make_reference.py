"""Writes the reference when the site is built: commands and names, from the code itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Called by MkDocs for each page."""
    if page.file.src_uri == "reference/command-line.md":
        return markdown.replace("<!-- commands -->", "\n".join(_commands()))
    if page.file.src_uri == "reference/python.md":
        return markdown.replace("<!-- names -->", "\n\n".join(_names()))
    return markdown


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from osteon.cli import app

    group: Any = get_command(app)
    for name, command in sorted(group.commands.items()):
        inner = getattr(command, "commands", None)
        each = (
            {f"{name} {sub}": known for sub, known in inner.items()} if inner else {name: command}
        )
        for words, known in each.items():
            yield from _command(words, known)


def _command(words: str, command: Any) -> Iterator[str]:
    yield f"## osteon {words}\n"
    yield f"{command.help}\n"
    if command.epilog:
        yield f"    {command.epilog.removeprefix('Example: ')}\n"
    yield "| | |\n| --- | --- |"
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            names = parameter.metavar or parameter.name.upper()
        else:
            names = ", ".join(parameter.opts)
        said = (getattr(parameter, "help", None) or "").replace("|", "\\|")
        default = parameter.default
        plain = isinstance(default, str | int | float) and not isinstance(default, bool)
        yield f"| `{names}` | {said}{f' Default: `{default}`.' if plain else ''} |"
    yield ""


def _names() -> Iterator[str]:
    import osteon

    homes: dict[str, str] = osteon._HOME
    for name, module in sorted(homes.items(), key=lambda item: item[0].lower()):
        yield f"::: {module}.{name}"
