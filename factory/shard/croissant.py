"""`croissant.json`: the dataset as Croissant metadata (MLCommons, version 1.0, JSON-LD).

Each Parquet file of a config is a file object with its SHA-256, each config a file set of them and
a record set with a field for every column. Not covered: statistics, the vocabulary of Croissant
RAI, and a URL, which nobody knows before the dataset is uploaded: paths are relative to the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from factory.shard.card_facts import Facts
from factory.shard.card_rows import licences
from factory.shard.configs import FOLDERS
from schemas.licenses import find_license, licenses_in
from schemas.manifest import PartFile

_CR: Final = "http://mlcommons.org/croissant/"
_TERMS: Final = (
    "citeAs column equivalentProperty extract field fileProperty fileObject fileSet format "
    "includes isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated "
    "replace samplingRate separator source subField transform"
)
_CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": _CR,
    "dct": "http://purl.org/dc/terms/",
    "rai": f"{_CR}RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}
_PARQUET: Final = "application/x-parquet"


def croissant_json(facts: Facts) -> bytes:
    """The file's content; it has no dates, so that equal facts give equal bytes."""
    about, shard = facts.description, facts.shard
    names = [one for one in FOLDERS if one in about.configs]
    title = shard.title or shard.name
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CR}1.0",
        "name": about.name,
        "alternateName": title,
        "description": f"{title}: {about.rows:,} verified samples with their reasoning, made by "
        f"Retort from the recipe {about.recipe}. Digest of the rows' content: {about.digest}. "
        f"README.md is the card.",
        "version": about.version,
        "license": _licenses(facts),
        "citeAs": f"{title}, version {about.version}, digest {about.digest}",
        "isLiveDataset": False,
        "distribution": [one for name in names for one in _distribution(name, about.files)],
        "recordSet": [_record_set(name, facts) for name in names],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _licenses(facts: Facts) -> list[str]:
    """URLs where they are known, else what the rows say."""
    urls = [_url(name) for one in licences(facts) for some in licenses_in(one) for name in some]
    return sorted(set(urls))


def _url(name: str) -> str:
    found = find_license(name)
    return found.url if found and found.url else name


def _distribution(config: str, files: Sequence[PartFile]) -> list[dict[str, Any]]:
    """The files of a config, then the set of them."""
    folder = FOLDERS[config]
    own = [one for one in files if one.path.startswith(f"{folder}/")]
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": one.path,
            "name": one.path,
            "contentUrl": one.path,
            "contentSize": f"{one.bytes} B",
            "encodingFormat": _PARQUET,
            "sha256": one.sha256,
        }
        for one in own
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": f"files-of-{config}",
        "name": f"files-of-{config}",
        "description": f"The Parquet files of the config {config}.",
        "encodingFormat": _PARQUET,
        "includes": f"{folder}/train-*.parquet",
    }
    return [*objects, together]


def _record_set(config: str, facts: Facts) -> dict[str, Any]:
    rows = facts.description.configs[config]
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": f"The config {config}: {rows:,} rows, all in the split train.",
        "field": [_field(config, column, []) for column in facts.schemas[config]],
    }


def _field(parent: str, column: pa.Field, path: list[str]) -> dict[str, Any]:
    """A field and those within it; `path` are the names that lead to it, the column's first."""
    path = [*path, column.name]
    name = f"{parent}/{column.name}"
    said: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": name}
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
        said["repeated"] = True
    if pa.types.is_struct(kind):
        return said | {"subField": [_field(name, one, path) for one in kind]}
    config = parent.split("/")[0]
    source: dict[str, Any] = {
        "fileSet": {"@id": f"files-of-{config}"},
        "extract": {"column": path[0]},
    }
    if steps := [{"jsonPath": step} for step in path[1:]]:
        source["transform"] = steps[0] if len(steps) == 1 else steps
    return said | {"dataType": _data_type(kind), "source": source}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:Text"
