"""The scores of a run for people: with their intervals, how the completions ended, students beside
what they are compared with, and what others published for the same suites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from factory.shown.text_table import text_table
from factory.validate.outcome import OVERALL
from factory.validate.published import published_scores
from factory.validate.validated import validations
from schemas.run import Run
from schemas.score import Comparison, Score

_SMALL: Final = 0.0001
_ENDINGS: Final = (
    ("truncated", "cut"),
    ("without_think", "no <think>"),
    ("unclosed_think", "unclosed"),
    ("empty_completions", "empty"),
    ("failed", "never came"),
)


def score_lines(run: Run) -> list[str]:
    """All tables of a run that has scores, an empty line between them."""
    tables = [
        scores_table(run.scores),
        _endings(run),
        comparison_lines([one for one in run.comparisons if one.suite == OVERALL]),
        published_table(run.scores),
    ]
    lines: list[str] = []
    for table in tables:
        lines += ["", *table] if lines and table else table
    return lines


def scores_table(scores: Sequence[Score]) -> list[str]:
    """One row each, with its interval."""
    rows = [("model", "role", "arch", "suite", "metric", "value", "95%", "stderr", "problems")]
    for one in scores:
        rows.append(
            (
                one.model,
                one.role,
                one.arch,
                one.suite,
                one.metric,
                f"{one.value:.1%}",
                f"{100 * one.low:.1f}–{100 * one.high:.1f}",
                f"{100 * one.stderr:.1f}",
                f"{one.n:,}",
            )
        )
    return text_table(rows, right={5, 6, 7, 8})


def comparison_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """One row each: the difference in points with its interval, p, and problems; nothing of none.
    The suite is named where there are several."""
    if not comparisons:
        return []
    suites = len({one.suite for one in comparisons}) > 1
    head = ("model", "against", "role", "difference", "95%", "p", "better", "worse", "problems")
    rows: list[tuple[str, ...]] = [("suite", *head) if suites else head]
    for one in comparisons:
        row = (
            one.model,
            one.other,
            one.other_role,
            f"{100 * one.difference:+.1f}",
            f"{100 * one.low:+.1f} to {100 * one.high:+.1f}",
            p_text(one.p_value),
            f"{one.better:,}",
            f"{one.worse:,}",
            f"{one.n:,}",
        )
        rows.append((one.suite, *row) if suites else row)
    return text_table(rows, right=range(3 + suites, 9 + suites))


def p_text(value: float) -> str:
    """`0.034`, `<0.0001`."""
    return f"<{_SMALL}" if value < _SMALL else f"{value:.2g}"


def _endings(run: Run) -> list[str]:
    """How completions ended that are no whole answers, by model; nothing where there are none."""
    found = [(name, figures) for name, figures in _figures(run) if _troubled(figures)]
    return endings_table(found) if found else []


def endings_table(found: Iterable[tuple[str, Sequence[dict[str, Any]]]]) -> list[str]:
    """One row for each name and the figures of suites that are its."""
    rows = [("completions of", "asked", *(title for _, title in _ENDINGS))]
    for name, figures in found:
        asked = sum(one["candidates"] + one["failed"] for one in figures)
        counts = (sum(one[key] for one in figures) for key, _ in _ENDINGS)
        rows.append((name, f"{asked:,}", *(f"{count:,}" for count in counts)))
    return text_table(rows, right=range(1, 2 + len(_ENDINGS)))


def _figures(run: Run) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Each measured model and the figures of its suites, as far as the artifacts are here and have
    them."""
    for model, _, manifest in validations(run):
        figures = list(manifest.figures.get("suites", {}).values())
        if all("failed" in one for one in figures):
            yield model, figures


def _troubled(figures: Iterable[dict[str, Any]]) -> bool:
    return any(one[key] for one in figures for key, _ in _ENDINGS)


def published_table(scores: Sequence[Score]) -> list[str]:
    """What others published for suites and metrics that were measured here, and where."""
    ours = {(one.suite, one.metric) for one in scores}
    found = [
        one
        for one in published_scores({suite for suite, _ in ours})
        if (one.suite, one.metric) in ours
    ]
    if not found:
        return []
    columns = list(dict.fromkeys((one.suite, one.metric) for one in found))
    values = {(one.model, one.suite, one.metric): f"{one.value:.1%}" for one in found}
    sources = {one.model: one.source for one in found}
    rows = [("published", *(" ".join(column) for column in columns), "source")]
    for model, source in sources.items():
        rows.append((model, *(values.get((model, *one), "-") for one in columns), source))
    conditions = sorted({f"{one.suite}: {one.condition}" for one in found if one.condition})
    return [
        *text_table(rows, right=range(1, 1 + len(columns))),
        "Published scores are of whole suites, with others' prompts and graders"
        + "".join(f"; {one}" for one in conditions)
        + ".",
    ]
