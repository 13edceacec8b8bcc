"""Which prompts deserve a chain of thought: a rule of thumb for `reasoning = "auto"`.

In the R1 report some prompts without a verifiable answer are answered after a chain of thought and
trivial ones, such as a greeting, are not. Which ones is not said; this rule is our own.

A prompt deserves thought where it

- is of mathematics, code, science or logic, by the domain of its source;
- holds code, a formula, or at least two numbers and a word of counting;
- asks for a reason, a way, a proof, a comparison, a judgement, a plan, an explanation, or for a
  text to be written, by English or Chinese words;
- has parts: two questions, or two items of a list;
- asks for a translation of more than a sentence;
- or is longer than `LONG_WORDS` words.

Everything else is answered at once: greetings, thanks, questions of one fact, definitions, short
translations. Not covered: other languages than English and Chinese (only code, numbers, parts and
length count there), hard questions in plain words (`What is time?`), and trivial ones in grave
words (`Explain "ok"`). docs/sources.md has precision and recall on labelled prompts.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.problem import Domain

LONG_WORDS: Final = 60
"""A Chinese or Japanese character counts as half a word."""
_SENTENCE_WORDS: Final = 30
"""More than this is more than a sentence to translate."""

_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD: Final = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff]+(?:['’-]\w+)*")
_CODE: Final = re.compile(r"```|\bdef \w+\(|\bfunction\s+\w+\(|\bSELECT\b.+\bFROM\b|#include\s*<")
_FORMULA: Final = re.compile(
    r"\\(?:frac|sqrt|int|sum|boxed|\(|\[)|\$[^$\n]+\$|\d\s*[-+*/^×÷=]\s*\(?\d|\b[a-z]\s*\^\s*\d|"
    r"\b[a-z]\s*=\s*-?\d"
)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_COUNTING: Final = re.compile(
    r"\b(?:how (?:many|much|long|far|fast|old)|total|average|percent|per|each|remain|left|cost|"
    r"sum|twice|half|split|profit|ratio|probability)\b|%|多少|几|平均|总共|一共|概率"
)
_GREETING: Final = re.compile(
    r"\bhow (?:are|r) (?:you|u)\b|\bhow(?:'s| is) (?:it|everything) going\b|\bhow do you do\b|"
    r"\bhow(?:'s| is| was) your (?:day|weekend)\b|\bhow old are you\b|你好吗|怎么样$"
)
_TRANSLATION: Final = re.compile(
    r"\btranslat(?:e|ion)\b|\bhow do (?:you|i) say\b|\bin (?:french|german|spanish|chinese)\?|翻译"
)
_ASKED: Final = re.compile(
    r"\b(?:why|how (?:do|does|did|can|could|would|should|to|might|come)|"
    r"prove|proof|derive|solve|calculate|compute|estimate|deduce|infer|"
    r"compare|contrast|difference between|versus|vs|pros and cons|advantages|trade-?offs?|"
    r"explain|analy[sz]e|evaluate|assess|justify|argue|critique|discuss|interpret|diagnose|"
    r"plan|design|strategy|optimi[sz]e|improve|debug|refactor|implement|prioriti[sz]e|"
    r"recommend|should (?:i|we|you|they)|which (?:one )?is (?:better|best)|what would happen|"
    r"write|compose|draft|rewrite|summari[sz]e|outline|brainstorm|step[- ]by[- ]step)\b|"
    r"为什么|为何|如何|怎么(?!样)|怎样|证明|推导|计算|比较|对比|区别|优缺点|分析|评价|解释|"
    r"计划|方案|设计|策略|建议|应该|写一|撰写|总结|改写"
)
_ITEM: Final = re.compile(r"^\s*(?:[-*•]|\(?\w{1,2}[.)、])\s", re.MULTILINE)


def deserves_thought(statement: str, domain: Domain) -> bool:
    """Whether a prompt is answered with a chain of thought; the rule is in the module's words."""
    if domain is not Domain.GENERAL:
        return True
    text = statement.strip()
    plain = _GREETING.sub(" ", text.casefold())
    words = len(_WORD.findall(text)) + len(_WIDE.findall(text)) // 2
    if words > LONG_WORDS or _CODE.search(text) or _FORMULA.search(text):
        return True
    if _TRANSLATION.search(plain):
        return words > _SENTENCE_WORDS
    if len(_NUMBER.findall(text)) > 1 and _COUNTING.search(plain):
        return True
    parts = max(len(re.findall(r"[?？]", plain)), len(_ITEM.findall(text)))
    return parts > 1 or _ASKED.search(plain) is not None
