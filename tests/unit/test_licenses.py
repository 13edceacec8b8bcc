"""schemas.licenses: what licences forbid, by their names."""

from __future__ import annotations

import pytest

from schemas.license_table import known_licenses
from schemas.licenses import dropped_by, find_license, forbidden, hub_id, is_known


def test_every_licence_is_found_by_its_name_and_by_what_hubs_call_it() -> None:
    names = [one.name for one in known_licenses()]
    assert len(names) == len({name.lower() for name in names})
    for one in known_licenses():
        assert find_license(one.name) == one
        assert one.hub in ("", one.hub.lower())
        if one.hub and not one.name.startswith(("GPL", "LGPL", "AGPL")):
            assert find_license(one.hub) == one


def test_an_heir_is_a_licence_too() -> None:
    for one in known_licenses():
        assert all(find_license(heir) for heir in one.heirs)
        assert not one.heirs or one.name in one.heirs


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("mit", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("apache_2.0", "Apache-2.0"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("odbl", "ODbL-1.0"),
        ("Llama 3.1 Community License", "llama3.1"),
        ("llama-2", "llama2"),
        ("Qwen License", "qwen"),
    ],
)
def test_common_spellings_are_understood(name: str, spdx: str) -> None:
    found = find_license(name)
    assert found is not None
    assert found.name == spdx


@pytest.mark.parametrize(
    ("license", "research", "commercial"),
    [
        ("MIT", True, True),
        ("CC-BY-SA-4.0", True, True),
        ("CC-BY-NC-4.0", True, False),
        ("CC-BY-ND-4.0", False, False),
        ("CC-BY-NC-SA-3.0", True, False),
        ("llama2", False, False),
        ("llama3", False, False),
        ("llama3.1", True, True),
        ("qwen", True, True),
        ("qwen-research", True, False),
        ("tongyi-qianwen", False, False),
        ("openai-terms", True, False),
        ("gemma", True, True),
        ("ask the authors", True, True),
        ("MIT AND CC-BY-NC-4.0", True, False),
        ("CC-BY-NC-4.0 OR MIT", True, True),
        ("CC BY-ND", False, False),
        ("cc-by-nc", True, False),
        ("(CC-BY-ND-4.0)", False, False),
        ("(MIT OR Apache-2.0) AND CC-BY-NC-4.0", True, False),
        ("MIT OR (Apache-2.0 AND CC-BY-NC-4.0)", True, True),
        ("(CC-BY-ND-4.0 OR CC-BY-NC-4.0) AND (MIT OR ISC)", True, False),
        ("MIT (code) AND CC-BY-NC-4.0", True, False),
        ("CC-BY-NC-4.0 AND (MIT", True, False),
    ],
)
def test_what_a_licence_forbids(license: str, research: bool, commercial: bool) -> None:
    assert (forbidden(license, "research") is None) == research
    assert (forbidden(license, "commercial") is None) == commercial


def test_the_reason_names_the_licence() -> None:
    reason = forbidden("cc-by-nc-4.0", "commercial")
    assert reason is not None
    assert reason.startswith("CC-BY-NC-4.0: ")


def test_only_names_of_the_table_are_known() -> None:
    assert is_known("MIT AND ODC-By-1.0")
    assert is_known("something of ours OR MIT")
    for name in ("", "proprietary", "see the authors' page", "MIT AND something of ours"):
        assert not is_known(name)


@pytest.mark.parametrize(
    ("dataset", "row", "fits"),
    [
        ("MIT", "Apache-2.0", True),
        ("MIT", "CC-BY-SA-3.0", False),
        ("CC-BY-SA-4.0", "CC-BY-SA-3.0", True),
        ("CC-BY-SA-4.0", "CC-BY-SA", True),
        ("CC-BY-4.0", "CC-BY-SA", False),
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0", False),
        ("MIT AND CC-BY-SA-4.0", "CC-BY-SA-4.0", True),
        ("GPL-3.0-only", "CC-BY-SA-4.0", True),
        ("GPL-3.0-only", "GPL-2.0-or-later", True),
        ("GPL-3.0-only", "GPL-2.0-only", False),
        ("CC-BY-4.0", "CC-BY-NC-4.0", False),
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0", True),
        ("CC-BY-4.0", "openai-terms", False),
        ("CC-BY-4.0", "not known", True),
        ("not known", "CC-BY-SA-4.0", True),
    ],
)
def test_a_dataset_keeps_what_its_rows_keep(dataset: str, row: str, fits: bool) -> None:
    assert (dropped_by(dataset, row) is None) == fits


def test_hubs_know_some_by_other_names() -> None:
    assert hub_id("CC-BY-4.0") == "cc-by-4.0"
    assert hub_id("ODC-By-1.0") == "odc-by"
    assert hub_id("GPL-3.0-or-later") == "gpl-3.0"
    assert hub_id("CC-BY-1.0") == "other"
    assert hub_id("openai-terms") == "other"
    assert hub_id("nobody knows it") == "other"
