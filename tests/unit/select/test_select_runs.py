"""The quick signs of repetition never miss what the rules would find; sketches tell likeness."""

from __future__ import annotations

import random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.select.loops import loop_in, passage_in
from factory.select.runs import least_hashes, may_repeat
from factory.select.sketches import VALUES, least_alike, sketches_of

SPACES = st.sampled_from([" ", "\n", "\u00a0", "\u3000", " \u2003\n", "\x1f"])
WORDS = st.sampled_from(["so", "then", "x=2", "四", "1", "22", "\\frac12", "ä", "…", "\x01"])


@st.composite
def repeating(draw: st.DrawFn) -> str:
    """A block of words again and again, perhaps counting, with or without text between."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    space = draw(SPACES)
    block = draw(st.lists(WORDS, min_size=1, max_size=70))
    times = draw(st.integers(1, 60))
    counts = draw(st.booleans())
    between = draw(st.integers(0, 30))
    pieces: list[str] = [f"b{rng.random()}" for _ in range(draw(st.integers(0, 40)))]
    for number in range(times):
        pieces += [f"n{100 + number}"] * counts + block
        pieces += [f"w{rng.random()}" for _ in range(between)]
    return space.join(pieces)


@settings(max_examples=200, deadline=None)
@given(repeating())
def test_a_text_without_a_sign_has_neither_loop_nor_passage(text: str) -> None:
    if not may_repeat(pa.array([text], pa.large_string()))[0]:
        assert loop_in(text) is None
        assert passage_in(text) is None


def test_plain_texts_have_no_sign_and_long_runs_without_a_space_have() -> None:
    rng = random.Random(1)
    plain = " ".join(str(rng.randrange(10**6)) + "abcdefgh"[rng.randrange(8)] for _ in range(500))
    texts = ["", " ", "one two", plain, "哈" * 400, "so we get four " * 15]
    for kind in (pa.string(), pa.large_string()):
        found = may_repeat(pa.chunked_array([pa.array(texts[:2], kind), pa.array(texts[2:], kind)]))
        assert found.tolist() == [False, False, False, False, True, True]
    assert may_repeat(pa.array(texts, pa.large_string()).slice(3)).tolist() == [False, True, True]


def test_equal_hashes_estimate_the_jaccard_index_of_word_runs() -> None:
    rng = random.Random(2)
    vocabulary = [f"word{number}" for number in range(5000)]
    for shared in (0.0, 0.5, 0.9):
        words = rng.choices(vocabulary, k=2000)
        cut = round(len(words) * shared)
        other = words[:cut] + rng.choices(vocabulary, k=len(words) - cut)
        runs = [{tuple(one[n : n + 5]) for n in range(len(one) - 4)} for one in (words, other)]
        truth = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
        signed = least_hashes(pa.array([" ".join(words), "  ".join(other)]), words=5, values=1024)
        assert abs((signed[0] == signed[1]).mean() - truth) < 0.06


def test_the_least_alike_are_kept_from_the_first_on() -> None:
    texts = [" ".join(f"{kind}{number}" for number in range(50)) for kind in "aabbcc"]
    sketches = sketches_of(pa.array(texts))
    assert {len(one) for one in sketches} == {2 * VALUES}
    assert least_alike(sketches, 3) == [0, 2, 4]
    assert least_alike(sketches, 99)[:3] == [0, 2, 4]
    assert sorted(least_alike(sketches, 99)) == list(range(6))
