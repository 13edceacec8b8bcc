"""A recipe's text with revisions written into it, all else as it was, byte for byte."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from factory.errors import RecipeError
from factory.pin.revisions import Pin
from factory.pin.toml_places import Place, Steps, places


def pinned_text(text: str, revisions: Mapping[Pin, str]) -> str:
    """The recipe's text with these revisions, all else as it was, byte for byte.

    Raises:
        RecipeError: The text could not be changed so that exactly these values differ.
    """
    found = places(text)
    edits: list[tuple[int, int, str]] = []
    for one, revision in revisions.items():
        steps, name_key = _table(one, found)
        place = found.get((*steps, "revision"))
        name = found.get((*steps, name_key))
        if place:
            edits.append((place.start, place.end, f'"{revision}"'))
        elif name:
            before, dot, _ = text[name.key_start : name.key_end].rpartition(".")
            key = f"{before}{dot}revision"
            edits.append(_after(text, name.start, name.end, key, revision, inline=name.inline))
    changed = text
    for start, end, new in sorted(edits, reverse=True):
        changed = changed[:start] + new + changed[end:]
    tables = {_table(one, found)[0]: revision for one, revision in revisions.items()}
    wanted = _wanted(text, tables)
    if wanted is None or _parsed(changed) != wanted:
        raise RecipeError(
            "recipe: expected to change the revisions alone, found that the edited text would say "
            "something else; nothing was written, write the revisions by hand: "
            + ", ".join(f"{one.where} {revision}" for one, revision in revisions.items())
        )
    return changed


def _table(one: Pin, found: Mapping[Steps, Place]) -> tuple[Steps, str]:
    """The table that holds a revision, and the key that it stands behind.

    A suite that is known by its name has no sources in the file, and perhaps no dataset.
    """
    if one.suite_steps is None or (*one.steps, one.name_key) in found:
        return one.steps, one.name_key
    own = (*one.suite_steps, one.name_key) in found
    return one.suite_steps, one.name_key if own else "name"


def _after(
    text: str, start: int, end: int, key: str, revision: str, *, inline: bool
) -> tuple[int, int, str]:
    """What is put in behind a name: in its inline table, or on a line of its own."""
    if inline:
        return end, end, f', {key} = "{revision}"'
    line = text.rfind("\n", 0, start) + 1
    indent = text[line : len(text) - len(text[line:].lstrip(" \t"))]
    at = text.find("\n", end)
    if at == -1:
        at, newline = len(text), "\r\n" if "\r\n" in text else "\n"
    elif text[at - 1] == "\r":
        at, newline = at - 1, "\r\n"
    else:
        newline = "\n"
    return at, at, f'{newline}{indent}{key} = "{revision}"'


def _wanted(text: str, tables: Mapping[Steps, str]) -> dict[str, Any] | None:
    """What the changed text must say; None where the text has no such table."""
    content = tomllib.loads(text)
    for steps, revision in tables.items():
        table: Any = content
        try:
            for step in steps:
                table = table[step]
        except LookupError:
            return None
        table["revision"] = revision
    return content


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
