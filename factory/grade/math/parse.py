"""Text of an answer -> tree, by recursive descent over characters, in bounded time and depth.

Reads LaTeX (after `normalise`), plain text (`3/4`, `x^2`, `sqrt(2)`, `pi`) and what Unicode became
there. Limits: `MAX_CHARS` of `normalise`, `MAX_DEPTH` nested groups, `MAX_NODES` nodes; past them
and for what is not covered it raises `Unreadable`, and nothing else.

Conventions: `2\\frac{1}{2}` and `2 1/2` are mixed numbers; `x^10` is x to the tenth; `1/2x` is
read from left to right; `[a, b)` is a group whose meaning its brackets hold; `\\log` has base 10,
`\\ln` base e; `f(…)`, `g(…)`, `h(…)` are functions, another letter before a bracket multiplies.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

from factory.grade.math.grammar import Parser
from factory.grade.math.normalise import MAX_CHARS, MAX_REMEMBERED, normalise
from factory.grade.math.quantities import THOUSANDS
from factory.grade.math.scan import Reading, Unreadable
from factory.grade.math.tree import (
    Collection,
    Group,
    Node,
    Number,
    Product,
    Quantity,
    Relation,
    Symbol,
    Word,
)
from factory.grade.math.units import unit_of

__all__ = ["Unreadable", "as_word", "parse"]

_TIME: Final = re.compile(
    r"(\d{1,2})(?::(\d\d))? ?(?:\\text ?\{ ?)?"
    r"(?:([AaPp])\.? ?[Mm]\b\.?|(noon|midnight|o'?clock)) ?\}?"
)
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")
_PROSE: Final = re.compile(r"[A-Za-z][A-Za-z .'-]*")
_AND: Final = re.compile(r"\b(?:and|or)\b")
_NAMED: Final = frozenset({"infinity", "inf"})
_OPEN_INTERVAL: Final = re.compile(r"([\[\]])([^\[\]]+[,;][^\[\]]+)([\[\]])")
"""An interval whose open ends have their brackets turned round: `]2, 5]`, `[-1, 3[`."""
_FEET: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)'(?: ?(\d{1,9}(?:\.\d{1,9})?) ?(?:\"|''))?")
_INCHES: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(?:\"|'')")
_MINUTES: Final = re.compile(r"(\d{1,9}) ?\\degree (\d{1,9})'(?: ?(\d{1,9})(?:\"|''))?")
_CHOOSE: Final = re.compile(
    r"\bC ?\((\w+) ?, ?(\w+)\)"
    r"|(?:\{ ?\})? ?[_^] ?(?:\{ ?(\w+) ?\}|(\w)) ?C ?_ ?(?:\{ ?(\w+) ?\}|(\w))"
    r"|\bC ?_ ?(?:\{ ?(\w+) ?\}|(\w)) ?\^ ?(?:\{ ?(\w+) ?\}|(\w))"
)
_MAPSTO: Final = re.compile(r"^[fgh] ?: ?(?=[a-z] ?\\(?:mapsto|to)(?![A-Za-z]))")
_SENTENCE: Final = re.compile(
    r"^(?:\\text ?\{)? ?(?:(?:so|thus|hence|therefore),? )?(?:the )?(?:final )?"
    r"answer(?: is|:) ?:? ?\}? ?",
    re.IGNORECASE,
)
_FUNCTION_OF_LETTER: Final = re.compile(
    r"(?:sin|cos|tan|cot|sec|csc|ln|log|sqrt) ?[a-z]|[a-z]?sqrt.*"
)
_TWO_QUANTITIES: Final = re.compile(
    r"(\d{1,40}(?:\.\d{1,40})?) ?(?:\\text ?\{ ?)?([A-Za-z]+)\.? ?\}? ?"
    r"(?:(?:\\text ?\{ ?)?and ?\}?)? ?(\d{1,40}(?:\.\d{1,40})?) ?"
    r"(?:\\text ?\{ ?)?([A-Za-z]+)\.? ?\}?"
)
_WORD_LIST: Final = re.compile(r"[A-Za-z .'-]{2,}(?:(?:,|\band\b|\bor\b)[A-Za-z .'-]+)+")
_LIST_JOINTS: Final = re.compile(r",|\band\b|\bor\b")
_SHORT_WORDS: Final = frozenset({"no", "ok"})
_HOURS: Final = {"noon": "12:00 p.m.", "midday": "12:00 p.m.", "midnight": "12:00 a.m."}
_LETTERS: Final = re.compile(r"[abckmnpqrtuvwxyz]{3,4}")
"""Letters side by side that are a product rather than a word; read as both."""
_DECIMAL_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
DEFAULT: Final = Reading()


def parse(text: str, reading: Reading = DEFAULT) -> tuple[Node, ...]:
    """The readings of an answer, most likely first; a bare `1,234` has two.

    Raises:
        Unreadable: See above; the message names the place.
    """
    return _remembered(text, reading) if len(text) <= MAX_REMEMBERED else _parse(text, reading)


def _parse(text: str, reading: Reading) -> tuple[Node, ...]:
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    normalised = normalise(text)
    if not normalised:
        raise Unreadable("empty")
    if ":" in normalised or "nswer" in normalised:
        normalised = _SENTENCE.sub("", _MAPSTO.sub("", normalised)) or normalised
        if normalised.endswith("}") and normalised.count("{") < normalised.count("}"):
            normalised = normalised[:-1].rstrip(" .")
    if reading.decimal_comma:
        normalised = _DECIMAL_COMMA.sub(".", normalised)
    if time := _time_of_day(normalised):
        return (time,)
    if listed := _listed_words(normalised):
        return (listed,)
    if _is_prose(normalised):
        word = Word(" ".join(normalised.replace(".", " ").casefold().split()))
        if word.text in _HOURS:
            return (Word(_HOURS[word.text]),)
        if _LETTERS.fullmatch(normalised):
            return (word, Product(tuple(Symbol(letter) for letter in normalised)))
        return (word,)
    if sum_of_two := _two_quantities(normalised):
        return (sum_of_two,)
    if "_" in normalised and (based := Parser(normalised, reading, thousands=False).whole_based()):
        return (based,)
    if ";" in normalised and (systems := _systems(normalised, reading)):
        return (systems,)
    if ("'" in normalised or '"' in normalised) and (minutes := _minutes(normalised)):
        return (minutes,)
    if (turned := _OPEN_INTERVAL.fullmatch(normalised)) and turned[1] + turned[3] != "[]":
        opening, closing = turned[1].replace("]", "("), turned[3].replace("[", ")")
        normalised = f"{opening}{turned[2]}{closing}"
    if "C" in normalised and _CHOOSE.search(normalised):
        chosen = _CHOOSE.sub(_as_binomial, normalised)
        try:
            return (Parser(chosen, reading, thousands=True).whole(), *_first(normalised, reading))
        except (Unreadable, RecursionError):
            pass
    try:
        first = Parser(normalised, reading, thousands=True).whole()
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        word = as_word(normalised)
        if word is None:
            raise
        return (Word(word),)
    if not reading.single_brackets and normalised[-1] in ")]}" and not isinstance(first, Group):
        first = _kept_brackets(normalised, first)
    if _CLOCK.fullmatch(normalised) and (clock := _clock(normalised)):
        return (clock,) if ":0" in normalised else (first, clock)
    if THOUSANDS.search(normalised) and not re.search(r",0", normalised):
        try:
            second = Parser(normalised, reading, thousands=False).whole()
        except (Unreadable, RecursionError):
            return (first,)
        if second != first:
            return (first, second)
    return (first,)


_remembered = lru_cache(maxsize=1024)(_parse)


def _time_of_day(normalised: str) -> Word | None:
    """`4:30 p.m.` as a word in one spelling."""
    found = _TIME.fullmatch(normalised)
    if found is None:
        return None
    hour, minute = int(found[1]), found[2] or "00"
    if hour > 23 or int(minute) > 59:
        return None
    name = (found[4] or "").lower()
    if name.startswith("o"):
        return Word(f"{hour}:{minute}")
    if hour > 12:
        return Word(f"{hour}:{minute}")
    afternoon = (found[3] or "").lower() == "p" or name == "noon"
    half = "p.m." if afternoon else "a.m."
    return Word(f"{hour % 12 or 12}:{minute} {half}")


def _clock(normalised: str) -> Word | None:
    hour, minute = normalised.split(":")
    return Word(f"{int(hour)}:{minute}") if int(hour) < 24 and int(minute) < 60 else None


def _two_quantities(normalised: str) -> Node | None:
    """`5 feet 6 inches` as one quantity in the first unit."""
    found = _TWO_QUANTITIES.fullmatch(normalised)
    if found is None:
        return None
    large, small = unit_of(found[2].lower()), unit_of(found[4].lower())
    if large is None or small is None or large.dimension != small.dimension:
        return None
    if large.size <= small.size:
        return None
    value = Fraction(found[1]) + Fraction(found[3]) * small.size / large.size
    return Quantity(Number(value), found[2].lower())


def _listed_words(normalised: str) -> Node | None:
    """`red, blue and green` as a list of words."""
    flat = re.sub(r"\\text ?\{([^{}]*)\}", r"\1", normalised)
    joiner = "or" if re.search(r"\bor\b", flat) else "and" if re.search(r"\band\b", flat) else ","
    if not _WORD_LIST.fullmatch(flat):
        return None
    items = [" ".join(item.casefold().split()) for item in _LIST_JOINTS.split(flat)]
    items = [item for item in items if item]
    if len(items) < 2 or not any(len(item) > 3 for item in items):
        return None
    return Collection(tuple(Word(item) for item in items), False, joiner)


def _systems(normalised: str, reading: Reading) -> Node | None:
    """`p = 5, q = 2; p = 7, q = 2` as a list of assignments; None where it is something else."""
    try:
        nodes = [Parser(part, reading, thousands=True).whole() for part in normalised.split(";")]
    except (Unreadable, RecursionError):
        return None
    lists = [node for node in nodes if isinstance(node, Collection) and not node.braces]
    if len(lists) < len(nodes) or not all(
        isinstance(item, Relation) for node in lists for item in node.items
    ):
        return None
    return Collection(tuple(nodes), braces=False)


def _minutes(normalised: str) -> Node | None:
    """`37° 30'` in degrees, `5' 6"` in feet."""
    if found := _MINUTES.fullmatch(normalised):
        value = int(found[1]) + Fraction(int(found[2]), 60) + Fraction(int(found[3] or 0), 3600)
        return Quantity(Number(value), "degree")
    if found := _FEET.fullmatch(normalised):
        return Quantity(Number(Fraction(found[1]) + Fraction(found[2] or 0) / 12), "feet")
    if found := _INCHES.fullmatch(normalised):
        return Quantity(Number(Fraction(found[1])), "inches")
    return None


def _as_binomial(found: re.Match[str]) -> str:
    top, bottom = (group for group in found.groups() if group is not None)
    return rf"\binom{{{top}}}{{{bottom}}}"


def _first(normalised: str, reading: Reading) -> tuple[Node, ...]:
    try:
        return (Parser(normalised, reading, thousands=True).whole(),)
    except (Unreadable, RecursionError):
        return ()


def _kept_brackets(normalised: str, node: Node) -> Node:
    """Where brackets around one element count: the element in them."""
    opening = normalised.removeprefix("\\")[0]
    closing = {"(": ")", "[": "]", "{": "}"}.get(opening)
    if closing is None or not normalised.endswith(closing):
        return node
    depth = 0
    for place, char in enumerate(normalised):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and char in ")]}" and place < len(normalised) - 1:
            return node
    return Group(opening, closing, (node,))


def as_word(normalised: str) -> str | None:
    """The text in lower case without wrappers where it holds words and no other mathematics."""
    flat = re.sub(r"\\text ?\{([^{}]*)\}", r"\1", normalised).replace(r"\degree", "")
    if "\\" in flat or not re.search(r"[A-Za-z]{2,}", flat):
        return None
    return " ".join(re.sub(r"[.,;:!?\"'()]", " ", flat).casefold().split())


def _is_prose(normalised: str) -> bool:
    """Whether there are only letters, and so many in a row that they are no product of letters."""
    if normalised.lower() in _SHORT_WORDS:
        return True
    return (
        _PROSE.fullmatch(normalised) is not None
        and _FUNCTION_OF_LETTER.fullmatch(normalised) is None
        and re.search("[A-Za-z]{3}", _AND.sub(",", normalised)) is not None
        and normalised.lower() not in _NAMED
    )
