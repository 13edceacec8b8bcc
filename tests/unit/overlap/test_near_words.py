"""factory.overlap.words and runs: the same words as the plain definition, whatever the bytes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.overlap.letters import letters
from factory.overlap.near import sign
from factory.overlap.spill import shingles_of
from factory.overlap.words import LOOSE, SPACE
from schemas.shard_settings import NearDuplicates
from tests.unit.overlap.texts_compared import runs_of, words_of

NEAR = NearDuplicates()
TEXTS = st.lists(
    st.text(st.sampled_from("ab Z\n\t\u00a0\u2003é\u0301KİßДя漢字かア😀\0\x1c\x7f."), max_size=40)
    | st.text(max_size=30)
    | st.lists(st.text("abcXYZé", min_size=6, max_size=20), max_size=8).map(" ".join),
    min_size=1,
    max_size=6,
)


def sets_of(texts: pa.Array | pa.ChunkedArray, words: int) -> list[set[int]]:
    hashes, offsets = shingles_of(texts, words)
    return [set(hashes[begin:end].tolist()) for begin, end in pairwise(offsets)]


@given(TEXTS, st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_texts_share_as_many_hashes_as_they_share_runs_of_words(
    texts: list[str], words: int
) -> None:
    hashes = sets_of(pa.array(texts), words)
    runs = [runs_of(text, words) for text in texts]
    for one in range(len(texts)):
        for other in range(len(texts)):
            assert len(hashes[one] & hashes[other]) == len(runs[one] & runs[other])


@pytest.mark.parametrize("space", [chr(code) for code in range(0x3001) if chr(code).isspace()])
def test_every_white_space_divides_words(space: str) -> None:
    one, other = sets_of(pa.array([f"ab{space}cd{space}{space}ef", "ab cd ef"]), 1)
    assert one == other
    assert len(one) == 3


def test_no_other_character_below_128_divides_words() -> None:
    inside = [chr(code) for code in range(128) if not chr(code).isspace()]
    assert [len(one) for one in sets_of(pa.array([f"a{one}b" for one in inside]), 1)] == [1] * len(
        inside
    )


def test_every_letter_that_has_a_lower_case_of_one_character_is_folded() -> None:
    upper = [
        chr(code)
        for code in range(0x20000)
        if not 0xD800 <= code < 0xE000
        and len(chr(code).lower()) == 1
        and chr(code).lower() != chr(code)
        and words_of(chr(code)) == [chr(code).lower()]
    ]
    assert len(upper) > 1300
    folded = sets_of(pa.array([f"x{one}y {one}" for one in upper]), 2)
    lower = sets_of(pa.array([f"x{one.lower()}y {one.lower()}" for one in upper]), 2)
    assert folded == lower


def test_the_table_knows_every_character_that_form_nfc_may_change() -> None:
    table = letters()
    assert table[ord("\u0301")] & LOOSE
    assert table[0x1161] & LOOSE  # a vowel that joins the letter before it
    assert table[0x212B] & LOOSE  # the sign of Ångström
    assert not table[ord("é")] & LOOSE
    assert table[0x3000] & SPACE


def test_texts_that_differ_in_their_unicode_form_alone_are_the_same() -> None:
    composed, decomposed = sign(
        pa.array(["le café est fermé", "le cafe\u0301 est ferme\u0301"]), NEAR
    )
    assert np.array_equal(composed, decomposed)


def test_a_word_of_any_length_is_hashed_whole() -> None:
    texts = ["a" * length for length in range(1, 200)]
    texts += ["é" + "a" * length for length in range(1, 100)]
    texts += ["a" * length + "é" for length in range(1, 100)]
    assert len(set().union(*sets_of(pa.array(texts), 1))) == len(texts)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_keys_depend_on_the_text_and_not_on_how_arrow_holds_it(kind: pa.DataType) -> None:
    texts = [f"the {number}th text of many words, é 漢字 {'x' * number}" for number in range(50)]
    expected = sign(pa.array(texts), NEAR)
    array = pa.array(["before", *texts, "after"], pa.string()).cast(kind)
    sliced = array.slice(1, 50)
    assert np.array_equal(sign(sliced, NEAR), expected)
    chunked = pa.chunked_array([sliced.slice(0, 7), sliced.slice(7, 0), sliced.slice(7)])
    assert np.array_equal(sign(chunked, NEAR), expected)
    assert np.array_equal(sign(pa.array(texts).dictionary_encode(), NEAR), expected)


def test_texts_larger_than_a_piece_are_signed_like_small_ones() -> None:
    long = " ".join(f"word{number}" for number in range(300_000))
    alone = sign(pa.array([long]), NEAR)
    assert np.array_equal(sign(pa.array(["a b", long, "c d"] * 2), NEAR)[[1, 4]], [*alone, *alone])


def test_a_text_without_words_has_no_keys() -> None:
    keys = sign(pa.array(["", " \n\u3000", None, "."]), NEAR)
    assert keys.any(axis=1).tolist() == [False, False, False, True]
    assert sign(pa.array([], pa.string()), NEAR).shape == (0, 32)
    assert sign(pa.chunked_array([], pa.string()), NEAR).shape == (0, 32)


def test_keys_are_the_same_on_every_machine() -> None:
    keys = sign(pa.array(["So 3 + 4 = 7, and the answer is \\boxed{7}.", "漢字 and café"]), NEAR)
    assert [hex(key) for key in keys[:, 0]] == [
        "0x39536e4ba423c79c",
        "0xca5016247ff6f42d",
    ]


def test_text_without_spaces_has_words() -> None:
    one, two = sets_of(pa.array(["世界は広いですね", "世 界 は 広 い で す ね"]), 3)
    assert one == two
    assert len(one) == 6
    assert len(sets_of(pa.array(["안녕하세요 여러분"]), 1)[0]) == 2
