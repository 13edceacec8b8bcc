"""What a request asks for, checked; and which rows that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from factory.errors import InputFileError
from retort.explore.light_files import FACETS, NUMBERS

MOST_ROWS: Final = 200
"""Of a page."""
QUERY_CHARS: Final = 500
_MOST_VALUES: Final = 200
_VALUE_CHARS: Final = 1000
_MOST_OFFSET: Final = 1 << 40
_SORTS: Final = ("id", *NUMBERS)
_ONCE: Final = frozenset(
    {"marked", "q", "sort", "order", "offset", "limit"}
    | {f"{name}_{end}" for name in NUMBERS for end in ("min", "max")}
)


class Refused(InputFileError):  # noqa: N818 - what it says
    """A request that asks for what there cannot be."""


@dataclass(frozen=True)
class Filters:
    """Which rows; equal ones are equal."""

    values: tuple[tuple[str, tuple[str, ...]], ...]
    ranges: tuple[tuple[str, float, float], ...]
    marked: bool
    query: str


@dataclass(frozen=True)
class Asked:
    """One page of a list."""

    filters: Filters
    sort: str
    descending: bool
    offset: int
    limit: int


def asked(parameters: Iterable[tuple[str, str]]) -> Asked:
    """What the parameters of `/api/rows` say.

    Raises:
        Refused: One is unknown, comes twice, or has a value that it cannot have.
    """
    once: dict[str, str] = {}
    values: dict[str, set[str]] = {}
    for name, value in parameters:
        if name in FACETS:
            values.setdefault(name, set()).add(_value(name, value))
        elif name not in _ONCE:
            known = ", ".join([*FACETS, *sorted(_ONCE)])
            raise Refused(f"parameter {name[:80]!r}: expected one of {known}")
        elif name in once:
            raise Refused(f"parameter {name}: expected it once, found it again")
        else:
            once[name] = value
    for name, some in values.items():
        if len(some) > _MOST_VALUES:
            raise Refused(f"parameter {name}: expected at most {_MOST_VALUES} values")
    filters = Filters(
        values=tuple((name, tuple(sorted(values[name]))) for name in sorted(values)),
        ranges=tuple(_ranges(once)),
        marked=_choice(once, "marked", ("0", "1")) == "1",
        query=_query(once.get("q", "")),
    )
    return Asked(
        filters=filters,
        sort=_choice(once, "sort", _SORTS),
        descending=_choice(once, "order", ("asc", "desc")) == "desc",
        offset=_whole(once, "offset", 0, 0, _MOST_OFFSET),
        limit=_whole(once, "limit", 50, 1, MOST_ROWS),
    )


def _value(name: str, value: str) -> str:
    if len(value) > _VALUE_CHARS:
        raise Refused(f"parameter {name}: expected at most {_VALUE_CHARS} characters")
    return value


def _query(text: str) -> str:
    if len(text) > QUERY_CHARS:
        raise Refused(f"parameter q: expected at most {QUERY_CHARS} characters, found {len(text)}")
    return " ".join(text.split())


def _choice(once: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = once.get(name, known[0])
    if value not in known:
        raise Refused(f"parameter {name}: expected one of {', '.join(known)}, found {value[:80]!r}")
    return value


def _whole(once: Mapping[str, str], name: str, otherwise: int, least: int, most: int) -> int:
    text = once.get(name)
    if text is None:
        return otherwise
    if text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    raise Refused(
        f"parameter {name}: expected a whole number from {least} to {most}, found {text[:80]!r}"
    )


def _ranges(once: Mapping[str, str]) -> Iterable[tuple[str, float, float]]:
    for name in NUMBERS:
        least = _number(once, f"{name}_min", -math.inf)
        most = _number(once, f"{name}_max", math.inf)
        if least > most:
            raise Refused(f"parameter {name}_min: expected at most {name}_max")
        if least > -math.inf or most < math.inf:
            yield name, least, most


def _number(once: Mapping[str, str], name: str, otherwise: float) -> float:
    text = once.get(name, "")
    if not text:
        return otherwise
    try:
        value = float(text) if len(text) <= 40 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"parameter {name}: expected a number, found {text[:80]!r}")
    return value


# --------------------------------------------------------------------------------------------- rows
