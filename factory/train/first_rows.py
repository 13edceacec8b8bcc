"""The first documents as tokens with their mask: what a person looks at before a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from factory.train.tokens import Document, TokenFiles
from schemas.row import Row

_WHOLE: Final = 400
"""Tokens of a row that is shown whole."""
_HEAD: Final = 96
_BEFORE_TARGETS: Final = 32
_AFTER: Final = 96
_TAIL: Final = 64
"""Tokens that are shown of a long row: its start, around its first target, its end."""
_LONGEST_CHARACTER: Final = 4
"""Bytes, which can be tokens of their own."""


class Token(Row):
    """One token as the student sees it."""

    id: int
    text: str
    """The texts of all tokens together are the row's; empty where a character goes on."""
    learned: bool
    special: bool
    """A token of its own in the tokenizer, such as the end of a turn or `<think>`."""


class Span(Row):
    """Tokens that follow each other."""

    start: int
    """Of its first token, counted from 0."""
    tokens: list[Token]


class FirstRow(Row):
    """One document, or as much of it as is shown."""

    number: int
    """In the dataset's order, without what was dropped."""
    tokens: int
    targets: int
    spans: list[Span]


def first_rows(data: TokenFiles, tokenizer: Any, count: int) -> list[FirstRow]:
    """The first `count` documents, long ones by their start, first target and end."""
    special = set(tokenizer.added_tokens_decoder) | set(tokenizer.all_special_ids)
    return [
        _row(number, data.document(number), tokenizer, special)
        for number in range(min(count, len(data)))
    ]


def _row(number: int, document: Document, tokenizer: Any, special: set[int]) -> FirstRow:
    ids: list[int] = document.ids.tolist()
    spans = [
        Span(
            start=start,
            tokens=[
                Token(
                    id=ids[at],
                    text=text,
                    learned=at >= document.prompt_tokens,
                    special=ids[at] in special,
                )
                for at, text in enumerate(pieces(ids[start:stop], tokenizer), start)
            ],
        )
        for start, stop in _shown(len(ids), document.prompt_tokens)
    ]
    return FirstRow(number=number, tokens=len(ids), targets=document.targets, spans=spans)


def _shown(tokens: int, prompt: int) -> list[tuple[int, int]]:
    if tokens <= _WHOLE:
        return [(0, tokens)]
    wanted = [
        (0, _HEAD),
        (max(0, prompt - _BEFORE_TARGETS), prompt + _AFTER),
        (max(0, tokens - _TAIL), tokens),
    ]
    return list(_joined((start, min(stop, tokens)) for start, stop in sorted(wanted)))


def _joined(spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    begun: tuple[int, int] | None = None
    for start, stop in spans:
        if begun is None:
            begun = (start, stop)
        elif start <= begun[1]:
            begun = (begun[0], max(begun[1], stop))
        else:
            yield begun
            begun = (start, stop)
    if begun is not None:
        yield begun


def pieces(ids: Sequence[int], tokenizer: Any) -> list[str]:
    """The text of each token; the tokens of one character give it with the last of them.

    Together they are the text, where the tokens are of one; bytes that are no UTF-8 may show as
    other marks of replacement than in the whole.
    """
    made: list[str] = []
    before: list[int] = []
    waiting: list[int] = []
    for token in ids:
        waiting.append(token)
        text = _decode([*before, *waiting], tokenizer)[len(_decode(before, tokenizer)) :]
        if text.endswith("\ufffd") and len(waiting) < _LONGEST_CHARACTER:
            made.append("")
            continue
        made.append(text)
        before, waiting = waiting, []
    if waiting:
        made[-1] = _decode([*before, *waiting], tokenizer)[len(_decode(before, tokenizer)) :]
    return made


def _decode(ids: list[int], tokenizer: Any) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
