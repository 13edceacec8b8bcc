"""Which prompts deserve a chain of thought: a rule of thumb for `reasoning = "auto"`.

In the R1 report some prompts without a verifiable answer are answered after a chain of thought and
trivial ones, such as a greeting, are not. Which ones is not said; this rule is our own.

Trivial, and answered at once, is a prompt without any sign of work that is

- a greeting, thanks, a farewell or another remark of at most `REMARK_WORDS` words;
- one short question of a fact (who, when, where, what is, how tall, is X a Y), or one short order
  for a word (define, spell, name, a synonym);
- a translation of no more than a sentence.

Signs of work are: code, a formula, two numbers, or one and a word of counting; words that ask for a
reason, a way, a proof, a comparison, a judgement, a supposition, a plan, an explanation or a text;
two questions, or two items of a list; more than `LONG_WORDS` words. Mathematics, code, science and
logic deserve thought always, by the domain of their source.

The words are English and Chinese; in other languages only code, numbers, parts and length count,
and short prompts are taken for remarks. Not covered: hard questions in plain words (`What is
time?`), and trivial ones in grave words (`How should I pronounce it?`). docs/sources.md has
precision and recall on labelled prompts.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.problem import Domain

LONG_WORDS: Final = 60
"""A Chinese or Japanese character counts as half a word."""
REMARK_WORDS: Final = 5
_SENTENCE_WORDS: Final = 30
"""More than this is more than a sentence to translate."""
_FACT_WORDS: Final = 14
"""Longer questions carry conditions."""

_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD: Final = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff]+(?:['’-]\w+)*")
_CODE: Final = re.compile(r"```|\bdef \w+\(|\bfunction\s+\w+\(|\bSELECT\b.+\bFROM\b|#include\s*<")
_FORMULA: Final = re.compile(
    r"\\(?:frac|sqrt|int|sum|boxed|\(|\[)|\$[^$\n]+\$|\d\s*[-+*/^×÷=]\s*\(?\d|\b[a-z]\s*\^\s*\d|"
    r"\b[a-z]\s*=\s*-?\d"
)
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_COUNTING: Final = re.compile(
    r"\b(?:how (?:many|much|long|far|fast)|total|average|percent|per|each|remain|left|cost|"
    r"sum|twice|half|split|profit|ratio|probability|convert|budget|under|at most|at least)\b|%|"
    r"多少|几|平均|总共|一共|概率"
)
_QUOTED: Final = re.compile(r"'[^'\n]{2,}'(?!\w)|\"[^\"\n]+\"|[“《][^”》\n]+[”》]")
_GREETING: Final = re.compile(
    r"\bhow (?:are|r) (?:you|u)\b|\bhow(?:'s| is) (?:it|everything) going\b|\bhow do you do\b|"
    r"\bhow(?:'s| is| was) your (?:day|weekend)\b|你好吗|怎么样$"
)
_TRANSLATION: Final = re.compile(r"\btranslat(?:e|ion)\b|\bhow do (?:you|i) say\b|翻译")
_WORK: Final = re.compile(
    r"\b(?:why|how (?:do|does|did|can|could|would|should|to|might|come)|"
    r"what (?:can|should) (?:i|we)|"
    r"prove|proof|derive|solve|calculate|compute|estimate|deduce|infer|convert|"
    r"compare|contrast|difference between|versus|vs|pros and cons|for and against|advantages|"
    r"disadvantages|trade-?offs?|arguments?|heavier|lighter|taller|shorter|faster|cheaper|better|"
    r"worse|best|worth|ethical|moral|fair|right or wrong|good idea|meaning of the|"
    r"explain|analy[sz]e|evaluate|assess|justify|argue|critique|discuss|interpret|diagnose|"
    r"plan|design|strategy|optimi[sz]e|improve|debug|refactor|implement|prioriti[sz]e|"
    r"recommend|suggest|advice|should (?:i|we|you|they)|what (?:would|will|might) (?:have )?happen|"
    r"if|imagine|suppose|"
    r"write|compose|draft|rewrite|summari[sz]e|outline|brainstorm|step[- ]by[- ]step)\b|"
    r"为什么|为何|如何|怎么(?!样)|怎样|证明|推导|计算|比较|对比|区别|优缺点|分析|评价|解释|"
    r"计划|方案|设计|策略|建议|应该|如果|写一|撰写|总结|改写"
)
_FACT: Final = re.compile(
    r"^(?:\W*(?:who|whom|whose|when|where|what|which|name|define|spell|is|are|was|were|does|do|did|"
    r"has|have|can you|tell me|how (?:many|much|tall|old|far|long|big|high|deep|large|often)|"
    r"(?:give|tell) me (?:a|an|the|one))\b|.*(?:哪|谁|什么|几|多少|吗|何时))"
)
_ITEM: Final = re.compile(r"^\s*(?:[-*•]|\(?\w{1,2}[.)、])\s", re.MULTILINE)


def deserves_thought(statement: str, domain: Domain) -> bool:
    """Whether a prompt is answered with a chain of thought; the rule is in the module's words."""
    if domain is not Domain.GENERAL:
        return True
    text = statement.strip()
    plain = _QUOTED.sub(" ", _GREETING.sub(" ", text.casefold()))
    words = len(_WORD.findall(text)) + len(_WIDE.findall(text)) // 2
    if words > LONG_WORDS or _CODE.search(text) or _FORMULA.search(text):
        return True
    if _TRANSLATION.search(plain):
        return words > _SENTENCE_WORDS
    numbers = len(_NUMBER.findall(text))
    parts = max(len(re.findall(r"[?？]", plain)), len(_ITEM.findall(text)))
    if numbers > 1 or (numbers and _COUNTING.search(plain)) or parts > 1 or _WORK.search(plain):
        return True
    return words > (_FACT_WORDS if _FACT.match(plain) else REMARK_WORDS)
