"""The round after the last: another model writes accepted candidates anew, in one format.

What it writes is a candidate like any other, with an identity of its own (its prompt holds the
text that it was made from), and graded like any other; `rewrites` names the candidate that it was
made from. Which ones are rewritten follows from the verdicts and the seed alone. One part of
problems and one of candidates are in memory at a time, beside the ids: both are in the order of the
problems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory import ledger
from factory.digest import canonical_json, chance
from factory.errors import ManifestMismatch
from factory.generate.answerer import Answerer, rewriter
from factory.generate.draw import Drawn, draw
from factory.generate.identity import Identity
from factory.generate.plan import Question, iter_problems
from factory.generate.prompt import render_messages
from factory.generate.rare_collections import rare_collections
from factory.generate.rows import Parts
from factory.generate.stage import figures
from factory.generate.store import CandidateStore
from factory.generate.unfinished import begin_round, end_drawing, is_drawn
from factory.parts import iter_columns
from factory.shown.meter import Meter
from factory.spent import spent_before
from schemas.generate_settings import Rewrite
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, Problem
from schemas.sample import Message
from schemas.verdict import Status


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """One rewritten form and what it is made from."""

    candidate_id: str
    problem_id: str
    index: int
    original: str


def rewrite_candidates(
    problems_dir: Path,
    earlier: Sequence[tuple[Path, Path]],
    rewrite: Rewrite,
    *,
    round: int,
    seed: int,
    machine: Machine,
    store: Path,
    out_dir: Path,
    key: str,
) -> StageResult:
    """The rewritten forms of accepted candidates, one for each, drawn where the store lacks them.

    Args:
        problems_dir: The finished artifact of `collect`.
        earlier: (generate folder, grade folder) of every round before.
        round: The number of this round, behind the last round of drawing.

    Returns:
        As `generate_candidates`, in the order of the candidates that they were made from; a
        rewritten form has the index of its original.

    Raises:
        TeacherError: As for `generate_candidates`.
    """
    by = rewriter(rewrite, seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    chosen = _chosen(earlier, _covered(problems_dir, rewrite), rewrite, seed=seed)
    drawn: list[Drawn] = []
    meter = Meter(before=spent_before(earlier), folder=out_dir)
    with CandidateStore(store) as open_store, rare_collections():
        asked = [
            _Rewritten(question.ids[0], one.problem_id, one.index, original)
            for original, question in _questions(problems_dir, earlier, chosen, rewrite, by)
            for one in question.identities
        ]
        known = open_store.answered_ids(
            (one.candidate_id for one in asked), failed_too=is_drawn(out_dir, key)
        )
        missing = {one.original: one.problem_id for one in asked if one.candidate_id not in known}
        if missing:
            begin_round(
                out_dir, round, {"rewrite": {**by.described(), "template": rewrite.template}}
            )
            open_store.explain(by.sampling_digest, canonical_json(by.settings))
            questions = _questions(problems_dir, earlier, missing, rewrite, by)
            drawn.append(
                draw(
                    (question for _, question in questions),
                    len(missing),
                    by,
                    stored=len(asked) - len(missing),
                    longest_tokens=by.sampling.max_tokens,
                    machine=machine,
                    store=open_store,
                    out_dir=out_dir,
                    meter=meter,
                )
            )
            end_drawing(out_dir, key)
        parts = Parts(out_dir, key, machine.rows_per_part, round=round)
        parts.from_store(
            open_store,
            ((one.candidate_id, one.problem_id, one.index) for one in asked),
            {one.candidate_id: one.original for one in asked},
        )
    return StageResult(
        parts=parts.written,
        ledger=ledger.entry("generate", len(asked), parts.candidates, parts.drops),
        figures={
            **figures(len(asked), parts.candidates, drawn),
            "rewritten": parts.candidates,
            **meter.spent_figures(),
        },
    )


def _covered(problems_dir: Path, rewrite: Rewrite) -> set[str]:
    """Ids of the problems whose candidates are rewritten. Conversations that are passed through
    stay as they are."""
    domains = {domain.value for domain in rewrite.domains or Domain}
    found: set[str] = set()
    for table in iter_columns(problems_dir, "problems", ["problem_id", "domain", "author"]):
        for problem, domain, author in zip(*table.to_pydict().values(), strict=True):
            if not author and domain in domains:
                found.add(problem)
    return found


def _chosen(
    earlier: Sequence[tuple[Path, Path]], covered: set[str], rewrite: Rewrite, *, seed: int
) -> dict[str, str]:
    """The correct candidates that are rewritten, up to `per_problem` each, by seed: their ids, and
    those of their problems."""
    correct: dict[str, list[str]] = defaultdict(list)
    for _, graded in earlier:
        for table in iter_columns(graded, "verdicts", ["candidate_id", "problem_id", "status"]):
            for candidate, problem, status in zip(*table.to_pydict().values(), strict=True):
                if status == Status.CORRECT and problem in covered:
                    correct[problem].append(candidate)
    return {
        one: problem
        for problem, candidates in correct.items()
        for one in sorted(candidates, key=lambda one: (chance(seed, one), one))[
            : rewrite.per_problem
        ]
    }


def _questions(
    problems_dir: Path,
    earlier: Sequence[tuple[Path, Path]],
    chosen: Mapping[str, str],
    rewrite: Rewrite,
    by: Answerer,
) -> Iterator[tuple[str, Question]]:
    """Each chosen candidate's id with what is asked for it, in the order of the parts.

    Raises:
        ManifestMismatch: The candidates of a round are not in the order of the problems.
    """
    columns = ["candidate_id", "problem_id", "index", "text"]
    among = dict.fromkeys(chosen.values())
    for generated, _ in earlier:
        problems = iter_problems(problems_dir, among)
        problem: Problem | None = None
        for table in iter_columns(generated, "candidates", columns):
            for candidate, problem_id, index, text in zip(*table.to_pydict().values(), strict=True):
                if candidate not in chosen:
                    continue
                while problem is None or problem.problem_id != problem_id:
                    problem = next(problems, None)
                    if problem is None:
                        raise ManifestMismatch(
                            f"{generated}: expected candidates in the order of the problems of "
                            f"{problems_dir}, found {candidate} of {problem_id} out of place; "
                            f"delete both folders and run again"
                        )
                yield candidate, _question(problem, index, text, rewrite, by)


def _question(problem: Problem, index: int, text: str, rewrite: Rewrite, by: Answerer) -> Question:
    # Braces in a statement or a response are theirs: neither is searched for the other's name.
    filled = [part.replace("{response}", text) for part in rewrite.template.split("{statement}")]
    user = Message(role="user", content=problem.statement.join(filled))
    system = [Message(role="system", content=rewrite.system)] if rewrite.system else []
    rendered = render_messages([*system, user], by.template)
    identity = Identity(problem.problem_id, index, by.identity, by.sampling_digest, rendered.digest)
    return Question(by, rendered, [identity], [identity.candidate_id], ())
