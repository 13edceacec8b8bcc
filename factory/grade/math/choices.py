"""Letters of multiple choice, bare or with the text of their option: `B`, `(B)`, `B) 25`."""

from __future__ import annotations

import re
from typing import Final

_CHOICE: Final = re.compile(
    r"(?:(?:option|choice|answer):? )?(?:\\text ?\{)? ?(\()?([A-J])(\))?(?: ?\})?"
    r"([.:)](?= |$))? ?(.*)",
    re.DOTALL | re.IGNORECASE,
)
_DOUBTFUL: Final = re.compile(
    r"\([A-J]\)|\b(?:and|or|no|not|none|wait|wrong|incorrect|false)\b|\b[A-J](?:[).:,]|$)"
)
_SEVERAL: Final = re.compile(r"[A-J](?:(?:, ?| and |, ?and )?[A-J]){1,9}")
_WRAPPER: Final = re.compile(r"\\text ?\{([^{}]*)\}")


def same_choice(gold: str, answer: str) -> bool | None:
    """Whether two normalised answers name one letter; None where the gold is no choice, or neither
    says more than a letter.

    Texts of options must agree where both have one. An answer that names other letters, or denies
    its own, is wrong.
    """
    if (several := _same_letters(gold, answer)) is not None:
        return several
    one = _read(gold)
    if one is None:
        return None
    other = _read(answer)
    if other is None:
        return None
    if not (one[1] or other[1]):
        return one[0] == other[0] if gold != answer else None
    if _DOUBTFUL.search(one[1]) or _DOUBTFUL.search(other[1]):
        return _squeezed(gold) == _squeezed(answer)
    return one[0] == other[0] and (not (one[1] and other[1]) or one[1] == other[1])


def _same_letters(gold: str, answer: str) -> bool | None:
    """Whether `ACD` and `A, C, D` name the same letters; None where neither is so."""
    one, other = (re.fullmatch(_SEVERAL, _WRAPPER.sub(r"\1", text)) for text in (gold, answer))
    if one is None or other is None or ("," in gold) == ("," in answer):
        return None
    return set(re.findall("[A-J]", gold)) == set(re.findall("[A-J]", answer))


def _read(text: str) -> tuple[str, str] | None:
    """Letter and option."""
    found = _CHOICE.fullmatch(_WRAPPER.sub(r"\1", text))
    if found is None or not found[2].isupper():
        return None
    marked = found[3] or found[4]
    if found[5] and not marked:
        return None
    return found[2], found[5].strip(" .")


def option_text(gold: str) -> str:
    """The text of the option that a gold names beside its letter; it answers as well."""
    read = _read(gold)
    return read[1] if read is not None else ""


def _squeezed(text: str) -> str:
    return re.sub(r"\\text|[\s{}]", "", text)
