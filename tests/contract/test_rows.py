"""The row models, their Arrow schemas and the reasons for dropping agree with each other."""

from __future__ import annotations

import re
import types
import typing
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import BaseModel

from schemas import arrow
from schemas.candidate import Candidate
from schemas.problem import Problem
from schemas.sample import Drop, Sample
from schemas.verdict import CandidateVerdict, Status

PAIRS = [
    (Problem, arrow.PROBLEM),
    (Candidate, arrow.CANDIDATE),
    (CandidateVerdict, arrow.VERDICT),
    (Sample, arrow.SAMPLE),
]
KINDS = {
    str: (pa.string(), pa.large_string()),
    int: (pa.int32(), pa.int64()),
    float: (pa.float64(),),
    bool: (pa.bool_(),),
}


@pytest.mark.parametrize(("model", "schema"), PAIRS, ids=lambda one: getattr(one, "__name__", ""))
def test_model_and_arrow_schema_agree(model: type[BaseModel], schema: pa.Schema) -> None:
    assert schema.names == list(model.model_fields)
    for name, field in model.model_fields.items():
        kinds = [field.annotation]
        if isinstance(field.annotation, types.UnionType):
            kinds = list(typing.get_args(field.annotation))
        column = schema.field(name)
        assert column.nullable == (type(None) in kinds), name
        kind = next(one for one in kinds if one is not type(None))
        if typing.get_origin(kind) is list:
            assert pa.types.is_list(column.type), name
        elif isinstance(kind, type) and issubclass(kind, StrEnum):
            assert column.type == pa.string(), name
        else:
            assert column.type in KINDS[kind], name


def test_every_verdict_but_correct_and_infra_is_a_reason_to_drop() -> None:
    verdicts = {one.value for one in Status} - {"correct", "infra"}
    assert verdicts <= {one.value for one in Drop}


def test_every_reason_to_drop_is_given_somewhere_in_the_factory(project: Path) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (project / "factory").rglob("*.py"))
    from_verdicts = {one.value for one in Status}
    unused = [
        one.name
        for one in Drop
        if not re.search(rf"\bDrop\.{one.name}\b", code) and one.value not in from_verdicts
    ]
    assert unused == []
