"""All suites' problems as one artifact, so that a model is served once for all of them.

A problem of a suite is asked under `suite/problem_id`: two suites may hold the same problem. Its
statement is the user's message as the suite's template makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from factory.errors import SourceError
from factory.ledger import entry
from factory.parts import part_name, read_parts, write_part
from schemas.arrow import PROBLEM
from schemas.generate_settings import Prompt
from schemas.manifest import StageResult
from schemas.validate_settings import Suite

_BETWEEN: Final = "/"


def asked_id(suite: str, problem_id: str) -> str:
    """The id under which a suite's problem is asked; the name of a suite holds no `/`."""
    return f"{suite}{_BETWEEN}{problem_id}"


def suite_of(asked: str) -> str:
    """The suite of an asked id."""
    return asked.partition(_BETWEEN)[0]


def ask_all(
    suites: Sequence[tuple[Suite, Path]], prompt: Prompt, out_dir: Path, key: str
) -> StageResult:
    """One part `problems-00000` with every suite's problems, suite after suite.

    Args:
        prompt: Its templates are those of suites that have none of their own; nothing else of it
            is used here.

    Raises:
        SourceError: A suite has no problem: there would be nothing to measure.
    """
    tables: list[pa.Table] = []
    for suite, folder in suites:
        table = read_parts(folder, "problems", PROBLEM)
        if not table.num_rows:
            raise SourceError(
                f"validate suite {suite.name}: expected problems in {folder}, found none; give the "
                f"suite another source or raise its `limit`"
            )
        ids = pa.array(
            [asked_id(suite.name, one) for one in table["problem_id"].to_pylist()], pa.string()
        )
        asked = pa.array(
            [
                (suite.template or prompt.templates.get(domain, "{statement}")).replace(
                    "{statement}", statement
                )
                for domain, statement in zip(
                    table["domain"].to_pylist(), table["statement"].to_pylist(), strict=True
                )
            ],
            PROBLEM.field("statement").type,
        )
        table = table.set_column(0, PROBLEM.field("problem_id"), ids)
        at = PROBLEM.get_field_index("statement")
        tables.append(table.set_column(at, PROBLEM.field("statement"), asked))
    whole = pa.concat_tables(tables)
    part = write_part(out_dir, part_name("problems", 0), whole, made_from=key)
    ledger = entry("validate:problems", whole.num_rows, whole.num_rows, {})
    return StageResult(parts=[part], ledger=ledger)
