"""The explorer as a person uses it: rows, filters, a problem, links, marks."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import Look, serving

PROBLEM = f"/problem?id={quote('math/good')}"


def total(page: Page) -> int:
    """The number of rows that the list says it found."""
    page.wait_for_selector("[aria-busy]", state="detached")
    return int((page.locator(".total b").text_content() or "").replace(",", ""))


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_list_shows_every_row_with_its_verdict_and_its_fate(look: Look) -> None:
    page = look.page()
    assert total(page) == page.locator("tbody tr").count()
    first = page.locator("tbody tr").first
    expect(first.locator(".badge")).to_contain_text("correct")
    expect(first.locator(".fate")).to_have_text("kept")
    assert page.title().endswith("Retort explorer")


def test_a_filter_narrows_the_rows_and_stands_in_the_address_and_back_takes_it_off(
    look: Look,
) -> None:
    page = look.page()
    everything = total(page)
    page.locator("[data-facet=verdict] label", has_text="truncated").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert query(page) == {"verdict": ["truncated"]}
    page.locator("[data-facet=verdict] label", has_text="error").first.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".chip")).to_have_count(2)
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator(".chip").click()
    expect(page.locator("tbody tr")).to_have_count(everything)
    assert query(page) == {}


def test_a_range_and_an_order_stand_in_the_address_and_hold(look: Look) -> None:
    page = look.page()
    page.get_by_label("Characters, at least").fill("900000")
    page.get_by_label("Characters, at least").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("th button", has_text="Characters").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
    other = look.page(urlsplit(page.url).path + "?" + urlsplit(page.url).query)
    expect(other.locator("tbody tr")).to_have_count(2)
    expect(other.get_by_label("Characters, at least")).to_have_value("900000")
    lengths = other.locator("tbody td:last-child").all_text_contents()
    assert lengths == sorted(lengths, reverse=True)


def test_no_row_is_said_and_not_shown_as_an_empty_page(look: Look) -> None:
    page = look.page("/?domain=code&verdict=truncated")
    expect(page.locator(".empty")).to_contain_text("No row has all of these")
    assert total(page) == 0


def test_a_page_beyond_the_last_row_and_a_bound_that_is_none_are_said(look: Look) -> None:
    page = look.page("/?offset=5000")
    expect(page.locator(".empty")).to_contain_text("The rows end before this page")
    expect(page.locator(".pager")).to_have_text("← BeforeNext →")
    page = look.page("/?tokens_min=many")
    expect(page.get_by_role("alert")).to_contain_text("tokens_min")
    expect(page.locator(".total")).not_to_contain_text("null")


def test_a_search_finds_words_of_traces_and_stands_in_the_address(look: Look) -> None:
    page = look.page()
    everything = total(page)
    page.keyboard.press("/")
    page.keyboard.type("haystack")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert query(page) == {"q": ["haystack"]}
    other = look.page("/?q=haystack")
    expect(other.locator("#words")).to_have_value("haystack")
    expect(other.locator("tbody .badge")).to_contain_text("incorrect")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(everything)
    expect(page.locator("#words")).to_have_value("")


def test_a_search_asked_for_while_the_index_is_built_is_answered_when_it_is(
    look: Look, tmp_path: Path
) -> None:
    with serving(tmp_path) as other:
        look.served = other
        page = look.page("/?q=haystack")
        expect(page.locator("tbody tr")).to_have_count(1, timeout=30_000)
        expect(page.locator("#list .message")).to_be_hidden()
        expect(page.locator("#index")).to_be_empty()
        page.close()


def test_a_problem_shows_all_candidates_with_the_evidence_of_their_verdicts(look: Look) -> None:
    page = look.page()
    page.locator("tbody a.open", has_text="mathematics problem").first.click()
    expect(page.locator(".candidate")).to_have_count(3)
    assert query(page)["id"] == ["math/good"]
    wrong = page.locator(".candidate").nth(1)
    expect(wrong.locator(".badge")).to_contain_text("incorrect")
    expect(wrong.locator(".evidence")).to_contain_text("rational")
    expect(wrong.locator(".evidence")).to_contain_text("5 is not 4")
    wrong.locator(".way summary").click()
    expect(wrong.locator(".journey")).to_contain_text("requested in round 1")
    expect(wrong.locator(".journey")).to_contain_text("incorrect")
    never = page.locator(".candidate").nth(2)
    expect(never).to_contain_text("never closed")
    page.go_back()
    expect(page.locator("#list")).to_be_visible()


def test_mathematics_is_rendered_in_statement_answer_and_trace(look: Look) -> None:
    page = look.page(PROBLEM)
    expect(page.locator(".statement .katex")).to_have_count(2)
    expect(page.locator(".statement .katex-display")).to_have_count(1)
    first = page.locator(".candidate").first
    expect(first.locator(".body .katex .boxpad")).to_have_count(1)
    assert "$" not in (page.locator(".statement").inner_text())


def test_a_trace_is_folded_with_its_length_and_unfolds(look: Look) -> None:
    page = look.page(PROBLEM)
    trace = page.locator(".candidate").nth(1).locator(".trace")
    expect(trace.locator("summary")).to_contain_text("8 characters")
    expect(trace.get_by_text("haystack")).to_have_count(0)
    trace.locator("summary").click()
    expect(trace.get_by_text("haystack")).to_be_visible()


def test_raw_shows_the_text_as_it_is_stored(look: Look) -> None:
    page = look.page(PROBLEM)
    first = page.locator(".candidate").first
    first.get_by_role("button", name="Raw").click()
    expect(first.locator(".text").last).to_have_text("\\(\\boxed{4}\\)")
    first.get_by_role("button", name="Raw").click()
    expect(first.locator(".body .katex .boxpad")).to_have_count(1)


def test_code_is_highlighted_and_the_failing_case_is_shown(look: Look) -> None:
    page = look.page(f"/problem?id={quote('code/four')}")
    candidate = page.locator(".candidate")
    expect(candidate.locator(".body .hljs-keyword").first).to_have_text("def")
    expect(candidate.locator(".evidence .hljs-title").first).to_have_text("four")
    expect(candidate.locator(".evidence")).to_contain_text("1 of 3 passed")
    expect(candidate.locator(".evidence")).to_contain_text("case 2: expected 5, found 4")


def test_a_shared_link_opens_the_same_candidate_in_another_page(look: Look) -> None:
    page = look.page(PROBLEM)
    page.locator(".candidate").nth(1).get_by_role("link", name="Link").click()
    page.get_by_role("button", name="One", exact=True).click()
    assert query(page) == {"id": ["math/good"], "candidate": ["math/good-1"], "columns": ["one"]}
    other = look.page("/problem?" + urlsplit(page.url).query)
    expect(other.locator(".candidate.chosen")).to_have_attribute("data-candidate", "math/good-1")
    expect(other.locator(".columns")).to_have_attribute("data-columns", "one")
    expect(other.locator(".candidate.chosen h3")).to_be_in_viewport()


def test_an_unknown_problem_is_said(look: Look) -> None:
    page = look.page("/problem?id=nowhere")
    expect(page.locator("#problem .message")).to_contain_text("nowhere")


def test_a_mark_with_its_note_is_in_the_file_and_in_the_list_and_can_be_taken_away(
    look: Look,
) -> None:
    page = look.page(PROBLEM)
    page.locator(".candidate").nth(1).get_by_role("button", name="Mark").click()
    page.get_by_label("Note").fill("look <b>again</b>")
    page.get_by_label("Note").press("Enter")
    expect(page.locator("#marks-count")).to_have_text("1")
    (line,) = look.served.marks.read_text(encoding="utf-8").splitlines()
    saved = json.loads(line)
    assert saved["candidate_id"] == "math/good-1"
    assert saved["note"] == "look <b>again</b>"
    page.get_by_role("button", name="Marks").click()
    expect(page.locator(".marks .note")).to_have_text("look <b>again</b>")
    page.get_by_role("link", name="Show them as rows").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("m")
    expect(page.get_by_label("Note")).to_have_value("look <b>again</b>")
    page.get_by_role("button", name="Take the mark away").click()
    expect(page.locator("#marks-count")).to_have_text("0")
    assert look.served.marks.read_text(encoding="utf-8").strip() == ""


def test_the_keyboard_alone_reaches_a_candidate_and_comes_back(look: Look) -> None:
    page = look.page("/?source=words&sort=chars&order=asc")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tbody tr").first.locator("a.open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".candidate.chosen")).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator(".candidate.chosen .trace .body")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#list")).to_be_visible()
    assert query(page)["source"] == ["words"]
    expect(page.locator("tbody tr").first.locator("a.open")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("File of marks")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()


def test_it_fits_a_telephone(look: Look) -> None:
    page = look.page()
    page.set_viewport_size({"width": 390, "height": 800})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    expect(page.locator("#side")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#side")).to_be_visible()
    page.goto(look.served.address + PROBLEM)
    expect(page.locator(".candidate").first).to_be_visible()
    assert page.evaluate(wide) <= 0
