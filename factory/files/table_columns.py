"""Columns of tables from several places, brought to one schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds texts."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_id(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold ids."""
    return is_text(kind) or pa.types.is_integer(kind)


def without_views(table: pa.Table) -> pa.Table:
    """The table with texts and bytes in place of their views (`string_view`), whose rows pyarrow
    cannot take or filter."""
    plain = [_without_views(field.type) for field in table.schema]
    if plain == table.schema.types:
        return table
    return table.cast(
        pa.schema(
            [field.with_type(kind) for field, kind in zip(table.schema, plain, strict=True)],
            metadata=table.schema.metadata,
        )
    )


def _without_views(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_without_views(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_without_views(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_without_views(kind.key_type), _without_views(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_views(field.type)) for field in kind])
    return kind


def merged(schemas: Sequence[pa.Schema], texts: Sequence[str] = ()) -> pa.Schema:
    """One schema for tables of all of them: columns in the order in which they first come.

    Types that are no more than wider forms of each other meet in the widest, others in text.

    Args:
        texts: Columns that are there in any case, of texts where no schema has a type for them:
            input without rows has often neither columns nor types.
    """
    kinds: dict[str, list[pa.DataType]] = {}
    for schema in schemas:
        for field in schema:
            known = kinds.setdefault(field.name, [])
            if field.type not in known:
                known.append(field.type)
    met = {name: _meeting(known) for name, known in kinds.items()}
    met |= {name: pa.string() for name in texts if pa.types.is_null(met.get(name, pa.null()))}
    return pa.schema(list(met.items()))


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of the schema; null where it has none such."""
    columns: list[Any] = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table[field.name]
        if column.type != field.type:
            column = _as(column, field.type)
        columns.append(column)
    return pa.table(columns, schema=schema) if columns else table


def _meeting(kinds: Sequence[pa.DataType]) -> pa.DataType:
    try:
        kind = (
            pa.unify_schemas(
                [pa.schema([("column", kind)]) for kind in kinds], promote_options="permissive"
            )
            .field("column")
            .type
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.large_string()
    return pa.large_string() if _has_empty_struct(kind) else kind


def _has_empty_struct(kind: pa.DataType) -> bool:
    """Objects without fields, which Parquet cannot hold."""
    if pa.types.is_struct(kind):
        return not kind.num_fields or any(_has_empty_struct(one.type) for one in kind)
    return pa.types.is_list(kind) and _has_empty_struct(kind.value_type)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_large_string(kind) and not is_text(column.type):
        texts = [
            None if value is None else json.dumps(value, ensure_ascii=False, default=str)
            for value in column.to_pylist()
        ]
        return pa.chunked_array([pa.array(texts, kind)])
    # Of an integer that becomes a float only digits beyond 2^53 can change.
    return column.cast(kind, safe=not pa.types.is_floating(kind))
