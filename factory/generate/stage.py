"""The stage: problems -> the candidates of one round, as parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory import ledger
from factory.digest import canonical_json
from factory.errors import RecipeError
from factory.generate.answerer import Answerers, answerers
from factory.generate.draw import Drawn, draw
from factory.generate.earlier import Tally, tally
from factory.generate.imported import import_candidates
from factory.generate.passed_through import given_candidates
from factory.generate.plan import Plan, iter_briefs, make_plan
from factory.generate.rare_collections import rare_collections
from factory.generate.rounds import Brief, Report, plan_round, rule_of
from factory.generate.rows import FAILURE, Parts, Requested
from factory.generate.store import CandidateStore
from factory.generate.unfinished import begin_round, end_drawing, is_drawn
from factory.generate.vllm_server import VllmServers
from factory.models import Model
from factory.shown.meter import Meter
from factory.spent import spent_before
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.teacher_settings import ImportTeacher
from schemas.validate_settings import BudgetForcing

__all__ = ["FAILURE", "generate_candidates"]


def generate_candidates(
    problems_dir: Path,
    earlier: Sequence[tuple[Path, Path]],
    generate: Generate,
    *,
    round: int,
    seed: int,
    machine: Machine,
    store: Path,
    out_dir: Path,
    key: str,
    model: Model | None = None,
    servers: VllmServers | None = None,
    wanted: Mapping[str, range] | None = None,
    budget: BudgetForcing | None = None,
) -> StageResult:
    """The candidates that a round asks for, drawn where the store does not have them yet.

    Args:
        problems_dir: The finished artifact of `collect`.
        earlier: (generate folder, grade folder) of each round before.
        seed: Enters the identity: another seed draws other candidates.
        store: The candidate store, made where there is none; several runs may share it.
        model: Serve this one instead of the teacher that the recipe names.
        servers: Servers of the teacher that run already; else they are started where needed.
        wanted: Problem id -> indices to draw; None: as the rules of `generate` say.
        budget: How long the model is made to think; None: as long as it likes.

    Returns:
        `candidates-*` ordered by (the problem's position, index), then in the first round the
        answers of conversations that are passed through; and `failures-*`. In the ledger, rows in
        are the candidates requested, dropped are `failed` and `overlong_prompt`. The store does
        not keep failures as answers: another recipe or round asks for them again.

    Raises:
        TeacherError: Servers could not start, refuse us, or are gone for good. What was drawn is
            in the store; the next run asks only for the rest. Or an unfinished round of this
            recipe was begun with other settings.
        ImportedRowError: A file of existing generations is wrong.
        RecipeError: The teacher or a file that the recipe names does not exist.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    parts = Parts(out_dir, key, machine.rows_per_part, round=round)
    teacher = generate.teacher
    if isinstance(teacher, ImportTeacher):
        if model is not None:
            raise RecipeError(
                f"model {model.name}: expected engine `vllm` to serve it, found `{teacher.engine}`"
            )
        imported = import_candidates(
            problems_dir, teacher, round=round, machine=machine, out_dir=out_dir, key=key
        )
        parts.after(imported.parts)
        found = imported.figures
    else:
        asked = _Round(problems_dir, earlier, generate, round, seed, wanted, out_dir, key)
        who = answerers(generate, seed, model, budget)
        with CandidateStore(store) as open_store, rare_collections():
            plan, report, meter = asked.planned(who, open_store)
            drawn = asked.draw(plan, machine, open_store, meter, servers)
            parts.from_store(open_store, _requested(plan))
        found = {
            **figures(plan.requested, parts.candidates, drawn),
            **report.figures(),
            **meter.figures(),
        }
    if round == 1:
        before = parts.candidates
        parts.from_rows(given_candidates(problems_dir))
        found["given"] = parts.candidates - before
    requested = parts.candidates + sum(parts.drops.values())
    return StageResult(
        parts=parts.written,
        ledger=ledger.entry("generate", requested, parts.candidates, parts.drops),
        figures=found,
    )


@dataclass(frozen=True)
class _Round:
    """What a round asks for, and where it writes."""

    problems_dir: Path
    earlier: Sequence[tuple[Path, Path]]
    generate: Generate
    number: int
    seed: int
    wanted: Mapping[str, range] | None
    out_dir: Path
    key: str

    def planned(self, who: Answerers, store: CandidateStore) -> tuple[Plan, Report, Meter]:
        """The plan of the round, and what counts it. What is known of each problem beside is left
        behind here, before anything is drawn."""
        tallies = tally(self.earlier)
        briefs = list(iter_briefs(self.problems_dir))
        planned, report = plan_round(
            briefs, tallies, self.generate, round=self.number, seed=self.seed
        )
        meter = self._meter(briefs, tallies)
        drawn = is_drawn(self.out_dir, self.key)
        plan = make_plan(self.problems_dir, self.wanted or planned, who, store, drawn=drawn)
        _count_stored(plan, briefs, meter)
        return plan, report, meter

    def draw(
        self,
        plan: Plan,
        machine: Machine,
        store: CandidateStore,
        meter: Meter,
        servers: VllmServers | None,
    ) -> list[Drawn]:
        """Draw what is missing, one model after the other."""
        who = plan.answerers
        drawn: list[Drawn] = []
        for by in who.servings:
            if not (missing := plan.missing(by.serving)):
                continue
            if not drawn:
                both = {"reasoning": who.reasoning, "rest": who.rest}
                settings = {name: one.described() for name, one in both.items()}
                begin_round(self.out_dir, self.number, settings)
                for one in both.values():
                    store.explain(one.sampling_digest, canonical_json(one.settings))
            drawn.append(
                draw(
                    plan.questions(self.problems_dir, by.serving, meter.names),
                    missing,
                    by,
                    stored=plan.stored(by.serving),
                    longest_tokens=who.longest_tokens(by.serving),
                    machine=machine,
                    store=store,
                    out_dir=self.out_dir,
                    meter=meter,
                    servers=servers if by is who.reasoning else None,
                )
            )
        if drawn:
            end_drawing(self.out_dir, self.key)
        return drawn

    def _meter(self, briefs: Sequence[Brief], tallies: Mapping[str, Tally]) -> Meter:
        """What counts this round, with what the rounds before gave counted already."""
        wanted = {one.value: rule_of(self.generate, one.value).accepted_wanted for one in Domain}
        meter = Meter(
            quota=self.generate.quota,
            wanted=wanted,
            before=spent_before(self.earlier),
            folder=self.out_dir,
        )
        for one in briefs:
            if had := tallies.get(one.problem_id):
                names = meter.names(one.domain, one.category)
                meter.had(names, graded=had.graded, correct=had.correct, tokens=had.tokens)
        return meter


def _count_stored(plan: Plan, briefs: Sequence[Brief], meter: Meter) -> None:
    """Count the candidates of this round that the store had already."""
    stored = {one.problem_id: len(one.indices) - len(one.missing) for one in plan.asked}
    for one in briefs:
        if count := stored.get(one.problem_id):
            meter.found(meter.names(one.domain, one.category), count)


def _requested(plan: Plan) -> Iterator[Requested]:
    for one in plan.asked:
        for candidate, index in zip(plan.ids(one, one.indices), one.indices, strict=True):
            yield candidate, one.problem_id, index


def figures(requested: int, kept: int, drawn: Sequence[Drawn]) -> dict[str, Any]:
    """What drawing took, all models together.

    Args:
        kept: Of the requested candidates, those that the store has in the end.
    """
    new = sum(one.candidates for one in drawn)
    tokens = sum(one.tokens for one in drawn)
    seconds = sum(one.seconds for one in drawn)
    return {
        "requested": requested,
        "drawn": new,
        "reused": kept - new,
        "completion_tokens": tokens,
        "prompt_tokens": sum(one.prompt_tokens for one in drawn),
        "seconds": round_s(seconds),
        "startup_s": round_s(sum(one.startup_s for one in drawn)),
        "tokens_per_s": round_s(tokens / seconds) if seconds else 0.0,
        "engine": ", ".join(dict.fromkeys(one.engine for one in drawn)),
        "servers": sum(len(one.servers) for one in drawn),
    }


def round_s(value: float) -> float:
    """A measurement with three decimals, which is more than it is good for."""
    return float(f"{value:.3f}")
