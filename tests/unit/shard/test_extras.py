"""What stands beside the card: pictures that are XML, settings and metadata that can be read."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from factory.digest import file_sha256
from factory.recipe_file import data_root
from factory.shard.extras import extra_files
from factory.shard.pictures import length_picture, pass_rate_picture
from tests.unit.shard.card_facts_made import SCHEMAS, facts, index_of, published
from tests.unit.shard.sample_artifacts import sample

SAMPLES = [sample(number) for number in range(5)]
SVG = "{http://www.w3.org/2000/svg}"
ALL = dict.fromkeys(SCHEMAS, 6)


def bars(picture: bytes) -> list[float]:
    return [float(one.attrib["height"]) for one in ET.fromstring(picture).iter(f"{SVG}rect")]


def texts(picture: bytes) -> list[str]:
    return [one.text or "" for one in ET.fromstring(picture).iter(f"{SVG}text")]


def lengths(values: Sequence[int | None], domain: str = "math") -> pl.DataFrame:
    rows = [sample(number, domain=domain) for number in range(len(values))]
    return index_of(rows, num_tokens=values)


def test_files_are_the_same_for_the_same_facts_and_paths_are_sorted() -> None:
    rows = index_of([sample(number) for number in range(20)])
    one = extra_files(facts(index=rows))
    assert list(one) == sorted(one)
    assert one == extra_files(facts(index=rows.reverse()))


def test_pictures_have_a_title_a_description_and_no_background() -> None:
    for name, content in extra_files(facts()).items():
        if name.startswith("pictures/"):
            root = ET.fromstring(content)
            assert root.attrib["role"] == "img"
            for tag in ("title", "desc"):
                assert root.findtext(f"{SVG}{tag}")
            fills = {one.attrib["fill"] for one in root.iter() if "fill" in one.attrib}
            assert fills <= {"#767c85", "#3b82c4"}


def test_a_bar_of_the_pass_rates_is_as_tall_as_its_tenth_has_rows() -> None:
    rows = index_of([sample(1)] * 8, pass_rate=[1.0, 1.0, 1.0, 1.0, 0.55, 0.5, 0.04, 0.99])
    heights = bars(pass_rate_picture(rows))
    assert heights == [21.0, 42.0, 21.0, 84.0]
    assert "0.9 to below 1.0: 1; 1.0: 4" in (
        ET.fromstring(pass_rate_picture(rows)).findtext(f"{SVG}desc") or ""
    )


def test_lengths_are_counted_by_domain_on_a_logarithmic_axis() -> None:
    rows = pl.concat([lengths([100, 100, 9_999]), lengths([20], "code<&>")])
    picture = length_picture(rows)
    said = texts(picture)
    assert [one for one in said if one in ("10", "100", "1,000", "10,000")] == [
        *("10", "100", "1,000", "10,000"),
        *("10", "100", "1,000", "10,000"),
    ]
    assert said.index("code<&>") < said.index("math")
    assert bars(picture) == [84.0, 84.0, 42.0]


def test_lengths_are_in_characters_where_a_row_has_no_count_of_tokens() -> None:
    assert any("in tokens" in one for one in texts(length_picture(lengths([5, 6]))))
    assert any("in characters" in one for one in texts(length_picture(lengths([5, None]))))


@given(st.lists(st.integers(1, 10**9), max_size=60))
def test_every_length_is_in_a_bar(values: list[int]) -> None:
    picture = length_picture(lengths(values))
    heights = bars(picture)
    assert bool(heights) == bool(values)
    assert all(1.0 <= one <= 84.0 for one in heights)


def test_croissant_names_every_parquet_file_with_its_digest(tmp_path: Path) -> None:
    made = published(tmp_path, SAMPLES)
    content = json.loads(extra_files(made)["croissant.json"])
    files = [one for one in content["distribution"] if one["@type"] == "cr:FileObject"]
    assert len(files) == len(made.description.files) == 8
    for one in files:
        assert one["sha256"] == file_sha256(tmp_path / one["contentUrl"])
    assert content["version"] == "1.0.0"
    # the config `problems` has those of all sources
    assert content["license"] == [
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "https://spdx.org/licenses/MIT.html",
    ]
    assert "datePublished" not in content


def test_croissant_has_a_field_for_every_column_of_every_config() -> None:
    content = json.loads(extra_files(facts(configs=ALL))["croissant.json"])
    sets = {one["@id"]: one for one in content["recordSet"]}
    assert sets.keys() == SCHEMAS.keys()
    for config, schema in SCHEMAS.items():
        assert [one["@id"] for one in sets[config]["field"]] == [
            f"{config}/{name}" for name in schema.names
        ]
    fields = {one["@id"]: one for one in sets["default"]["field"]}
    assert fields["default/pass_rate"]["dataType"] == "sc:Float"
    assert fields["default/num_tokens"]["dataType"] == "sc:Integer"
    assert fields["default/made_of"]["repeated"]
    role = fields["default/messages"]["subField"][0]
    assert role["source"]["extract"] == {"column": "messages"}
    assert role["source"]["transform"] == {"jsonPath": "role"}
    ids = [one["@id"] for one in content["distribution"]]
    assert role["source"]["fileSet"]["@id"] in ids


@pytest.mark.parametrize(
    ("configs", "files"),
    [
        (
            ["default"],
            ["dataset_info.json", "llamafactory-sft.yaml", "trl-sft.yaml"],
        ),
        (
            ["default", "reasoning_content", "preference", "problems"],
            [
                *("axolotl-sft.yaml", "dataset_info.json", "llamafactory-sft.yaml"),
                *("trl-dpo.yaml", "trl-sft.yaml"),
            ],
        ),
    ],
)
def test_trainers_have_settings_for_the_configs_that_are_there(
    configs: list[str], files: list[str]
) -> None:
    made = extra_files(facts(configs=dict.fromkeys(configs, 6)))
    assert [name for name in made if name.startswith("trainers/")] == [
        f"trainers/{name}" for name in files
    ]


def settings_of(name: str) -> Any:
    return yaml.safe_load(extra_files(facts(configs=ALL))[f"trainers/{name}"])


def test_settings_are_yaml_whose_numbers_are_numbers() -> None:
    for name in ("trl-sft.yaml", "trl-dpo.yaml", "llamafactory-sft.yaml", "axolotl-sft.yaml"):
        assert isinstance(settings_of(name)["learning_rate"], float)


def load(one: dict[str, Any], folder: Path, cache: Path) -> Any:
    """Rows as TRL and axolotl load them, from within the dataset's folder."""
    from datasets import load_dataset

    kind = one.get("ds_type") or one["path"]
    before = Path.cwd()
    os.chdir(folder)
    try:
        return load_dataset(
            kind, data_files=one["data_files"], split=one["split"], cache_dir=str(cache)
        )
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    ("name", "rows", "column"),
    [
        ("trl-sft.yaml", 5, "messages"),
        ("trl-dpo.yaml", 1, "chosen"),
        ("axolotl-sft.yaml", 5, "messages"),
    ],
)
def test_what_the_settings_name_is_loaded(
    name: str, rows: int, column: str, tmp_path: Path
) -> None:
    published(tmp_path / "set", SAMPLES)
    found = load(settings_of(name)["datasets"][0], tmp_path / "set", tmp_path / "cache")
    assert len(found) == rows
    assert found[0][column][-1]["role"] == "assistant"


