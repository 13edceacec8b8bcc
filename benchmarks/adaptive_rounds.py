"""What adaptive rounds save: tokens per accepted sample beside fixed numbers of candidates.

The embedded teacher draws a pool of candidates once, the same number for every problem, and all are
graded. A candidate is known by its problem and its index, so every way to draw is a part of that
pool: rounds are planned over it by `factory.generate.rounds`, as a run plans them, and a fixed
number takes the first so many of each problem. So all ways are compared on the same problems and
the same candidates, and nothing is drawn twice.

    python benchmarks/adaptive_rounds.py [--quick] [--problems 300] [--pool 16] [--json FILE]

A sample counts as accepted when its candidate is correct, up to `accepted_wanted` of a problem: so
many a recipe asks for. Needs vLLM for the pool and Docker to run its programs. The pool is kept
under `artifacts/`, so that a repeated command only plans.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from generation.ours import stage
from generation.table import machine_line
from generation.workload import collected, demo_settings

from factory.artifact import commit
from factory.digest import KEY_HEX, digest
from factory.generate.earlier import Tally
from factory.generate.plan import iter_briefs
from factory.generate.rounds import Brief, plan_round
from factory.grade.stage import grade_candidates
from factory.models import resolve_model
from factory.parts import MANIFEST, iter_columns
from factory.recipe_file import ROOT, load_recipe
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.verdict import Status

_FAMILIES: Final = ("arithmetic", "python")
_FIXED: Final = (4, 8, 16)
_WANTED: Final = (1, 2, 4)
_GIVE_UP: Final = (8, 16)
_SIZES: Final = (2, 2, 4, 8)
"""Round sizes of the adaptive ways beside the demonstration's own: 16 candidates at most."""


@dataclass(frozen=True)
class Drawn:
    """One candidate of the pool."""

    correct: bool
    tokens: int


Pool = dict[str, list[Drawn]]
"""Problem id -> its candidates by index."""


@dataclass(frozen=True)
class Spent:
    """What one way to draw costs and gives."""

    way: str
    wanted: int
    """Accepted samples wanted of each problem."""
    candidates: int
    tokens: int
    correct: int
    """All correct candidates, also those beyond what is wanted."""
    accepted: int
    solved: float
    """Share of problems with at least one correct candidate."""

    @property
    def tokens_per_accepted(self) -> float:
        return self.tokens / self.accepted


def drawn_pool(problems_count: int, size: int) -> tuple[list[Brief], Pool]:
    """The problems, and `size` candidates of each, drawn and graded unless they are there."""
    model = resolve_model("embedded:teacher")
    settings = demo_settings().model_copy(update={"candidates": size})
    key = digest([problems_count, size, settings, model.identity])[:KEY_HEX]
    folder = ROOT / "artifacts" / f"adaptive-rounds-{key}"
    problems = folder / "problems"
    if not (problems / MANIFEST).exists():
        collected(folder, problems_count, _FAMILIES)
    if not (folder / "generate" / MANIFEST).exists():
        stage(
            problems,
            folder / "generate",
            folder / "candidates.sqlite",
            settings,
            Machine(),
            seed=1,
            model=model,
        )
    if not (folder / "grade" / MANIFEST).exists():
        commit(
            folder / "grade",
            lambda: grade_candidates(
                problems,
                folder / "generate",
                load_recipe("recipes/demo.toml").grade,
                machine=Machine(),
                out_dir=folder / "grade",
                key=key,
            ),
            stage="grade",
            recipe="benchmark",
            key=key,
            code_version=1,
            inputs={},
        )
    return list(iter_briefs(problems)), _read(folder)


def _read(folder: Path) -> Pool:
    statuses: dict[str, str] = {}
    for table in iter_columns(folder / "grade", "verdicts", ["candidate_id", "status"]):
        rows = zip(table["candidate_id"].to_pylist(), table["status"].to_pylist(), strict=True)
        statuses.update(rows)
    pool: Pool = {}
    columns = ["candidate_id", "problem_id", "index", "completion_tokens"]
    for table in iter_columns(folder / "generate", "candidates", columns):
        for row in table.to_pylist():
            candidates = pool.setdefault(row["problem_id"], [])
            assert row["index"] == len(candidates)  # parts are in the order of problem and index
            correct = statuses[row["candidate_id"]] == Status.CORRECT
            candidates.append(Drawn(correct, row["completion_tokens"]))
    return pool


