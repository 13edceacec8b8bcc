"""Answers without work: the answer to a reasoning problem is only said, or said over and over.

A trace is without work if nothing is left of it after taking away the answer, the words with which
an answer is said ("The final answer is"), a letter that is set equal to it (`x =`), and LaTeX's own
commands (`\\boxed`, `\\frac`). How often it is said does not matter. Of a trace that is one
sentence the words of the statement are taken away too: "She has 4 apples." A program is an answer
too: of a trace to a programming problem the program that the answer part repeats is taken away.
Where the trace is empty, what follows it is looked at.

Any other word, number or sign of arithmetic is work: `2 + 2 = 4` stays, however short. So what is
dropped has no step at all. Not covered: a trace with a step that leads nowhere, one in which the
answer is said in other words than the gold, and one in another language than English.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from factory.select.found import Found

_SAYING: Final = """
a an the this that it its i we you my our us me so thus therefore hence then now and or but of
to for in on as at by with is are was be been must should would will can have has had do get
gets got gives give given find found see say said says saying write written know think guess
believe let check verify just only again answer answers final finally result results solution
correct right value option choice letter number equal equals exactly following below here okay
ok well yes sure clearly obviously simply directly conclude conclusion conclusively wait hmm box
boxed program code
"""
_FILLER: Final = frozenset(_SAYING.split())
_SKIPPED: Final = (
    r"\\[,;:!() \[\]]|\\(?:begin|end)\{\w+\*?\}"  # spacing and delimiters of LaTeX
    r"|\\(?:boxed|fbox|text|textbf|mathrm|mathbf|left|right|[dt]?frac|q?quad|displaystyle)\b"
    r"|[-*_#>]{2,}|^\s*[-*+>#]+\s"  # emphasis, rules, headings, items of lists
    r"|(?:```|~~~)\w*"
    r"|\b[^\W\d_]\s*=(?!=)"
)
_TOKEN: Final = re.compile(
    rf"{_SKIPPED}|(?P<token>[^\W\d_]+|\d+(?:[.,]\d+)*|[+\-*/^=<>≤≥≠≈×÷±√∑∫−·∙⋅→⇒])",
    re.MULTILINE,
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_BOX: Final = re.compile(r"\\boxed\s*\{([^\n]{0,200})\}")
_FENCED: Final = re.compile(r"(?:```|~~~)[^\n]*\n(.*?)(?:```|~~~)", re.DOTALL)
_GOLD_CHARS: Final = 2000
_SENTENCE_CHARS: Final = 400
_SHOWN_CHARS: Final = 100


def work_missing(
    trace: str, answer: str, *, gold: str, statement: str, program: bool
) -> Found | None:
    """That a trace has no step, and what it says instead.

    The margin is 1 where nothing but the answer is said, and less the more other words had to be
    taken away.

    Args:
        trace: The reasoning text.
        answer: What follows it; empty where the completion is one text.
        gold: The gold answer; of a programming problem it is tests, which are not looked at.
        program: Whether answers are programs.
    """
    said = trace if trace.strip() or program else answer
    if program:
        said, known = _without_program(said, answer), frozenset[str]()
    else:
        known = _answer_words(gold, answer or trace)
    if _has_work(said, known) and not program and _is_one_sentence(said):
        known |= {word for word in _tokens(statement) if word[0].isalpha()}
    if _has_work(said, known):
        return None
    others = {token for token in _tokens(said) if token not in known}
    shown = " ".join(trace.split())[:_SHOWN_CHARS]
    return Found(f'only says "{shown}"', round(1 / (1 + len(others)), 4))


def _has_work(text: str, known: Collection[str]) -> bool:
    return any(token not in _FILLER and token not in known for token in _tokens(text))


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and signs, one after the other, so that the first that is work can end it."""
    for found in _TOKEN.finditer(text):
        if token := found["token"]:
            yield token.lower().replace(",", "")


def _answer_words(gold: str, where: str) -> frozenset[str]:
    """What the answer consists of: the gold, and what stands in boxes."""
    boxes = " ".join(_BOX.findall(where))
    return frozenset([*_tokens(gold[:_GOLD_CHARS]), *_tokens(boxes)])


def _is_one_sentence(text: str) -> bool:
    stripped = text.strip()
    return len(stripped) <= _SENTENCE_CHARS and not _SENTENCE_END.search(stripped)


def _without_program(trace: str, answer: str) -> str:
    for found in _FENCED.findall(answer):
        if program := found.strip():
            trace = trace.replace(program, " ")
    return trace
