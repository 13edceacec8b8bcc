"""/api/rows: every filter beside a count by hand, pages, orders, and search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.explore.opened_runs import client, made_rows, opened, rows, write_data

MADE = made_rows(300)
BY_ID = {one["uuid"]: one for one in MADE}
COLUMN = {"teacher": "generation_model", "tokens": "num_tokens"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("explore")
    machine = write_data(root / "set", MADE)
    with client(opened(str(root / "set"), root, machine), root / "marks.jsonl") as one:
        yield one


def text(row: dict[str, Any]) -> str:
    return " ".join(turn["content"] for turn in row["messages"])


def number(row: dict[str, Any], name: str) -> float | None:
    return len(row["messages"][-1]["content"]) if name == "chars" else row[COLUMN.get(name, name)]


def expected(keeps: Callable[[dict[str, Any]], bool]) -> set[str]:
    return {one["uuid"] for one in MADE if keeps(one)}


def all_rows(page: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    total, first = rows(page, limit=200, **parameters)
    _, second = rows(page, limit=200, offset=200, **parameters)
    assert len(first) + len(second) == total
    return first + second


def ids(some: list[dict[str, Any]]) -> list[str]:
    return [one["candidate_id"] for one in some]


@pytest.mark.parametrize(
    "facet", ["domain", "source", "category", "level", "teacher", "finish_reason"]
)
def test_each_value_of_a_facet_keeps_the_rows_that_have_it(page: TestClient, facet: str) -> None:
    about = page.get("/api/about").json()
    column = COLUMN.get(facet, facet)
    assert sum(count for _, count in about["facets"][facet]) == len(MADE)
    for value, count in about["facets"][facet]:
        found = ids(all_rows(page, **{facet: value}))
        assert set(found) == expected(lambda one: one[column] == value)  # noqa: B023
        assert len(found) == count


def test_several_values_of_a_facet_are_either_and_several_facets_are_both(
    page: TestClient,
) -> None:
    found = all_rows(page, domain=["math", "stem"], level="Level 1", source=["source-1"])
    assert set(ids(found)) == expected(
        lambda one: (
            one["domain"] in ("math", "stem")
            and one["level"] == "Level 1"
            and one["source"] == "source-1"
        )
    )
    assert found


def test_a_value_that_no_row_has_keeps_none(page: TestClient) -> None:
    assert rows(page, domain="astrology") == (0, [])


@pytest.mark.parametrize("name", ["pass_rate", "tokens", "chars"])
def test_bounds_keep_the_rows_between_them_and_none_without_the_number(
    page: TestClient, name: str
) -> None:
    least, most = page.get("/api/about").json()["ranges"][name]
    low, high = least + (most - least) / 4, most - (most - least) / 3
    for bounds in ({"min": low}, {"max": high}, {"min": low, "max": high}, {"min": 0.25}):
        found = ids(all_rows(page, **{f"{name}_{end}": bound for end, bound in bounds.items()}))

        def keeps(one: dict[str, Any]) -> bool:
            value = number(one, name)
            inside = bounds.get("min", -1) <= (value or 0) <= bounds.get("max", 1e9)  # noqa: B023
            return value is not None and inside

        assert set(found) == expected(keeps)


def test_a_bound_that_is_a_pass_rate_of_rows_keeps_them(page: TestClient) -> None:
    found = ids(all_rows(page, pass_rate_min=7 / 12, pass_rate_max=7 / 12))
    assert set(found) == expected(lambda one: one["pass_rate"] == 7 / 12)


@pytest.mark.parametrize("name", ["pass_rate", "tokens", "chars"])
def test_a_bound_may_be_any_number(page: TestClient, name: str) -> None:
    some = expected(lambda one: number(one, name) is not None)
    assert set(ids(all_rows(page, **{f"{name}_min": "-1e300"}))) == some
    assert set(ids(all_rows(page, **{f"{name}_max": "1e300"}))) == some
    assert rows(page, **{f"{name}_min": "1e300"}) == (0, [])
    assert rows(page, **{f"{name}_max": "-1e300"}) == (0, [])


@pytest.mark.parametrize("name", ["pass_rate", "tokens", "chars"])
def test_orders_are_total_the_same_each_time_and_end_with_rows_without_the_number(
    page: TestClient, name: str
) -> None:
    by_id = ids(all_rows(page))
    for order in ("asc", "desc"):
        found = ids(all_rows(page, sort=name, order=order))
        assert sorted(found) == sorted(by_id)
        assert found == ids(all_rows(page, sort=name, order=order))
        values = [number(BY_ID[one], name) for one in found]
        there = [one for one in values if one is not None]
        assert values == there + [None] * (len(values) - len(there))
        assert there == sorted(there, reverse=order == "desc")


def test_pages_together_are_the_list_and_beyond_its_end_is_nothing(page: TestClient) -> None:
    whole = ids(all_rows(page, sort="tokens", order="desc", domain="code"))
    pages: list[str] = []
    while found := rows(
        page, sort="tokens", order="desc", domain="code", offset=len(pages), limit=7
    )[1]:
        pages += ids(found)
    assert pages == whole
    assert rows(page, offset=10**9) == (len(MADE), [])
    assert ids(rows(page, order="desc", limit=3)[1]) == ids(all_rows(page))[::-1][:3]


# ------------------------------------------------------------------------------------------ search


def words(row: dict[str, Any]) -> str:
    return " ".join(re.findall(r"\w+", text(row).lower()))


def has(phrase: str, one: dict[str, Any]) -> bool:
    return f" {phrase} " in f" {words(one)} "


SEARCHES: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("digits", lambda one: has("digits", one)),
    ("DIGITS", lambda one: has("digits", one)),
    ("prime digits", lambda one: has("prime", one) and has("digits", one)),
    ('"of is"', lambda one: has("of is", one)),
    ("sum -even", lambda one: has("sum", one) and not has("even", one)),
    ('sum -"so the"', lambda one: has("sum", one) and not has("so the", one)),
    ("numb*", lambda one: " numb" in words(one)),
    ('"how much" 17', lambda one: has("how much", one) and has("17", one)),
    ("digits, (prime)!", lambda one: has("digits", one) and has("prime", one)),
    ("AND", lambda one: has("and", one)),
    ("sum OR even", lambda one: has("sum", one) and has("or", one) and has("even", one)),
    ("text:sum", lambda one: has("text sum", one)),
    ('"sum', lambda one: has("sum", one)),
]


@pytest.mark.parametrize(("query", "keeps"), SEARCHES, ids=[one for one, _ in SEARCHES])
def test_a_search_finds_what_a_look_at_every_text_finds(
    page: TestClient, query: str, keeps: Callable[[dict[str, Any]], bool]
) -> None:
    assert set(ids(all_rows(page, q=query))) == expected(keeps)


def test_a_search_and_filters_are_both(page: TestClient) -> None:
    found = all_rows(page, q="digits", domain="math", pass_rate_max=0.5, sort="chars")
    assert found
    assert set(ids(found)) == expected(
        lambda one: has("digits", one) and one["domain"] == "math" and one["pass_rate"] <= 0.5
    )


@pytest.mark.parametrize(
    "query",
    [
        *(
            '"',
            '""',
            "-",
            "*",
            "-digits",
            "a*",
            '" * "',
            "'; DROP TABLE texts;--",
            "^",
            "NEAR(a b)",
        ),
        *("\0", "x" * 500, "(" * 200, "é" * 100, "\u202e\u200f\ud7ff", "+:^{}[]", 'a "b c* -d'),
        *("--digits", "a " * 200, "日本語", "\\frac{1}{2}"),
    ],
)
def test_any_text_is_a_search_or_is_refused_with_a_sentence(page: TestClient, query: str) -> None:
    answer = page.get("/api/rows", params={"q": query})
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or "parameter q" in answer.json()["error"]


# ----------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "limit=-1", "limit=x", "limit=1e3", "limit=", "limit=٣"),
        *("offset=-1", "offset=9999999999999999999", "sort=text", "order=up", "marked=2"),
        *("pass_rate_min=nan", "tokens_max=inf", "chars_min=x", "tokens_min=5&tokens_max=4"),
        *("nothing=1", "sort=id&sort=chars", "limit=1&limit=2", "q=" + "x" * 501),
        *("domain=" + "x" * 1001, "&".join(f"domain={n}" for n in range(201)), "round_min=1"),
        *("chars_min=" + "9" * 400, "problem_id=p1"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_and_named(page: TestClient, query: str) -> None:
    answer = page.get(f"/api/rows?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]


@pytest.mark.parametrize(
    "query", ["caf\u00e9s", "cafe\u0301s", "cafes", '"a cafe\u0301s"', "cafe\u0301*"]
)
def test_accents_do_not_matter_however_they_are_written(tmp_path: Path, query: str) -> None:
    some = made_rows(3)
    for row, word in zip(some, ("caf\u00e9s", "cafe\u0301s", "coffee"), strict=True):
        row["messages"][1]["content"] = f"It is a {word}."
    machine = write_data(tmp_path / "set", some)
    with client(opened(str(tmp_path / "set"), tmp_path, machine), tmp_path / "m.jsonl") as page:
        assert rows(page, q=query)[0] == 2
