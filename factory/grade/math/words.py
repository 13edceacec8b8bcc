"""Equality of answers in words: spelling, synonyms of nothing and of endlessly many, choices."""

from __future__ import annotations

import re
from typing import Final

from factory.grade.math.tree import Collection, Group, Node, Number, Product, Symbol, Word
from schemas.math_policy import MathPolicy

EMPTY: Final = "empty set"
"""The word that the empty set is read as."""
_NOTHING: Final = re.compile(
    r"(?:there (?:is|are|exists?) )?no (?:real |valid |such |possible |integer )*"
    r"(?:solutions?|answers?|values?|numbers?)(?: exists?)?|none|no solution set|nothing"
    r"|(?:it )?does not exist|dne|undefined|not defined|impossible|not possible"
)
_EMPTY: Final = re.compile(r"(?:the )?(?:empty|null) set")
_ENDLESS: Final = re.compile(
    r"infinite(?:ly many)?(?: (?:real )?(?:solutions?|answers?|numbers?|values?))?|infinity"
)
_REALS: Final = re.compile(
    r"(?:x is )?(?:all|any|every|the)? ?(?:set of )?(?:all )?(?:the )?real numbers?|all reals|reals"
)
_ARTICLES: Final = re.compile(r"^(?:the|a|an) ")


def same_word(gold: Node, answer: Node, policy: MathPolicy) -> bool:
    """Whether two answers, one of them words at least, say the same."""
    left, right = as_text(gold), as_text(answer)
    if left is None or right is None:
        return False
    if (time := same_time(left, right)) is not None:
        return time
    if left == right or left.replace(" ", "") == right.replace(" ", ""):
        return True
    if _ENDLESS.fullmatch(left) and _ENDLESS.fullmatch(right):
        signs = isinstance(gold, Symbol) or isinstance(answer, Symbol)
        return policy.infinity_is_endless or not signs
    nothing = [
        bool(_NOTHING.fullmatch(text)) or (policy.empty_set_is_no_solution and text == EMPTY)
        for text in (_plain(left), _plain(right))
    ]
    if all(nothing):
        return True
    return _ARTICLES.sub("", left) == _ARTICLES.sub("", right)


_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?: ([ap])\.m\.)?")


def same_time(gold: str, answer: str) -> bool | None:
    """Whether two texts are one time of day; None where one is no time.

    The half of the day may be missing in the answer; without it `16:30` counts 24 hours.
    """
    one, other = _TIME.fullmatch(gold), _TIME.fullmatch(answer)
    if one is None or other is None:
        return None
    if not other[3] and one[3] and int(other[1]) <= 12:
        return (int(one[1]), one[2]) == (int(other[1]), other[2])
    return _minutes(one) == _minutes(other)


def _minutes(found: re.Match[str]) -> int:
    hour = int(found[1])
    if found[3]:
        hour = hour % 12 + (12 if found[3] == "p" else 0)
    return 60 * hour + int(found[2])


def is_time(node: Node) -> bool:
    """Whether it was read as a time of day."""
    return isinstance(node, Word) and _TIME.fullmatch(node.text) is not None


def _plain(text: str) -> str:
    return EMPTY if _EMPTY.fullmatch(text) else text


def as_text(node: Node) -> str | None:
    """The words of a node; letters side by side may be a word that was set as mathematics."""
    if isinstance(node, Word):
        return node.text
    if node == Symbol("oo"):
        return "infinity"
    if isinstance(node, Symbol):
        return node.name.lower()
    if isinstance(node, Product) and all(isinstance(factor, Symbol) for factor in node.factors):
        return "".join(factor.name for factor in node.factors if isinstance(factor, Symbol)).lower()
    if isinstance(node, Collection) and not node.items:
        return EMPTY
    return None


def as_region(words: str, policy: MathPolicy) -> Node | None:
    """The set of numbers that words name, or the number; None where they name none."""
    if _REALS.fullmatch(words):
        minus = Product((Number.of(-1), Symbol("oo")))
        return Group("(", ")", (minus, Symbol("oo")))
    if words in NUMBERS:
        return Number.of(NUMBERS[words])
    counted = counted_in(words)
    return None if counted is None else Number.of(counted)


def counted_in(words: str) -> int | None:
    """The whole number below a thousand billions that English words spell (`two hundred and
    six`, `minus twenty-one`); None where they spell none, or not in the order of its digits."""
    sign, spoken = 1, words.replace("-", " ").split()
    if len(spoken) > MOST_WORDS:
        return None
    if spoken and spoken[0] in ("minus", "negative"):
        sign, spoken = -1, spoken[1:]
    total, above = 0, 1000**4
    while spoken:
        end = next((at for at, word in enumerate(spoken) if word in _THOUSANDS), len(spoken))
        size = _THOUSANDS[spoken[end]] if end < len(spoken) else 1
        group = _below_thousand(spoken[:end], behind=bool(total))
        if group is None or size >= above:
            return None
        total, above, spoken = total + group * size, size, spoken[end + 1 :]
    return sign * total if total else None


def _below_thousand(words: list[str], *, behind: bool) -> int | None:
    """`[two hundred] [and] [sixty] [six]`, of which something must be there; not zero. Where it is
    not behind a larger part, it cannot begin with `and`."""
    words, hundreds = list(words), 0
    if len(words) > 1 and words[1] == "hundred" and words[0] in _ONES:
        hundreds, words = 100 * _ONES[words[0]], words[2:]
    if hundreds and not words:
        return hundreds
    if words[:1] == ["and"] and (hundreds or behind):
        words = words[1:]
    if len(words) == 1:
        small = NUMBERS.get(words[0], 0.0)
        return hundreds + int(small) if 1 <= small < 100 else None
    if len(words) == 2 and words[0] in _TENS and words[1] in _ONES:
        return hundreds + _TENS[words[0]] + _ONES[words[1]]
    return None


_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip
NUMBERS: Final[dict[str, float]] = {
    **{word: value for value, word in enumerate(_SMALL)},
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "one hundred": 100, "half": 0.5, "one half": 0.5,
}  # fmt: skip
"""Numbers in words."""
MOST_WORDS: Final = 24
"""More do not spell a number that is counted."""
_ONES: Final = {word: value for value, word in enumerate(_SMALL) if 0 < value < 10}
_TENS: Final = {word: int(NUMBERS[word]) for word in (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)}  # fmt: skip
_THOUSANDS: Final = {"thousand": 1000, "million": 1000**2, "billion": 1000**3}
