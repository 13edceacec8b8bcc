"""Programs of python tasks: an input, a filter, a map and a fold; their code, behaviour and cases.

Two programs that behave alike on the probe inputs share a skeleton, whatever their code, so a
program cannot be in two splits under two spellings.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from factory.collect.procedural import python_steps as steps
from factory.collect.procedural.python_steps import AS_IS, KEEP_ALL, Each, Fold
from factory.digest import digest

_PROBES: Final = 24
_WORDS: Final = (
    *("apple", "bee", "cat", "dog", "echo", "boat", "code", "add", "sea", "ab", "cab", "ode"),
    *("bread", "dance", "eel", "oak", "tomato", "door", "ace", "bone", "cocoa", "deed", "do"),
)
_LETTERS: Final = "aabcdeeiostuxABCDEOST0123456789"


@dataclass(frozen=True)
class Input:
    """What a program is given, and how to walk over it."""

    says: str
    elements: str
    parameter: str
    walk: str
    """Code of the elements, e.g. `xs` or `range(1, n + 1)`."""
    elements_of: Callable[[Any], list[Any]]
    sample: Callable[[random.Random], Any]
    filters: Callable[[], list[Each]]
    maps: Callable[[], list[Each]]
    folds: Callable[[], list[Fold]]


def _digits(n: int) -> list[int]:
    return [int(digit) for digit in str(n)]


def _up_to(n: int) -> list[int]:
    return list(range(1, n + 1))


INPUTS: Final = {
    "list": Input(
        *("a list of integers", "numbers", "xs", "xs", list),
        lambda rng: [rng.randint(-6, 12) for _ in range(rng.randint(3, 5))],
        *(steps.number_filters, steps.number_maps, steps.number_folds),
    ),
    "words": Input(
        *("a list of words", "words", "words", "words", list),
        lambda rng: rng.sample(_WORDS, rng.randint(2, 4)),
        *(steps.word_filters, steps.word_maps, steps.word_folds),
    ),
    "string": Input(
        *("a string", "characters", "s", "s", list),
        lambda rng: "".join(rng.choices(_LETTERS, k=rng.randint(3, 6))),
        *(steps.letter_filters, steps.letter_maps, steps.letter_folds),
    ),
    "digits": Input(
        *("a non-negative integer", "digits", "n", "[int(d) for d in str(n)]", _digits),
        lambda rng: rng.randint(100, 99999),
        *(steps.number_filters, steps.number_maps, steps.number_folds),
    ),
    "range": Input(
        *("an integer", "numbers from 1 to n", "n", "range(1, n + 1)", _up_to),
        lambda rng: rng.randint(3, 14),
        *(steps.number_filters, steps.number_maps, steps.number_folds),
    ),
}


@dataclass(frozen=True)
class Program:
    """One program; `run` is its deed, `bodies` are ways to write it."""

    source: str
    keep: Each
    change: Each
    fold: Fold

    @property
    def input(self) -> Input:
        return INPUTS[self.source]

    def run(self, argument: Any) -> Any:
        """What the program gives for this argument, by our own functions."""
        kept = [x for x in self.input.elements_of(argument) if self.keep.run(x)]
        return self.fold.run([self.change.run(x) for x in kept])

    @cached_property
    def skeleton(self) -> str:
        """Digest of the behaviour on fixed probe inputs of this kind."""
        return digest([self.source, [self.run(probe) for probe in probes(self.source)]])

    def comprehension(self, keep_code: str = "") -> str:
        """`[x * x for x in xs if x > 3]`, as short as it can be said."""
        condition = keep_code or self.keep.code
        if not condition and self.change is AS_IS:
            return self.input.walk
        tail = f" if {condition}" if condition else ""
        return f"[{self.change.code} for x in {self.input.walk}{tail}]"

    def in_one_line(self) -> list[str]:
        """The body as one `return`."""
        items = self.comprehension()
        if items == "range(1, n + 1)" and "[" in self.fold.code:
            items = f"list({items})"
        if self.fold.code == "list({})" and items.startswith("["):
            return [f"return {items}"]
        return [f"return {self.fold.code.format(items)}"]

    def in_steps(self) -> list[str]:
        """The body with the elements named first."""
        return [
            f"out = [{self.change.code} for x in {self.input.walk}"
            + (f" if {self.keep.code}]" if self.keep.code else "]"),
            f"return {self._folded('out')}",
        ]

    def in_a_loop(self) -> list[str]:
        """The body as a loop."""
        lines = ["out = []", f"for x in {self.input.walk}:"]
        indent = "    "
        if self.keep.code:
            lines.append(f"    if {self.keep.code}:")
            indent = "        "
        return [*lines, f"{indent}out.append({self.change.code})", f"return {self._folded('out')}"]

    def _folded(self, items: str) -> str:
        return items if self.fold.code == "list({})" else self.fold.code.format(items)


def function(name: str, program: Program, body: list[str]) -> str:
    """The whole function, four spaces per level."""
    lines = [f"def {name}({program.input.parameter}):", *(f"    {line}" for line in body)]
    return "\n".join(lines)


_probes: dict[str, list[Any]] = {}


def probes(source: str) -> list[Any]:
    """The fixed inputs of a kind on which behaviours are compared."""
    if source not in _probes:
        rng = random.Random(f"probes of {source}")
        _probes[source] = [INPUTS[source].sample(rng) for _ in range(_PROBES)]
    return _probes[source]


def draw_program(rng: random.Random) -> Program:
    """A program with at least a filter or a map."""
    source = rng.choices(list(INPUTS), weights=[40, 20, 20, 10, 10])[0]
    kind = INPUTS[source]
    shape = rng.choices(["both", "filter", "map"], weights=[6, 2, 2])[0]
    keep = KEEP_ALL if shape == "map" else rng.choice(kind.filters())
    change = AS_IS if shape == "filter" else rng.choice(kind.maps())
    return Program(source, keep, change, rng.choice(kind.folds()))
