"""factory.overlap.near: clusters against comparing each with each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from factory.overlap.minhash import bands_and_rows
from factory.overlap.near import Pairs, find_clusters, pairs_within, sign
from factory.overlap.pairs import LARGE_BUCKET
from schemas.shard_settings import NearDuplicates
from tests.unit.overlap.texts_compared import clusters_of, no_pairs, runs_of, similarity

NEAR = NearDuplicates()


def made(words: int, seed: int) -> list[str]:
    drawn = random.Random(seed)
    return [f"w{drawn.randrange(10**6)}" for _ in range(words)]


def edited(words: list[str], edits: int, seed: int) -> str:
    drawn = random.Random(seed)
    copy = list(words)
    for place in drawn.sample(range(len(copy)), edits):
        copy[place] = f"v{drawn.random()}"
    return " ".join(copy)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.97, 0.999])
def test_bands_find_a_pair_at_the_threshold_997_times_in_1000(threshold: float) -> None:
    bands, rows = bands_and_rows(threshold)
    assert bands * rows <= 256
    assert 1 - (1 - threshold**rows) ** bands >= 0.997


def test_at_08_there_are_32_bands_of_8() -> None:
    assert bands_and_rows(0.8) == (32, 8)


def test_a_cluster_has_the_label_of_its_first_row_and_the_highest_similarity(
    tmp_path: Path,
) -> None:
    words = made(100, seed=1)
    texts = [" ".join(made(100, seed=2)), " ".join(words), edited(words, 2, 3), edited(words, 1, 4)]
    clusters = clusters_of(texts, tmp_path)
    runs = [runs_of(text, 5) for text in texts]
    assert clusters.label.tolist() == [-1, 1, 1, 1]
    assert np.isnan(clusters.similarity[0])
    for row in (1, 2, 3):
        best = max(similarity(runs[row], runs[other]) for other in (1, 2, 3) if other != row)
        assert clusters.similarity[row] == pytest.approx(best)


def test_clusters_are_connected_components(tmp_path: Path) -> None:
    words = made(200, seed=1)
    chain = [words]
    for step in range(6):
        later = list(chain[-1])
        later[20 * step] = f"step{step}"
        later[20 * step + 10] = f"also{step}"
        chain.append(later)
    texts = [" ".join(one) for one in chain]
    assert similarity(runs_of(texts[0], 5), runs_of(texts[-1], 5)) < 0.8
    assert clusters_of(texts, tmp_path).label.tolist() == [0] * 7


def test_a_pair_below_the_threshold_stays_apart(tmp_path: Path) -> None:
    words = made(100, seed=1)
    texts = [" ".join(words), edited(words, 2, 5), edited(words, 3, 6)]
    runs = [runs_of(text, 5) for text in texts]
    found = clusters_of(texts, tmp_path, near=NearDuplicates(threshold=0.6)).similarity[0]
    assert found == max(similarity(runs[0], runs[other]) for other in (1, 2))
    near = NearDuplicates(threshold=float(found))
    assert clusters_of(texts, tmp_path, near=near).label[0] == 0
    nearer = NearDuplicates(threshold=float(np.nextafter(found, 1)))
    assert clusters_of(texts, tmp_path, near=nearer).label[0] == -1


def test_texts_without_words_are_near_nothing(tmp_path: Path) -> None:
    assert clusters_of(["", " ", "a", "A"], tmp_path).label.tolist() == [-1, -1, 2, 2]
    assert clusters_of([], tmp_path).label.tolist() == []


def test_rows_of_one_group_are_near_only_where_they_were_found(tmp_path: Path) -> None:
    words = made(100, seed=1)
    texts = [edited(words, 1, seed) for seed in range(4)]
    apart = clusters_of(texts, tmp_path, groups=[7, 7, 7, 7])
    assert apart.label.tolist() == [-1] * 4
    pair = Pairs(np.array([1]), np.array([3]), np.array([0.9]))
    found = clusters_of(texts, tmp_path, groups=[7, 7, 7, 7], found=pair)
    assert found.label.tolist() == [-1, 1, -1, 1]
    assert found.similarity[[1, 3]].tolist() == [0.9, 0.9]
    across = clusters_of(texts, tmp_path, groups=[7, 7, 8, 7])
    assert across.label.tolist() == [0, 0, 0, 0]


def test_equal_sets_of_several_groups_are_one_cluster_and_still_near_others(
    tmp_path: Path,
) -> None:
    words = made(100, seed=1)
    texts = [" ".join(words), " ".join(words).upper(), edited(words, 1, 2)]
    clusters = clusters_of(texts, tmp_path, groups=[1, 2, 1])
    assert clusters.label.tolist() == [0, 0, 0]
    assert clusters.similarity[:2].tolist() == [1.0, 1.0]
    assert 0.8 < clusters.similarity[2] < 1


def test_large_buckets_of_like_texts_are_one_cluster(tmp_path: Path) -> None:
    words = made(150, seed=1)
    count = 2 * LARGE_BUCKET
    texts = [edited(words, 1, seed) for seed in range(count)] + [" ".join(words)] * 3
    clusters = clusters_of(texts, tmp_path)
    assert set(clusters.label.tolist()) == {0}
    assert clusters.similarity[-3:].tolist() == [1.0] * 3
    assert clusters.similarity.min() >= 0.8


def test_large_buckets_of_texts_that_share_a_template_stay_apart(tmp_path: Path) -> None:
    template = made(160, seed=1)
    texts = [" ".join([*template, *made(50, seed)]) for seed in range(2 * LARGE_BUCKET)]
    assert similarity(runs_of(texts[0], 5), runs_of(texts[1], 5)) < 0.8
    twins = [7, 300]
    texts += [texts[twin] + " end" for twin in twins]
    clusters = clusters_of(texts, tmp_path)
    together = np.flatnonzero(clusters.label >= 0).tolist()
    assert together == [7, 300, 2 * LARGE_BUCKET, 2 * LARGE_BUCKET + 1]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(1, 5), st.data())
@settings(max_examples=60, deadline=None)
def test_pairs_within_groups_are_all_that_comparing_each_with_each_finds(
    groups: list[int], size: int, data: st.DataObject
) -> None:
    texts = [data.draw(st.text("abc ", max_size=12)) for _ in groups]
    near = NearDuplicates(threshold=0.5, words=size)
    given_groups = np.array(groups, np.int64) - 1
    pairs = pairs_within(pa.array(texts), given_groups, near)
    runs = [runs_of(text, size) for text in texts]
    expected = {
        (one, other): similarity(runs[one], runs[other])
        for one in range(len(texts))
        for other in range(one + 1, len(texts))
        if groups[one] == groups[other] > 0 and similarity(runs[one], runs[other]) >= 0.5
    }
    found = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    assert dict(zip(found, pairs.similarity.tolist(), strict=True)) == pytest.approx(expected)
    assert list(zip(pairs.first, pairs.second, strict=True)) == sorted(expected)


def test_many_pairs_in_one_group_are_all_given() -> None:
    pairs = pairs_within(pa.array(["a b c"] * 400), np.zeros(400, np.int64), NEAR)
    assert len(pairs.first) == 400 * 399 // 2
    assert set(pairs.similarity.tolist()) == {1.0}


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_how_texts_are_read_changes_nothing(tmp_path: Path, batch: int) -> None:
    texts = [edited(made(80, seed % 20), seed % 4, seed) for seed in range(100)]
    expected = clusters_of(texts, tmp_path)
    clusters = clusters_of(texts, tmp_path, batch=batch)
    assert np.array_equal(clusters.label, expected.label)
    assert np.array_equal(clusters.similarity, expected.similarity, equal_nan=True)


def test_the_scratch_folder_is_empty_afterwards_also_after_a_failure(tmp_path: Path) -> None:
    texts = pa.array(["one and the same text of words"] * 3)

    def read(rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
        yield rows[:1], texts.take(pa.array(rows[:1]))
        raise OSError("gone")

    clusters_of(texts.to_pylist(), tmp_path)
    with pytest.raises(OSError, match="gone"):
        find_clusters(
            sign(texts, NEAR),
            groups=np.full(3, -1, np.int64),
            found=no_pairs(),
            near=NEAR,
            read=read,
            scratch=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []
