"""The steps that python tasks are made of: filters, maps and folds, each in words, code and deed.

Every step carries what it does as our own function, so that expected values never come from
running a text. `slip` is a wrong code that a reader may write first; traces mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Each:
    """A filter or a map: works on one element, which the code calls `x`."""

    says: str
    """For a filter what follows `the … that`, for a map what is done to each."""
    code: str
    run: Callable[[Any], Any]
    slip: str = ""


@dataclass(frozen=True)
class Fold:
    """What becomes of the elements at the end; the code calls them `{}`."""

    says: str
    code: str
    run: Callable[[list[Any]], Any]


KEEP_ALL: Final = Each("", "", lambda _x: True)
AS_IS: Final = Each("", "x", lambda x: x)


def number_filters() -> list[Each]:
    """Conditions on an integer, with parameters."""
    steps = [
        Each("are even", "x % 2 == 0", lambda x: x % 2 == 0, "x % 2 == 1"),
        Each("are odd", "x % 2 == 1", lambda x: x % 2 == 1, "x % 2 == 0"),
        Each("are positive", "x > 0", lambda x: x > 0, "x >= 0"),
        Each("are negative", "x < 0", lambda x: x < 0, "x <= 0"),
        Each("are not zero", "x != 0", lambda x: x != 0, "x == 0"),
    ]
    for k in range(1, 10):
        steps += [
            Each(f"are greater than {k}", f"x > {k}", lambda x, k=k: x > k, f"x >= {k}"),
            Each(f"are less than {k}", f"x < {k}", lambda x, k=k: x < k, f"x <= {k}"),
            Each(f"are at least {k}", f"x >= {k}", lambda x, k=k: x >= k, f"x > {k}"),
            Each(f"are at most {k}", f"x <= {k}", lambda x, k=k: x <= k, f"x < {k}"),
        ]
    for k in range(3, 8):
        steps += [
            Each(f"are divisible by {k}", f"x % {k} == 0", lambda x, k=k: x % k == 0, f"x // {k}"),
            Each(f"are not divisible by {k}", f"x % {k} != 0", lambda x, k=k: x % k != 0),
        ]
    return steps


def number_maps() -> list[Each]:
    """What is done to each integer, with parameters."""
    steps = [
        Each("square each", "x * x", lambda x: x * x, "x * 2"),
        Each("double each", "x * 2", lambda x: x * 2, "x * x"),
        Each("negate each", "-x", lambda x: -x),
        Each("take the absolute value of each", "abs(x)", abs),
        Each("cube each", "x * x * x", lambda x: x * x * x, "x * 3"),
    ]
    for k in range(1, 10):
        steps += [
            Each(f"add {k} to each", f"x + {k}", lambda x, k=k: x + k, f"x * {k}"),
            Each(f"subtract {k} from each", f"x - {k}", lambda x, k=k: x - k, f"{k} - x"),
            Each(f"subtract each from {k}", f"{k} - x", lambda x, k=k: k - x, f"x - {k}"),
        ]
    for k in range(3, 10):
        steps += [
            Each(f"multiply each by {k}", f"x * {k}", lambda x, k=k: x * k, f"x + {k}"),
            Each(f"take each modulo {k}", f"x % {k}", lambda x, k=k: x % k, f"x // {k}"),
            Each(f"divide each by {k}, rounding down", f"x // {k}", lambda x, k=k: x // k),
        ]
    return steps


def number_folds() -> list[Fold]:
    """What becomes of a list of integers."""
    return [
        Fold("the sum", "sum({})", sum),
        Fold("a list", "list({})", list),
        Fold("the largest, or 0 if there is none", "max({}, default=0)", _largest),
        Fold("the smallest, or 0 if there is none", "min({}, default=0)", _smallest),
        Fold("how many there are", "len({})", len),
        Fold("a sorted list", "sorted({})", sorted),
        Fold("a list in reverse order", "{}[::-1]", lambda xs: xs[::-1]),
        Fold("the first two", "{}[:2]", lambda xs: xs[:2]),
        Fold("the last two", "{}[-2:]", lambda xs: xs[-2:]),
        Fold("how many different ones there are", "len(set({}))", lambda xs: len(set(xs))),
    ]


def _largest(xs: Sequence[int]) -> int:
    return max(xs, default=0)


def _smallest(xs: Sequence[int]) -> int:
    return min(xs, default=0)


def word_filters() -> list[Each]:
    """Conditions on a word, with parameters."""
    steps: list[Each] = []
    for k in range(2, 6):
        steps += [
            Each(f"are longer than {k}", f"len(x) > {k}", lambda x, k=k: len(x) > k, f"x > {k}"),
            Each(f"are shorter than {k}", f"len(x) < {k}", lambda x, k=k: len(x) < k, f"x < {k}"),
        ]
    for c in "abcdeo":
        steps += [
            Each(f"start with {c!r}", f"x.startswith({c!r})", lambda x, c=c: x.startswith(c)),
            Each(f"end with {c!r}", f"x.endswith({c!r})", lambda x, c=c: x.endswith(c)),
            Each(f"contain {c!r}", f"{c!r} in x", lambda x, c=c: c in x, f"{c!r} not in x"),
            Each(f"do not contain {c!r}", f"{c!r} not in x", lambda x, c=c: c not in x),
        ]
    return steps


def word_maps() -> list[Each]:
    """What is done to each word."""
    return [
        Each("write each in upper case", "x.upper()", str.upper),
        Each("reverse each", "x[::-1]", lambda x: x[::-1], "x.reverse()"),
        Each("take the first letter of each", "x[0]", lambda x: x[0], "x[1]"),
        Each("take the last letter of each", "x[-1]", lambda x: x[-1], "x[1]"),
        Each("repeat each twice", "x * 2", lambda x: x * 2),
        Each("take the first two letters of each", "x[:2]", lambda x: x[:2], "x[2]"),
        Each("put an 's' after each", "x + 's'", lambda x: x + "s"),
    ]


def word_folds() -> list[Fold]:
    """What becomes of a list of words."""
    return [
        Fold("a list", "list({})", list),
        Fold("one string joined by '-'", "'-'.join({})", "-".join),
        Fold("one string joined by ' '", "' '.join({})", " ".join),
        Fold("one string", "''.join({})", "".join),
        Fold("a sorted list", "sorted({})", sorted),
        Fold("how many there are", "len({})", len),
        Fold("a list in reverse order", "{}[::-1]", lambda xs: xs[::-1]),
        Fold("the number of letters in all", "sum(len(x) for x in {})", _letters),
    ]


def _letters(words: Sequence[str]) -> int:
    return sum(len(word) for word in words)


def letter_filters() -> list[Each]:
    """Conditions on one character of a string."""
    steps = [
        Each("are vowels", "x in 'aeiou'", lambda x: x in "aeiou", "x not in 'aeiou'"),
        Each("are not vowels", "x not in 'aeiou'", lambda x: x not in "aeiou", "x in 'aeiou'"),
        Each("are digits", "x.isdigit()", str.isdigit, "x.isalpha()"),
        Each("are letters", "x.isalpha()", str.isalpha, "x.isdigit()"),
        Each("are in upper case", "x.isupper()", str.isupper, "x.upper()"),
        Each("are in lower case", "x.islower()", str.islower, "x.lower()"),
    ]
    for c in "abcdeost":
        steps += [
            Each(f"are {c!r}", f"x == {c!r}", lambda x, c=c: x == c, f"x != {c!r}"),
            Each(f"are not {c!r}", f"x != {c!r}", lambda x, c=c: x != c, f"x == {c!r}"),
        ]
    return steps


def letter_maps() -> list[Each]:
    """What is done to each character."""
    steps = [
        Each("write each in upper case", "x.upper()", str.upper),
        Each("write each in lower case", "x.lower()", str.lower),
        Each("repeat each twice", "x * 2", lambda x: x * 2),
        Each("repeat each three times", "x * 3", lambda x: x * 3),
    ]
    for c in "-.+_":
        steps.append(Each(f"put {c!r} after each", f"x + {c!r}", lambda x, c=c: x + c))
    return steps


def letter_folds() -> list[Fold]:
    """What becomes of the characters."""
    return [
        Fold("one string", "''.join({})", "".join),
        Fold("one string in reverse order", "''.join({})[::-1]", lambda xs: "".join(xs)[::-1]),
        Fold("one string in sorted order", "''.join(sorted({}))", lambda xs: "".join(sorted(xs))),
        Fold("how many there are", "len({})", len),
        Fold("a list", "list({})", list),
        Fold("how many different ones there are", "len(set({}))", lambda xs: len(set(xs))),
        Fold("one string joined by ','", "','.join({})", ",".join),
    ]
