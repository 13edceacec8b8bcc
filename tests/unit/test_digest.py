"""factory.digest."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.digest import (
    candidate_id,
    canonical_json,
    digest,
    file_sha256,
    folder_digest,
    stage_key,
)
from schemas.generate_settings import Sampling

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), plain))
def test_the_order_of_keys_does_not_change_a_digest(content: dict[str, object]) -> None:
    assert digest(content) == digest(dict(reversed(content.items())))


@given(plain, plain)
def test_equal_digests_mean_equal_canonical_json(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (canonical_json(one) == canonical_json(other))


def test_a_model_digests_by_its_fields() -> None:
    assert digest(Sampling()) == digest(Sampling(temperature=1.0))
    assert digest(Sampling()) != digest(Sampling(temperature=0.9))


def test_nan_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(math.nan)


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'


def test_each_field_of_its_identity_changes_a_candidate() -> None:
    base = ("p", 0, "t@1", "s", "q")
    others = [("p2", *base[1:]), ("p", 1, *base[2:]), ("p", 0, "t@2", "s", "q"),
              ("p", 0, "t@1", "s2", "q"), ("p", 0, "t@1", "s", "q2")]  # fmt: skip
    ids = {candidate_id(*identity) for identity in [base, *others]}
    assert len(ids) == 6
    assert all(len(one) == 32 for one in ids)


def test_a_key_changes_with_section_code_and_inputs() -> None:
    keys = {
        stage_key({"a": 1}, 1, {"x": "k"}),
        stage_key({"a": 2}, 1, {"x": "k"}),
        stage_key({"a": 1}, 2, {"x": "k"}),
        stage_key({"a": 1}, 1, {"x": "l"}),
    }
    assert len(keys) == 4


def test_a_file_that_changes_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    first = file_sha256(file)
    file.write_text("two!")
    assert file_sha256(file) != first


def test_a_folder_digests_names_and_bytes_but_not_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    first = folder_digest(tmp_path)
    (tmp_path / ".lock").write_text("held")
    assert folder_digest(tmp_path) == first
    (tmp_path / "b").write_text("two")
    assert folder_digest(tmp_path) != first
    assert folder_digest(tmp_path, without={"b"}) == first
