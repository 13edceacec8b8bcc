"""Where two datasets were made differently: keys of their recipes, code, and what they stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from factory.errors import ManifestMismatch
from factory.shard.description import Description
from factory.shard.layout import RECIPE
from schemas.row import Row

_MOST_CHARS: Final = 200
MISSING: Final = "(not there)"


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

    def differing(self, *begins: str) -> list[str]:
        """The keys that differ of these tables and keys."""
        inside = tuple(f"{begin}{mark}" for begin in begins for mark in ".[")
        return [one.key for one in self.keys if one.key in begins or one.key.startswith(inside)]

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
    first, second = (dict(_flat(_recipe(folder), "")) for folder in folders)
    keys = [
        KeyDifference(key=key, a=_shown(first, key), b=_shown(second, key))
        for key in sorted({*first, *second})
        if first.get(key, MISSING) != second.get(key, MISSING)
    ]
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


def _recipe(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / RECIPE).read_bytes())
    except (OSError, ValueError) as error:
        raise ManifestMismatch(
            f"{folder / RECIPE}: expected the dataset's recipe, found it cannot be read ({error}); "
            f"`retort dataset verify` names every file that differs"
        ) from error


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every value that is no table, by its dotted key; lists of unnamed things are one value."""
    if isinstance(value, dict) and value:
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _flat(inner, f"{key}.{name}" if key else name)
    elif names := _names(value):
        for name, inner in zip(names, value, strict=True):
            yield from _flat(inner, f"{key}[{name}]")
    else:
        yield key, value


def _names(value: Any) -> list[str]:
    """Of a list of tables that each have a name of their own; else none."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return []
    names = [str(one.get("name", "")) for one in cast("list[dict[str, Any]]", value)]
    return names if all(names) and len(set(names)) == len(names) else []


def _shown(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return MISSING
    text = json.dumps(values[key], ensure_ascii=False)
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
