"""A problem's path for people: as much of each text as fits a terminal, or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from schemas.ledger import CandidatePath, ProblemPath

_EXCERPT_CHARS: Final = 280
_END_CHARS: Final = 100
_GOLD_CHARS: Final = 160


def path_text(path: ProblemPath, *, full: bool) -> str:
    """Several lines, ready to print.

    Args:
        full: Texts whole and as they stand; else excerpts in one line, beginning and end.
    """
    lines = [f"problem {path.problem_id}  (run {path.run})"]
    if path.problem is not None:
        lines += _problem(path.problem, full=full)
    for row in path.rejected:
        lines += ["", f"collect   left out: {row['reason']}: {_short(str(row['detail']), full)}"]
    if path.pass_rate is not None:
        rate = path.pass_rate
        lines += [
            "",
            f"pass rate {rate['correct']} of {rate['num_generations']}, {rate['state']}, "
            f"{rate['samples']} samples",
        ]
    for one in path.candidates:
        lines += ["", *_candidate(one, full=full)]
    if path.problem is not None:
        lines += ["", _ending(path)]
    return "\n".join(lines)


def _problem(row: dict[str, JsonValue], *, full: bool) -> list[str]:
    kind = "/".join(str(row[name]) for name in ("domain", "category") if row[name])
    lines = [
        f"source    {row['source']}  {kind}  licence {row['license']}  grader {row['grader']}",
        f"statement {_short(str(row['statement']), full)}",
    ]
    gold = str(row["gold"])
    if gold:
        lines.append(f"gold      {gold if full else _cut(gold, _GOLD_CHARS)}")
    return lines


def _candidate(one: CandidatePath, *, full: bool) -> list[str]:
    count = one.completion_tokens
    tokens = "tokens not counted" if count is None else f"{count:,} tokens"
    lines = [f"candidate {one.candidate_id}  round {one.round}, index {one.index}"]
    if one.teacher:
        lines[0] += f", {tokens}, finish {one.finish_reason}"
        lines.append(f"  teacher    {one.teacher}")
    if one.rewrites:
        lines.append(f"  rewrites   {one.rewrites}")
    if one.text:
        lines.append(f"  text       {_short(one.text, full)}")
    if one.verdict:
        told = one.verdict + (f" by {one.method}" if one.method else "")
        told += f", extracted {_cut(one.extracted, _GOLD_CHARS)!r}" if one.extracted else ""
        lines.append(f"  verdict    {told}")
        if one.detail:
            lines.append(f"             {_short(one.detail, full)}")
    for fate in one.fates:
        detail = f": {_short(fate.detail, full)}" if fate.detail else ""
        lines.append(f"  {fate.stage:<10} {fate.what}{detail}")
    return lines


def _ending(path: ProblemPath) -> str:
    if not path.rows:
        return f"no row of the dataset, of {_many(path.candidates, 'candidate')}"
    return f"{_many(path.rows, 'row')} of the dataset, of {_many(path.candidates, 'candidate')}"


def _many(some: Sequence[object], name: str) -> str:
    return f"{len(some)} {name}{'' if len(some) == 1 else 's'}"


def _short(text: str, full: bool) -> str:
    if full:
        return text
    line = " ".join(text.split())
    if len(line) <= _EXCERPT_CHARS:
        return line
    left = len(line) - _EXCERPT_CHARS
    return f"{line[: _EXCERPT_CHARS - _END_CHARS]} … {left:,} more … {line[-_END_CHARS:]}"


def _cut(text: str, chars: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= chars else f"{line[: chars - 1]}…"
