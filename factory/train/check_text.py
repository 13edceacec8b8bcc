"""A check for people: the first rows with their mask, then the figures, one line a subject."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, TextIO

from factory.plan.text import size_text
from factory.shown.status import clock
from factory.train.check_facts import Check, Template
from factory.train.first_rows import FirstRow, Token
from factory.train.memory import Memory

_LEARNED: Final = "\033[32m"
_READ: Final = "\033[2m"
_PLAIN: Final = "\033[0m"
_OPEN, _CLOSE = "⟦", "⟧"


def in_colour(stream: TextIO) -> bool:
    """Whether what is printed there may be coloured: on a terminal, unless `NO_COLOR` is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def check_text(check: Check, *, colour: bool) -> str:
    """Several lines, ready to print; learned tokens are green, or stand between ⟦ and ⟧."""
    return "\n".join([*_rows(check.first_rows, colour), *_figures(check)])


def _rows(rows: Sequence[FirstRow], colour: bool) -> Iterator[str]:
    for row in rows:
        how = "in green" if colour else f"between {_OPEN} and {_CLOSE}"
        yield (
            f"row {row.number + 1}: {row.tokens:,} tokens, of which {row.targets:,} are learned "
            f"({how})"
        )
        end = 0
        for span in row.spans:
            if span.start > end:
                yield f"  … {span.start - end:,} tokens left out …"
            yield from (f"  {line}" for line in _lines(span.tokens, colour))
            end = span.start + len(span.tokens)
        yield ""


def _lines(tokens: Sequence[Token], colour: bool) -> list[str]:
    """Lines of the text; each is coloured by itself, so that a pager can cut between them."""
    text = ""
    for learned, run in groupby(tokens, key=lambda token: token.learned):
        shown = _visible("".join(token.text for token in run))
        if colour:
            begin = _LEARNED if learned else _READ
            text += "\n".join(f"{begin}{line}{_PLAIN}" for line in shown.split("\n"))
        else:
            text += f"{_OPEN}{shown}{_CLOSE}" if learned else shown
    return text.split("\n")


def _visible(text: str) -> str:
    """A line's end as ↵ and a new line; every other character that does not print by its code, so
    that no row can steer the terminal."""
    return "".join(
        "↵\n" if char == "\n" else char if char.isprintable() else _code(char) for char in text
    )


def _code(char: str) -> str:
    return "⇥" if char == "\t" else f"\\u{{{ord(char):x}}}"


def _figures(check: Check) -> Iterator[str]:
    published = check.dataset
    said = (
        f"  ({published.name} {published.version}, digest {(published.digest or '')[:12]})"
        if published.name
        else "  (not published: no dataset.json)"
    )
    yield f"student   {check.student}, {check.parameters:,} parameters, from {check.base}"
    yield f"dataset   {published.folder}{said}"
    yield f"rows      {_counts(check)}"
    yield (
        f"tokens    {check.tokens.least:,} to {check.tokens.most:,} per row, median "
        f"{check.tokens.median:,}, 95% up to {check.tokens.p95:,}"
    )
    yield (
        f"learned   {check.targets.least:,} to {check.targets.most:,} per row, median "
        f"{check.targets.median:,}, 95% up to {check.targets.p95:,}; "
        f"{check.targets.total / check.tokens.total:.1%} of all tokens"
    )
    packed = "packed" if check.packing.on else "not packed"
    yield (
        f"packing   {check.packing.rows:,} rows of {check.packing.row_tokens:,} tokens, {packed}, "
        f"{check.packing.efficiency:.1%} full"
    )
    yield f"template  {_template(check.template)}"
    yield f"end       {check.end_token.text} ({check.end_token.id})"
    steps = check.steps
    yield (
        f"steps     {_count(steps.steps, 'step')} in {_count(steps.epochs, 'epoch')} of "
        f"{steps.tokens_per_epoch:,} tokens ({steps.targets_per_epoch:,} learned); per step up to "
        f"{_count(steps.micro_batches, 'micro-batch', 'micro-batches')} of "
        f"{steps.micro_batch_tokens:,} tokens on each of {_count(check.ranks, 'rank')}"
    )
    yield f"how       {_how(check)}"
    yield from _memory(check.memory)
    disk = check.disk
    yield (
        f"disk      {size_text(disk.needed_bytes)} of {size_text(disk.free_bytes)} free: "
        f"{_count(disk.checkpoints, 'checkpoint')} of {size_text(disk.checkpoint_bytes)}, "
        f"model {size_text(disk.export_bytes)}"
    )
    if check.time is not None:
        yield (
            f"time      about {clock(check.time.total_s)} at {check.time.tokens_per_s:,.0f} "
            f"tokens/s, by an estimate: a micro-batch of {check.time.probed_tokens:,} tokens "
            f"through 1 and 2 layers on this machine"
        )
    yield from (f"warning   {one}" for one in check.warnings)


def _how(check: Check) -> str:
    parts = [
        "on GPU" if check.device == "cuda" else "on CPU",
        check.precision,
        f"ZeRO {check.zero_stage}",
        f"attention {check.attention}",
    ]
    if check.offload != "none":
        parts.append("optimizer offloaded" if check.offload == "optimizer" else "all offloaded")
    if check.gradient_checkpointing:
        parts.append("gradient checkpointing")
    return ", ".join(parts)


def _counts(check: Check) -> str:
    rows = check.rows
    parts = [f"{rows.kept:,} learned"]
    if rows.held_out:
        parts.append(f"{rows.held_out:,} held out")
    parts += [f"{count:,} dropped: {reason}" for reason, count in sorted(rows.drops.items())]
    return f"{rows.read:,} read, {', '.join(parts)}"


def _template(template: Template) -> str:
    own = template.student[:12]
    if not template.teachers:
        return f"{own}; the dataset does not say with which one its rows were drawn"
    said = [
        f"{model} {'the same' if found == template.student else found[:12]}"
        for model, found in sorted(template.teachers.items())
    ]
    return f"{own}; of the rows' teachers: {', '.join(said)}"


def _memory(memory: Memory) -> Iterator[str]:
    if memory.gpu:
        yield (
            f"memory    {size_text(memory.gpu_bytes)} per GPU of "
            f"{size_text(memory.gpu_free_bytes or 0)} free: {_parts(memory.gpu)}"
        )
    yield (
        f"{'host      ' if memory.gpu else 'memory    '}{size_text(memory.host_bytes)} of "
        f"{size_text(memory.host_free_bytes)} free, for {_count(memory.ranks_here, 'rank')}; each "
        f"{_parts(memory.host)}"
    )


def _parts(parts: dict[str, int]) -> str:
    return ", ".join(f"{what} {size_text(size)}" for what, size in parts.items())


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
