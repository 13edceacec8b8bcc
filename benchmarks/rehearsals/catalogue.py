"""The files of a rehearsal: sources and benchmarks for the recipe, the recipe itself, and the
catalogue by which the teacher knows every problem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

from factory.collect.procedural import problems
from factory.recipe_file import data_root, load_recipe

from .asked import Asked, Procedural, arithmetic, choices, programs, real, sums, words_in_reverse
from .plan import Plan
from .real_texts import BENCHMARKS, benchmark_items
from .recipe import recipe_text
from .roles import Fate

RECIPE: Final = "rehearsal.toml"
DATA: Final = "data"
"""Folder that stands for `RETORT_DATA`: a recipe may read nothing else outside the project."""
_CATALOGUE: Final = "catalogue.jsonl"
_ASKED: Final = "asked"
_DRAFT: Final = "draft"
"""Kinds of rows; the recipe's `where` takes the first."""


def write_files(folder: Path, plan: Plan) -> None:
    """Everything that a run of the plan reads, below `folder`; the catalogue is written last, and
    where it is there, all is."""
    if (folder / _CATALOGUE).exists():
        return
    data = folder / DATA
    data.mkdir(parents=True, exist_ok=True)
    for name in {file.split("/")[0] for file, _ in BENCHMARKS.values()}:
        if not (data / name).exists():
            (data / name).symlink_to(data_root().resolve() / name)
    recipe = folder / RECIPE
    recipe.write_text(recipe_text(plan), encoding="utf-8")
    by_source = _by_source(plan, recipe)
    for source, found in by_source.items():
        if source != "arithmetic":
            rows = chain(map(_row, found), _not_asked(source, plan, found))
            _write_lines(data / f"{source}.jsonl", rows)
    asked = [one for source, found in by_source.items() for one in found[: _many(plan, source)]]
    hidden = folder / f".{_CATALOGUE}"
    _write_lines(hidden, (json.dumps(asdict(one)) for one in asked))
    hidden.replace(folder / _CATALOGUE)


def read_catalogue(folder: Path) -> Iterator[Asked]:
    """Every problem that the teacher knows."""
    with open(folder / _CATALOGUE, encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            row["fate"] = Fate(row["fate"])
            yield Asked(**row)


def _by_source(plan: Plan, recipe: Path) -> dict[str, list[Asked]]:
    counts, left_out = plan.sources, plan.left_out
    [procedural] = [
        one for one in load_recipe(str(recipe)).collect.sources if one.kind == "procedural"
    ]
    made = cast("Iterator[Procedural]", problems(cast("Any", procedural)))
    return {
        "sums": list(sums(plan)),
        "code": list(programs(counts["code"], left_out["gold_rejected"])),
        "choice": list(choices(counts["choice"] + left_out["beyond_limit"])),
        "words": list(words_in_reverse(counts["words"])),
        "real": list(real(counts["real"])),
        "arithmetic": list(arithmetic(made)),
    }


def _many(plan: Plan, source: str) -> int | None:
    """Problems of a source that the teacher may be asked, from the first on; None: all."""
    return plan.sources["code"] if source == "code" else None


def _row(asked: Asked, kind: str = _ASKED, name: str = "") -> str:
    gold = asked.gold
    if asked.source == "code":
        gold = json.dumps({"kind": "asserts", "code": f"{gold}\n"})
    row = {
        "problem_id": name or f"{asked.number:08d}",
        "kind": kind,
        "problem": asked.statement,
        "gold": gold,
        "reference": asked.reference,
    }
    return json.dumps(row)


def _not_asked(source: str, plan: Plan, found: list[Asked]) -> Iterator[str]:
    """Rows of the sums that must not become problems."""
    if source != "sums":
        return
    left_out = plan.left_out
    for number in range(left_out["duplicate_problem"]):
        spaced = found[number].statement.replace(" ", "  ")
        yield _row(replace(found[number], statement=spaced), name=f"again-{number}")
    items = benchmark_items("gsm8k")
    for number in range(left_out["contaminated_problem"]):
        told = f"{found[number].statement} Another one: {items[number % len(items)]}"
        yield _row(replace(found[number], statement=told), name=f"told-{number}")
    for number in range(left_out["other_kind"]):
        yield _row(found[number], _DRAFT, f"draft-{number}")
    for number in range(left_out["bad_row"]):
        yield f'{{"problem_id": "broken-{number}", '


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
