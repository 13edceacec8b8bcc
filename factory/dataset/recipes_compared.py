"""Where two datasets were made differently: keys of their recipes, code, and what they stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from factory.errors import ManifestMismatch
from factory.shard.description import Description
from factory.shard.layout import RECIPE
from schemas.row import Row

_MOST_CHARS: Final = 200
MISSING: Final = "(not there)"
_NOTHING: Final = object()


class KeyDifference(Row):
    """A key of the recipe that has two values; of long ones the beginning."""

    key: str
    """Dotted; of a list of tables with their name: `collect.sources[gsm8k].limit`."""
    a: str
    b: str


class CodeDifference(Row):
    """A stage whose code has another version; null: the stage has none there."""

    stage: str
    a: int | None
    b: int | None


@dataclass(frozen=True)
class Made:
    """How two datasets were made, as far as it differs."""

    keys: Sequence[KeyDifference]
    code: Sequence[CodeDifference]
    upstream: frozenset[str]
    """Names of artifacts that both stand on, with other keys."""

    def of(self, *begins: str) -> list[KeyDifference]:
        """What differs of these tables and keys."""
        inside = tuple(f"{begin}{mark}" for begin in begins for mark in ".[")
        return [one for one in self.keys if one.key in begins or one.key.startswith(inside)]

    def differing(self, *begins: str) -> list[str]:
        """The keys that differ of these tables and keys."""
        return [one.key for one in self.of(*begins)]

    def code_differs(self, *stages: str) -> str:
        """`select 2 -> 3` of the first of the stages whose code differs; else nothing."""
        for one in self.code:
            if one.stage in stages:
                return f"code of {one.stage} {one.a} -> {one.b}"
        return ""


def compare_making(folders: tuple[Path, Path], said: tuple[Description, Description]) -> Made:
    """How the two were made, as far as it differs.

    Raises:
        ManifestMismatch: A recipe cannot be read.
    """
    keys = compare_recipes(_recipe(folders[0]), _recipe(folders[1]))
    versions = [one.code_versions for one in said]
    stages = [*versions[0], *(one for one in versions[1] if one not in versions[0])]
    code = [
        CodeDifference(stage=one, a=versions[0].get(one), b=versions[1].get(one))
        for one in stages
        if versions[0].get(one) != versions[1].get(one)
    ]
    ups = [one.upstream for one in said]
    other = {name for name in ups[0] if name in ups[1] and ups[0][name] != ups[1][name]}
    return Made(keys, code, frozenset(other))


def compare_recipes(a: dict[str, Any], b: dict[str, Any]) -> list[KeyDifference]:
    """The keys in which two recipes differ, as JSON has them."""
    return list(_compare(a, b, ""))


def _recipe(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / RECIPE).read_bytes())
    except (OSError, ValueError) as error:
        raise ManifestMismatch(
            f"{folder / RECIPE}: expected the dataset's recipe, found it cannot be read ({error}); "
            f"`retort dataset verify` names every file that differs"
        ) from error


def _compare(a: Any, b: Any, key: str) -> Iterator[KeyDifference]:
    """Every key with two values; a table or a named table that one side lacks is one key."""
    if a == b:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        tables = {f"{key}.{name}" if key else name: name for name in sorted({*a, *b})}
        for inner, name in tables.items():
            yield from _compare(a.get(name, _NOTHING), b.get(name, _NOTHING), inner)
    elif (first := _by_name(a)) is not None and (second := _by_name(b)) is not None:
        for name in sorted({*first, *second}):
            inner = f"{key}[{name}]"
            yield from _compare(first.get(name, _NOTHING), second.get(name, _NOTHING), inner)
    else:
        yield KeyDifference(key=key, a=_shown(a), b=_shown(b))


def _by_name(value: Any) -> dict[str, Any] | None:
    """The tables of a list by their names; None where it is none of tables with names."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return None
    tables = cast("list[dict[str, Any]]", value)
    named = {str(one.get("name", "")): one for one in tables}
    return named if len(named) == len(tables) and "" not in named else None


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return MISSING
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
