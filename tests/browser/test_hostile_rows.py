"""Rows that somebody wrote to do harm are shown, and do none."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.hostile_rows import HOSTILE, MILLION, PWN

PROBLEM = f"/problem?id={quote(HOSTILE, safe='')}"
ANSWERS_S = 1.5
"""A page of which a script step takes longer has frozen."""


def answers(page: Page) -> float:
    """How long the page takes to answer while it works, the slowest of some."""
    slowest = 0.0
    for _ in range(8):
        began = time.monotonic()
        page.evaluate("1 + 1")
        slowest = max(slowest, time.monotonic() - began)
        page.wait_for_timeout(60)
    return slowest


def test_markup_in_rows_is_shown_as_its_characters(look: Look) -> None:
    page = look.page(f"/?source={quote(PWN)}")
    expect(page.locator("tbody tr")).to_have_count(6)
    expect(page.locator("tbody a.open").first).to_contain_text("<script>window.pwned=1</script>")
    expect(page.locator(".chip")).to_contain_text(PWN)
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("script").count() == 2
    page.locator("tbody a.open").first.click()
    expect(page.locator(".candidate")).to_have_count(6)
    expect(page.locator(".left .gold")).to_have_text(PWN)
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.locator("a[href^='javascript' i], [onerror], [onclick]").count() == 0


def test_every_text_of_a_hostile_problem_can_be_opened_and_the_page_answers(look: Look) -> None:
    page = look.page(PROBLEM)
    assert answers(page) < ANSWERS_S
    for n in range(6):
        column = page.locator(".candidate").nth(n)
        column.scroll_into_view_if_needed()
        if column.locator(".trace").count():
            column.locator(".trace summary").click()
        column.get_by_role("button", name="Raw").click()
        column.get_by_role("button", name="Raw").click()
        column.locator(".way summary").click()
        assert answers(page) < ANSWERS_S, f"candidate {n}"
    assert page.evaluate("window.pwned") is None


def test_a_million_characters_are_cut_and_shown_whole_when_asked(look: Look) -> None:
    page = look.page(f"{PROBLEM}&candidate={quote(HOSTILE + '-1', safe='')}")
    column = page.locator(".candidate.chosen")
    body = column.locator(".text .body").last
    assert len(body.text_content() or "") < MILLION / 10
    column.get_by_role("button", name="Show all 1,000,000 characters").click()
    expect(column.locator(".cut")).to_have_count(0)
    assert answers(page) < ANSWERS_S
    page.wait_for_function(
        "(n) => document.querySelector('.candidate.chosen > .text .body').textContent.length === n",
        arg=MILLION,
    )
    assert answers(page) < ANSWERS_S


def test_invalid_mathematics_is_shown_as_its_source_and_valid_beside_it_is_rendered(
    look: Look,
) -> None:
    page = look.page(PROBLEM)
    statement = page.locator(".statement")
    expect(statement.locator(".math:not(.source) .katex").first).to_be_attached()
    expect(statement.locator(".math.source").first).to_have_text("\\(\\frac{1}{\\)")
    assert "$5 and $10" in statement.inner_text()
    tallest = "Math.max(...[...document.querySelectorAll('.math')].map((one) => one.offsetHeight))"
    assert page.evaluate(tallest) < 2_000
    assert page.locator(".katex a, .katex img").count() == 0


def test_characters_that_turn_or_hide_text_are_named(look: Look) -> None:
    page = look.page(PROBLEM)
    statement = page.locator(".statement")
    names = statement.locator(".hidden-character").all_text_contents()
    assert {"U+202E", "U+202C", "U+2066", "U+2069", "U+200B", "U+0000", "U+0007"} <= {*names}
    assert any(name.endswith("combining marks") for name in names)
    raw = statement.text_content() or ""
    assert not any(one in raw for one in "\u202e\u2066\x00")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("It costs $5 and then $10 more.", []),
        ("From $5-$10, or ($5)($6); \\$3 is $3.", []),
        ("$x$ and $y^2$", ["x", "y^2"]),
        ("so $5$ is $\\frac{1}{2}$ of $10$", ["5", "\\frac{1}{2}", "10"]),
        ("\\(a\\) \\[b\\] $$c$$", ["a", "b", "c"]),
        ("open \\(a and \\[b and $$c", []),
        ("\\begin{align} x &= 1 \\end{align}", ["\\begin{align} x &= 1 \\end{align}"]),
        ("a row \\\\[2pt] is no formula \\\\(x\\\\)", []),
        ("$one\n\ntwo$", []),
        ("$", []),
        ("$$$$", []),
    ],
)
def test_formulas_are_found_and_money_is_none(look: Look, text: str, formulas: list[str]) -> None:
    page = look.page()
    found = page.evaluate(
        """async (text) => {
            const { piecesOf } = await import("/assets/prose.js");
            const pieces = piecesOf(text);
            const whole = pieces.map((piece) => piece.source ?? piece.text).join("");
            return { whole, math: pieces.filter((one) => one.kind === "math").map((one) => one.text) };
        }""",
        text,
    )
    assert found == {"whole": text, "math": formulas}
