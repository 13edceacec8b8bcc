"""Rows of conversations that exist already -> problems whose answer is passed through.

The last assistant turn is the problem's `solution`, the user turn before it the statement, and
what comes before that the history. Covered: turns of system, user and assistant, one after the
other, and rows of a prompt and a response. Not covered: other marks of a trace than `<think>`;
they are text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from factory.collect.rows import SourceRow, dataset_rows, rows_or_broken, split_names
from factory.files.conversations import Answered, answered, read_turns
from factory.recipe_file import existing
from schemas.problem import GraderName, Problem
from schemas.row_source_settings import SftSource
from schemas.sample import Message

_THOUGHT: Final = re.compile(r"<think>(.*?)</think>", re.DOTALL)


def sft_rows(source: SftSource) -> Iterator[SourceRow]:
    """The rows of a source, with the columns that it names.

    Raises:
        SourceError, RecipeError: The file or dataset is not there or cannot be read.
    """
    turns = [source.messages] if source.messages else []
    if not turns:
        turns = [*split_names(source.prompt, ()), source.response]
    named = [source.problem_id, source.system, source.category_column]
    required = [*turns, *source.where, *(name for name in named if name)]
    optional = [] if source.messages else [source.prompt]
    who = f"source {source.name}"
    if source.path:
        return rows_or_broken(existing(source.path, who), required=required, optional=optional)
    return dataset_rows(source, who, required=required, optional=optional)


def passed_through(source: SftSource, row: SourceRow, at: int) -> Problem:
    """The problem of a row, with its answer as `solution` and who wrote it as `author`.

    Raises:
        SourceError: The row is no conversation that ends with an answer.
    """
    conversation = _conversation(source, row)
    column = source.messages or source.response
    for text in (*(turn.content for turn in conversation.history), conversation.statement):
        row.unbroken(column, text)
    if source.problem_id:
        row.value(source.problem_id)
    return Problem(
        problem_id=f"{source.name}/{row.identifier(source.problem_id, at)}",
        statement=conversation.statement,
        gold="",
        grader=GraderName(source.grader),
        domain=source.domain,
        source=source.name,
        license=source.license,
        category=row.label(source.category_column) or source.category,
        level="",
        reasoning=holds_thought(conversation.answer),
        solution=row.unbroken(column, conversation.answer),
        history=conversation.history,
        author=source.model or source.name,
    )


def holds_thought(answer: str) -> bool:
    """Whether an answer holds a closed `<think>` with a text in it."""
    return any(thought.strip() for thought in _THOUGHT.findall(answer))


def _conversation(source: SftSource, row: SourceRow) -> Answered:
    system = row.text(source.system, optional=True) if source.system else ""
    before = [Message(role="system", content=system)] if system.strip() else []
    if source.messages:
        value = row.value(source.messages)
        try:
            return answered(before + read_turns(value))
        except ValueError as error:
            raise row.wrong(source.messages, str(error), value) from error
    asked, answer = row.joined(source.prompt), row.text(source.response)
    turns = [Message(role="user", content=asked), Message(role="assistant", content=answer)]
    try:
        return answered(before + turns)
    except ValueError as error:
        raise row.wrong(source.response, str(error), answer) from error
