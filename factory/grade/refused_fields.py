"""What pydantic refused in the words of this project: the field, what is expected and found."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError


def explained(error: ValueError) -> str:
    """What is wrong: the message of our own, or each field that pydantic refused."""
    if not isinstance(error, ValidationError):
        return f"{error}"
    return "; ".join(_explained_field(dict(one)) for one in error.errors(include_url=False))


def _explained_field(one: dict[str, Any]) -> str:
    if one["type"] == "value_error":
        return f"{one['ctx']['error']}"
    name = ".".join(map(str, one["loc"]))
    if one["type"] == "missing":
        return f"`{name}`: expected this key, found none"
    if one["type"] == "extra_forbidden":
        return f"`{name}`: expected no such key, found one"
    expected = one["msg"].replace("Input should be", "expected")
    if one["type"] in ("dict_type", "model_type"):
        expected = "expected an object"
    return f"`{name}`: {expected}, found {one['input']!r:.80}"
