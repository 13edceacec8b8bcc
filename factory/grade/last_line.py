"""What a judge decided in the last line of its reply, and why by the lines before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from factory.grade.contract import answer_part
from schemas.candidate import FinishReason

_REASON_CHARS: Final = 300
_REASON: Final = re.compile(r"^[*_`\s]*reason[*_`\s]*:[*_`\s]*", re.I)


@dataclass(frozen=True)
class Form:
    """How a reply says what it decided."""

    what: str
    """`verdict` or `mark`."""
    line: re.Pattern[str]
    """The whole last line."""
    anywhere: re.Pattern[str]
    """What no line before it may hold: two of them are none."""


@dataclass(frozen=True)
class Decision:
    """A reply in form."""

    found: re.Match[str]
    """Of `Form.line`."""
    reason: str
    """One line, cut where it is long."""


def read_last_line(text: str, finish_reason: FinishReason, form: Form) -> Decision | str:
    """What the reply decided, or why it decided nothing. Thinking before it is not read."""
    if finish_reason is FinishReason.LENGTH:
        return "the judge's reply was cut at its limit of tokens"
    said = answer_part(text, finish_reason)
    if said is None:
        return "the judge's thinking never closed"
    lines = [line for line in said.splitlines() if line.strip()]
    if not lines:
        return "the judge's reply is empty"
    found = form.line.fullmatch(lines[-1])
    if found is None:
        return f"the judge's last line is no {form.what}: {one_line(lines[-1])}"
    before = " ".join(lines[:-1])
    if form.anywhere.search(before):
        return f"the judge's reply holds more than one {form.what}"
    return Decision(found, one_line(_REASON.sub("", before)))


def one_line(text: str) -> str:
    """Text without line breaks, cut where it is long, that any file can hold."""
    flat = " ".join(text.encode("utf-8", "replace").decode().replace("\0", " ").split())
    return flat if len(flat) <= _REASON_CHARS else f"{flat[: _REASON_CHARS - 1]}…"
