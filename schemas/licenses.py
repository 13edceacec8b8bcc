"""What licences of data and of models forbid: the table behind the check of `[shard] use`.

Covered: the licences of `schemas.license_table`, by their SPDX identifiers and common names, and
SPDX expressions with AND, OR and brackets. Not covered: exceptions (`WITH`), conditions that
depend on who uses the data, and what a set's authors grant elsewhere. A name that is not in the
table is unknown, which is not the same as permitted.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from schemas.license_table import License, known_licenses
from schemas.shard_settings import Use

_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)
_OR: Final = re.compile(r"\s+or\s+", re.IGNORECASE)
_SIGN: Final = re.compile(r"([()])|\s+(and|or)\s+", re.IGNORECASE)
_GAP: Final = re.compile(r"[\s_]+")

_ALIASES: Final = {
    "apache": "apache-2.0",
    "apache2": "apache-2.0",
    "apache-license-2.0": "apache-2.0",
    "apache-2": "apache-2.0",
    "mit-license": "mit",
    "bsd": "bsd-3-clause",
    "cc0": "cc0-1.0",
    "pddl": "pddl-1.0",
    "odc-by": "odc-by-1.0",
    "odbl": "odbl-1.0",
    "cdla-permissive": "cdla-permissive-2.0",
    "llama-2": "llama2",
    "llama-3": "llama3",
    "llama4": "llama4",
    "qwen-license": "qwen",
    "qwen-license-agreement": "qwen",
    "qwen-research-license": "qwen-research",
    "tongyi-qianwen-research": "qwen-research",
    "qianwen": "tongyi-qianwen",
    "deepseek-license": "deepseek",
    "gemma-terms": "gemma",
    "openrail-m": "openrail",
    "mrl": "mistral-research",
    "mnpl": "mistral-non-production",
    "google-terms": "gemini-terms",
    **{
        f"{kind}-{number}": f"{kind}-{number}-only"
        for kind in ("gpl", "lgpl", "agpl")
        for number in ("2.0", "2.1", "3.0")
    },
    **{f"llama-{number}": f"llama{number}" for number in ("3.1", "3.2", "3.3", "4")},
}


@cache
def _table() -> dict[str, License]:
    return {_key(one.name): one for one in known_licenses()}


def find_license(name: str) -> License | None:
    """The licence of that name, None where it is not known; case, spaces and `_` do not matter."""
    key = _key(name)
    return _table().get(_ALIASES.get(key, key))


def _key(name: str) -> str:
    key = _GAP.sub("-", name.strip().lower())
    return key.removeprefix("the-").removesuffix("-community-license").removesuffix("-licence")


def licenses_in(expression: str) -> list[list[str]]:
    """The names in an SPDX expression: a choice (OR) of licences that hold together (AND).

    What is no expression, its brackets being none of SPDX's, is cut at each AND and OR.
    """
    if find_license(expression):
        return [[expression]]
    signs = [one.strip() for one in _SIGN.split(expression) if one and one.strip()]
    try:
        found = _choice(signs)
    except IndexError:
        found = []
    if not found or signs:
        return [[one.strip() for one in _AND.split(some)] for some in _OR.split(expression)]
    return found


def _choice(signs: list[str]) -> list[list[str]]:
    """Read a choice from the front of the signs; empty, or IndexError, where there is none."""
    found = _together(signs)
    while signs and signs[0].lower() == "or":
        signs.pop(0)
        found += _together(signs)
    return found


def _together(signs: list[str]) -> list[list[str]]:
    found = _one(signs)
    while signs and signs[0].lower() == "and":
        signs.pop(0)
        more = _one(signs)
        found = [[*some, *others] for some in found for others in more]
    return found


def _one(signs: list[str]) -> list[list[str]]:
    if signs[0] != "(":
        return [[signs.pop(0)]]
    signs.pop(0)
    found = _choice(signs)
    return found if signs.pop(0) == ")" else []


def is_known(license: str) -> bool:
    """Whether at least one choice of the expression has only licences of the table."""
    return any(all(find_license(one) for one in some) for some in licenses_in(license))


def forbidden(license: str, use: Use) -> str | None:
    """Why rows under that licence may not be published, for models to be trained on, for `use`.

    Args:
        license: A name or SPDX expression. Of several with OR the most permissive counts, of those
            with AND each.

    Returns:
        The reason, or None where nothing known forbids it; so also of an unknown licence.
    """
    reasons = [_of_all(some, use) for some in licenses_in(license)]
    return None if None in reasons else reasons[0]


def _of_all(names: list[str], use: Use) -> str | None:
    for name in names:
        one = find_license(name)
        if one is None:
            continue
        if reason := one.training or one.changed or (one.commercial if use == "commercial" else ""):
            return f"{one.name}: {reason}"
    return None


def dropped_by(dataset: str, license: str) -> str | None:
    """Why a dataset under the licence `dataset` may not have rows under `license`: it would permit
    what theirs forbids, or is not one of those that a share-alike licence allows.

    Returns:
        The reason, or None where nothing known forbids it; so also where one of them is unknown.
    """
    reasons = [_dropped_by_all(dataset, some) for some in licenses_in(license)]
    return None if None in reasons else reasons[0]


def _dropped_by_all(dataset: str, names: list[str]) -> str | None:
    kept = [find_license(one) for some in licenses_in(dataset) for one in some]
    if not all(kept):
        return None
    for one in filter(None, map(find_license, names)):
        if one.heirs and not any(new and new.name in one.heirs for new in kept):
            return f"{one.name}: changed copies only under {' or '.join(one.heirs)}"
        if forbidden(one.name, "commercial") and not forbidden(dataset, "commercial"):
            return f"{one.name}: {one.commercial or one.training or one.changed}"
    return None


def hub_id(license: str) -> str:
    """The identifier in a card's head; `other` for what hubs have no name for."""
    one = find_license(license)
    return one.hub if one and one.hub else "other"
