"""A JSON file with "auto" in it, and how wrong entries of it are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from factory.errors import RecipeError
from factory.recipe_file import existing

AUTO: Final = "auto"


@dataclass(frozen=True)
class Said:
    """What a file says of which entry, or the refusal of it."""

    path: str
    """Of the file, as the recipe has it."""

    def refused(self, name: str, *why: str) -> RecipeError:
        """To be raised: this entry is wrong, and what to do."""
        return RecipeError(f"DeepSpeed file {self.path}: {name}: {''.join(why)}")

    def must_be(self, name: str, value: Any, allowed: Sequence[Any], remedy: str) -> None:
        """Refuse any value but these."""
        if value not in allowed:
            expected = " or ".join(json.dumps(one) for one in allowed)
            raise self.refused(name, f"expected {expected}, found {value!r:.80}; {remedy}")

    def table(self, name: str, value: Any) -> dict[str, Any]:
        """The value, which must be an object."""
        if not isinstance(value, dict):
            raise self.refused(name, f"expected an object, found {value!r:.80}")
        return cast("dict[str, Any]", value)

    def number(self, name: str, value: Any) -> float:
        """The value, which must be a number from 0."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self.refused(name, f"expected a number from 0, found {value!r:.80}")
        return value


def read_json(path: str) -> dict[str, Any]:
    """What the file says that a recipe's `train.deepspeed` names.

    Raises:
        RecipeError: It is not there, or not a JSON object.
    """
    file = existing(path, "train.deepspeed")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecipeError(f"train.deepspeed {path}: expected a JSON file, found {error}") from error
    return Said(path).table("the file", content)


def without_auto(value: Any) -> Any:
    """Without the entries that are "auto", which leaves them to DeepSpeed."""
    if not isinstance(value, dict):
        return value
    entries = cast("dict[str, Any]", value).items()
    return {name: without_auto(one) for name, one in entries if one != AUTO}
