"""Whether `dataset.json` says the truth where something in the dataset can show it.

Covered: rows and columns of every config, sections of the recipe, the ledger's sums, the card's
version and digest, and that the file is written as Retort writes it. Not covered: what nothing in
the folder shows again, namely `upstream` and `code_versions`; compare the SHA-256 of `dataset.json`
with that of a copy that you trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from factory.dataset.checks import Check, Fault
from factory.errors import LedgerMismatch, RecipeError
from factory.ledger import entry, reconcile
from factory.recipe_file import load_recipe
from factory.shard.configs import (
    DEFAULT,
    FOLDERS,
    PREFERENCE,
    PROBLEMS,
    REASONING,
    REASONING_CONTENT,
)
from factory.shard.description import Description
from factory.shard.layout import CARD, DATASET, RECIPE
from factory.shard.problems import SCHEMA as PROBLEM_ROWS
from factory.shard.recipe import section_digests
from schemas.arrow import CLUSTER, DROPPED, SAMPLE
from schemas.arrow import PREFERENCE as PAIRS

_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    f"{FOLDERS[DEFAULT]}/": SAMPLE,
    f"{FOLDERS[REASONING_CONTENT]}/": REASONING,
    f"{FOLDERS[PREFERENCE]}/": PAIRS,
    f"{FOLDERS[PROBLEMS]}/": PROBLEM_ROWS,
    "ledger/dropped-": DROPPED,
    "ledger/clusters-": CLUSTER,
}
"""How a path begins -> the columns of that file."""


def check_description(folder: Path, description: Description) -> Check:
    """`dataset.json` is written as Retort writes it and agrees with recipe, ledger and card."""
    faults: list[Fault] = []
    written = (description.model_dump_json(indent=2) + "\n").encode()
    if (folder / DATASET).read_bytes() != written:
        faults.append(
            Fault(file=DATASET, expected="the form in which Retort writes it", found="another")
        )
    faults += _recipe(folder, description)
    faults += _sums(description)
    faults += _card(folder, description)
    sections = ", ".join(description.sections) or "none"
    return Check(name="dataset.json", looked_at=f"recipe ({sections}), sums, card", faults=faults)


def _recipe(folder: Path, description: Description) -> list[Fault]:
    if not (folder / RECIPE).is_file():
        return []  # `check_names` says it
    try:
        recipe = load_recipe(str((folder / RECIPE).resolve()))
    except RecipeError as error:
        return [Fault(file=RECIPE, expected="a recipe", found=str(error))]
    said = {
        "recipe": (description.recipe, recipe.name),
        "name": (description.name, recipe.shard.name),
        "version": (description.version, recipe.shard.version),
    }
    faults = [
        Fault(file=DATASET, expected=f"{key} {found!r}, as {RECIPE} has it", found=repr(given))
        for key, (given, found) in said.items()
        if given != found
    ]
    digests = section_digests(recipe)
    differ = sorted(
        one
        for one in {*digests, *description.sections}
        if digests.get(one) != description.sections.get(one)
    )
    if differ:
        faults.append(
            Fault(
                file=DATASET,
                expected=f"the digests of the sections of {RECIPE}",
                found=f"others for {', '.join(differ)}",
            )
        )
    return faults


def _sums(description: Description) -> list[Fault]:
    faults: list[Fault] = []
    try:
        for one in description.ledger:
            entry(one.stage, one.rows_in, one.rows_out, one.drops)
        reconcile(description.ledger)
    except LedgerMismatch as error:
        return [Fault(file=DATASET, expected="a ledger that adds up", found=str(error))]
    given = {one.stage: one.rows_out for one in description.ledger}.get("shard")
    if given != description.rows:
        found = "no stage shard" if given is None else f"{given:,} rows out of shard"
        faults.append(Fault(file=DATASET, expected=f"{description.rows:,} rows", found=found))
    default = description.configs.get(DEFAULT)
    if default != description.rows:
        found = "none" if default is None else f"{default:,} rows"
        expected = f"{description.rows:,} rows of config {DEFAULT}"
        faults.append(Fault(file=DATASET, expected=expected, found=found))
    return faults


def _card(folder: Path, description: Description) -> list[Fault]:
    if not (folder / CARD).is_file():
        return []
    text = (folder / CARD).read_text(encoding="utf-8", errors="replace")
    wanted = {"version": description.version, "digest": description.digest}
    return [
        Fault(file=CARD, expected=f"the {what} {value} of {DATASET}", found="it is not there")
        for what, value in wanted.items()
        if value not in text
    ]


def check_tables(folder: Path, description: Description) -> Check:
    """Every Parquet file has the rows that are said and the columns of its kind; configs add up."""
    faults: list[Fault] = []
    rows = dict.fromkeys(description.configs, 0)
    files = [one for one in description.files if one.path.endswith(".parquet")]
    columns: dict[str, tuple[str, pa.Schema]] = {}
    for file in files:
        config = {place: name for name, place in FOLDERS.items()}.get(file.path.split("/")[0])
        if config is not None:
            rows[config] = rows.get(config, 0) + file.rows
        if not (folder / file.path).is_file():
            continue
        try:
            with pq.ParquetFile(folder / file.path) as opened:
                found, schema = opened.metadata.num_rows, opened.schema_arrow
        except (OSError, pa.ArrowInvalid) as error:
            found = f"it cannot be read ({error})"
            faults.append(Fault(file=file.path, expected="a Parquet file", found=found))
            continue
        if found != file.rows:
            expected = f"{file.rows:,} rows"
            faults.append(Fault(file=file.path, expected=expected, found=f"{found:,}"))
        schema = schema.remove_metadata()
        kind = next((kind for kind in _SCHEMAS if file.path.startswith(kind)), None)
        first, wanted = columns.setdefault(
            file.path.split("/")[0] if kind is None else kind,
            (file.path, schema) if kind is None else (kind, _SCHEMAS[kind]),
        )
        if not schema.equals(wanted):
            faults.append(
                Fault(
                    file=file.path,
                    expected=f"the columns of {first}: {_differing(wanted, schema)}",
                    found=_differing(schema, wanted),
                )
            )
    faults += [
        Fault(
            file=DATASET,
            expected=f"{description.configs.get(config, 0):,} rows of config {config}",
            found=f"{count:,}",
        )
        for config, count in rows.items()
        if count != description.configs.get(config)
    ]
    if description.columns != SAMPLE.names:
        found = ", ".join(description.columns)
        faults.append(
            Fault(file=DATASET, expected=f"columns {', '.join(SAMPLE.names)}", found=found)
        )
    counts = ", ".join(f"{name} {count:,}" for name, count in description.configs.items())
    looked_at = f"{len(files):,} Parquet files; {counts}"
    return Check(name="configs", looked_at=looked_at, faults=faults)


def _differing(one: pa.Schema, other: pa.Schema) -> str:
    """The columns of the first that the other has not, or has with another type."""
    fields = [f"{field.name} {field.type}" for field in one if field not in list(other)]
    return ", ".join(fields) or "the same columns in another order"
