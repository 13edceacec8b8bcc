"""A plan for people."""

from __future__ import annotations

from collections.abc import Iterator

from factory.plan.asked import Asked
from factory.plan.judge import PROMPT_TOKENS, REPLY_TOKENS
from factory.plan.run_plan import Plan


def plan_text(plan: Plan) -> str:
    """The plan in paragraphs: problems, rounds, tokens, models, training, disk, assumptions."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.recipe}: {plan.description}".rstrip(": ")
    yield ""
    yield "problems, at most"
    for one in plan.sources:
        how = "" if one.drawn else ", passed through"
        thinks = {
            "always": "",
            "never": ", no chain of thought",
            "auto": ", as the prompt deserves",
        }
        judged = ", a model decides" if one.judged else ""
        yield (
            f"  {one.name:<28} {count(one.problems):>12}  {one.domain.value}, by {one.known_by}"
            f"{how}{thinks[one.reasoning]}{judged}"
        )
    yield ""
    if plan.imported:
        yield "candidates: generations that exist already; nothing is drawn"
    else:
        yield from _rounds(plan)
    yield f"samples expected: {count(plan.samples)}"
    if plan.asked:
        yield ""
        yield "models that answer"
        yield from (_asked(one) for one in plan.asked)
    if plan.taught:
        yield ""
        yield "students"
    for one in plan.taught:
        yield (
            f"  {one.student:<24} {one.base}: {count(one.tokens)} tokens, "
            f"{_hours(one.gpu_hours, one.tokens_per_s)}{_money(one.cost)}"
        )
    yield ""
    if plan.disk_bytes:
        parts = ", ".join(f"{what} {size_text(size)}" for what, size in plan.disk_bytes.items())
        yield f"disk: {size_text(sum(plan.disk_bytes.values()))} ({parts})"
    if plan.gpu_hours is not None:
        yield f"GPU-hours in all: {plan.gpu_hours:,.1f}"
    if plan.cost is not None:
        yield f"cost in all: {plan.cost:,.2f}"
    elif any(one.cost is not None for one in [*plan.asked, *plan.taught]):
        yield "cost in all: unknown, because some have no price in the machine file"
    yield from _assumptions(plan)


def _rounds(plan: Plan) -> Iterator[str]:
    yield f"candidates, in up to {plan.max_rounds} rounds"
    for one in plan.domains:
        quota = "; quota " + ", ".join(f"{name} {n:,}" for name, n in one.quota.items())
        budget = "" if one.budget_tokens is None else f"; budget {one.budget_tokens:,} tokens"
        yield (
            f"  {one.domain.value:<8} first round {count(one.first_round):>12}, expected "
            f"{count(one.expected):>12}, at most {count(one.most):>12}  (sizes "
            f"{'+'.join(map(str, one.round_sizes))}, wanted {one.accepted_wanted}, given up after "
            f"{one.give_up_after}{quota if one.quota else ''}{budget})"
        )
    yield (
        f"  {'all':<8} first round {count(plan.first_round):>12}, expected "
        f"{count(plan.expected_candidates):>12}, at most {count(plan.most_candidates):>12}"
    )
    budget = "none" if plan.budget_tokens is None else f"{plan.budget_tokens:,}"
    yield (
        f"completion tokens: expected {count(plan.expected_tokens)} "
        f"({plan.tokens_per_candidate:,} each, {plan.tokens_per_candidate_is}), at most "
        f"{count(plan.most_tokens)}; budget {budget}"
    )


def _asked(one: Asked) -> str:
    gpus = "" if one.gpus is None else f", on {one.gpus} x 80 GB or more"
    hours = _hours(one.gpu_hours, one.tokens_per_s) if one.engine == "vllm" else one.speed_is
    return (
        f"  {one.role:<24} {one.model} ({one.engine}): {count(one.candidates)} completions, "
        f"{count(one.tokens)} tokens, {hours}{gpus}{_money(one.cost)}"
    )


def _assumptions(plan: Plan) -> Iterator[str]:
    yield ""
    yield "assumed, not measured"
    yield f"  {plan.accept_rate:.0%} of candidates are correct (--accept-rate)"
    yield "  tokens per second and GPU as shown, by a model's size (--tokens-per-s)"
    yield "  training at 40% of the peak of an H100"
    yield "  1.2 bytes on disk per token drawn (2.5 until all are), 3.4 per token of a sample"
    if any(one.role in ("judge", "rater") for one in plan.asked):
        yield f"  a judge reads {PROMPT_TOKENS:,} tokens of a question and writes {REPLY_TOKENS}"
    yield "  no problem is rejected, doubled or contaminated; rejected ones make all of it less"
    for one in plan.unknown:
        yield f"  unknown: {one}"


def count(number: int | None) -> str:
    """A count for people."""
    return "unknown" if number is None else f"{number:,}"


def _hours(hours: float | None, speed: float | None) -> str:
    if hours is None or speed is None:
        return "GPU-hours unknown"
    return f"{hours:,.1f} GPU-hours at {speed:,.0f} tokens/s per GPU"


def _money(cost: float | None) -> str:
    return "" if cost is None else f", cost {cost:,.2f}"


def size_text(size: float) -> str:
    """Bytes for people."""
    for unit, each in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= each:
            return f"{size / each:,.1f} {unit}"
    return f"{size / 1e3:,.1f} kB"
