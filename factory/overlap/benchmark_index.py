"""Which item of a benchmark a text overlaps with, and the words of the text that say so.

Rules, asked in this order:

- `whole`: the text is an item; or a short item (fewer than `overlap.words` words, at least five)
  stands in it, operators included: `2-3` is not `2+3`, and `2 + 3 * 4` does not hold `2 + 3`.
- `words`: `overlap.words` successive words of an item stand in the text. A word is a run of
  letters and digits, or a run of no white space with a letter or digit in it, whichever the span
  has more of. Where operators alone must be counted to reach so many (`x + y = 3`), the span is
  found with them, if it has five words of letters and digits.
- `share`: `overlap.share` of an item's different runs of eight words stand in the text, of an
  item with at least five. A run that is in eight items or more is a phrase of a template and does
  not count.

Covered: any case; any Unicode form that NFKC makes equal; any white space and line wrapping;
punctuation that is added, deleted or changed between words or within them (`well-known`,
`wellknown`, `well known`; `1,000`, `1000`; `don't`, `dont`), each place for itself. A span that
needs its signs bears all that but a change of its operators. Of Chinese and Japanese, which have no
spaces, two characters count as a word.

Not covered: paraphrases, translations, the same problem with other numbers, words put in between
every few words, letters replaced by look-alikes of other scripts, accents left out, operators of a
short item or between signs written in another way (`\\times` for `*`), runs that are long enough
only if tokens of punctuation alone count as words, and scripts other than these two that put no
spaces between words (Thai, Khmer, Lao) but for whole items and their phrases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from factory.overlap import scan, spans
from factory.overlap.folding import characters, compared, folded_text
from factory.overlap.grams import plain_letters, scratch
from factory.overlap.span_table import Table, joined, span_table, taken
from factory.overlap.text_bytes import text_bytes
from schemas.collect_settings import Overlap

Rule = Literal["whole", "words", "share"]

_BATCH_BYTES: Final = 1 << 20
"""Of items whose stretches are made at a time; these take thirty times as much."""
_MOST_SPAN_CHARS: Final = 400
_HYPHEN: Final = re.compile(r"(?<=[^\W\d_]{2})-(?=[^\W\d_]{2})")
_WORD_OR_OPERATOR: Final = re.compile(r"[^\W_]+|[-+*/^=<>]")


@dataclass(frozen=True, slots=True)
class Hit:
    """One overlap of a text with an item."""

    benchmark: str
    item: str
    rule: Rule
    span: str
    """Words of the text as they stand there, one space between them; the middle of long ones is
    left out."""

    def evidence(self) -> str:
        """The hit as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