def test_llama_factory_finds_the_rows_and_the_names_of_the_turns(tmp_path: Path) -> None:
    published(tmp_path, SAMPLES)
    sft = settings_of("llamafactory-sft.yaml")
    entry = settings_of("dataset_info.json")[sft["dataset"]]
    (tmp_path / "trainers").mkdir()
    folder = tmp_path / sft["dataset_dir"] / entry["file_name"]
    assert {one.suffix for one in folder.iterdir()} == {".parquet"}
    row = pl.read_parquet(folder / "train-00000-of-00003.parquet").row(0, named=True)
    turns = row[entry["columns"]["messages"]]
    tags = entry["tags"]
    assert [turn[tags["role_tag"]] for turn in turns] == [tags["user_tag"], tags["assistant_tag"]]
    assert "<think>" in turns[-1][tags["content_tag"]]


def test_a_chat_template_takes_the_rows(tmp_path: Path) -> None:
    folder = data_root() / "tokenizers" / "qwen2.5"
    if not folder.exists():
        pytest.skip(f"no tokenizer at {folder}; set RETORT_DATA")
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    template = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(
        config["chat_template"]
    )
    published(tmp_path / "set", SAMPLES)
    rows = load(settings_of("trl-sft.yaml")["datasets"][0], tmp_path / "set", tmp_path / "cache")
    text = template.render(messages=rows[0]["messages"])
    assert text.endswith(f"<|im_start|>assistant\n{rows[0]['messages'][-1]['content']}<|im_end|>\n")
