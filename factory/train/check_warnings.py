"""What a person should look at before a training starts, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from factory.plan.text import size_text
from factory.train.check_facts import Check
from factory.train.render import special_ids
from factory.train.tokens import TokenFiles

_LOOKED_AT: Final = 200
"""Rows, spread over all of them."""
_MANY_OVER_LENGTH: Final = 0.05
_NONE_HELD_OUT: Final = (
    "rows: nothing is held out, so there is no evaluation loss: the rows are of one problem, or "
    "those of the problems held out are over-long; give more problems, or take train.held_out out"
)
_MARKS: Final = re.compile(
    r"<\|[A-Za-z_][\w ]{0,40}\|>|<｜[^<>｜]{1,40}｜>|\[/?INST\]|<(?:start|end)_of_turn>|</?s>"
)
"""How chat templates of the usual families mark turns."""


def warnings_of(
    check: Check, data: TokenFiles, tokenizer: Any, *, held_out: float = 0.0
) -> list[str]:
    """Sentences, each with what could be done.

    Args:
        held_out: The share that the recipe asks for.
    """
    none = [_NONE_HELD_OUT] if held_out and not check.rows.held_out else []
    return [*_room(check), *_rows(check), *none, *_marks(data, tokenizer)]


def _room(check: Check) -> Iterator[str]:
    memory, disk = check.memory, check.disk
    less = (
        "lower training.micro_batch_tokens, set train.gradient_checkpointing, or raise "
        "train.zero_stage or training.ranks"
    )
    if memory.gpu_free_bytes is not None and memory.gpu_bytes > memory.gpu_free_bytes:
        yield (
            f"memory: a rank needs about {size_text(memory.gpu_bytes)} of its GPU, and "
            f"{size_text(memory.gpu_free_bytes)} are free; {less}, or offload"
        )
    if memory.host_bytes > memory.host_free_bytes:
        yield (
            f"memory: {memory.ranks_here} ranks need about {size_text(memory.host_bytes)} of this "
            f"host, and {size_text(memory.host_free_bytes)} are free; lower training.ranks, or "
            f"use more hosts"
            if memory.gpu
            else f"memory: {memory.ranks_here} ranks need about {size_text(memory.host_bytes)}, "
            f"and {size_text(memory.host_free_bytes)} are free; {less}"
        )
    if disk.needed_bytes > disk.free_bytes:
        yield (
            f"disk: checkpoints and model take {size_text(disk.needed_bytes)}, and "
            f"{size_text(disk.free_bytes)} are free; lower training.checkpoints_kept, or set "
            f"paths.artifacts"
        )


def _rows(check: Check) -> Iterator[str]:
    if not check.template.teachers:
        yield (
            "template: the dataset does not say with which chat template its rows were drawn, so "
            "that it is the student's cannot be checked"
        )
    over = check.rows.drops.get("over_length", 0)
    if over > _MANY_OVER_LENGTH * check.rows.read:
        yield (
            f"rows: {over / check.rows.read:.0%} have more tokens than train.max_length_tokens "
            f"and are dropped; raise it, or select shorter ones"
        )


def _marks(data: TokenFiles, tokenizer: Any) -> Iterator[str]:
    """Marks of turns in what is learned: the student's own, and such as another tokenizer has."""
    special = special_ids(tokenizer)
    numbers = np.unique(np.linspace(0, len(data) - 1, min(_LOOKED_AT, len(data)), dtype=int))
    own: dict[str, int] = {}
    others: dict[str, int] = {}
    for document in (data.document(number) for number in numbers.tolist()):
        learned: list[int] = document.ids[document.prompt_tokens : -1].tolist()
        for mark in {tokenizer.convert_ids_to_tokens(one) for one in special & set(learned)}:
            own[mark] = own.get(mark, 0) + 1
        text = tokenizer.decode(
            [one for one in learned if one not in special], clean_up_tokenization_spaces=False
        )
        for mark in set(_MARKS.findall(text)):
            others[mark] = others.get(mark, 0) + 1
    if own:
        yield (
            f"rows: {_found(own)} of {len(numbers)} rows looked at have a special token of the "
            f"student within what is learned; it will write it"
        )
    if others:
        yield (
            f"rows: {_found(others)} of {len(numbers)} rows looked at have marks of another "
            f"tokenizer within what is learned, which are plain text to the student; remove them"
        )


def _found(marks: dict[str, int]) -> str:
    return ", ".join(f"{mark} in {count}" for mark, count in sorted(marks.items()))
