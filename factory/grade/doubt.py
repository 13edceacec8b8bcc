"""What puts a stated answer in doubt, the same for letters and for numbers.

Four kinds: words before a statement, in its clause, that deny, suppose or attribute it (`if the
answer is`, `the wrong answer is`, `the first option is`); a question; words right behind it that
take it back or make it depend (`is wrong`, `unless`, `가 아닙니다`); words anywhere after it that
correct it (`Wait, no`, `Actually`, `none of these`).

Not covered: a doubt in other words (`I have a bad feeling about this`), languages other than
English, Chinese and Korean. An honest answer before such a word is refused too (`… is B. Actually
this is Euler's theorem`).
"""

from __future__ import annotations

import re
from typing import Final

_BEFORE_CHARS: Final = 120
_BEHIND_CHARS: Final = 80
_CLAUSE: Final = re.compile(r"[.!?;,:\n。，]|\b(?:so|therefore|thus|hence|then)\b", re.IGNORECASE)
_BEFORE: Final = re.compile(
    r"\b(?:if|whether|unless|suppose|assum(?:e|ing)|doubt|unlikely|wrong|incorrect|false|might|may"
    r"|could)\b"
    r"|(?:\bnot|n't|\bnever)\s+(?:true|the case|believe|think|say|mean|sure|certain|clear)\b"
    r"|\b(?:least|worst|first|second|every|student(?:['’]s)?)(?:[ \t]+[a-z]{1,20})?[ \t*_]*$"
    r"|\bstudent (?:says?|said|claims?|claimed|thinks?|thought|wrote)\b"
    r"|如果|假设|不是|错误|만약|틀린|오$",
    re.IGNORECASE,
)
_WRONG: Final = r"(?:false|wrong|incorrect|not (?:right|correct))\b"
_CLOSING: Final = r"[ \t*_}$)\]\"'”’`]*+"
_ASKED: Final = re.compile(rf"{_CLOSING}(?:[^.!\n]{{0,40}}[?？]|吗)")
_BEHIND: Final = re.compile(
    rf"{_CLOSING}(?:"
    r"(?:is|was|isn't|seems?|looks?)\b"
    rf"|[:,]?[ \t]*+(?:(?:unless|if|only|except|otherwise)\b|{_WRONG})"
    rf"|[.,:]?\s*+(?i:this|that|which|it) (?:is|was) {_WRONG}"
    r"|[은는이가][ ]?아[니닙])"
    r"|[^\n]{0,80}?\b(?:otherwise|not certain|not sure)\b"
)
_BOX: Final = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_AFTER: Final = re.compile(
    r"\b(?:wait(?=\s*+(?:[,.!:;…—–-]|\Z|(?:no|that|actually|let|i)\b))|actually|correction"
    r"|just kidding|no[,:]|none of (?!the (?:other|rest|remaining))|on second thoughts?"
    r"|instead\b(?! of)|oops|scratch that|answer (?:is not|isn't)\b)"
    r"|不对|等一下|잠깐|아니[,요]",
    re.IGNORECASE,
)


def doubted_before(text: str, start: int) -> bool:
    """Whether the clause that leads up to a statement at `start` denies or supposes it."""
    return bool(_BEFORE.search(_CLAUSE.split(text[max(0, start - _BEFORE_CHARS) : start])[-1]))


def end_of_box(text: str, content: str) -> int | None:
    """Where the content of the last `\\boxed` ends; None where another content stands in it."""
    begins = [found.end() for found in _BOX.finditer(text)]
    start = text.find(content, begins[-1]) if begins else -1
    return None if start < 0 else start + len(content)


def doubted_after(text: str, end: int) -> bool:
    """Whether what follows an answer that ends at `end` asks, takes it back or corrects it."""
    behind = text[end : end + _BEHIND_CHARS]
    return bool(_ASKED.match(behind) or _BEHIND.match(behind) or _AFTER.search(text, end))