class BenchmarkIndex:
    """The items of benchmarks, ready to be asked which of them texts overlap with.

    It can be pickled, and then takes in no more items. The order in which they are added decides
    which of several is named.

    Args:
        added: Sentences that adapters add to statements; they are taken out of items and texts.
    """

    def __init__(self, overlap: Overlap, added: Sequence[str] = ()) -> None:
        self._overlap = overlap
        self._added = tuple(added)
        self._items: list[tuple[str, str, str]] = []
        self._texts = 0
        self._stretches: list[spans.Stretches] = []
        self._runs: list[spans.Runs] = []
        self._prefixes = np.zeros((2, len(spans.PREFIXES)), dtype=np.bool_)
        self._table: Table | None = None
        self._items += [("", "", "")] * len(self._added)
        self._take([folded_text(sentence) for sentence in self._added], spans.ADDED)

    def __len__(self) -> int:
        """Texts of items."""
        return len(self._items) - len(self._added)

    def __getstate__(self) -> dict[str, Any]:
        """What looking up needs: workers get no more."""
        if self._table is None and len(self):
            self._table = self._built()
        return self.__dict__ | {"_stretches": [], "_runs": []}

    def add(self, benchmark: str, items: Iterable[tuple[str, str]], *, grams: bool = True) -> None:
        """Take in items (id, text); an item with several texts comes once for each.

        Args:
            grams: Without it only a text that is an item as a whole is found. For procedural
                sets, whose items are filled templates: any two share long runs of words.
        """
        assert self._stretches or not self._texts, "it was pickled"
        rule = spans.WORDS if grams else spans.EQUAL
        waiting: list[str] = []
        waiting_bytes = 0
        for item, text in items:
            text = self._stripped(text)
            self._items.append((benchmark, item, text))
            waiting.append(folded_text(text))
            waiting_bytes += len(text)
            if waiting_bytes >= _BATCH_BYTES:
                self._take(waiting, rule)
                waiting, waiting_bytes = [], 0
        self._take(waiting, rule)
        self._table = None

    def find(self, texts: pa.Array | pa.ChunkedArray | Sequence[str]) -> list[Hit | None]:
        """The overlap of each text, None where there is none; a null is an empty text.

        Memory: about 32 bytes for each byte of the longest text.
        """
        given: Any = texts
        if not isinstance(texts, pa.Array | pa.ChunkedArray):
            given = pa.array(texts, pa.large_string())
        chunks: list[pa.Array] = given.chunks if isinstance(given, pa.ChunkedArray) else [given]
        return [hit for chunk in chunks for hit in self._of_chunk(chunk)]

    def _of_chunk(self, chunk: pa.Array) -> list[Hit | None]:
        hits: list[Hit | None] = [None] * len(chunk)
        found = self._scanned(chunk, ready=False, added=bool(self._added))
        rows = np.flatnonzero((found.equal != scan.NOTHING) | (found.stretch != scan.NOTHING))
        folded: dict[int, str] = {}
        stripped: dict[int, str] = {}
        for row in rows.tolist():
            text = chunk[row].as_py()
            if found.stretch[row] == scan.REFOLD:
                folded[row] = text
            elif found.stretch[row] == scan.STRIP:
                stripped[row] = self._stripped(text)
            else:
                hits[row] = self._hit(found, row, text, text)
        for texts, added in ((folded, bool(self._added)), (stripped, False)):
            forms = [folded_text(text) for text in texts.values()]
            found = self._scanned(pa.array(forms, pa.large_string()), ready=True, added=added)
            for place, (row, text) in enumerate(texts.items()):
                if found.stretch[place] == scan.STRIP:
                    stripped[row] = self._stripped(text)
                else:
                    hits[row] = self._hit(found, place, text, forms[place])
        return hits

    def _scanned(self, texts: pa.Array, *, ready: bool, added: bool) -> scan.Found:
        found = scan.no_findings(len(texts))
        if not len(texts) or not len(self):
            return found
        if self._table is None:
            self._table = self._built()
        data, offsets = text_bytes(texts)
        longest = int(np.diff(offsets).max())
        scan.scan_texts(
            *(data, offsets, characters(), plain_letters(), ready, added, self._table),
            *(self._overlap.share, scratch(longest), scratch(longest), found),
        )
        return found

    def _hit(self, found: scan.Found, row: int, text: str, form: str) -> Hit | None:
        """The hit of a text that was read as `form`."""
        assert self._table is not None
        stretches = self._table.stretches
        if (at := int(found.equal[row])) >= 0:
            whole, key = _whole(text), stretches.key[at]
            while at < len(stretches.key) and stretches.key[at] == key:
                benchmark, item, same = self._items[stretches.text[at]]
                if _whole(same) == whole:
                    return Hit(benchmark, item, "whole", _shortened(text.split()))
                at += 1
        at = int(found.stretch[row])
        if at == scan.NOTHING:
            return None
        benchmark, item, _ = self._items[found.text[row]]
        encoded = form.encode("utf-8")
        first = len(encoded[: found.first[row] + 1].decode("utf-8", "ignore").split()) - 1
        last = len(encoded[: found.last[row] + 1].decode("utf-8", "ignore").split())
        span = _shortened(text.split()[max(first, 0) : max(last, 1)])
        if at == scan.SHARE:
            return Hit(benchmark, item, "share", span)
        rule: Rule = "whole" if stretches.rule[at] == spans.WHOLE else "words"
        return Hit(benchmark, item, rule, span)

    def _take(self, texts: Sequence[str], rule: int) -> None:
        """Make the stretches of folded texts, the next ones by number."""
        if not texts:
            return
        data, offsets = text_bytes(pa.array(texts, pa.large_string()))
        size = 3 * int(offsets[-1]) // 2 + 5 * len(texts)
        out, runs = spans.no_stretches(size), spans.no_runs(size)
        counts = spans.item_stretches(
            *(data, offsets, characters(), self._overlap.words),
            *(np.full(len(texts), rule, np.int8), self._texts),
            *(scratch(int(np.diff(offsets).max())), out, runs, self._prefixes),
        )
        self._texts += len(texts)
        self._stretches.append(taken(out, np.arange(counts[0])))
        self._runs.append(taken(runs, np.arange(counts[1])))

    def _built(self) -> Table:
        self._stretches, self._runs = [joined(self._stretches)], [joined(self._runs)]
        return span_table(self._stretches[0], self._prefixes, self._runs[0], self._texts)

    def _stripped(self, text: str) -> str:
        for sentence in self._added:
            text = text.replace(sentence, " ")
        return text


def _whole(text: str) -> str:
    """The words and operators of a text: what is the same in two that are equal."""
    return " ".join(_WORD_OR_OPERATOR.findall(_HYPHEN.sub(" ", compared(text))))


def _shortened(words: list[str]) -> str:
    span = " ".join(words)
    half = _MOST_SPAN_CHARS // 2
    return span if len(span) <= _MOST_SPAN_CHARS else f"{span[:half]} … {span[-half:]}"
