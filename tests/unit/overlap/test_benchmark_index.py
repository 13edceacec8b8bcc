"""Which item a text overlaps with: what is found, in which spelling, and what is not."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from factory.overlap.benchmark_index import BenchmarkIndex, Hit
from schemas.collect_settings import Overlap

STORY = (
    "A train leaves the old station at noon and travels north at sixty miles per hour, "
    "while a slower one leaves the harbour two hours later."
)
ADDED = "Your code should pass this test:"


def index(*items: str, grams: bool = True, overlap: Overlap | None = None) -> BenchmarkIndex:
    made = BenchmarkIndex(overlap or Overlap(), added=[ADDED])
    made.add("b", ((str(at), item) for at, item in enumerate(items)), grams=grams)
    return made


def found(item: str, text: str, *, grams: bool = True) -> Hit | None:
    return index(item, grams=grams).find([text])[0]


def test_the_evidence_names_benchmark_item_rule_and_the_words_of_the_text() -> None:
    text = "Say:\n\n" + STORY.replace("old station", "OLD\nStation")[:75] + " hours. How far?"
    (hit,) = index("something else", STORY).find([text])
    span = "A train leaves the OLD Station at noon and travels north at sixty"
    assert hit == Hit("b", "1", "words", span)


def test_thirteen_words_are_found_and_twelve_are_not() -> None:
    words = STORY.split()
    for first in range(len(words) - 13):
        there, short = words[first : first + 13], words[first : first + 12]
        hit = found(STORY, " ".join(["So", *there, "then"]))
        assert hit is not None and hit.span == " ".join(there)
        assert found(STORY, " ".join(["So", *short, "then"])) is None


def test_fewer_words_are_found_where_the_recipe_says_so() -> None:
    eight = " ".join(STORY.split()[4:12])
    assert index(STORY, overlap=Overlap(words=8)).find([f"so {eight} then"])[0] is not None
    assert found(STORY, f"so {eight} then") is None


@pytest.mark.parametrize(
    "spelled",
    [
        "TEN WELL-KNOWN BOYS DON'T PAY $1,000 FOR ONE O'CLOCK TEA AND HALF-EATEN CAKES",
        "ten wellknown boys dont pay 1000 for one oclock tea and halfeaten cakes",
        "ten well known boys don t pay 1 000 for one o clock tea and half eaten cakes",
        "ten well known boys dont pay $1000 for one o’clock tea, and half–eaten cakes",
        "**ten** _well-known_ boys; don’t «pay»\t1,000\nfor…one\u00a0o'clock tea & halfeaten cakes",
        "ten well-known boys, don't, pay, 1,000, for, one, o'clock, tea, and, half, eaten, cakes",
        "ｔｅｎ well\u00adknown boys don't pay １０００ for one o'clock tea and half‑eaten cakes",
    ],
)
def test_each_break_between_letters_may_be_spelled_in_a_way_of_its_own(spelled: str) -> None:
    item = "Why ten well-known boys don't pay $1,000 for one o'clock tea and half-eaten cakes?"
    hit = found(item, f"Tell me again: {spelled} (they said).")
    assert hit is not None and hit.rule in ("words", "whole")


def test_a_span_whose_words_are_partly_operators_is_found_with_its_operators() -> None:
    item = "Solve x + y = 3 and z - w = 5 for all numbers that you can find by hand."
    same = "so SOLVE: X + Y = 3, and\nz - w = 5 for!"
    assert found(item, same) is not None
    assert found(item, same.replace("+", "*")) is None
    assert found(item, same.replace("+", "")) is None


def test_numbers_that_are_divided_otherwise_are_other_numbers() -> None:
    item = "The pairs (1,1),(1,2),(1,3),(1,4),(1,5),(1,6),(1,7) are all that there are."
    assert found(item, "We list 11, 12, 13, 14, 15, 16, 17 and stop.") is None
    assert found(item, "We list 1 1, 1 2, 1 3, 1 4, 1 5, 1 6, 1 7 and stop.") is not None


@pytest.mark.parametrize(
    "text",
    [
        "First, compute the value of 2 + 3 now. Then rest.",
        "compute the\nvalue of 2+3, now",
        "COMPUTE THE VALUE OF **2+3** NOW = 5",
        "Compute the value of 2 + 3 now - quickly!",
    ],
)
def test_a_short_item_is_found_whole_with_its_operators(text: str) -> None:
    hit = found("Compute the value of $2+3$ now.", text)
    assert hit is not None and hit.rule == "whole"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("Compute the value of 2+3", "Compute the value of 2-3"),
        ("Compute the value of 2+3", "Compute the value of 2+3*4"),
        ("Compute the value of 2+3", "Compute the value of 2+3.5"),
        ("Compute the value of 2+3", "Compute the value of 2+35"),
        ("2+3 is what number of them", "So 4*2+3 is what number of them"),
        ("-3 + x equals what number now", "See 3 + x equals what number now"),
        ("Compute the value of 12 3", "Compute the value of 1 23"),
        ("Compute the value of 12.3", "Compute the value of 123"),
        ("Find what is x", "Well, find what is x and y"),
    ],
)
def test_a_short_item_is_not_found_in_another_expression(item: str, text: str) -> None:
    assert found(item, text) is None


def test_an_item_of_a_few_words_is_found_only_as_the_whole_text() -> None:
    hit = found("Find what is $x$", "find what is x?")
    assert hit == Hit("b", "0", "whole", "find what is x?")
    assert found("2-3", "2+3") is None and found("2 - 3?", "2-3") is not None
    assert found("?!", "?!") is None


def test_half_of_the_runs_of_eight_words_are_an_overlap_wherever_they_stand() -> None:
    words = STORY.split()
    pieces = [" ".join(words[:11]), " ".join(words[11:])]
    text = f"{pieces[0]} and then suddenly {pieces[1]}"
    assert index(STORY, overlap=Overlap(words=20)).find([text])[0] == Hit(
        "b", "0", "share", " ".join(words[11:])
    )
    all_of_it = Overlap(words=20, share=1.0)
    assert index(STORY, overlap=all_of_it).find([text])[0] is None
    assert found(STORY, " ".join(words[:9])) is None


def test_phrases_of_a_template_are_no_share_of_an_item() -> None:
    template = (
        "There are some {} on the table and each of them costs just {} coins today, friend {}"
    )
    items = [template.format(*"abc"), *(template.format(*"xyz") for _ in range(9))]
    text = "there are some q on the table and each of them costs just r coins today, friend"
    assert index(*items).find([text])[0] is None
    assert index(items[0], overlap=Overlap(share=0.15)).find([text])[0] is not None


def test_items_of_templates_are_found_only_as_a_whole() -> None:
    text = f"{STORY} And so on."
    assert found(STORY, text) is not None
    assert found(STORY, text, grams=False) is None
    assert found(STORY, STORY.upper(), grams=False) == Hit("b", "0", "whole", STORY.upper())
    assert found("sort 1 23", "sort 12 3", grams=False) is None


def test_sentences_that_adapters_add_are_no_overlap_and_hide_none() -> None:
    one, two = "Write a function to add numbers.", "assert f(1, 2) == 3 and more or less"
    item, text = f"{one}\n\n{ADDED}\n\n{two}", f"Do {ADDED} it."
    assert found(item, text) is None
    assert found(item, f"{one} {two}") is not None
    assert found(f"{one} {two}", f"{one.upper()} {ADDED} {two}") is not None


def test_han_and_kana_are_found_two_characters_a_word() -> None:
    item = (
        "甲乙两人从相距六十公里的两地同时出发相向而行甲每小时走五公里乙每小时走四公里几小时后相遇"
    )
    part = item[6:32]
    assert found(item, f"问题如下：{part}。请回答") is not None
    assert found(item, f"问题如下：{part[:20]}。请回答") is None


def test_what_it_does_not_claim_to_find() -> None:
    other_numbers = STORY.replace("sixty", "ninety").replace("noon", "dawn").replace("two", "six")
    assert found(STORY, other_numbers) is None
    translated = (
        "Ein Zug verlässt den alten Bahnhof am Mittag und fährt mit sechzig Meilen nach Norden"
    )
    assert found(STORY, translated) is None
    spread = " uh ".join(" ".join(STORY.split()[at : at + 6]) for at in range(0, 24, 6))
    assert found(STORY, spread) is None


def test_texts_may_come_in_any_form_of_arrow() -> None:
    made = index(STORY)
    texts = ["no", STORY, None, "é " + STORY]
    expected = [None, "whole", None, "words"]
    for array in (
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.chunked_array([texts[:2], texts[2:], []], pa.string()),
        pa.array(texts).dictionary_encode(),
        pa.array(["skipped", *texts])[1:],
    ):
        assert [hit and hit.rule for hit in made.find(array)] == expected
    assert made.find([]) == []
    assert BenchmarkIndex(Overlap()).find(["text"]) == [None]


def test_the_first_item_of_several_is_named_and_later_ones_can_be_added() -> None:
    made = index(STORY, STORY)
    assert made.find([STORY])[0] == Hit("b", "0", "whole", STORY)
    made.add("c", [("x", "Another short item of words")])
    assert [hit and hit.item for hit in made.find([STORY, "another short item of words!"])] == [
        "0",
        "x",
    ]
    assert len(made) == 3


def test_a_pickled_index_finds_the_same() -> None:
    made = index(STORY, "Compute the value of $2+3$ now.")
    texts = [f"x {STORY}", "compute the value of 2+3 now", "nothing"]
    assert pickle.loads(pickle.dumps(made)).find(texts) == made.find(texts)
