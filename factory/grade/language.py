"""Grader of language: trace and answer are in the language that the gold names.

A gold is a language (`en`, `zh`, `ko`, `ja`), a mixture (`en+ko`), or one for each part,
`trace=ko answer=en`, of which one may be left out. A part is in its language where at least
`min_share` of its words are; in a mixture where all of them together are that many, and each is at
least `min_mixed_share`. What a word is, and which languages are told apart, is said in `words`.

A part without words, a formula say, is in any language; but one part must have some, and a trace
that the gold names (`trace=…`) must. All that stands before
the last `</think>` is the trace, before `<think>` too; without it all is answer. One that was cut
is truncated: its answer may have changed language yet. Nothing else is judged, neither whether the
answer is right nor how well it is written; one sentence of another language in a long trace stays
below the threshold (`mixed_language` of `[select]` drops such traces).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.words import Language, words
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeLanguage
from schemas.problem import Problem
from schemas.verdict import Status

_WANTED: Final = r"(?:en|zh|ko|ja)(?:\+(?:en|zh|ko|ja))*"
_GOLD: Final = re.compile(
    rf"(?P<both>{_WANTED})"
    rf"|(?:trace=(?P<trace>{_WANTED}))?(?:(?(trace)[ ,;]+)answer=(?P<answer>{_WANTED}))?"
)
_SAMPLE: Final = {
    Language.ENGLISH: "This is the way to the answer of the problem.",
    Language.CHINESE: "我们先看题目再一步一步计算最后得到这个答案",
    Language.KOREAN: "문제를 읽고 차례대로 계산해서 답을 구합니다",
    Language.JAPANESE: "問題をよく読んで順番に計算して答えを求めます",
}


@dataclass(frozen=True)
class Wanted:
    """Languages per part; empty where a part is not judged."""

    trace: frozenset[Language]
    answer: frozenset[Language]
    needs_trace: bool


class LanguageGrader:
    """Shares of words by language, in trace and answer."""

    def __init__(self, settings: GradeLanguage) -> None:
        self._least = Fraction(str(settings.min_share))
        self._least_mixed = Fraction(str(settings.min_mixed_share))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item; see `factory.grade.contract.Grader`."""
        return [self._grade(item) for item in items]

    def gold_answer(self, problem: Problem) -> str:
        """A text in the wanted languages: a gold that cannot be read accepts none."""
        wanted = read_wanted(problem.gold)
        if wanted is None:
            return problem.gold
        trace, answer = (
            " ".join(_SAMPLE[language] for language in sorted(part or {Language.ENGLISH}))
            for part in (wanted.trace, wanted.answer)
        )
        return f"<think>{trace}</think>\n{answer}"

    def _grade(self, item: Item) -> Verdict:
        start = time.monotonic()
        answer = answer_part(item.text, item.finish_reason)
        if answer is None or item.finish_reason is FinishReason.LENGTH:
            wall_s = time.monotonic() - start
            return Verdict(Status.TRUNCATED, "", "language", "no end to judge", wall_s)
        wanted = read_wanted(item.problem.gold)
        if wanted is None:
            detail = f"expected `ko`, `en+zh` or `trace=ko answer=en`, found {item.problem.gold!r}"
            return Verdict(Status.ERROR, "", "gold", detail[:200], time.monotonic() - start)
        trace = item.text.rpartition("</think>")[0]
        found = {"trace": words(trace), "answer": words(answer)}
        status, detail = self._judge(found, wanted)
        shown = " ".join(f"{part}={_shown(counts)}" for part, counts in found.items() if counts)
        return Verdict(status, shown, "language", detail, time.monotonic() - start)

    def _judge(
        self, found: Mapping[str, Mapping[Language, Fraction]], wanted: Wanted
    ) -> tuple[Status, str]:
        asked = {"trace": wanted.trace, "answer": wanted.answer}
        judged = [part for part in asked if asked[part] and found[part]]
        if not judged or (wanted.needs_trace and "trace" not in judged):
            return Status.UNPARSABLE, "no words to tell a language by"
        for part in judged:
            if fault := self._fault(found[part], asked[part]):
                return Status.INCORRECT, f"{part}: {fault}"
        return Status.CORRECT, ""

    def _fault(self, counts: Mapping[Language, Fraction], wanted: frozenset[Language]) -> str:
        total = sum(counts.values())
        together = sum(counts.get(language, 0) for language in wanted)
        missing = [
            language
            for language in sorted(wanted)
            if len(wanted) > 1 and counts.get(language, 0) < self._least_mixed * total
        ]
        if together >= self._least * total and not missing:
            return ""
        least = f"at {float(self._least):.2f} or more"
        each = f", each at {float(self._least_mixed):.2f} or more" if len(wanted) > 1 else ""
        return f"expected {'+'.join(sorted(wanted))} {least}{each}, found {_shown(counts)}"


def read_wanted(gold: str) -> Wanted | None:
    """What a gold asks for; None where it cannot be read."""
    found = _GOLD.fullmatch(gold.strip())
    if found is None or not any(found.groups()):
        return None
    both, trace, answer = found["both"], found["trace"], found["answer"]
    return Wanted(_languages(both or trace), _languages(both or answer), trace is not None)


def _languages(text: str | None) -> frozenset[Language]:
    return frozenset(map(Language, text.split("+"))) if text else frozenset()


def _shown(counts: Mapping[Language, Fraction]) -> str:
    total = sum(counts.values())
    shares = sorted(counts.items(), key=lambda one: -one[1])
    return " ".join(f"{language}:{float(count / total):.2f}" for language, count in shares)
