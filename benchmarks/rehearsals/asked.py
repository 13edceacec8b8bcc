"""What a teacher is asked: every problem of a plan, with its right and wrong answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from made_texts.pieces import pieces

from .plan import Plan
from .real_texts import Task, programming_tasks, worded_problems
from .roles import Fate, Fault, fate_of_sum, fault_of
from .sums import Sum, sum_of, twin_of

TAILS: Final = {
    "math": "\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
    "stem": "\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
    "logic": "\n\nThink first, then give the words alone.",
    "code": "\n\nSolve it in Python 3. Give the whole program in one Python code block.",
}
"""By domain: what the recipe's templates put after a statement."""
DOMAINS: Final = {"code": "code", "choice": "stem", "words": "logic"}
"""By source; all others are mathematics."""
_APART: Final = 10_000_000
"""Between the numbers of two sources, by which texts are made."""
_FEWEST_WRONG: Final = 5
_NOUNS: Final = (
    *("amber", "basket", "candle", "desert", "engine", "forest", "garden", "harbor", "island"),
    *("jacket", "kettle", "ladder", "mirror", "needle", "orange", "pencil", "quarry", "ribbon"),
    *("saddle", "tunnel", "urchin", "valley", "window", "yellow"),
)
_WORDINGS: Final = (
    "{text}",
    "The following is needed in a program. {text}",
    "Please help with this task: {text}",
    "A colleague asks for this. {text}",
    "Here is a small exercise. {text}",
    "For a library of small functions: {text}",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One problem as the teacher knows it."""

    number: int
    """Decides the texts of its candidates; unique over all sources."""
    source: str
    fate: Fate
    statement: str
    gold: str
    right: list[str]
    """The gold first, then other ways to write it; of code the one program."""
    wrong: list[str]
    """One for each wrong candidate."""
    reference: str = ""
    """The source's own program."""
    before: str = ""
    """Of a twin: the statement of the problem before it."""

    @property
    def domain(self) -> str:
        """As the recipe names it."""
        return DOMAINS.get(self.source, "math")


class Procedural(Protocol):
    """What is read of a problem that the recipe's procedural source makes."""

    statement: str
    gold: str


def sums(plan: Plan) -> Iterator[Asked]:
    """The sums that are asked: those with published candidates, then the special ones."""
    count = plan.sources["sums"]
    for number in range(count):
        yield _sum(number, fate_of_sum(number))
    for fate, many in plan.special.items():
        for number in range(count, count + many):
            yield _sum(number, fate)
        count += many


def _sum(number: int, fate: Fate) -> Asked:
    twin = fate is Fate.TWIN
    made: Sum = twin_of(number - 1) if twin else sum_of(number)
    statement = f"{_lead(number - twin)} {made.question}"
    before = f"{_lead(number - 1)} {sum_of(number - 1).question}" if twin else ""
    return Asked(number, "sums", fate, statement, made.gold, made.right, made.wrong, before=before)


def choices(count: int) -> Iterator[Asked]:
    """Questions with four options."""
    for number in range(count):
        made = sum_of(8 * number)
        place = number % 4
        options = made.wrong[:3]
        options.insert(place, made.gold)
        shown = "\n".join(f"({letter}) {one}" for letter, one in zip("ABCD", options, strict=True))
        right = "ABCD"[place]
        wrong = [letter for letter in "ABCD" if letter != right]
        statement = f"{_lead(number + _APART)} {made.question}\n{shown}"
        yield Asked(
            _APART + number,
            "choice",
            Fate.ORDINARY,
            statement,
            right,
            [right],
            (wrong * 2)[:_FEWEST_WRONG],
        )


def words_in_reverse(count: int) -> Iterator[Asked]:
    """Four words whose order is to be turned around."""
    for number in range(count):
        chosen = [_NOUNS[(number // 24**place + 7 * place) % 24] for place in range(4)]
        gold = " ".join(reversed(chosen))
        question = f"Say these words in reverse order: {' '.join(chosen)}."
        wrong = [f"{gold} {_NOUNS[more]}" for more in range(_FEWEST_WRONG)]
        statement = f"{_lead(number + 2 * _APART)} {question}"
        yield Asked(2 * _APART + number, "words", Fate.ORDINARY, statement, gold, [gold], wrong)


def real(count: int) -> Iterator[Asked]:
    """Problems of GSM8K and MATH, spread evenly over both."""
    known = list(worded_problems())
    _check_enough("problems of GSM8K and MATH", len(known), count)
    for number in range(count):
        statement, gold = known[number * len(known) // count]
        yield _other_math(3 * _APART + number, "real", statement, gold)


def arithmetic(problems: Iterator[Procedural]) -> Iterator[Asked]:
    """The problems of the recipe's procedural source, in their order."""
    for number, problem in enumerate(problems):
        yield _other_math(4 * _APART + number, "arithmetic", problem.statement, problem.gold)


def _other_math(number: int, source: str, statement: str, gold: str) -> Asked:
    wrong = [str(7919 + number % 97 + 101 * more) for more in range(_FEWEST_WRONG)]
    wrong = [f"{one}1" if one == gold else one for one in wrong]
    return Asked(number, source, Fate.ORDINARY, statement, gold, [gold], wrong)


def programs(count: int, spoilt: int = 0) -> Iterator[Asked]:
    """Tasks of MBPP in several wordings; after `count` of them `spoilt` with a wrong reference."""
    tasks = programming_tasks()
    _check_enough("programming problems", len(tasks) * len(_WORDINGS), count + spoilt)
    for number in range(count + spoilt):
        task = tasks[number % len(tasks)]
        wording = _WORDINGS[number // len(tasks)]
        shown = task.tests.split("\n")[0]
        statement = f"{wording.format(text=task.text)}\n\nIt must pass this test:\n\n{shown}"
        wrong = [wrong_program(task, fault_of(number, turn)) for turn in range(_FEWEST_WRONG)]
        reference = task.program if number < count else wrong_program(task, Fault.VALUE)
        yield Asked(
            5 * _APART + number,
            "code",
            Fate.ORDINARY,
            statement,
            task.tests,
            [task.program],
            wrong,
            reference,
        )


def wrong_program(task: Task, fault: Fault) -> str:
    """A program for a task that fails in this way."""
    body = {
        Fault.VALUE: 'return "nothing that was asked for"',
        Fault.RAISES: 'raise RuntimeError("not done yet")',
        Fault.SYNTAX: "return (",
        Fault.HANGS: "while True:\n        pass",
        Fault.GREEDY: "held = []\n    while True:\n        held.append(bytearray(1 << 24))",
        Fault.LOUD: 'while True:\n        print("x" * 65536)',
    }[fault]
    return f"def {task.function}(*given, **named):\n    {body}"


@lru_cache(maxsize=64)
def _lead(number: int) -> str:
    """Two sentences of real problems; another pair for each number."""
    found = pieces().statements
    first = found[number % len(found)]
    return f"{first} {found[(number // len(found) * 7 + number * 3 + 1) % len(found)]}"


def _check_enough(what: str, found: int, wanted: int) -> None:
    if found < wanted:
        raise ValueError(
            f"{what}: expected at least {wanted}, found {found}; rehearse with fewer samples"
        )
