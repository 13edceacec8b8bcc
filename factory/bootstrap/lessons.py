"""What the embedded models learn from: the procedural split `bootstrap`, traced, and drills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from factory.bootstrap.drills import code_drills, sum_drills
from factory.bootstrap.tokenizer import make_tokenizer, save_tokenizer
from factory.collect.procedural import VERSION, traced
from factory.digest import digest
from factory.parts import write_atomically
from factory.train.render import Renderer, load_tokenizer
from factory.train.tokens import tokens_made_from, write_tokens
from schemas.source_settings import ProceduralSource

Family = Literal["arithmetic", "python", "chat"]

_CHAT_PROBLEMS: Final = 3500
"""Nearly all that the split has; they are told again in another wording for more lessons."""
_TOKENIZER_PROBLEMS: Final = 3000


@dataclass(frozen=True)
class Syllabus:
    """How many lessons of each kind."""

    arithmetic: int
    python: int
    chat: int
    sum_drills: int
    code_drills: int

    def scaled(self, scale: float) -> Syllabus:
        """The same mixture, larger or smaller; at least one of each."""
        counts = asdict(self).items()
        return Syllabus(**{kind: max(1, round(count * scale)) for kind, count in counts})


def lessons(syllabus: Syllabus, seed: int) -> Iterator[tuple[str, str]]:
    """Prompts with a correct completion each, kind after kind."""
    yield from _lessons("arithmetic", syllabus.arithmetic, seed)
    yield from _lessons("python", syllabus.python, seed)
    left, again = syllabus.chat, 0
    while left:
        yield from _lessons("chat", min(left, _CHAT_PROBLEMS), seed + again)
        left, again = left - min(left, _CHAT_PROBLEMS), again + 1
    yield from sum_drills(syllabus.sum_drills, seed)
    yield from code_drills(syllabus.code_drills, seed)


def _lessons(family: Family, count: int, seed: int) -> Iterator[tuple[str, str]]:
    source = ProceduralSource(
        kind="procedural",
        name=f"bootstrap-{family}",
        family=family,
        split="bootstrap",
        count=count,
        seed=seed,
    )
    for problem, completion in traced(source):
        yield problem.statement, completion


def lessons_tokenizer(folder: Path, seed: int) -> Any:
    """The tokenizer, trained on some lessons; kept where it is already there and finished."""
    done = folder / "finished.json"
    if not done.is_file():
        count = _TOKENIZER_PROBLEMS
        texts = [
            text
            for lesson in lessons(Syllabus(count, count, count, count // 10, count // 10), seed)
            for text in lesson
        ]
        save_tokenizer(make_tokenizer(texts), folder)
        write_atomically(done, b"{}\n")
    return load_tokenizer(str(folder))


def write_lessons(path: Path, syllabus: Syllabus, tokenizer: Any, seed: int) -> int:
    """The token file of a syllabus, kept where it is already there; returns its documents."""
    made_from = digest([VERSION, asdict(syllabus), seed, tokenizer.get_vocab()])
    beside = path.with_suffix(".json")
    if tokens_made_from(path) == made_from and beside.is_file():
        return int(json.loads(beside.read_text(encoding="utf-8")))
    renderer = Renderer(tokenizer)
    rows = list(lessons(syllabus, seed))
    documents = renderer.documents(
        [f"lesson {number}" for number in range(len(rows))],
        [
            [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
            for prompt, completion in rows
        ],
    )
    write_tokens(path, documents, made_from=made_from)
    write_atomically(beside, str(len(documents)).encode())
    return len(documents)