def adaptive(problems: Sequence[Brief], pool: Pool, settings: Generate, way: str) -> Spent:
    """What a recipe's rounds draw of the pool, planned one after the other."""
    tallies: dict[str, Tally] = {}
    for round in range(1, settings.max_rounds + 1):
        asked, _ = plan_round(problems, tallies, settings, round=round, seed=1)
        for problem, indices in asked.items():
            taken = pool[problem][indices.start : indices.stop]
            assert len(taken) == len(indices)  # else the pool is too small for this recipe
            had = tallies.setdefault(problem, Tally())
            had.asked += len(taken)
            had.graded += len(taken)
            had.rounds += 1
            had.correct += sum(one.correct for one in taken)
            had.tokens += sum(one.tokens for one in taken)
    return _spent(tallies, way, settings.accepted_wanted)


def fixed(pool: Pool, count: int, wanted: int) -> Spent:
    """What the first `count` candidates of every problem cost and give."""
    tallies: dict[str, Tally] = {}
    for problem, candidates in pool.items():
        taken = candidates[:count]
        correct = sum(one.correct for one in taken)
        tokens = sum(one.tokens for one in taken)
        tallies[problem] = Tally(len(taken), 1, len(taken), correct, tokens)
    return _spent(tallies, f"fixed, {count}", wanted)


def _spent(tallies: dict[str, Tally], way: str, wanted: int) -> Spent:
    every = tallies.values()
    return Spent(
        way=way,
        wanted=wanted,
        candidates=sum(one.asked for one in every),
        tokens=sum(one.tokens for one in every),
        correct=sum(one.correct for one in every),
        accepted=sum(min(one.correct, wanted) for one in every),
        solved=sum(one.correct > 0 for one in every) / len(tallies),
    )


def compared(problems: Sequence[Brief], pool: Pool, size: int) -> list[Spent]:
    """Fixed numbers, the demonstration's own rounds, and growing rounds, for each `wanted`."""
    demo = load_recipe("recipes/demo.toml").generate
    found: list[Spent] = []
    for wanted in _WANTED:
        found += [fixed(pool, count, wanted) for count in _FIXED if count <= size]
        own = demo.model_copy(update={"accepted_wanted": wanted})
        found.append(adaptive(problems, pool, own, "rounds as in the demonstration"))
        for give_up in _GIVE_UP:
            growing = own.model_copy(
                update={
                    "round_sizes": list(_SIZES),
                    "max_rounds": len(_SIZES),
                    "give_up_after": give_up,
                }
            )
            sizes = " + ".join(map(str, _SIZES))
            found.append(
                adaptive(problems, pool, growing, f"rounds {sizes}, given up after {give_up}")
            )
    return found


def show(found: Sequence[Spent], pool: Pool, size: int) -> None:
    """A table for the documents."""
    print(
        "| wanted | way | candidates | tokens | correct | accepted | solved | tokens per accepted "
        "| beside the smallest fixed number that accepts no less |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for one in found:
        print(
            f"| {one.wanted} | {one.way} | {one.candidates:,} | {one.tokens:,} | {one.correct:,} "
            f"| {one.accepted:,} | {100 * one.solved:.1f}% | {one.tokens_per_accepted:.1f} "
            f"| {saving(one, pool, size)} |"
        )


def saving(one: Spent, pool: Pool, size: int) -> str:
    """Tokens per accepted sample as a share of those of the smallest fixed number of candidates
    that accepts no less; a dash where none does, and for the fixed numbers themselves."""
    if one.way.startswith("fixed"):
        return "–"
    for count in range(1, size + 1):
        rival = fixed(pool, count, one.wanted)
        if rival.accepted >= one.accepted:
            return f"{one.tokens_per_accepted / rival.tokens_per_accepted:.2f} of {rival.way}"
    return "–"


def main() -> None:
    """Draw, plan and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--pool", type=int, default=16, help="candidates of each; 16 at least")
    parser.add_argument("--quick", action="store_true", help="thirty problems, to try the command")
    parser.add_argument("--json", type=Path, help="write all figures here")
    given = parser.parse_args()
    if given.pool < sum(_SIZES):
        parser.error(f"--pool: expected {sum(_SIZES)} at least, found {given.pool}")
    print(machine_line(), flush=True)
    problems, pool = drawn_pool(30 if given.quick else given.problems, given.pool)
    found = compared(problems, pool, given.pool)
    show(found, pool, given.pool)
    if given.json:
        rows: list[dict[str, Any]] = [
            asdict(one) | {"tokens_per_accepted": one.tokens_per_accepted} for one in found
        ]
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
