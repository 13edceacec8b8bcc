"""How well the models of a run do: scores with intervals, comparisons, and published scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from factory.report.amounts import NONE, interval, p_value, points, share, span, whole
from factory.report.blocks import Block, Paragraph, Picture, Section, Table, without_empty
from factory.report.facts import ROLES, SHOWN
from factory.report.score_picture import Dot, SuitePanel, score_picture
from factory.validate.published import PublishedScore, published_scores
from schemas.run import Run
from schemas.score import Score


def suites_of(scores: Sequence[Score]) -> list[str]:
    """Names of the suites in order of appearance, `all` last."""
    names = dict.fromkeys(one.suite for one in scores)
    return [*(name for name in names if name != "all"), *(["all"] if "all" in names else [])]


def score_section(run: Run) -> Iterator[Section]:
    """The section; none where nothing was measured."""
    if not run.scores:
        return
    published = published_scores(suites_of(run.scores))
    panels = [
        SuitePanel(suite, [*_dots(run.scores, suite), *_published_dots(published, suite)])
        for suite in suites_of(run.scores)
    ]
    panels = [panel for panel in panels if panel.dots]
    blocks: list[Block] = []
    if panels:
        blocks.append(
            Picture(
                score_picture(panels, SHOWN, "scores"),
                f"{SHOWN} of each model with its 95% interval over problems. Markers: base ●, "
                "teacher ▲, student ◆, control ■" + (", published ✖." if published else "."),
            )
        )
    blocks += _comparisons(run)
    head = ("suite", "model", "metric", "value", "95% interval", "standard error", "of candidates",
            "problems", "k", "temperature")  # fmt: skip
    rows = [
        (
            one.suite,
            f"{one.model} ({one.role})",
            one.metric,
            share(one.value),
            interval(one.low, one.high),
            f"{100 * one.stderr:.1f}",
            NONE if one.stderr_candidates is None else f"{100 * one.stderr_candidates:.1f}",
            whole(one.n),
            str(one.k),
            f"{one.temperature:g}",
        )
        for suite in suites_of(run.scores)
        for one in run.scores
        if one.suite == suite
    ]
    blocks.append(_by_metric(run.scores))
    blocks.append(
        without_empty(
            Table("All scores, with how they were drawn.", head, rows, left=3, folded=True)
        )
    )
    if published:
        said = (
            "Published scores of the same suites; prompt, sampling and grader of another harness "
            "are its own."
        )
        head = ("suite", "model", "metric", "value", "condition", "source")
        rows = [
            (one.suite, one.model, one.metric, share(one.value), one.condition, one.source)
            for one in published
        ]
        texts = frozenset({4, 5})
        blocks.append(without_empty(Table(said, head, rows, left=3, text_columns=texts)))
    yield Section("scores", "Scores", blocks)


def _by_metric(scores: Sequence[Score]) -> Table:
    """A row per suite and model, a column per metric."""
    metrics = list(dict.fromkeys(one.metric for one in scores))
    rows: list[tuple[str, ...]] = []
    for suite in suites_of(scores):
        here = [one for one in scores if one.suite == suite]
        models = dict.fromkeys((one.role, one.model) for one in here)
        for role, model in sorted(models, key=lambda one: ROLES.index(one[0])):
            own = {one.metric: one for one in here if (one.role, one.model) == (role, model)}
            cells = [
                f"{share(own[name].value)} ({interval(own[name].low, own[name].high)})"
                if name in own
                else NONE
                for name in metrics
            ]
            problems = next(iter(own.values())).n
            rows.append((suite, f"{model} ({role})", whole(problems), *cells))
    head = ("suite", "model", "problems", *metrics)
    return Table("Scores, with 95% intervals over problems.", head, rows, left=2)


def _dots(scores: Sequence[Score], suite: str) -> list[Dot]:
    return [
        Dot(one.model, one.role, one.value, one.low, one.high)
        for role in ROLES
        for one in scores
        if (one.suite, one.metric, one.role) == (suite, SHOWN, role)
    ]


def _published_dots(published: Sequence[PublishedScore], suite: str) -> list[Dot]:
    return [
        Dot(one.model, "published", one.value)
        for one in published
        if (one.suite, one.metric) == (suite, SHOWN)
    ]


def _comparisons(run: Run) -> list[Block]:
    if not run.comparisons:
        return [
            Paragraph(
                "This run holds no paired comparisons: intervals that overlap do not tell whether "
                "two models differ."
            )
        ]
    head = ("suite", "model", "beside", "difference", "95% interval", "p", "better", "worse",
            "problems")  # fmt: skip
    rows = [
        (
            one.suite,
            f"{one.model} ({one.role})",
            f"{one.other} ({one.other_role})",
            points(one.difference),
            span(one.low, one.high),
            p_value(one.p_value),
            *map(whole, (one.better, one.worse, one.n)),
        )
        for one in run.comparisons
    ]
    return [
        Table(
            "Models compared on the same problems: difference of pass@1 in percentage points, and "
            "how often chance alone would give one as large (paired permutation test, two-sided).",
            head,
            rows,
            left=3,
        )
    ]
