"""Rows that somebody wrote to do harm are shown, and do none."""

from __future__ import annotations

import time
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.hostile_rows import HOSTILE, MILLION, PWN

PROBLEM = f"/problem?id={quote(HOSTILE, safe='')}"
ANSWERS_S = 15.0
"""A page of which a script step takes longer has frozen."""


def answers(page: Page) -> float:
    """How long the page takes to answer while it works, the slowest of some, in seconds."""
    slowest = 0.0
    for _ in range(5):
        began = time.monotonic()
        page.evaluate("1 + 1")
        slowest = max(slowest, time.monotonic() - began)
        page.wait_for_timeout(40)
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
    for act in ("fill", "toggleTrace", "toggleRaw", "toggleRaw"):
        page.evaluate(
            "(act) => document.querySelectorAll('.candidate').forEach((one) => one[act]())", act
        )
        assert answers(page) < ANSWERS_S, act
    page.evaluate("document.querySelectorAll('.way').forEach((one) => (one.open = true))")
    assert answers(page) < ANSWERS_S
    expect(page.locator(".candidate").nth(2).locator(".math").first).to_be_attached()


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


def test_what_follows_a_trace_of_a_million_characters_can_be_read(look: Look) -> None:
    page = look.page(f"{PROBLEM}&candidate={quote(HOSTILE + '-2', safe='')}")
    column = page.locator(".candidate.chosen")
    expect(column.locator(".trace summary")).to_contain_text("of 1,001,")
    column.get_by_role("button", name="Read all").click()
    expect(column.locator(".text .hidden-character").first).to_have_text("U+202E")
    expect(column.locator(".trace summary")).to_have_text("Trace999,995 characters")
    assert answers(page) < ANSWERS_S


def test_invalid_mathematics_is_shown_as_its_source_and_valid_beside_it_is_rendered(
    look: Look,
) -> None:
    page = look.page(PROBLEM)
    statement = page.locator(".statement")
    expect(statement.locator(".math:not(.source) .katex").first).to_be_attached()
    expect(statement.locator(".math.source").first).to_have_text("\\(\\frac{1}{\\)")
    expect(statement).to_contain_text("$5 and $10")  # rendered in slices, this is behind
    tallest = """Math.max(...[...document.querySelectorAll(".katex *")]
        .map((one) => one.getBoundingClientRect().height))"""
    assert 100 < page.evaluate(tallest) < 400
    assert page.locator(".katex a, .katex img").count() == 0


def test_characters_that_turn_or_hide_text_are_named(look: Look) -> None:
    page = look.page(PROBLEM)
    statement = page.locator(".statement")
    names = statement.locator(".hidden-character").all_text_contents()
    assert {"U+202E", "U+202C", "U+2066", "U+2069", "U+200B", "U+0000", "U+0007"} <= {*names}
    assert any(name.endswith("combining marks") for name in names)
    raw = statement.text_content() or ""
    assert not any(one in raw for one in "\u202e\u2066\x00")


FORMULAS = {
    "It costs $5 and then $10 more.": [],
    "From $5-$10, or ($5)($6); \\$3 is $3.": [],
    "$x$ and $y^2$": ["x", "y^2"],
    "so $5$ is $\\frac{1}{2}$ of $10$": ["5", "\\frac{1}{2}", "10"],
    "\\(a\\) \\[b\\] $$c$$": ["a", "b", "c"],
    "open \\(a and \\[b and $$c": [],
    "\\begin{align} x &= 1 \\end{align}": ["\\begin{align} x &= 1 \\end{align}"],
    "a row \\\\[2pt] is no formula \\\\(x\\\\)": [],
    "$one\n\ntwo$": [],
    "$": [],
    "$$$$": [],
    "": [],
}


def test_formulas_are_found_and_money_is_none(look: Look) -> None:
    page = look.page()
    found = page.evaluate(
        """async (texts) => {
            const { piecesOf } = await import("/assets/prose.js");
            return texts.map((text) => {
                const pieces = piecesOf(text);
                const math = pieces.filter((one) => one.kind === "math").map((one) => one.text);
                return [pieces.map((one) => one.source ?? one.text).join(""), math];
            });
        }""",
        list(FORMULAS),
    )
    assert found == [[text, math] for text, math in FORMULAS.items()]


def test_a_text_that_is_nothing_but_openers_is_read_in_linear_time(look: Look) -> None:
    page = look.page()
    took_ms = page.evaluate(
        """async () => {
            const { blocksOf } = await import("/assets/prose.js");
            const began = performance.now();
            for (const one of ["\\\\[", "\\\\(", "$", "$ ", "$$ ", "```\\n", "\\\\begin{align}"]) {
                blocksOf(one.repeat(100_000 / one.length));
            }
            return performance.now() - began;
        }"""
    )
    assert took_ms < 20_000
